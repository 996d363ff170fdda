package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pealhq/peal"
)

var concurrencyTests = map[string]func(*testing.T, *harness){
	"two inserts of one id give one event": func(t *testing.T, h *harness) {
		w := h.webhook()
		version := h.version()
		for round := range 20 {
			id := fmt.Sprint("order-", round)
			var fresh atomic.Int64
			var keys sync.Map
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					inserted, err := h.store.Insert(h.ctx, h.node, version,
						[]peal.Insertion{{Event: h.named(id), IDGiven: true, Deliveries: deliveriesTo(true, w)}})
					if err != nil {
						t.Error(err)
						return
					}
					if !inserted[0].Duplicate {
						fresh.Add(1)
					}
					keys.Store(inserted[0].Event.Key, true)
				})
			}
			wg.Wait()
			n := 0
			keys.Range(func(any, any) bool { n++; return true })
			if fresh.Load() != 1 || n != 1 {
				t.Fatalf("%s: %d were fresh, %d keys came back", id, fresh.Load(), n)
			}
		}
		list, err := h.store.Deliveries(h.ctx, peal.DeliveryQuery{Tenant: h.tenant, Limit: 100})
		h.must(err)
		h.equal(len(list), 20, "deliveries")
	},
	"each delivery has one holder": func(t *testing.T, h *harness) {
		w := h.webhook()
		const many = 300
		var insertions []peal.Insertion
		for range many {
			insertions = append(insertions, peal.Insertion{Event: h.newEvent(), Deliveries: deliveriesTo(false, w)})
		}
		h.insert(insertions...)
		var claimed sync.Map
		var count atomic.Int64
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				node := h.register()
				for {
					work, _, err := h.store.Claim(h.ctx, node, w.ID, time.Now().Add(time.Hour), 7)
					if err != nil {
						t.Error(err)
						return
					}
					if len(work) == 0 {
						return
					}
					for _, item := range work {
						if _, twice := claimed.LoadOrStore(item.Delivery.ID, node); twice {
							t.Errorf("%s was claimed twice", item.Delivery.ID)
						}
						count.Add(1)
					}
				}
			})
		}
		wg.Wait()
		h.equal(int(count.Load()), many, "claimed")
	},
	"inserting, claiming, settling and reading at once": func(t *testing.T, h *harness) {
		const workers, rounds = 8, 25
		webhooks := []peal.Webhook{h.webhook(), h.webhook()}
		version := h.version()
		var wg sync.WaitGroup
		for worker := range workers {
			wg.Go(func() {
				w := webhooks[worker%len(webhooks)]
				node := h.register()
				for range rounds {
					kept, free := deliveriesTo(true, w), deliveriesTo(false, w)
					if _, err := h.store.Insert(h.ctx, node, version, []peal.Insertion{{Event: h.newEvent(),
						Deliveries: append(kept, free...)}}); err != nil {
						t.Error(err)
						return
					}
					work, _, err := h.store.Claim(h.ctx, node, w.ID, time.Now().Add(time.Hour), 2)
					if err != nil {
						t.Error(err)
						return
					}
					settlements := []peal.Settlement{settlement(peal.Delivery{ID: kept[0].ID, WebhookID: w.ID}, peal.Success)}
					for i := range work {
						settlements = append(settlements, settlement(work[i].Delivery, peal.Failed))
					}
					if err := h.store.Settle(h.ctx, node, settlements); err != nil {
						t.Error(err)
					}
					if _, err := h.store.Deliveries(h.ctx, peal.DeliveryQuery{Tenant: h.tenant, Limit: 5}); err != nil {
						t.Error(err)
					}
					if d, err := h.store.Delivery(h.ctx, h.tenant, kept[0].ID); err != nil || d.Status != peal.Success {
						t.Errorf("a settled delivery reads as %v, %v", d.Status, err)
					}
				}
			})
		}
		wg.Wait()
		for _, w := range webhooks {
			for work := h.claim(w, 100); len(work) > 0; work = h.claim(w, 100) {
				for i := range work {
					h.settle(work[i].Delivery.ID, peal.Failed)
				}
			}
		}
		for status, want := range map[peal.DeliveryStatus]int{peal.Success: workers * rounds, peal.Failed: workers * rounds,
			peal.Pending: 0} {
			list, err := h.store.Deliveries(h.ctx, peal.DeliveryQuery{Tenant: h.tenant, Status: status, Limit: 10_000})
			h.must(err)
			h.equal(len(list), want, string(status))
		}
	},
	"one of several updates wins": func(t *testing.T, h *harness) {
		w := h.webhook()
		var won, lost atomic.Int64
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				change := w
				change.Description = fmt.Sprint(i)
				switch _, err := h.store.UpdateWebhook(h.ctx, change); {
				case err == nil:
					won.Add(1)
				case peal.CodeOf(err) == peal.Conflict:
					lost.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		h.equal([]int64{won.Load(), lost.Load()}, []int64{1, 7}, "won and lost")
	},
	"no insert slips past a change of the routes": func(t *testing.T, h *harness) {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 20 {
					webhooks, version, err := h.store.RoutesSince(h.ctx, 0)
					if err != nil {
						t.Error(err)
						return
					}
					var deliveries []peal.NewDelivery
					for i := range webhooks {
						if webhooks[i].Tenant == h.tenant {
							deliveries = append(deliveries, deliveriesTo(true, webhooks[i])...)
						}
					}
					_, err = h.store.Insert(h.ctx, h.node, version, []peal.Insertion{{Event: h.newEvent(), Deliveries: deliveries}})
					if err != nil && !errors.Is(err, peal.ErrStaleRoutes) {
						t.Error(err)
					}
				}
			})
		}
		for range 20 {
			w := h.webhook()
			h.must(h.store.DeleteWebhook(h.ctx, h.tenant, w.ID))
		}
		wg.Wait()
		list, err := h.store.Deliveries(h.ctx, peal.DeliveryQuery{Tenant: h.tenant, Status: peal.Pending, Limit: 1000})
		h.must(err)
		h.equal(len(list), 0, "deliveries that wait for deleted webhooks")
	},
}
