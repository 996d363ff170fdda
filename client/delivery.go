package client

import (
	"context"
	"iter"
	"net/url"
	"time"
)

// Delivery is one event for one webhook.
type Delivery struct {
	ID        string    `json:"id"`
	Event     string    `json:"event"`     // the event's type
	Timestamp time.Time `json:"timestamp"` // when it was made
	// Status is pending, success, failed or canceled.
	Status string `json:"status"`
	// ResponseCode is the last attempt's HTTP status; 0 when none came.
	ResponseCode   int    `json:"response_code"`
	ResponseTimeMS int    `json:"response_time_ms"`
	WebhookID      string `json:"webhook_id"`
	EventID        string `json:"event_id"`
	Attempts       int    `json:"attempts"` // how many were made
	// NextAttemptAt is when it is tried again; zero once the delivery is final.
	NextAttemptAt time.Time `json:"next_attempt_at"`
	// Reason is why the last attempt failed, such as timeout; Remedy tells the
	// owner of the endpoint what to do.
	Reason string `json:"reason"`
	Remedy string `json:"remedy"` // not in lists
	// Hold describes why it is not sent although it is due; nil when nothing holds it.
	Hold *Hold `json:"hold"` // not in lists
	// Test is true for a delivery that a test of the webhook made.
	Test      bool      `json:"test"`
	SettledAt time.Time `json:"settled_at"` // zero while it is pending
}

// Hold describes why a pending delivery is not sent.
type Hold struct {
	// Reason is paused, disabled, endpoint_down or retry_after.
	Reason string `json:"reason"`
	// Until is when the endpoint is next tried; zero when that is not known.
	Until time.Time `json:"until"`
}

// DeliveryQuery chooses deliveries, newest first. With Type or Text a page may have few
// rows or none although there are more: NextCursor tells.
type DeliveryQuery struct {
	PageQuery
	Webhook string    // only this webhook's, by its id; "" for all
	Event   string    // only this event's, by its id; "" for all
	Status  string    // pending, success, failed or canceled; "" for all
	Type    string    // only of events of this type; "" for all
	Text    string    // only those with these words, where the server keeps an index; "" for all
	Since   time.Time // made at or after; zero for no bound
	Until   time.Time // made before; zero for no bound
}

func (q DeliveryQuery) values() url.Values {
	v := q.PageQuery.values()
	setText(v, "webhook", q.Webhook)
	setText(v, "event", q.Event)
	setText(v, "status", q.Status)
	setText(v, "type", q.Type)
	setText(v, "text", q.Text)
	setTime(v, "since", q.Since)
	setTime(v, "until", q.Until)
	return v
}

// Deliveries gets a page of the tenant's deliveries.
func (c *Client) Deliveries(ctx context.Context, query DeliveryQuery) (Page[Delivery], error) {
	return list[Delivery](ctx, c, "/v1/deliveries", query.values())
}

// AllDeliveries walks over all deliveries that the query chooses.
func (c *Client) AllDeliveries(ctx context.Context, query DeliveryQuery) iter.Seq2[Delivery, error] {
	return all[Delivery](ctx, c, "/v1/deliveries", query.values())
}

// Delivery gets one delivery.
func (c *Client) Delivery(ctx context.Context, id string) (Delivery, error) {
	return get[Delivery](ctx, c, deliveryPath(id, ""), nil)
}

// Attempts gets the attempts of a delivery, the first one first.
func (c *Client) Attempts(ctx context.Context, id string) ([]Attempt, error) {
	page, err := list[Attempt](ctx, c, deliveryPath(id, "/attempts"), nil)
	return page.Data, err
}

// RetryDelivery tries a delivery again now, and begins a new round of its policy.
func (c *Client) RetryDelivery(ctx context.Context, id string) (Delivery, error) {
	return post[Delivery](ctx, c, deliveryPath(id, "/retry"), nil)
}

// CancelDelivery ends a pending delivery.
func (c *Client) CancelDelivery(ctx context.Context, id string) (Delivery, error) {
	return post[Delivery](ctx, c, deliveryPath(id, "/cancel"), nil)
}

func deliveryPath(id, rest string) string { return "/v1/deliveries/" + url.PathEscape(id) + rest }
