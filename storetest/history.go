package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/pealhq/peal"
)

var eventTests = map[string]func(*testing.T, *harness){
	"an unknown one or a stranger's is not found": func(t *testing.T, h *harness) {
		event := h.named("x")
		h.insert(peal.Insertion{Event: event, IDGiven: true})
		for _, id := range []string{"y", "", peal.NewEventKey().String(), "event_", "X"} {
			_, err := h.store.Event(h.ctx, h.tenant, id)
			h.refused(err, peal.NotFound)
		}
		for _, id := range []string{"x", event.Key.String()} {
			_, err := h.store.Event(h.ctx, h.tenant+"-stranger", id)
			h.refused(err, peal.NotFound)
		}
	},
	"they are listed newest first, by each filter": func(t *testing.T, h *harness) {
		types := []string{"task.created", "task.deleted", "a"}
		var all []peal.Event
		for i := range 30 {
			event := h.newEvent()
			event.Type = types[i%7%3]
			h.insert(peal.Insertion{Event: event})
			all = append([]peal.Event{*event}, all...)
			other := h.newEvent()
			other.Tenant = h.tenant + "-other"
			h.insert(peal.Insertion{Event: other})
		}
		since, until := all[24].AcceptedAt(), all[3].AcceptedAt()
		queries := map[string]struct {
			query peal.EventQuery
			want  func(*peal.Event) bool
		}{
			"all":     {peal.EventQuery{}, func(e *peal.Event) bool { return true }},
			"type":    {peal.EventQuery{Type: "task.deleted"}, func(e *peal.Event) bool { return e.Type == "task.deleted" }},
			"no type": {peal.EventQuery{Type: "task"}, func(e *peal.Event) bool { return false }},
			"since":   {peal.EventQuery{Since: since}, func(e *peal.Event) bool { return !e.AcceptedAt().Before(since) }},
			"until":   {peal.EventQuery{Until: until}, func(e *peal.Event) bool { return e.AcceptedAt().Before(until) }},
			"since and until, type": {peal.EventQuery{Since: since, Until: until, Type: "a"}, func(e *peal.Event) bool {
				return e.Type == "a" && !e.AcceptedAt().Before(since) && e.AcceptedAt().Before(until)
			}},
			"nothing between": {peal.EventQuery{Since: until, Until: since}, func(e *peal.Event) bool { return false }},
		}
		for name, test := range queries {
			var want []peal.Event
			for i := range all {
				if test.want(&all[i]) {
					want = append(want, all[i])
				}
			}
			test.query.Tenant = h.tenant
			for _, limit := range []int{1, 7, 100} {
				test.query.Limit, test.query.Before = limit, peal.EventKey{}
				var got []peal.Event
				for {
					page, err := h.store.Events(h.ctx, test.query)
					h.must(err)
					got = append(got, page...)
					if len(page) > limit {
						t.Fatalf("%s: a page has %d events, limit %d", name, len(page), limit)
					}
					if len(page) < limit {
						break
					}
					test.query.Before = page[limit-1].Key
				}
				h.equal(got, want, fmt.Sprintf("%s, %d a page", name, limit))
			}
		}
	},
	"a cursor need not be an event": func(t *testing.T, h *harness) {
		first := h.newEvent()
		h.insert(peal.Insertion{Event: first})
		between := peal.NewEventKey()
		h.insert(peal.Insertion{Event: h.newEvent()})
		got, err := h.store.Events(h.ctx, peal.EventQuery{Tenant: h.tenant, Before: between, Limit: 10})
		h.must(err)
		h.equal(got, []peal.Event{*first}, "events")
	},
	"a tenant that is not there has none": func(t *testing.T, h *harness) {
		events, err := h.store.Events(h.ctx, peal.EventQuery{Tenant: "nobody", Limit: 10})
		h.must(err)
		h.equal(len(events), 0, "events")
		deliveries, err := h.store.Deliveries(h.ctx, peal.DeliveryQuery{Tenant: "nobody", Limit: 10})
		h.must(err)
		h.equal(len(deliveries), 0, "deliveries")
	},
}

// history creates deliveries of every status for three webhooks, one of which is deleted
// afterwards, and returns them all, newest first.
func (h *harness) history() (webhooks []peal.Webhook, all []peal.Delivery) {
	h.t.Helper()
	webhooks = []peal.Webhook{h.webhook(), h.webhook(), h.webhook()}
	var ids []peal.DeliveryID
	for i := range 24 {
		d := deliveriesTo(i%2 == 0, webhooks...)
		if i%5 == 0 {
			d = d[:1]
		}
		h.insert(peal.Insertion{Event: h.newEvent(), Deliveries: d})
		for j := range d {
			ids = append(ids, d[j].ID)
			switch (i + j) % 6 {
			case 0, 1:
				h.settle(d[j].ID, peal.Success)
			case 2:
				h.settle(d[j].ID, peal.Failed)
			case 3:
				h.must(h.store.Cancel(h.ctx, h.tenant, d[j].ID, moment()))
			case 4:
				h.settle(d[j].ID, peal.Pending)
			}
		}
	}
	h.must(h.store.DeleteWebhook(h.ctx, h.tenant, webhooks[2].ID))
	for _, id := range ids {
		all = append([]peal.Delivery{h.delivery(id)}, all...)
	}
	return webhooks, all
}

var deliveryTests = map[string]func(*testing.T, *harness){
	"they are listed newest first, by each filter": func(t *testing.T, h *harness) {
		stranger := *h
		stranger.tenant += "-other"
		stranger.history()
		webhooks, all := h.history()
		since, until := all[len(all)-5].CreatedAt(), all[5].CreatedAt()
		event := all[len(all)-2].EventKey
		filters := map[string]struct {
			query peal.DeliveryQuery
			want  func(*peal.Delivery) bool
		}{
			"all":           {peal.DeliveryQuery{}, func(d *peal.Delivery) bool { return true }},
			"event":         {peal.DeliveryQuery{EventKey: event}, func(d *peal.Delivery) bool { return d.EventKey == event }},
			"unknown event": {peal.DeliveryQuery{EventKey: peal.NewEventKey()}, func(d *peal.Delivery) bool { return false }},
			"since":         {peal.DeliveryQuery{Since: since}, func(d *peal.Delivery) bool { return !d.CreatedAt().Before(since) }},
			"until":         {peal.DeliveryQuery{Until: until}, func(d *peal.Delivery) bool { return d.CreatedAt().Before(until) }},
			"no status":     {peal.DeliveryQuery{Status: "x"}, func(d *peal.Delivery) bool { return false }},
		}
		for i, w := range webhooks {
			filters[fmt.Sprint("webhook ", i)] = struct {
				query peal.DeliveryQuery
				want  func(*peal.Delivery) bool
			}{peal.DeliveryQuery{WebhookID: w.ID}, func(d *peal.Delivery) bool { return d.WebhookID == w.ID }}
		}
		for name, filter := range filters {
			for _, status := range []peal.DeliveryStatus{"", peal.Pending, peal.Success, peal.Failed, peal.Canceled} {
				query, name := filter.query, name
				if status != "" {
					if query.Status != "" {
						continue
					}
					query.Status, name = status, name+" and "+string(status)
				}
				var want []peal.DeliveryID
				for i := range all {
					if filter.want(&all[i]) && (status == "" || all[i].Status == status) {
						want = append(want, all[i].ID)
					}
				}
				query.Tenant = h.tenant
				h.pages(name, query, want)
			}
		}
		full, err := h.store.Deliveries(h.ctx, peal.DeliveryQuery{Tenant: h.tenant, Limit: 1000})
		h.must(err)
		h.equal(full, all, "all of each delivery")
	},
	"another tenant's webhook and event give none": func(t *testing.T, h *harness) {
		w := h.webhook()
		event := h.newEvent()
		h.insert(peal.Insertion{Event: event, Deliveries: deliveriesTo(true, w)})
		for _, query := range []peal.DeliveryQuery{{}, {WebhookID: w.ID}, {EventKey: event.Key}} {
			query.Tenant, query.Limit = h.tenant+"-stranger", 10
			list, err := h.store.Deliveries(h.ctx, query)
			h.must(err)
			h.equal(len(list), 0, "deliveries")
		}
	},
	"since takes in a delivery's own moment, until does not": func(t *testing.T, h *harness) {
		w := h.webhook()
		for range 50 {
			id := h.deliver(w, true)
			at := id.Time()
			for _, test := range []struct {
				query peal.DeliveryQuery
				want  bool
			}{
				{peal.DeliveryQuery{Since: at, Until: at.Add(time.Microsecond)}, true},
				{peal.DeliveryQuery{Since: at.Add(-time.Microsecond), Until: at}, false},
				{peal.DeliveryQuery{Since: at.Add(time.Microsecond)}, false},
			} {
				test.query.Tenant, test.query.Limit = h.tenant, 10
				list, err := h.store.Deliveries(h.ctx, test.query)
				h.must(err)
				if got := len(list) > 0 && list[len(list)-1].ID == id; got != test.want {
					t.Fatalf("delivery of %v, since %v until %v: found %v", at, test.query.Since, test.query.Until, got)
				}
			}
		}
	},
}

// pages reads a list page by page, in pages of different sizes.
func (h *harness) pages(name string, query peal.DeliveryQuery, want []peal.DeliveryID) {
	h.t.Helper()
	for _, limit := range []int{1, 7, 1000} {
		query.Limit, query.Before = limit, peal.DeliveryID{}
		var got []peal.DeliveryID
		for {
			page, err := h.store.Deliveries(h.ctx, query)
			h.must(err)
			if len(page) > limit {
				h.t.Fatalf("%s: a page has %d deliveries, limit %d", name, len(page), limit)
			}
			got = append(got, deliveryIDs(page)...)
			if len(page) < limit {
				break
			}
			query.Before = page[limit-1].ID
		}
		h.equal(got, want, fmt.Sprintf("%s, %d a page", name, limit))
	}
}
