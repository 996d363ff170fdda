package storetest

import (
	"testing"
	"time"

	"github.com/pealhq/peal"
)

var reopenTests = map[string]func(*testing.T, *harness){
	"a pending one is canceled, held or not": func(t *testing.T, h *harness) {
		w := h.webhook()
		for _, held := range []bool{true, false} {
			id := h.deliver(w, held)
			want := h.delivery(id)
			at := moment()
			h.must(h.store.Cancel(h.ctx, h.tenant, id, at))
			want.Status, want.Due, want.SettledAt = peal.Canceled, time.Time{}, at
			h.equal(h.delivery(id), want, "delivery")
			h.refused(h.store.Cancel(h.ctx, h.tenant, id, at), peal.Conflict)
		}
		h.equal(len(h.claim(w, 10)), 0, "claimed")
	},
	"a final one cannot be canceled": func(t *testing.T, h *harness) {
		w := h.webhook()
		for _, status := range []peal.DeliveryStatus{peal.Success, peal.Failed} {
			id := h.deliver(w, true)
			h.settle(id, status)
			h.refused(h.store.Cancel(h.ctx, h.tenant, id, moment()), peal.Conflict)
			h.equal(h.delivery(id).Status, status, "status")
		}
	},
	"a stranger's or unknown one is not found": func(t *testing.T, h *harness) {
		id := h.deliver(h.webhook(), false)
		for tenant, id := range map[string]peal.DeliveryID{h.tenant: peal.NewDeliveryID(), h.tenant + "-stranger": id} {
			h.refused(h.store.Cancel(h.ctx, tenant, id, moment()), peal.NotFound)
			_, err := h.store.Reopen(h.ctx, h.node, tenant, id, moment())
			h.refused(err, peal.NotFound)
			_, err = h.store.Delivery(h.ctx, tenant, id)
			h.refused(err, peal.NotFound)
		}
		h.equal(h.delivery(id).Status, peal.Pending, "status")
	},
	"a final one starts a new round": func(t *testing.T, h *harness) {
		w := h.webhook()
		for _, status := range []peal.DeliveryStatus{peal.Success, peal.Failed, peal.Canceled} {
			d := deliveriesTo(true, w)
			event := h.newEvent()
			h.insert(peal.Insertion{Event: event, Deliveries: d})
			id := d[0].ID
			if status == peal.Canceled {
				h.must(h.store.Cancel(h.ctx, h.tenant, id, moment()))
			} else {
				h.settle(id, status)
			}
			want := h.delivery(id)
			due := moment().Add(time.Minute)
			work, err := h.store.Reopen(h.ctx, h.node, h.tenant, id, due)
			h.must(err)
			want.Status, want.Tries, want.Due, want.SettledAt = peal.Pending, 0, due, time.Time{}
			h.equal(work, peal.ClaimedDelivery{Delivery: want, Event: event}, "work")
			h.equal(h.delivery(id), want, "delivery")

			_, err = h.store.Reopen(h.ctx, h.node, h.tenant, id, due)
			h.refused(err, peal.Conflict)
			h.equal(len(h.claim(w, 10)), 0, "claimed")
			h.settle(id, peal.Success)
			h.equal(h.delivery(id).Attempts, want.Attempts+1, "attempts")
		}
	},
	"a pending one that nobody holds becomes due and held": func(t *testing.T, h *harness) {
		w := h.webhook()
		id := h.deliver(w, true)
		h.settle(id, peal.Pending)
		want := h.delivery(id)
		want.Due = moment()
		work, err := h.store.Reopen(h.ctx, h.node, h.tenant, id, want.Due)
		h.must(err)
		h.equal(work.Delivery, want, "work's delivery")
		h.equal(len(h.claim(w, 10)), 0, "claimed")
		h.must(h.store.Release(h.ctx, h.node, nil))
		h.equal(idsOf(h.claim(w, 10)), []peal.DeliveryID{id}, "claimed after a release")
	},
	"one that a node holds is in conflict": func(t *testing.T, h *harness) {
		id := h.deliver(h.webhook(), true)
		for _, node := range []peal.NodeID{h.node, h.register()} {
			_, err := h.store.Reopen(h.ctx, node, h.tenant, id, moment())
			h.refused(err, peal.Conflict)
		}
	},
}

var deleteTests = map[string]func(*testing.T, *harness){
	"a deleted webhook is gone and its history stays": func(t *testing.T, h *harness) {
		w, other := h.webhook(), h.webhook()
		final, held, free := h.deliver(w, true), h.deliver(w, true), h.deliver(w, false)
		s := h.settle(final, peal.Success)
		kept := h.deliver(other, false)
		h.must(h.store.DeleteWebhook(h.ctx, h.tenant, w.ID))

		_, err := h.store.Webhook(h.ctx, h.tenant, w.ID)
		h.refused(err, peal.NotFound)
		_, err = h.store.UpdateWebhook(h.ctx, w)
		h.refused(err, peal.NotFound)
		h.refused(h.store.DeleteWebhook(h.ctx, h.tenant, w.ID), peal.NotFound)
		_, err = h.store.CreateWebhook(h.ctx, w)
		h.refused(err, peal.Conflict)
		h.must(h.store.SetHealth(h.ctx, w.ID, peal.WebhookHealth{ExhaustedInRow: 1}))

		for id, status := range map[peal.DeliveryID]peal.DeliveryStatus{final: peal.Success, held: peal.Canceled,
			free: peal.Canceled, kept: peal.Pending} {
			d := h.delivery(id)
			h.equal(d.Status, status, "status")
			if d.SettledAt.IsZero() != (status == peal.Pending) {
				t.Errorf("a delivery %s was settled at %v", status, d.SettledAt)
			}
		}
		attempts, err := h.store.Attempts(h.ctx, h.tenant, final)
		h.must(err)
		h.equal(attempts, []peal.Attempt{s.Attempt}, "attempts")
		list, err := h.store.Deliveries(h.ctx, peal.DeliveryQuery{Tenant: h.tenant, WebhookID: w.ID, Limit: 10})
		h.must(err)
		h.equal(deliveryIDs(list), []peal.DeliveryID{free, held, final}, "deliveries of the deleted webhook")
	},
	"nothing of it is due or claimed": func(t *testing.T, h *harness) {
		h = h.own()
		w := h.webhook()
		h.deliver(w, false)
		h.must(h.store.DeleteWebhook(h.ctx, h.tenant, w.ID))
		h.equal(len(h.claim(w, 10)), 0, "claimed")
		due, err := h.store.Due(h.ctx, peal.WebhookID{}, 10)
		h.must(err)
		h.equal(len(due), 0, "due webhooks")
	},
	"what was in flight is put on record": func(t *testing.T, h *harness) {
		w := h.webhook()
		id := h.deliver(w, true)
		s := settlement(h.delivery(id), peal.Success)
		h.must(h.store.DeleteWebhook(h.ctx, h.tenant, w.ID))
		h.must(h.store.Settle(h.ctx, h.node, []peal.Settlement{s}))
		d := h.delivery(id)
		h.equal([]any{d.Status, d.Attempts}, []any{peal.Canceled, 1}, "status and attempts")
	},
	"a backlog is canceled in time": func(t *testing.T, h *harness) {
		h = h.own()
		w := h.webhook()
		const many = 1300
		var insertions []peal.Insertion
		for i := range many {
			insertions = append(insertions, peal.Insertion{Event: h.newEvent(), Deliveries: deliveriesTo(i%3 == 0, w)})
		}
		h.insert(insertions...)
		h.must(h.store.DeleteWebhook(h.ctx, h.tenant, w.ID))
		h.equal(len(h.claim(w, 10)), 0, "claimed")
		for { // the rest may follow in batches; the test's own time limit is the deadline
			pending, err := h.store.Deliveries(h.ctx, peal.DeliveryQuery{Tenant: h.tenant, Status: peal.Pending, Limit: 1})
			h.must(err)
			if len(pending) == 0 {
				break
			}
		}
		canceled, err := h.store.Deliveries(h.ctx, peal.DeliveryQuery{Tenant: h.tenant, Status: peal.Canceled,
			Limit: many + 1})
		h.must(err)
		h.equal(len(canceled), many, "canceled deliveries")
	},
}
