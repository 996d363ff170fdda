package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// NewEvent is an event to publish.
type NewEvent struct {
	// Type is what happened, such as task.created.
	Type string
	// ID is the event's name, unique in its tenant; publishing it again with the
	// same content does nothing more. "" lets the server choose one.
	ID string
	// Subject is what it happened to; optional.
	Subject string
	// Time is when it happened, in RFC 3339; "" for now. It is kept as written,
	// with its offset and its digits.
	Time string
	// Data is the event's content. It arrives byte for byte as given.
	Data json.RawMessage
}

// Published is what became of a published event.
type Published struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	Time string `json:"time"`
	// Duplicate is true when an event of this id was there already; Published then
	// describes that one.
	Duplicate bool `json:"duplicate"`
	// Webhooks are the ids of those that it goes to.
	Webhooks []string `json:"webhooks"`
}

// Event is a published event.
type Event struct {
	ID         string    `json:"id"`
	Type       string    `json:"type"`
	Subject    string    `json:"subject"`
	Time       string    `json:"time"` // RFC 3339, as its publisher wrote it
	AcceptedAt time.Time `json:"accepted_at"`
	Size       int       `json:"size"` // of the data, in bytes
	// What follows is not in lists: [Client.Event] gives it.
	Data       json.RawMessage `json:"data"`
	Deliveries []Delivery      `json:"deliveries"`
	// DeliveriesCursor is where [Client.Deliveries] of this event goes on; "" when
	// these are all.
	DeliveriesCursor string `json:"deliveries_cursor"`
	// FilterErrors are the webhooks whose filters failed on the event, which counts
	// as no match.
	FilterErrors []FilterError `json:"filter_errors"`
}

// FilterError is a webhook whose filter failed on an event, and what it said.
type FilterError struct {
	WebhookID string `json:"webhook_id"`
	Error     string `json:"error"`
}

// EventQuery chooses events, newest first.
type EventQuery struct {
	PageQuery
	Type  string    // only this type; "" for all
	Text  string    // only those with these words, where the server keeps an index; "" for all
	Since time.Time // accepted at or after; zero for no bound
	Until time.Time // accepted before; zero for no bound
}

func (q EventQuery) values() url.Values {
	v := q.PageQuery.values()
	setText(v, "type", q.Type)
	setText(v, "text", q.Text)
	setTime(v, "since", q.Since)
	setTime(v, "until", q.Until)
	return v
}

// Publish publishes one event. It is durable when the error is nil.
func (c *Client) Publish(ctx context.Context, event NewEvent) (Published, error) {
	body, err := event.appendJSON(nil)
	if err != nil {
		return Published{}, err
	}
	var published Published
	err = c.do(ctx, call{method: http.MethodPost, path: "/v1/events", body: body, repeat: event.ID != ""}, &published)
	return published, err
}

// PublishBatch publishes up to 1,000 events: all of them, or none. The answers are
// in the order of the events.
func (c *Client) PublishBatch(ctx context.Context, events []NewEvent) ([]Published, error) {
	body := []byte(`{"events":[`)
	repeat := true
	for i, event := range events {
		if i > 0 {
			body = append(body, ',')
		}
		var err error
		if body, err = event.appendJSON(body); err != nil {
			return nil, fmt.Errorf("events[%d]: %w", i, err)
		}
		repeat = repeat && event.ID != ""
	}
	body = append(body, "]}"...)
	var published struct {
		Data []Published `json:"data"`
	}
	err := c.do(ctx, call{method: http.MethodPost, path: "/v1/events/batch", body: body, repeat: repeat}, &published)
	return published.Data, err
}

// Events gets a page of the tenant's events.
func (c *Client) Events(ctx context.Context, query EventQuery) (Page[Event], error) {
	return list[Event](ctx, c, "/v1/events", query.values())
}

// AllEvents walks over all events that the query chooses.
func (c *Client) AllEvents(ctx context.Context, query EventQuery) iter.Seq2[Event, error] {
	return all[Event](ctx, c, "/v1/events", query.values())
}

// Event gets one event with its deliveries.
func (c *Client) Event(ctx context.Context, id string) (Event, error) {
	return get[Event](ctx, c, "/v1/events/"+url.PathEscape(id), nil)
}

// appendJSON writes the event with its data as they are: package json would write
// them anew.
func (e NewEvent) appendJSON(b []byte) ([]byte, error) {
	if !json.Valid(e.Data) { // it would break out of its place in the request
		return nil, malformed("body.data", "is not valid JSON")
	}
	head, err := encode(struct {
		Type    string `json:"type"`
		ID      string `json:"id,omitempty"`
		Subject string `json:"subject,omitempty"`
		Time    string `json:"time,omitempty"`
	}{e.Type, e.ID, e.Subject, e.Time})
	if err != nil {
		return nil, err
	}
	b = append(b, bytes.TrimSuffix(head, []byte("}"))...)
	b = append(b, `,"data":`...)
	b = append(b, e.Data...)
	return append(b, '}'), nil
}
