package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/url"
	"time"
)

// Replay is a job that sends a webhook its deliveries of a time again.
type Replay struct {
	ID        string `json:"id"`
	WebhookID string `json:"webhook_id"`
	// Since and Until bound when the deliveries were made.
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
	// Statuses are those of the deliveries; EventTypes are patterns, empty for all.
	Statuses   []string `json:"statuses"`
	EventTypes []string `json:"event_types"`
	// Missed is whether events that the webhook never got are sent too.
	Missed bool `json:"missed"`
	// Status is running, done, canceled or failed; Reason says why it failed.
	Status string `json:"status"`
	Reason string `json:"reason"`
	// Total is how many deliveries and missed events there were when it began, Done how
	// many of them it has been through, Replayed how many deliveries it has made pending.
	Total     int       `json:"total"`
	Done      int       `json:"done"`
	Replayed  int       `json:"replayed"`
	CreatedAt time.Time `json:"created_at"`
	EndedAt   time.Time `json:"ended_at"` // zero while it runs
}

// ReplayChoice says what a replay sends.
type ReplayChoice struct {
	// Since is needed.
	Since time.Time
	// Until is now when it is zero.
	Until time.Time
	// Statuses are success, failed and canceled; nil for failed and canceled, empty for
	// none, where only missed events matter.
	Statuses []string
	// EventTypes are patterns, such as task.*; none for all types.
	EventTypes []string
	// Missed sends events too that the webhook wants now and never got.
	Missed bool
}

// MarshalJSON writes what is given.
func (r ReplayChoice) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Since      time.Time `json:"since"`
		Until      time.Time `json:"until,omitzero"`
		Statuses   []string  `json:"statuses,omitzero"`
		EventTypes []string  `json:"event_types,omitempty"`
		Missed     bool      `json:"missed,omitempty"`
	}{r.Since.UTC(), r.Until.UTC(), r.Statuses, r.EventTypes, r.Missed})
}

// ReplayCount is how much a replay would send.
type ReplayCount struct {
	Deliveries int `json:"deliveries"`
	// Events are missed ones; the webhook's filter, if it has one, may leave some out.
	Events int `json:"events"`
}

// ReplayWebhook begins a replay, which goes on by itself.
func (c *Client) ReplayWebhook(ctx context.Context, id string, choice ReplayChoice) (Replay, error) {
	return post[Replay](ctx, c, webhookPath(id, "/replay"), choice)
}

// CountReplay says how much a replay would send, and begins none.
func (c *Client) CountReplay(ctx context.Context, id string, choice ReplayChoice) (ReplayCount, error) {
	var count ReplayCount
	err := c.do(ctx, call{method: "POST", path: webhookPath(id, "/replay"), query: url.Values{"dry_run": {"true"}}, body: choice, repeat: true}, &count)
	return count, err
}

// Replays gets a page of a webhook's replays, newest first.
func (c *Client) Replays(ctx context.Context, webhook string, query PageQuery) (Page[Replay], error) {
	return list[Replay](ctx, c, webhookPath(webhook, "/replays"), query.values())
}

// AllReplays walks over all of a webhook's replays.
func (c *Client) AllReplays(ctx context.Context, webhook string, query PageQuery) iter.Seq2[Replay, error] {
	return all[Replay](ctx, c, webhookPath(webhook, "/replays"), query.values())
}

// Replay gets one replay.
func (c *Client) Replay(ctx context.Context, id string) (Replay, error) {
	return get[Replay](ctx, c, replayPath(id, ""), nil)
}

// CancelReplay ends a running replay; what it has made pending is still sent.
func (c *Client) CancelReplay(ctx context.Context, id string) (Replay, error) {
	return post[Replay](ctx, c, replayPath(id, "/cancel"), nil)
}

func replayPath(id, rest string) string { return "/v1/replays/" + url.PathEscape(id) + rest }
