package storetest

import (
	"testing"
	"time"

	"github.com/pealhq/peal"
)

// stripped is an attempt without what was sent and answered.
func stripped(a peal.Attempt) peal.Attempt {
	a.RequestHead, a.ResponseHead, a.ResponseBody, a.ResponseTruncated = "", "", nil, len(a.ResponseBody) > 0
	return a
}

var purgeOtherTests = map[string]func(*testing.T, *harness){
	"what a paused or disabled webhook held back is canceled": func(t *testing.T, h *harness) {
		h = h.own()
		for _, status := range []peal.WebhookStatus{peal.Paused, peal.Disabled, peal.Active} {
			w := h.webhook()
			held, old := h.deliver(w, true), h.deliver(w, false)
			young := h.deliver(w, false)
			w.Status = status
			_, err := h.store.UpdateWebhook(h.ctx, w)
			h.must(err)
			at := moment().Add(time.Hour)
			h.purge(peal.PurgeParams{History: young.Time(), Canceled: at})
			want := peal.Canceled
			if status == peal.Active {
				want = peal.Pending
			}
			for id, want := range map[peal.DeliveryID]peal.DeliveryStatus{held: peal.Pending, old: want, young: peal.Pending} {
				h.equal(h.delivery(id).Status, want, "status of a delivery of a webhook that is "+string(status))
			}
			if want == peal.Canceled {
				h.equal(h.delivery(old).SettledAt, at, "canceled at")
			}
		}
	},
	"attempts lose what was sent and answered": func(t *testing.T, h *harness) {
		h = h.own()
		w := h.webhook()
		first, second := h.deliver(w, true), h.deliver(w, true)
		a := h.settle(first, peal.Pending).Attempt
		b := h.settle(second, peal.Success).Attempt
		c := h.settle(first, peal.Failed).Attempt
		check := func(what string, first1, second1, first2 peal.Attempt) {
			t.Helper()
			for id, want := range map[peal.DeliveryID][]peal.Attempt{first: {first1, first2}, second: {second1}} {
				got, err := h.store.Attempts(h.ctx, h.tenant, id)
				h.must(err)
				h.equal(got, want, what)
			}
		}
		edge := c.ID.Time()
		if !b.ID.Time().Before(edge) || !a.ID.Time().Before(b.ID.Time()) {
			t.Skip("the clock is too coarse")
		}
		h.equal(h.purge(peal.PurgeParams{Attempts: edge}).Records, 2, "records at the last one's moment")
		check("two before", stripped(a), stripped(b), c)
		h.equal(h.purge(peal.PurgeParams{Attempts: edge.Add(25 * time.Hour)}).Records, 1, "records a day later")
		check("all before", stripped(a), stripped(b), stripped(c))
		h.equal(h.purge(peal.PurgeParams{Attempts: edge.Add(50 * time.Hour)}).Records, 0, "records when there are no more")

		_, err := h.store.Reopen(h.ctx, h.node, h.tenant, second, moment())
		h.must(err)
		d := h.settle(second, peal.Success).Attempt
		got, err := h.store.Attempts(h.ctx, h.tenant, second)
		h.must(err)
		h.equal(got, []peal.Attempt{stripped(b), d}, "after a retry")
	},
	"an attempt of the very moment keeps it": func(t *testing.T, h *harness) {
		for range 3 {
			h = h.own()
			id := h.deliver(h.webhook(), true)
			a := h.settle(id, peal.Success).Attempt
			h.equal(h.purge(peal.PurgeParams{Attempts: a.ID.Time()}).Records, 0, "records")
			h.equal(h.purge(peal.PurgeParams{Attempts: a.ID.Time().Add(48 * time.Hour)}).Records, 1, "records later")
		}
	},
	"many attempts lose it batch by batch": func(t *testing.T, h *harness) {
		h = h.own()
		w := h.webhook()
		for range 6 {
			id := h.deliver(w, true)
			for range 30 {
				h.settle(id, peal.Pending)
			}
			h.settle(id, peal.Failed)
		}
		h.equal(h.purge(peal.PurgeParams{Attempts: moment().Add(time.Hour)}).Records, 186, "records")
	},
	"a deleted webhook is forgotten when nothing is left of it": func(t *testing.T, h *harness) {
		h = h.own()
		w, other := h.webhook(), h.webhook()
		version := h.version()
		id := h.deliver(w, true)
		h.must(h.store.DeleteWebhook(h.ctx, h.tenant, w.ID))
		deleted := func() int {
			webhooks, _, err := h.store.RoutesSince(h.ctx, version)
			h.must(err)
			return len(webhooks)
		}
		h.equal(h.purgeBefore(id.Time()).Webhooks, 0, "webhooks forgotten with a delivery")
		h.equal(deleted(), 1, "known to be deleted")
		purged := h.purgeBefore(time.Now().Add(time.Hour))
		h.equal([]int{purged.Deliveries, purged.Webhooks}, []int{1, 1}, "purged")
		h.equal(deleted(), 0, "known to be deleted")
		_, err := h.store.Insert(h.ctx, h.node, h.version(), []peal.Insertion{{Event: h.newEvent(),
			Deliveries: deliveriesTo(true, w)}})
		h.refused(err, peal.Internal)
		h.deliver(other, true)
	},
	"a revoked key is forgotten, another is not": func(t *testing.T, h *harness) {
		h = h.own()
		revoked, kept := h.newKey("old"), h.newKey("new")
		h.must(h.store.CreateKey(h.ctx, revoked))
		h.must(h.store.CreateKey(h.ctx, kept))
		at := moment()
		h.must(h.store.RevokeKey(h.ctx, h.tenant, revoked.ID, at))
		h.equal(h.purgeBefore(at).Keys, 0, "keys at the moment of revoking")
		h.equal(h.purgeBefore(at.Add(time.Microsecond)).Keys, 1, "keys after it")
		keys, err := h.store.Keys(h.ctx, h.tenant, peal.KeyID{}, 10)
		h.must(err)
		h.equal(keys, []peal.APIKey{kept}, "keys")
	},
	"an ended replay is forgotten, a running one is not": func(t *testing.T, h *harness) {
		h = h.own()
		w := h.webhook()
		ended, running := h.replay(w, nil), h.replay(w, nil)
		at := moment()
		h.must(h.store.EndReplay(h.ctx, h.tenant, ended.ID, peal.ReplayDone, "", at))
		h.equal(h.purgeBefore(at).Replays, 0, "replays at the moment of their end")
		h.equal(h.purge(peal.PurgeParams{}).Replays, 0, "replays that are kept forever")
		h.equal(h.purgeBefore(at.Add(time.Microsecond)).Replays, 1, "replays after it")
		replays, err := h.store.Replays(h.ctx, peal.ReplayQuery{Tenant: h.tenant, WebhookID: w.ID, Limit: 10})
		h.must(err)
		h.equal(len(replays), 1, "replays that are left")
		h.equal(replays[0].ID, running.ID, "the one that is left")
	},
}
