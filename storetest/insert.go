package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/pealhq/peal"
)

var insertTests = map[string]func(*testing.T, *harness){
	"events and deliveries come back": func(t *testing.T, h *harness) {
		a, b := h.webhook(), h.webhook()
		event := h.named("order-1 ~!")
		event.Time, _ = peal.ParseTimestamp("2023-10-17T19:39:32.924194436+02:00")
		event.Data = []byte("{ \"n\": 1.50e3,\n \"u\": \"ü\" }")
		deliveries := []peal.NewDelivery{
			{ID: peal.NewDeliveryID(), WebhookID: a.ID, Held: true},
			{ID: peal.NewDeliveryID(), WebhookID: b.ID, Test: true},
		}
		inserted := h.insert(peal.Insertion{Event: event, TimeGiven: true, IDGiven: true, Deliveries: deliveries})
		h.equal(inserted, []peal.InsertResult{{Event: event}}, "inserted")

		for _, id := range []string{event.ID, event.Key.String()} {
			got, err := h.store.Event(h.ctx, h.tenant, id)
			h.must(err)
			h.equal(got, *event, "event by "+id)
		}
		for i, w := range []peal.Webhook{a, b} {
			want := peal.Delivery{
				ID: deliveries[i].ID, Tenant: h.tenant, WebhookID: w.ID, EventKey: event.Key, EventID: event.ID,
				EventType: event.Type,
				Status:    peal.Pending, Due: deliveries[i].ID.Time(), Test: i == 1,
			}
			h.equal(h.delivery(want.ID), want, fmt.Sprintf("delivery %d", i))
		}
	},
	"the least comes back as it was": func(t *testing.T, h *harness) {
		event := h.newEvent()
		event.Subject = ""
		h.insert(peal.Insertion{Event: event})
		got, err := h.store.Event(h.ctx, h.tenant, event.ID)
		h.must(err)
		h.equal(got, *event, "event")
		h.equal(h.insert(), []peal.InsertResult{}, "nothing inserted")
	},
	"the largest comes back as it was": func(t *testing.T, h *harness) {
		data := make([]byte, peal.LargestMaxData)
		for i := range data {
			data[i] = '7'
		}
		event := h.newEvent()
		event.Data = data
		h.insert(peal.Insertion{Event: event})
		got, err := h.store.Event(h.ctx, h.tenant, event.ID)
		h.must(err)
		if string(got.Data) != string(data) {
			t.Errorf("%d bytes came back as %d others", len(data), len(got.Data))
		}
	},
	"one held by a node is not to be claimed": func(t *testing.T, h *harness) {
		w := h.webhook()
		h.deliver(w, true)
		h.equal(len(h.claim(w, 10)), 0, "claimed")
		free := h.deliver(w, false)
		h.equal(idsOf(h.claim(w, 10)), []peal.DeliveryID{free}, "claimed")
	},
	"a batch is one transaction": func(t *testing.T, h *harness) {
		w := h.webhook()
		var batch []peal.Insertion
		for range peal.MaxBatch {
			batch = append(batch, peal.Insertion{Event: h.newEvent(), Deliveries: deliveriesTo(true, w)})
		}
		inserted := h.insert(batch...)
		for i := range batch {
			if inserted[i].Duplicate || inserted[i].Event.Key != batch[i].Event.Key {
				t.Fatalf("event %d came back as %+v", i, inserted[i])
			}
		}
		events, err := h.store.Events(h.ctx, peal.EventQuery{Tenant: h.tenant, Limit: peal.MaxBatch + 1})
		h.must(err)
		h.equal(len(events), peal.MaxBatch, "number of events")
		deliveries, err := h.store.Deliveries(h.ctx, peal.DeliveryQuery{Tenant: h.tenant, Limit: peal.MaxBatch + 1})
		h.must(err)
		h.equal(len(deliveries), peal.MaxBatch, "number of deliveries")
	},
	"stale routes write nothing": func(t *testing.T, h *harness) {
		w := h.webhook()
		version := h.version()
		changes := map[string]func(){
			"create": func() { h.webhook() },
			"update": func() {
				w.Description += "x"
				var err error
				w, err = h.store.UpdateWebhook(h.ctx, w)
				h.must(err)
			},
			"delete": func() { h.must(h.store.DeleteWebhook(h.ctx, h.tenant, h.webhook().ID)) },
		}
		for name, change := range changes {
			change()
			event := h.newEvent()
			_, err := h.store.Insert(h.ctx, h.node, version, []peal.Insertion{{Event: event, Deliveries: deliveriesTo(true, w)}})
			if !errors.Is(err, peal.ErrStaleRoutes) {
				t.Errorf("after a %s: got %v, want ErrStaleRoutes", name, err)
			}
			_, err = h.store.Event(h.ctx, h.tenant, event.ID)
			h.refused(err, peal.NotFound)
			version = h.version()
			h.must(h.store.SetHealth(h.ctx, w.ID, peal.WebhookHealth{ExhaustedInRow: 1})) // is no change of the routes
			_, err = h.store.Insert(h.ctx, h.node, version, []peal.Insertion{{Event: event, Deliveries: deliveriesTo(true, w)}})
			h.must(err)
		}
	},
	"ids made elsewhere at the same moment keep apart": func(t *testing.T, h *harness) {
		w := h.webhook()
		key, id := peal.NewEventKey(), peal.NewDeliveryID()
		var keys []peal.EventKey
		var ids []peal.DeliveryID
		for i := range byte(20) {
			key[15], id[15] = i, i
			event := h.newEvent()
			event.Key, event.ID = key, key.String()
			h.insert(peal.Insertion{Event: event, Deliveries: []peal.NewDelivery{{ID: id, WebhookID: w.ID, Held: i%2 == 0}}})
			if i%3 == 0 {
				h.settle(id, peal.Success)
			}
			keys, ids = append(keys, key), append(ids, id)
		}
		for i := range keys {
			event, err := h.store.Event(h.ctx, h.tenant, keys[i].String())
			h.must(err)
			h.equal(event.Key, keys[i], "key")
			d := h.delivery(ids[i])
			h.equal([]any{d.ID, d.EventKey, d.Status == peal.Success}, []any{ids[i], keys[i], i%3 == 0}, "delivery")
		}
		batch := []peal.Insertion{{Event: h.newEvent()}, {Event: h.newEvent()}}
		batch[1].Event.Key = batch[0].Event.Key
		batch[1].Event.Key[15]++
		batch[1].Event.ID = batch[1].Event.Key.String()
		h.insert(batch...)
		for i := range batch {
			_, err := h.store.Event(h.ctx, h.tenant, batch[i].Event.ID)
			h.must(err)
		}
	},
}

var duplicateTests = map[string]func(*testing.T, *harness){
	"the same content is a duplicate": func(t *testing.T, h *harness) {
		a, b := h.webhook(), h.webhook()
		first := h.named("order-1")
		h.insert(peal.Insertion{Event: first, IDGiven: true, Deliveries: deliveriesTo(true, a, b)})
		repeat := h.named("order-1")
		late := deliveriesTo(true, a)
		inserted := h.insert(peal.Insertion{Event: repeat, IDGiven: true, Deliveries: late})
		h.equal(inserted, []peal.InsertResult{{Duplicate: true, Event: first, Webhooks: []peal.WebhookID{a.ID, b.ID}}},
			"inserted")
		_, err := h.store.Delivery(h.ctx, h.tenant, late[0].ID)
		h.refused(err, peal.NotFound)
		_, err = h.store.Event(h.ctx, h.tenant, repeat.Key.String())
		h.refused(err, peal.NotFound)
	},
	"a duplicate reports where the first went, in any later state": func(t *testing.T, h *harness) {
		a, b, c := h.webhook(), h.webhook(), h.webhook()
		d := deliveriesTo(true, a, b, c)
		d[1].Held = false
		h.insert(peal.Insertion{Event: h.named("x"), IDGiven: true, Deliveries: d})
		h.settle(d[0].ID, peal.Success)
		h.must(h.store.DeleteWebhook(h.ctx, h.tenant, c.ID))
		inserted := h.insert(peal.Insertion{Event: h.named("x"), IDGiven: true})
		h.equal(inserted[0].Webhooks, []peal.WebhookID{a.ID, b.ID, c.ID}, "webhooks")
	},
	"other content is a conflict": func(t *testing.T, h *harness) {
		first := h.named("order-1")
		h.insert(peal.Insertion{Event: first, IDGiven: true})
		changes := map[string]func(*peal.Insertion){
			"type":    func(in *peal.Insertion) { in.Event.Type = "task.deleted" },
			"subject": func(in *peal.Insertion) { in.Event.Subject = "task/8" },
			"data":    func(in *peal.Insertion) { in.Event.Data = []byte(`{"n":1}`) },
			"time": func(in *peal.Insertion) {
				in.TimeGiven = true
				in.Event.Time = peal.TimestampOf(time.Now().Add(time.Hour))
			},
		}
		for name, change := range changes {
			other := peal.Insertion{Event: h.newEvent()}
			in := peal.Insertion{Event: h.named("order-1"), IDGiven: true}
			change(&in)
			_, err := h.store.Insert(h.ctx, h.node, h.version(), []peal.Insertion{other, in})
			h.refused(err, peal.Conflict)
			var known *peal.Error
			if errors.As(err, &known) && known.Field != "events[1].id" {
				t.Errorf("other %s: the field is %q, want events[1].id", name, known.Field)
			}
			_, err = h.store.Event(h.ctx, h.tenant, other.Event.ID)
			h.refused(err, peal.NotFound)
		}
		got, err := h.store.Event(h.ctx, h.tenant, "order-1")
		h.must(err)
		h.equal(got, *first, "the first event")
	},
	"a time that the repeat does not give is not compared": func(t *testing.T, h *harness) {
		first := h.named("x")
		first.Time, _ = peal.ParseTimestamp("2020-01-01T00:00:00Z")
		h.insert(peal.Insertion{Event: first, IDGiven: true, TimeGiven: true})
		h.equal(h.insert(peal.Insertion{Event: h.named("x"), IDGiven: true})[0].Duplicate, true, "duplicate")
		again := h.named("x")
		again.Time = first.Time
		h.equal(h.insert(peal.Insertion{Event: again, IDGiven: true, TimeGiven: true})[0].Duplicate, true, "duplicate")
	},
	"in one batch": func(t *testing.T, h *harness) {
		w := h.webhook()
		first, other := h.named("x"), h.named("y")
		inserted := h.insert(
			peal.Insertion{Event: first, IDGiven: true, Deliveries: deliveriesTo(true, w)},
			peal.Insertion{Event: other, IDGiven: true},
			peal.Insertion{Event: h.named("x"), IDGiven: true, Deliveries: deliveriesTo(true, w)},
		)
		h.equal(inserted, []peal.InsertResult{{Event: first}, {Event: other},
			{Duplicate: true, Event: first, Webhooks: []peal.WebhookID{w.ID}}}, "inserted")
		deliveries, err := h.store.Deliveries(h.ctx, peal.DeliveryQuery{Tenant: h.tenant, Limit: 10})
		h.must(err)
		h.equal(len(deliveries), 1, "number of deliveries")

		clash := h.named("z")
		clash.Type = "other"
		_, err = h.store.Insert(h.ctx, h.node, h.version(), []peal.Insertion{{Event: h.named("z"), IDGiven: true},
			{Event: clash, IDGiven: true}})
		h.refused(err, peal.Conflict)
		_, err = h.store.Event(h.ctx, h.tenant, "z")
		h.refused(err, peal.NotFound)
	},
	"tenants do not share ids": func(t *testing.T, h *harness) {
		mine := h.named("x")
		h.insert(peal.Insertion{Event: mine, IDGiven: true})
		theirs := h.named("x")
		theirs.Tenant, theirs.Type = h.tenant+"-other", "other"
		h.equal(h.insert(peal.Insertion{Event: theirs, IDGiven: true})[0].Duplicate, false, "duplicate")
		got, err := h.store.Event(h.ctx, h.tenant, "x")
		h.must(err)
		h.equal(got, *mine, "event")
	},
	"an id that is another event's key is an id like any": func(t *testing.T, h *harness) {
		first := h.newEvent()
		h.insert(peal.Insertion{Event: first})
		second := h.named(first.Key.String())
		second.Type = "other"
		h.equal(h.insert(peal.Insertion{Event: second, IDGiven: true})[0].Duplicate, false, "duplicate")
		got, err := h.store.Event(h.ctx, h.tenant, first.Key.String())
		h.must(err)
		h.equal(got, *second, "the event by an id that both have")
	},
}
