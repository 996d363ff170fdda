package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// EventType is an entry of a catalogue: what a type of event means.
type EventType struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Schema      json.RawMessage `json:"schema"`  // JSON Schema of the data; null for none
	Example     json.RawMessage `json:"example"` // an example of the data; null for none
	// Catalogue is the catalogue that it is in. Only operators may set it; "" is that of the tenant.
	Catalogue string    `json:"catalogue"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// EventTypeQuery chooses event types of a catalogue.
type EventTypeQuery struct {
	PageQuery
	// Catalogue is for operators; "" is that of the tenant.
	Catalogue string
}

func (q EventTypeQuery) values() url.Values {
	values := q.PageQuery.values()
	if q.Catalogue != "" {
		values.Set("catalogue", q.Catalogue)
	}
	return values
}

// EventTypes gets a page of a catalogue, by name.
func (c *Client) EventTypes(ctx context.Context, query EventTypeQuery) (Page[EventType], error) {
	return list[EventType](ctx, c, "/v1/event-types", query.values())
}

// AllEventTypes walks over a catalogue.
func (c *Client) AllEventTypes(ctx context.Context, query EventTypeQuery) iter.Seq2[EventType, error] {
	return all[EventType](ctx, c, "/v1/event-types", query.values())
}

// EventType gets one entry of a catalogue; "" is that of the tenant.
func (c *Client) EventType(ctx context.Context, catalogue, name string) (EventType, error) {
	return get[EventType](ctx, c, eventTypePath(name), EventTypeQuery{Catalogue: catalogue}.values())
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
	err := c.do(ctx, call{method: http.MethodPut, path: eventTypePath(eventType.Name), query: EventTypeQuery{Catalogue: eventType.Catalogue}.values(), body: body, repeat: true}, &put)
	return put, err
}

// DeleteEventType removes an entry from a catalogue; "" is that of the tenant.
func (c *Client) DeleteEventType(ctx context.Context, catalogue, name string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: eventTypePath(name), query: EventTypeQuery{Catalogue: catalogue}.values()}, nil)
}

func eventTypePath(name string) string { return "/v1/event-types/" + url.PathEscape(name) }

// Catalogues gets a page of the names of the catalogues that have event types.
func (c *Client) Catalogues(ctx context.Context, query PageQuery) (Page[Catalogue], error) {
	return list[Catalogue](ctx, c, "/v1/catalogues", query.values())
}

// Catalogue is a set of event types that tenants share.
type Catalogue struct {
	Name string `json:"name"`
}
