package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/pealhq/peal"
)

var claimTests = map[string]func(*testing.T, *harness){
	"the earliest due first, the oldest first among those": func(t *testing.T, h *harness) {
		w := h.webhook()
		base := moment().Add(time.Second)
		var ids []peal.DeliveryID
		for _, seconds := range []int{5, 3, 5, 1, 3, 9} {
			id := h.deliver(w, true)
			s := settlement(h.delivery(id), peal.Pending)
			s.Due = base.Add(time.Duration(seconds) * time.Second)
			h.must(h.store.Settle(h.ctx, h.node, []peal.Settlement{s}))
			ids = append(ids, id)
		}
		want := []peal.DeliveryID{ids[3], ids[1], ids[4], ids[0], ids[2]}
		first, next, err := h.store.Claim(h.ctx, h.node, w.ID, base.Add(5*time.Second), 3)
		h.must(err)
		h.equal(idsOf(first), want[:3], "first three")
		h.equal(next, base.Add(5*time.Second), "next due")
		rest, next, err := h.store.Claim(h.ctx, h.node, w.ID, base.Add(5*time.Second), 3)
		h.must(err)
		h.equal(idsOf(rest), want[3:], "the rest")
		h.equal(next, base.Add(9*time.Second), "next due")
		none, next, err := h.store.Claim(h.ctx, h.node, w.ID, base.Add(5*time.Second), 3)
		h.must(err)
		h.equal(len(none), 0, "claimed again")
		h.equal(next, base.Add(9*time.Second), "next due")
	},
	"the work is the delivery and its event": func(t *testing.T, h *harness) {
		a, b := h.webhook(), h.webhook()
		event := h.named("x")
		event.Time, _ = peal.ParseTimestamp("2023-10-17T19:39:32.924194436+02:00")
		d := deliveriesTo(false, a, b)
		d[0].Test = true
		h.insert(peal.Insertion{Event: event, IDGiven: true, TimeGiven: true, Deliveries: d})
		for i, w := range []peal.Webhook{a, b} {
			work := h.claim(w, 10)
			h.equal(work, []peal.ClaimedDelivery{{Delivery: h.delivery(d[i].ID), Event: event}}, "work")
		}
	},
	"nothing is claimed of a webhook that has nothing, or is not there": func(t *testing.T, h *harness) {
		h.deliver(h.webhook(), false)
		for _, id := range []peal.WebhookID{h.webhook().ID, peal.NewWebhookID()} {
			work, next, err := h.store.Claim(h.ctx, h.node, id, time.Now().Add(time.Hour), 10)
			h.must(err)
			h.equal(len(work), 0, "claimed")
			h.equal(next, time.Time{}, "next due")
		}
	},
	"due webhooks are listed by id": func(t *testing.T, h *harness) {
		h = h.own()
		var want []peal.DueWebhook
		for range 5 {
			w := h.webhook()
			first := h.deliver(w, false)
			second := h.deliver(w, false)
			want = append(want, peal.DueWebhook{WebhookID: w.ID, Due: h.delivery(first).Due, Latest: h.delivery(second).Due})
		}
		h.deliver(h.webhook(), true)
		later := h.deliver(h.webhook(), true)
		s := settlement(h.delivery(later), peal.Pending)
		s.Due = moment().Add(time.Hour)
		h.must(h.store.Settle(h.ctx, h.node, []peal.Settlement{s}))
		want = append(want, peal.DueWebhook{WebhookID: s.WebhookID, Due: s.Due, Latest: s.Due})
		slices.SortFunc(want, func(a, b peal.DueWebhook) int { return a.WebhookID.Compare(b.WebhookID) })

		var got []peal.DueWebhook
		var after peal.WebhookID
		for {
			page, err := h.store.Due(h.ctx, after, 2)
			h.must(err)
			got = append(got, page...)
			if len(page) < 2 {
				break
			}
			after = page[1].WebhookID
		}
		h.equal(got, want, "due")
	},
	"due times are advanced": func(t *testing.T, h *harness) {
		w, other := h.webhook(), h.webhook()
		now := moment()
		far := now.Add(240 * time.Hour)
		at := func(w peal.Webhook, due time.Time) peal.DeliveryID {
			id := h.deliver(w, true)
			s := settlement(h.delivery(id), peal.Pending)
			s.Due = due
			h.must(h.store.Settle(h.ctx, h.node, []peal.Settlement{s}))
			return id
		}
		soon, first, second, third := at(w, now.Add(time.Hour)), at(w, far), at(w, far.Add(time.Hour)), at(w,
			far.Add(2*time.Hour))
		theirs := at(other, far)
		latest, retry := now.Add(24*time.Hour), now.Add(2*time.Hour)
		for _, want := range []int{2, 1, 0} {
			n, err := h.store.AdvanceDue(h.ctx, peal.AdvanceParams{
				WebhookID: w.ID, Latest: latest, Now: now, Retry: retry, Limit: 2,
			})
			h.must(err)
			h.equal(n, want, "advanced")
		}
		for id, want := range map[peal.DeliveryID]time.Time{
			soon: now.Add(time.Hour), first: retry, second: retry, third: retry, theirs: far,
		} {
			h.equal(h.delivery(id).Due, want, "due")
		}
		fresh := h.webhook()
		id := h.deliver(fresh, false)
		n, err := h.store.AdvanceDue(h.ctx, peal.AdvanceParams{WebhookID: fresh.ID, Now: now, Retry: retry, Limit: 2})
		h.must(err)
		h.equal(n, 1, "advanced of those never attempted")
		h.equal(h.delivery(id).Due, now, "due of one never attempted")
		n, err = h.store.AdvanceDue(h.ctx, peal.AdvanceParams{
			WebhookID: peal.NewWebhookID(), Latest: latest, Now: now, Retry: retry, Limit: 2,
		})
		h.must(err)
		h.equal(n, 0, "advanced of a webhook that is not there")
	},
}

var releaseTests = map[string]func(*testing.T, *harness){
	"released ones can be claimed when they are due": func(t *testing.T, h *harness) {
		w := h.webhook()
		a, b, kept := h.deliver(w, true), h.deliver(w, true), h.deliver(w, true)
		h.must(h.store.Release(h.ctx, h.node, []peal.DeliveryID{b, a, peal.NewDeliveryID()}))
		before := h.delivery(a)
		h.equal(idsOf(h.claim(w, 10)), []peal.DeliveryID{a, b}, "claimed")
		h.equal(h.delivery(a), before, "delivery")
		h.equal(h.delivery(kept).Status, peal.Pending, "status of the kept one")
	},
	"only the holder releases": func(t *testing.T, h *harness) {
		w := h.webhook()
		id := h.deliver(w, true)
		h.must(h.store.Release(h.ctx, peal.NewNodeID(), []peal.DeliveryID{id}))
		h.must(h.store.Release(h.ctx, h.register(), nil))
		h.must(h.store.Release(h.ctx, h.node, []peal.DeliveryID{}))
		h.equal(len(h.claim(w, 10)), 0, "claimed")
	},
	"nil releases all": func(t *testing.T, h *harness) {
		a, b := h.webhook(), h.webhook()
		first, second := h.deliver(a, true), h.deliver(b, true)
		other := *h
		other.node = h.register()
		other.deliver(a, true)
		h.must(h.store.Release(h.ctx, h.node, nil))
		h.equal(idsOf(h.claim(a, 10)), []peal.DeliveryID{first}, "claimed of a")
		h.equal(idsOf(h.claim(b, 10)), []peal.DeliveryID{second}, "claimed of b")
	},
	"a retry keeps its due time and its tries": func(t *testing.T, h *harness) {
		w := h.webhook()
		id := h.deliver(w, true)
		s := settlement(h.delivery(id), peal.Pending)
		s.Held = true
		h.must(h.store.Settle(h.ctx, h.node, []peal.Settlement{s}))
		want := h.delivery(id)
		h.must(h.store.Release(h.ctx, h.node, nil))
		h.equal(h.delivery(id), want, "delivery")
		_, next, err := h.store.Claim(h.ctx, h.node, w.ID, s.Due.Add(-time.Microsecond), 10)
		h.must(err)
		h.equal(next, s.Due, "next due")
	},
}
