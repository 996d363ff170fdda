package storetest

import (
	"testing"
	"time"

	"github.com/pealhq/peal"
)

var settleTests = map[string]func(*testing.T, *harness){
	"final": func(t *testing.T, h *harness) {
		w := h.webhook()
		for _, status := range []peal.DeliveryStatus{peal.Success, peal.Failed} {
			id := h.deliver(w, true)
			want := h.delivery(id)
			s := h.settle(id, status)
			want.Status, want.Attempts, want.Tries, want.Due = status, 1, 1, time.Time{}
			want.StatusCode, want.Duration, want.Reason, want.SettledAt = s.Attempt.StatusCode, s.Attempt.Timing.Total,
				s.Attempt.Reason, s.SettledAt
			h.equal(h.delivery(id), want, "delivery")
			attempts, err := h.store.Attempts(h.ctx, h.tenant, id)
			h.must(err)
			h.equal(attempts, []peal.Attempt{s.Attempt}, "attempts")
		}
		h.equal(len(h.claim(w, 10)), 0, "claimed")
	},
	"pending and held": func(t *testing.T, h *harness) {
		w := h.webhook()
		id := h.deliver(w, true)
		want := h.delivery(id)
		s := settlement(want, peal.Pending)
		s.Held, s.Due, s.Tries = true, moment().Add(-time.Minute), 7
		h.must(h.store.Settle(h.ctx, h.node, []peal.Settlement{s}))
		want.Attempts, want.Tries, want.Due = 1, 7, s.Due
		want.StatusCode, want.Duration, want.Reason = s.Attempt.StatusCode, s.Attempt.Timing.Total, s.Attempt.Reason
		h.equal(h.delivery(id), want, "delivery")
		h.equal(len(h.claim(w, 10)), 0, "claimed")

		last := h.settle(id, peal.Success)
		attempts, err := h.store.Attempts(h.ctx, h.tenant, id)
		h.must(err)
		h.equal(attempts, []peal.Attempt{s.Attempt, last.Attempt}, "attempts")
		h.equal(h.delivery(id).Attempts, 2, "number of attempts")
	},
	"pending and released": func(t *testing.T, h *harness) {
		w := h.webhook()
		id := h.deliver(w, true)
		s := settlement(h.delivery(id), peal.Pending)
		s.Due = moment().Add(30 * time.Second)
		h.must(h.store.Settle(h.ctx, h.node, []peal.Settlement{s}))
		h.equal(h.delivery(id).Due, s.Due, "due")
		none, next, err := h.store.Claim(h.ctx, h.node, w.ID, s.Due.Add(-time.Microsecond), 10)
		h.must(err)
		h.equal(len(none), 0, "claimed early")
		h.equal(next, s.Due, "next due")
		work, next, err := h.store.Claim(h.ctx, h.node, w.ID, s.Due, 10)
		h.must(err)
		h.equal(idsOf(work), []peal.DeliveryID{id}, "claimed")
		h.equal(next, time.Time{}, "next due")
		h.equal(work[0].Delivery, h.delivery(id), "work's delivery")
	},
	"many at once, of every kind": func(t *testing.T, h *harness) {
		w := h.webhook()
		statuses := []peal.DeliveryStatus{peal.Success, peal.Failed, peal.Pending}
		var settlements []peal.Settlement
		var ids []peal.DeliveryID
		for i := range 300 {
			id := h.deliver(w, true)
			ids = append(ids, id)
			settlements = append(settlements, settlement(h.delivery(id), statuses[i%7%3]))
		}
		h.must(h.store.Settle(h.ctx, h.node, settlements))
		for i, id := range ids {
			d := h.delivery(id)
			h.equal([]any{d.Status, d.Attempts}, []any{statuses[i%7%3], 1}, "status and attempts")
		}
		h.must(h.store.Settle(h.ctx, h.node, nil))
	},
	"two attempts of one delivery at once": func(t *testing.T, h *harness) {
		w := h.webhook()
		id := h.deliver(w, true)
		first := settlement(h.delivery(id), peal.Pending)
		first.Held = true
		second := settlement(h.delivery(id), peal.Success)
		second.Attempt.Number, second.Tries = 2, 2
		h.must(h.store.Settle(h.ctx, h.node, []peal.Settlement{first, second}))
		d := h.delivery(id)
		h.equal([]any{d.Status, d.Attempts, d.Tries}, []any{peal.Success, 2, 2}, "status, attempts and tries")
		attempts, err := h.store.Attempts(h.ctx, h.tenant, id)
		h.must(err)
		h.equal(attempts, []peal.Attempt{first.Attempt, second.Attempt}, "attempts")
	},
	"a canceled one stays so and keeps the attempt": func(t *testing.T, h *harness) {
		w := h.webhook()
		for _, status := range []peal.DeliveryStatus{peal.Success, peal.Failed, peal.Pending} {
			canceled, other := h.deliver(w, true), h.deliver(w, true)
			a, b := settlement(h.delivery(canceled), status), settlement(h.delivery(other), status)
			at := moment()
			h.must(h.store.Cancel(h.ctx, h.tenant, canceled, at))
			h.must(h.store.Settle(h.ctx, h.node, []peal.Settlement{a, b}))
			d := h.delivery(canceled)
			h.equal([]any{d.Status, d.Attempts, d.SettledAt, d.StatusCode}, []any{peal.Canceled, 1, at, a.Attempt.StatusCode},
				"status, attempts, settled at and code")
			h.equal(h.delivery(other).Status, status, "status of the other")
			attempts, err := h.store.Attempts(h.ctx, h.tenant, canceled)
			h.must(err)
			h.equal(attempts, []peal.Attempt{a.Attempt}, "attempts")
		}
		h.equal(idsOf(h.claim(w, 10)), []peal.DeliveryID{lastOf(h, peal.Pending)}, "claimed")
	},
	"said twice it is on record once": func(t *testing.T, h *harness) {
		w := h.webhook()
		for _, status := range []peal.DeliveryStatus{peal.Success, peal.Failed, peal.Pending} {
			id := h.deliver(w, true)
			s := h.settle(id, status)
			want := h.delivery(id)
			h.must(h.store.Settle(h.ctx, h.node, []peal.Settlement{s}))
			h.equal(h.delivery(id), want, "delivery after the repeat")
			attempts, err := h.store.Attempts(h.ctx, h.tenant, id)
			h.must(err)
			h.equal(attempts, []peal.Attempt{s.Attempt}, "attempts")
		}
	},
	"an unknown one is left out": func(t *testing.T, h *harness) {
		w := h.webhook()
		id := h.deliver(w, true)
		unknown := settlement(peal.Delivery{ID: peal.NewDeliveryID(), WebhookID: w.ID}, peal.Success)
		h.must(h.store.Settle(h.ctx, h.node, []peal.Settlement{unknown, settlement(h.delivery(id), peal.Success)}))
		h.equal(h.delivery(id).Status, peal.Success, "status of the known one")
	},
	"after a release it settles all the same": func(t *testing.T, h *harness) {
		w := h.webhook()
		id := h.deliver(w, true)
		h.must(h.store.Release(h.ctx, h.node, []peal.DeliveryID{id}))
		h.settle(id, peal.Success)
		h.equal(h.delivery(id).Status, peal.Success, "status")
		h.equal(len(h.claim(w, 10)), 0, "claimed")
	},
}

// lastOf returns the newest delivery with a status.
func lastOf(h *harness, status peal.DeliveryStatus) peal.DeliveryID {
	h.t.Helper()
	list, err := h.store.Deliveries(h.ctx, peal.DeliveryQuery{Tenant: h.tenant, Status: status, Limit: 1})
	h.must(err)
	if len(list) == 0 {
		h.t.Fatalf("there is no delivery %s", status)
	}
	return list[0].ID
}

var attemptTests = map[string]func(*testing.T, *harness){
	"they come in order, through every round": func(t *testing.T, h *harness) {
		w := h.webhook()
		id := h.deliver(w, true)
		var want []peal.Attempt
		for round := range 3 {
			if round > 0 {
				_, err := h.store.Reopen(h.ctx, h.node, h.tenant, id, moment())
				h.must(err)
			}
			for _, status := range []peal.DeliveryStatus{peal.Pending, peal.Pending, peal.Failed} {
				s := settlement(h.delivery(id), status)
				s.Held = true
				h.must(h.store.Settle(h.ctx, h.node, []peal.Settlement{s}))
				want = append(want, s.Attempt)
			}
		}
		got, err := h.store.Attempts(h.ctx, h.tenant, id)
		h.must(err)
		h.equal(got, want, "attempts")
	},
	"the least and the most come back as they were": func(t *testing.T, h *harness) {
		w := h.webhook()
		least := peal.Attempt{ID: peal.NewAttemptID(), Number: 1, StartedAt: moment(), Reason: peal.ReasonDNS}
		most := newAttempt(peal.DeliveryID{}, 1)
		body := make([]byte, peal.MaxResponseBody)
		for i := range body {
			body[i] = byte(i)
		}
		most.ResponseBody = body
		most.ResponseHead = peal.HeaderLines("X: " + string(make([]byte, peal.MaxResponseHead-4)) + "\n")
		for _, attempt := range []peal.Attempt{least, most} {
			for _, status := range []peal.DeliveryStatus{peal.Failed, peal.Pending} {
				id := h.deliver(w, true)
				s := settlement(h.delivery(id), status)
				attempt.ID, attempt.DeliveryID = peal.NewAttemptID(), id
				s.Attempt = attempt
				h.must(h.store.Settle(h.ctx, h.node, []peal.Settlement{s}))
				got, err := h.store.Attempts(h.ctx, h.tenant, id)
				h.must(err)
				h.equal(got, []peal.Attempt{attempt}, "attempts")
			}
		}
	},
	"an unknown delivery or a stranger's has none": func(t *testing.T, h *harness) {
		w := h.webhook()
		id := h.deliver(w, true)
		h.settle(id, peal.Success)
		for tenant, id := range map[string]peal.DeliveryID{h.tenant: peal.NewDeliveryID(), h.tenant + "-stranger": id} {
			got, err := h.store.Attempts(h.ctx, tenant, id)
			h.must(err)
			h.equal(len(got), 0, "number of attempts")
		}
	},
}
