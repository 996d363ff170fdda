package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/pealhq/peal"
)

var lifeTests = map[string]func(*testing.T, *harness){
	"it answers": func(t *testing.T, h *harness) {
		h.must(h.store.Ping(h.ctx))
	},
	"all is there after it was closed and opened": func(t *testing.T, h *harness) {
		place := t.TempDir()
		h.store = h.open(t, place)
		h.node = h.register()
		webhook, err := h.store.CreateWebhook(h.ctx, h.newWebhook())
		h.must(err)
		gone := h.webhook()
		h.must(h.store.DeleteWebhook(h.ctx, h.tenant, gone.ID))
		key := h.newKey("ci")
		h.must(h.store.CreateKey(h.ctx, key))
		event := h.named("x")
		d := deliveriesTo(true, webhook, webhook)
		d[1].Held = false
		h.insert(peal.Insertion{Event: event, IDGiven: true, Deliveries: d})
		final := h.deliver(webhook, true)
		s := h.settle(final, peal.Failed)
		version := h.version()
		all, err := h.store.Deliveries(h.ctx, peal.DeliveryQuery{Tenant: h.tenant, Limit: 10})
		h.must(err)
		h.must(h.store.Close())

		h.store = h.open(t, place)
		defer func() { h.must(h.store.Close()) }()
		h.equal(h.version(), version, "version of the routes")
		webhooks, _, err := h.store.RoutesSince(h.ctx, 0)
		h.must(err)
		h.equal(webhooks, []peal.Webhook{webhook}, "webhooks")
		gotKey, err := h.store.KeyByHash(h.ctx, key.Hash)
		h.must(err)
		h.equal(gotKey, key, "key")
		gotEvent, err := h.store.Event(h.ctx, h.tenant, "x")
		h.must(err)
		h.equal(gotEvent, *event, "event")
		again, err := h.store.Deliveries(h.ctx, peal.DeliveryQuery{Tenant: h.tenant, Limit: 10})
		h.must(err)
		h.equal(again, all, "deliveries")
		attempts, err := h.store.Attempts(h.ctx, h.tenant, final)
		h.must(err)
		h.equal(attempts, []peal.Attempt{s.Attempt}, "attempts")
		h.equal(h.insert(peal.Insertion{Event: h.named("x"), IDGiven: true})[0].Duplicate, true, "duplicate")
		h.equal(idsOf(h.claim(webhook, 10)), []peal.DeliveryID{d[1].ID}, "claimed")
		taken, err := h.store.Takeover(h.ctx, h.register(), 0)
		h.must(err)
		h.equal(taken, peal.TakeoverResult{Nodes: []peal.NodeID{h.node}, Deliveries: 2}, "taken over")
	},
	"a closed one is unavailable": func(t *testing.T, h *harness) {
		h = h.own()
		w := h.webhook()
		version := h.version()
		h.must(h.store.Close())
		h.must(h.store.Close())
		calls := map[string]func() error{
			"Ping": func() error { return h.store.Ping(h.ctx) },
			"Insert": func() error {
				_, err := h.store.Insert(h.ctx, h.node, version, []peal.Insertion{{Event: h.newEvent()}})
				return err
			},
			"Settle":  func() error { return h.store.Settle(h.ctx, h.node, nil) },
			"Webhook": func() error { _, err := h.store.Webhook(h.ctx, h.tenant, w.ID); return err },
			"Event":   func() error { _, err := h.store.Event(h.ctx, h.tenant, "x"); return err },
			"Deliveries": func() error {
				_, err := h.store.Deliveries(h.ctx, peal.DeliveryQuery{Tenant: h.tenant, Limit: 1})
				return err
			},
			"RoutesSince": func() error { _, _, err := h.store.RoutesSince(h.ctx, 0); return err },
		}
		for name, call := range calls {
			if err := call(); peal.CodeOf(err) != peal.Unavailable {
				t.Errorf("%s: got %v, want unavailable", name, err)
			}
		}
	},
	"closing lets calls finish or refuses them": func(t *testing.T, h *harness) {
		place := t.TempDir()
		h.store = h.open(t, place)
		h.node = h.register()
		w := h.webhook()
		version := h.version()
		var mu sync.Mutex
		var acknowledged []peal.DeliveryID
		var wg sync.WaitGroup
		begun := make(chan struct{}, 100)
		for range 4 {
			wg.Go(func() {
				for {
					d := deliveriesTo(true, w)
					_, err := h.store.Insert(h.ctx, h.node, version, []peal.Insertion{{Event: h.newEvent(), Deliveries: d}})
					if err != nil {
						h.refused(err, peal.Unavailable)
						return
					}
					mu.Lock()
					acknowledged = append(acknowledged, d[0].ID)
					mu.Unlock()
					select {
					case begun <- struct{}{}:
					default:
					}
				}
			})
		}
		for range 20 {
			<-begun
		}
		h.must(h.store.Close())
		wg.Wait()
		h.store = h.open(t, place)
		defer func() { h.must(h.store.Close()) }()
		for _, id := range acknowledged {
			h.delivery(id)
		}
	},
	"a context that has ended ends the call": func(t *testing.T, h *harness) {
		ended, cancel := context.WithCancel(h.ctx)
		cancel()
		late, cancel := context.WithDeadline(h.ctx, time.Now().Add(-time.Second))
		defer cancel()
		event := h.newEvent()
		version := h.version()
		for _, ctx := range []context.Context{ended, late} {
			calls := map[string]func() error{
				"Insert": func() error {
					_, err := h.store.Insert(ctx, h.node, version, []peal.Insertion{{Event: event}})
					return err
				},
				"Event":  func() error { _, err := h.store.Event(ctx, h.tenant, "x"); return err },
				"Events": func() error { _, err := h.store.Events(ctx, peal.EventQuery{Tenant: h.tenant, Limit: 1}); return err },
				"Delivery": func() error {
					_, err := h.store.Delivery(ctx, h.tenant, peal.NewDeliveryID())
					return err
				},
			}
			for name, call := range calls {
				if err := call(); !errors.Is(err, ctx.Err()) {
					t.Errorf("%s: got %v, want %v", name, err, ctx.Err())
				}
			}
		}
	},
}
