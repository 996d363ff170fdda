package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/pealhq/peal"
)

// purge calls Purge until nothing is left to do, and adds up the results.
func (h *harness) purge(params peal.PurgeParams) peal.PurgeResult {
	h.t.Helper()
	var sum peal.PurgeResult
	for range 10_000 {
		p, err := h.store.Purge(h.ctx, params)
		h.must(err)
		sum.Events, sum.Deliveries, sum.Attempts = sum.Events+p.Events, sum.Deliveries+p.Deliveries, sum.Attempts+p.Attempts
		sum.Records, sum.Canceled = sum.Records+p.Records, sum.Canceled+p.Canceled
		sum.Webhooks, sum.Keys, sum.Replays = sum.Webhooks+p.Webhooks, sum.Keys+p.Keys, sum.Replays+p.Replays
		sum.Sessions, sum.PortalLinks = sum.Sessions+p.Sessions, sum.PortalLinks+p.PortalLinks
		sum.Bytes, sum.Used = p.Bytes, p.Used
		if !p.More {
			return sum
		}
	}
	h.t.Fatal("a purge does not come to its end")
	return sum
}

// purgeBefore purges history from before a moment.
func (h *harness) purgeBefore(history time.Time) peal.PurgeResult {
	h.t.Helper()
	return h.purge(peal.PurgeParams{History: history, Canceled: moment()})
}

// has fails the test unless an event is there, or is not.
func (h *harness) has(want bool, key peal.EventKey, what string) {
	h.t.Helper()
	_, err := h.store.Event(h.ctx, h.tenant, key.String())
	if got := err == nil; got != want || err != nil && peal.CodeOf(err) != peal.NotFound {
		h.t.Errorf("%s: it is there: %v (%v), want %v", what, got, err, want)
	}
}

// eventOf returns an event that was accepted at the given time.
func (h *harness) eventOf(at time.Time) *peal.Event {
	e := h.newEvent()
	floor := peal.FloorID[peal.EventKey](at)
	copy(e.Key[:8], floor[:8])
	e.ID, e.Time = e.Key.String(), peal.TimestampOf(e.Key.Time())
	return e
}

var purgeTests = map[string]func(*testing.T, *harness){
	"an event goes when it was accepted before": func(t *testing.T, h *harness) {
		var events []*peal.Event
		for range 20 {
			events = append(events, h.newEvent())
			h.insert(peal.Insertion{Event: events[len(events)-1]})
		}
		for i, e := range events {
			h.purgeBefore(e.AcceptedAt())
			h.has(true, e.Key, "at its own moment")
			if i > 0 && events[i-1].AcceptedAt().Before(e.AcceptedAt()) {
				h.has(false, events[i-1].Key, "the one before")
			}
		}
		last := events[len(events)-1]
		h.purgeBefore(last.AcceptedAt().Add(time.Microsecond))
		h.has(false, last.Key, "a microsecond later")
	},
	"it goes with its deliveries and attempts when those were final before": func(t *testing.T, h *harness) {
		h = h.own() // it counts what goes
		w := h.webhook()
		event := h.newEvent()
		d := deliveriesTo(true, w, w)
		h.insert(peal.Insertion{Event: event, Deliveries: d})
		h.settle(d[0].ID, peal.Success)
		h.settle(d[1].ID, peal.Pending)
		h.purgeBefore(moment().Add(time.Hour))
		h.has(true, event.Key, "with one pending")
		h.equal(h.delivery(d[0].ID).Status, peal.Success, "its neighbour")
		at := h.settle(d[1].ID, peal.Failed).SettledAt
		h.purgeBefore(at)
		h.has(true, event.Key, "at the moment of the last one")
		purged := h.purgeBefore(at.Add(time.Microsecond))
		h.has(false, event.Key, "after it")
		h.equal([]int{purged.Events, purged.Deliveries, purged.Attempts}, []int{1, 2, 3}, "purged")
		for i := range d {
			_, err := h.store.Delivery(h.ctx, h.tenant, d[i].ID)
			h.refused(err, peal.NotFound)
			attempts, err := h.store.Attempts(h.ctx, h.tenant, d[i].ID)
			h.must(err)
			h.equal(len(attempts), 0, "attempts")
		}
	},
	"what is pending stays, held or not, and is still delivered": func(t *testing.T, h *harness) {
		h = h.own() // it counts what goes
		w := h.webhook()
		held, free := h.deliver(w, true), h.deliver(w, false)
		h.purgeBefore(moment().Add(time.Hour))
		h.equal(idsOf(h.claim(w, 10)), []peal.DeliveryID{free}, "claimed")
		for _, id := range []peal.DeliveryID{held, free} {
			h.settle(id, peal.Success)
		}
		purged := h.purgeBefore(moment().Add(time.Hour))
		h.equal([]int{purged.Events, purged.Deliveries}, []int{2, 2}, "purged once final")
	},
	"one that was made due again stays": func(t *testing.T, h *harness) {
		id := h.deliver(h.webhook(), true)
		h.settle(id, peal.Failed)
		_, err := h.store.Reopen(h.ctx, h.node, h.tenant, id, moment())
		h.must(err)
		h.purgeBefore(moment().Add(time.Hour))
		h.equal(h.delivery(id).Status, peal.Pending, "status")
		attempts, err := h.store.Attempts(h.ctx, h.tenant, id)
		h.must(err)
		h.equal(len(attempts), 1, "attempts")
	},
	"it is for all tenants": func(t *testing.T, h *harness) {
		h = h.own() // it counts what goes
		mine, other := h.newEvent(), h.newEvent()
		other.Tenant += "-other"
		h.insert(peal.Insertion{Event: mine}, peal.Insertion{Event: other})
		purged := h.purgeBefore(moment().Add(time.Hour))
		h.equal(purged.Events, 2, "events")
	},
	"the publisher's id is free again": func(t *testing.T, h *harness) {
		old := h.named("x")
		h.insert(peal.Insertion{Event: old, IDGiven: true})
		h.purgeBefore(moment().Add(time.Hour))
		again := h.named("x")
		again.Data = []byte(`{"other": true}`)
		h.equal(h.insert(peal.Insertion{Event: again, IDGiven: true})[0].Duplicate, false, "duplicate")
		got, err := h.store.Event(h.ctx, h.tenant, "x")
		h.must(err)
		h.equal(got.Key, again.Key, "event")
	},
	"lists continue while it purges": func(t *testing.T, h *harness) {
		w := h.webhook()
		var all []peal.DeliveryID
		var edge time.Time
		for i := range 10 {
			if i == 4 {
				edge = moment()
				for !edge.Before(moment()) { // the clock shows the next microsecond
					continue
				}
			}
			id := h.deliver(w, true)
			h.settle(id, peal.Success)
			all = append([]peal.DeliveryID{id}, all...)
		}
		query := peal.DeliveryQuery{Tenant: h.tenant, Limit: 3}
		page, err := h.store.Deliveries(h.ctx, query)
		h.must(err)
		h.equal(deliveryIDs(page), all[:3], "the first page")
		h.purgeBefore(edge.Add(time.Microsecond))
		query.Before, query.Limit = page[2].ID, 10
		page, err = h.store.Deliveries(h.ctx, query)
		h.must(err)
		h.equal(deliveryIDs(page), all[3:6], "the second page")
		events, err := h.store.Events(h.ctx, peal.EventQuery{Tenant: h.tenant, Limit: 100})
		h.must(err)
		h.equal(len(events), 6, "events")
		query.Before = all[8]
		page, err = h.store.Deliveries(h.ctx, query)
		h.must(err)
		h.equal(len(page), 0, "deliveries after a cursor that is gone")
	},
	"an event with very many deliveries goes as well": func(t *testing.T, h *harness) {
		h = h.own()
		w := h.webhook()
		for range 2 {
			event := h.newEvent()
			var d []peal.NewDelivery
			var s []peal.Settlement
			for range 500 {
				d = append(d, deliveriesTo(true, w)...)
			}
			h.insert(peal.Insertion{Event: event, Deliveries: d})
			for i := range d {
				s = append(s, settlement(peal.Delivery{ID: d[i].ID, WebhookID: w.ID}, peal.Success))
			}
			h.must(h.store.Settle(h.ctx, h.node, s))
		}
		purged := h.purgeBefore(moment().Add(time.Hour))
		h.equal([]int{purged.Events, purged.Deliveries, purged.Attempts}, []int{2, 1000, 1000}, "purged")
	},
	"with a bound in bytes, the oldest goes whatever its age": func(t *testing.T, h *harness) {
		h = h.own()
		w := h.webhook()
		const days = 25 // a store may purge by the day
		pending := h.eventOf(moment().AddDate(0, 0, -days))
		h.insert(peal.Insertion{Event: pending, Deliveries: deliveriesTo(false, w)})
		var events []*peal.Event
		var insertions []peal.Insertion
		for i := range 400 {
			e := h.eventOf(moment().AddDate(0, 0, i*days/400-days))
			e.Data = fmt.Appendf(nil, `"%20000d"`, 1)
			events, insertions = append(events, e), append(insertions, peal.Insertion{Event: e})
		}
		h.insert(insertions...)
		full := h.purge(peal.PurgeParams{})
		if full.Bytes < 400*20_000 || full.Used > full.Bytes || full.Events != 0 {
			t.Fatalf("with no bound: %+v", full)
		}
		bound := full.Used / 2
		purged := h.purge(peal.PurgeParams{MaxBytes: bound})
		if purged.Used > bound || purged.Bytes > bound || purged.Used < bound/2 {
			t.Errorf("%d bytes are used of %d; the bound is %d", purged.Used, purged.Bytes, bound)
		}
		h.has(true, pending.Key, "the pending one")
		for i, e := range events {
			h.has(i >= purged.Events, e.Key, fmt.Sprintf("event %d of 400, %d purged", i, purged.Events))
		}
		h.equal(h.purge(peal.PurgeParams{MaxBytes: bound}).Events, 0, "events purged below the bound")
	},
}
