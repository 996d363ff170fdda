package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// NewEvent is an event to publish.
type NewEvent struct {
	// Type is the kind of event, such as task.created.
	Type string
	// ID identifies the event within its tenant; publishing it again with the same content has no
	// effect. If it is "", the server chooses one.
	ID string
	// Subject is the object of the event; optional.
	Subject string
	// Time is the time of the event in RFC 3339; "" for now. It is kept as written, with its offset
	// and its digits.
	Time string
	// Data is the content of the event. It is delivered byte for byte.
	Data json.RawMessage
}

// Publish publishes one event. It is durable if the error is nil.
func (c *Client) Publish(ctx context.Context, event NewEvent) (Published, error) {
	body, err := event.appendJSON(nil)
	if err != nil {
		return Published{}, err
	}
	return send[Published](ctx, c, call{method: http.MethodPost, path: "/v1/events", body: body, repeat: event.ID != ""})
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
	published, err := send[PublishedBatch](ctx, c, call{method: http.MethodPost, path: "/v1/events/batch", body: body, repeat: repeat})
	return published.Data, err
}

// appendJSON appends the event with its data as they are; package json would reformat them.
func (e NewEvent) appendJSON(b []byte) ([]byte, error) {
	if !json.Valid(e.Data) { // it could break out of its place in the request
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
