package client

import (
	"context"
	"time"
)

// Lane is how a webhook's queue and its endpoint stand on the node that answers.
type Lane struct {
	// Breaker is closed (requests are sent), open (the endpoint is down: nothing is sent
	// until the next probe) or half_open (the probe is in flight).
	Breaker string `json:"breaker"`
	// NextProbe is from when on a single delivery is tried; zero unless Breaker is open.
	NextProbe time.Time `json:"next_probe"`
	// RestsUntil is until when the endpoint asked to be left alone (Retry-After of a 429 or
	// 503); zero when it did not.
	RestsUntil time.Time `json:"rests_until"`
	// Queued are deliveries that wait in memory; with Spilled, more that are due wait in
	// the store.
	Queued  int  `json:"queued"`
	Spilled bool `json:"spilled"`
	// InFlight are requests under way, Limit how many may be.
	InFlight int `json:"in_flight"`
	Limit    int `json:"limit"`
}

// Lane shows how a webhook's queue and its endpoint stand at this moment.
func (c *Client) Lane(ctx context.Context, webhook string) (Lane, error) {
	return get[Lane](ctx, c, webhookPath(webhook, "/lane"), nil)
}
