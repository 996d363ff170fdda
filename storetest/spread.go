package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pealhq/peal"
)

// large is more deliveries than a store writes in one transaction.
const large = 1300

// webhooks creates several webhooks at once.
func (h *harness) webhooks(n int) []peal.Webhook {
	h.t.Helper()
	webhooks := make([]peal.Webhook, n)
	var wg sync.WaitGroup
	for i := range webhooks {
		wg.Go(func() { webhooks[i] = h.webhook() })
	}
	wg.Wait()
	return webhooks
}

// largeBatch returns events with large deliveries in total to webhooks.
func (h *harness) largeBatch(held bool, webhooks ...peal.Webhook) []peal.Insertion {
	batch := make([]peal.Insertion, (large+len(webhooks)-1)/len(webhooks))
	for i := range batch {
		batch[i] = peal.Insertion{Event: h.newEvent(), Deliveries: deliveriesTo(held, webhooks...)}
	}
	return batch
}

// demandAll fails the test unless the deliveries of insertions are there, as many as those.
func (h *harness) demandAll(batch []peal.Insertion) {
	h.t.Helper()
	var want []peal.DeliveryID
	for i := range batch {
		for j := range batch[i].Deliveries {
			want = append(want, batch[i].Deliveries[j].ID)
		}
		if i%100 > 0 && i < len(batch)-1 {
			continue
		}
		got, err := h.store.Deliveries(h.ctx, peal.DeliveryQuery{Tenant: h.tenant, EventKey: batch[i].Event.Key,
			Limit: 2 * large})
		h.must(err)
		h.equal(len(got), len(batch[i].Deliveries), "deliveries of an event")
	}
	got, err := h.store.Deliveries(h.ctx, peal.DeliveryQuery{Tenant: h.tenant, Status: peal.Pending, Limit: 10 * large})
	h.must(err)
	ids := deliveryIDs(got)
	slices.SortFunc(ids, peal.DeliveryID.Compare)
	slices.SortFunc(want, peal.DeliveryID.Compare)
	h.equal(ids, want, "pending deliveries")
}

var spreadTests = map[string]func(*testing.T, *harness){
	"a batch comes back": func(t *testing.T, h *harness) {
		batch := h.largeBatch(true, h.webhook(), h.webhook(), h.webhook())
		batch[0].Deliveries[0].Test, batch[1].Deliveries[0].Held = true, false
		inserted := h.insert(batch...)
		for i := range batch {
			if inserted[i].Duplicate || inserted[i].Event != batch[i].Event {
				t.Fatalf("event %d came back as %+v", i, inserted[i])
			}
			for j, d := range batch[i].Deliveries {
				if d.Held != (i != 1 || j != 0) {
					t.Fatalf("delivery %d of event %d is held: %t", j, i, d.Held)
				}
			}
		}
		h.demandAll(batch)
		h.equal(h.delivery(batch[0].Deliveries[0].ID).Test, true, "a test")
		h.equal(h.settle(batch[2].Deliveries[1].ID, peal.Success).Status, peal.Success, "settled")
		last := batch[len(batch)-1].Deliveries
		h.settle(last[len(last)-1].ID, peal.Failed)
	},
	"an event comes back": func(t *testing.T, h *harness) {
		webhooks := h.webhooks(large)
		batch := []peal.Insertion{{Event: h.newEvent(), Deliveries: deliveriesTo(false, webhooks...)}}
		h.insert(batch...)
		h.demandAll(batch)
		for _, w := range []peal.Webhook{webhooks[0], webhooks[700], webhooks[large-1]} {
			h.equal(len(h.claim(w, 10)), 1, "claimed")
		}
	},
	"what cannot be inserted writes nothing": func(t *testing.T, h *harness) {
		w := h.webhook()
		version := h.version()
		first := h.named("taken")
		h.insert(peal.Insertion{Event: first, IDGiven: true})
		conflicting := h.largeBatch(false, w)
		conflicting[1200].Event.ID, conflicting[1200].IDGiven, conflicting[1200].Event.Subject = "taken", true, "other"
		_, err := h.store.Insert(h.ctx, h.node, version, conflicting)
		h.refused(err, peal.Conflict)
		var known *peal.Error
		if !errors.As(err, &known) || known.Field != "events[1200].id" {
			t.Errorf("got %v", err)
		}
		_, err = h.store.Insert(h.ctx, peal.NewNodeID(), version, h.largeBatch(true, w))
		if !errors.Is(err, peal.ErrFenced) {
			t.Errorf("held by nobody registered: %v, want ErrFenced", err)
		}
		h.webhook()
		if _, err = h.store.Insert(h.ctx, h.node, version, h.largeBatch(true, w)); !errors.Is(err, peal.ErrStaleRoutes) {
			t.Errorf("got %v, want ErrStaleRoutes", err)
		}
		h.demandAll(nil)
		events, err := h.store.Events(h.ctx, peal.EventQuery{Tenant: h.tenant, Limit: 10})
		h.must(err)
		h.equal(len(events), 1, "number of events")
	},
	"duplicates are left out": func(t *testing.T, h *harness) {
		webhooks := h.webhooks(20)
		batch := h.largeBatch(false, webhooks...)
		for i := range batch {
			batch[i].Event.ID, batch[i].IDGiven = fmt.Sprintf("id-%d", i), true
		}
		h.insert(batch[:len(batch)-1]...)
		h.demandAll(batch[:len(batch)-1])
		again := make([]peal.Insertion, len(batch))
		for i := range batch {
			event := *batch[i].Event
			event.Key = peal.NewEventKey()
			again[i] = peal.Insertion{Event: &event, IDGiven: true, Deliveries: deliveriesTo(false, webhooks...)}
		}
		inserted := h.insert(again...)
		for i := range inserted {
			if fresh := i == len(again)-1; inserted[i].Duplicate == fresh || !fresh &&
				len(inserted[i].Webhooks) != len(webhooks) {
				t.Fatalf("event %d came back as %+v", i, inserted[i])
			}
		}
		h.demandAll(append(batch[:len(batch)-1:len(batch)-1], again[len(again)-1]))
	},
	"several at once": func(t *testing.T, h *harness) {
		w := h.webhook()
		var all []peal.Insertion
		var mu sync.Mutex
		var wg sync.WaitGroup
		version := h.version()
		for range 4 {
			wg.Go(func() {
				batch := h.largeBatch(false, w)
				_, err := h.store.Insert(h.ctx, h.node, version, batch)
				mu.Lock()
				defer mu.Unlock()
				if all = append(all, batch...); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		got, err := h.store.Deliveries(h.ctx, peal.DeliveryQuery{Tenant: h.tenant, Limit: 10 * large})
		h.must(err)
		h.equal(len(got), len(all), "number of deliveries")
	},
	"its webhook may go meanwhile": func(t *testing.T, h *harness) {
		keep, gone := h.webhook(), h.webhook()
		version := h.version()
		batch := h.largeBatch(false, keep, gone)
		inserted := make(chan error, 1)
		go func() {
			_, err := h.store.Insert(h.ctx, h.node, version, batch)
			inserted <- err
		}()
		h.must(h.store.DeleteWebhook(h.ctx, h.tenant, gone.ID))
		if err := <-inserted; errors.Is(err, peal.ErrStaleRoutes) {
			return // the deletion came first
		} else if err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
			got, err := h.store.Deliveries(h.ctx, peal.DeliveryQuery{Tenant: h.tenant, WebhookID: gone.ID,
				Status: peal.Canceled, Limit: 10 * large})
			h.must(err)
			if len(got) == len(batch) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%d of %d deliveries of a deleted webhook are canceled", len(got), len(batch))
			}
		}
	},
}
