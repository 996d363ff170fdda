package dispatch_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/storetest"
)

// cable connects a node with the store. While it is cut, calls hang as they do when packets vanish.
type cable struct {
	storetest.Store
	deaf bool // signals do not come through: only polling is left

	mu  sync.Mutex
	cut chan struct{} // closed when it is mended; nil while it is whole
}

func (c *cable) cutNow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = make(chan struct{})
}

func (c *cable) mend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.cut)
	c.cut = nil
}

// pass waits while the cable is cut.
func (c *cable) pass(ctx context.Context) error {
	c.mu.Lock()
	cut := c.cut
	c.mu.Unlock()
	if cut == nil {
		return nil
	}
	select {
	case <-cut:
	case <-ctx.Done():
	}
	return &peal.Error{Code: peal.Unavailable, Message: "the connection broke", RetryAfter: time.Second}
}

func (c *cable) Insert(ctx context.Context, node peal.NodeID, version int64, in []peal.Insertion) ([]peal.InsertResult, error) {
	if err := c.pass(ctx); err != nil {
		return nil, err
	}
	return c.Store.Insert(ctx, node, version, in)
}

func (c *cable) Settle(ctx context.Context, node peal.NodeID, s []peal.Settlement) error {
	if err := c.pass(ctx); err != nil {
		return err
	}
	return c.Store.Settle(ctx, node, s)
}

func (c *cable) Claim(ctx context.Context, node peal.NodeID, id peal.WebhookID, now time.Time, limit int) ([]peal.ClaimedDelivery, time.Time, error) {
	if err := c.pass(ctx); err != nil {
		return nil, time.Time{}, err
	}
	return c.Store.Claim(ctx, node, id, now, limit)
}

func (c *cable) Due(ctx context.Context, after peal.WebhookID, limit int) ([]peal.DueWebhook, error) {
	if err := c.pass(ctx); err != nil {
		return nil, err
	}
	return c.Store.Due(ctx, after, limit)
}

func (c *cable) RenewNode(ctx context.Context, id peal.NodeID, load peal.NodeLoad) (peal.NodeView, error) {
	if err := c.pass(ctx); err != nil {
		return peal.NodeView{}, err
	}
	return c.Store.RenewNode(ctx, id, load)
}

func (c *cable) Takeover(ctx context.Context, id peal.NodeID, stale time.Duration) (peal.TakeoverResult, error) {
	if err := c.pass(ctx); err != nil {
		return peal.TakeoverResult{}, err
	}
	return c.Store.Takeover(ctx, id, stale)
}

func (c *cable) RoutesSince(ctx context.Context, version int64) ([]peal.Webhook, int64, error) {
	if err := c.pass(ctx); err != nil {
		return nil, 0, err
	}
	return c.Store.RoutesSince(ctx, version)
}

func (c *cable) Watch(ctx context.Context, heard func(peal.NodeSignal)) error {
	return c.Store.Watch(ctx, func(s peal.NodeSignal) {
		if !c.deaf && c.pass(ctx) == nil {
			heard(s)
		}
	})
}

// member starts an engine that is one of several nodes. Its requests say its name in
// the header X-Node of webhooks that joined has changed.
func (w *world) member(name string, deaf bool, change func(*dispatch.Options)) (*dispatch.Engine, *cable, func()) {
	w.t.Helper()
	c := &cable{Store: w.store, deaf: deaf}
	e, stop := w.engineOn(c, func(o *dispatch.Options) {
		o.Alone = false
		o.DueSync = 30 * time.Second
		o.Name = name
		o.Variables = map[string]string{"NODE": name}
		if change != nil {
			change(o)
		}
	})
	return e, c, stop
}

// joined adds a header to a webhook that names the sending node.
func joined(h *peal.Webhook) { h.Headers = map[string]string{"X-Node": "{{NODE}}"} }

// by returns the requests that a node sent.
func (r *receiver) by(node string) (all []seen) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.seen {
		if s.header.Get("X-Node") == node {
			all = append(all, s)
		}
	}
	return all
}

// allSucceed waits until each of the webhook's deliveries, n or more, has succeeded.
func (w *world) allSucceed(t *testing.T, id peal.WebhookID, n int) {
	t.Helper()
	for _, d := range w.settled(id, n) {
		if d.Status != peal.Success {
			t.Errorf("delivery %+v", d)
		}
	}
}
