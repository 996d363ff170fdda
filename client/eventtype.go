package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// EventType is an entry of the catalogue: what a type of event means.
type EventType struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Schema      json.RawMessage `json:"schema"`  // JSON Schema of the data; null for none
	Example     json.RawMessage `json:"example"` // an example of the data; null for none
	CreatedAt   time.Time       `json:"created_at"`
	UpdatedAt   time.Time       `json:"updated_at"`
}

// EventTypes gets a page of the catalogue, by name.
func (c *Client) EventTypes(ctx context.Context, query PageQuery) (Page[EventType], error) {
	return list[EventType](ctx, c, "/v1/event-types", query.values())
}

// AllEventTypes walks over the catalogue.
func (c *Client) AllEventTypes(ctx context.Context, query PageQuery) iter.Seq2[EventType, error] {
	return all[EventType](ctx, c, "/v1/event-types", query.values())
}

// EventType gets one entry of the catalogue.
func (c *Client) EventType(ctx context.Context, name string) (EventType, error) {
	return get[EventType](ctx, c, eventTypePath(name), nil)
}

// PutEventType adds an entry or replaces it; its Name says which, and its times
// are not looked at.
func (c *Client) PutEventType(ctx context.Context, eventType EventType) (EventType, error) {
	body := struct {
		Description string          `json:"description,omitempty"`
		Schema      json.RawMessage `json:"schema,omitempty"`
		Example     json.RawMessage `json:"example,omitempty"`
	}{eventType.Description, eventType.Schema, eventType.Example}
	var put EventType
	err := c.do(ctx, call{method: http.MethodPut, path: eventTypePath(eventType.Name), body: body, repeat: true}, &put)
	return put, err
}

// DeleteEventType takes an entry out of the catalogue.
func (c *Client) DeleteEventType(ctx context.Context, name string) error {
	return c.remove(ctx, eventTypePath(name))
}

func eventTypePath(name string) string { return "/v1/event-types/" + url.PathEscape(name) }
