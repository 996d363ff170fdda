package storetest

import (
	"testing"
	"time"

	"github.com/pealhq/peal"
)

// end ends the harness's node without a farewell; another one takes its place and
// what it held.
func (h *harness) end() {
	h.node = h.register()
	_, err := h.store.Takeover(h.ctx, h.node, 0)
	h.must(err)
}

// suspicion claims the only delivery of a webhook and returns what is known against it.
func (h *harness) suspicion(w peal.Webhook) peal.Suspicion {
	h.t.Helper()
	works := h.claim(w, 10)
	if len(works) != 1 {
		h.t.Fatalf("claimed %d deliveries, want one", len(works))
	}
	return works[0].Suspicion
}

var suspectTests = map[string]func(*testing.T, *harness){
	"what was due in a node that ended is a suspect": func(t *testing.T, h *harness) {
		h = h.own()
		w := h.webhook()
		h.deliver(w, false)
		h.equal(h.suspicion(w), peal.Suspicion{}, "of what nobody has held")
		for n := 1; n <= 3; n++ {
			h.end()
			h.equal(h.suspicion(w), peal.Suspicion{Ends: n}, "after an end")
		}
	},
	"marks weigh the end": func(t *testing.T, h *harness) {
		h = h.own()
		w := h.webhook()
		id := h.deliver(w, true)
		h.must(h.store.MarkSuspect(h.ctx, h.node, id, peal.MarkAlone)) // no suspect yet: nothing
		h.end()
		h.equal(h.suspicion(w), peal.Suspicion{Ends: 1}, "after the first end")
		want := peal.Suspicion{Ends: 1}
		for _, step := range []struct {
			mark   peal.SuspectMark
			weight int
		}{{peal.MarkAlone, peal.StrikeAlone}, {peal.MarkWaiting, peal.StrikeWaiting}, {peal.MarkOff, 0}, {peal.MarkAlone,
			peal.StrikeAlone}} {
			h.must(h.store.MarkSuspect(h.ctx, h.node, id, step.mark))
			h.end()
			want.Ends++
			want.Strikes += step.weight
			h.equal(h.suspicion(w), want, "after an end with a mark")
		}
		if !want.IsConvicted() {
			t.Error("two ends alone are not enough")
		}
		h.must(h.store.MarkSuspect(h.ctx, h.node, id, peal.MarkCleared))
		h.end()
		h.equal(h.suspicion(w), peal.Suspicion{Ends: 1}, "after it was cleared")
	},
	"who leaves leaves no evidence": func(t *testing.T, h *harness) {
		h = h.own()
		w := h.webhook()
		id := h.deliver(w, true)
		h.must(h.store.LeaveNode(h.ctx, h.node))
		h.node = h.register()
		h.equal(h.suspicion(w), peal.Suspicion{}, "after a farewell")
		h.end()
		h.equal(h.suspicion(w), peal.Suspicion{Ends: 1}, "after an end")
		h.must(h.store.MarkSuspect(h.ctx, h.node, id, peal.MarkAlone))
		h.must(h.store.LeaveNode(h.ctx, h.node))
		h.end()
		h.equal(h.suspicion(w), peal.Suspicion{Ends: 1}, "after a farewell with a mark")
		h.must(h.store.Release(h.ctx, h.node, []peal.DeliveryID{id}))
		h.equal(h.suspicion(w), peal.Suspicion{Ends: 1}, "after a release")
	},
	"what waits for a later retry is no suspect": func(t *testing.T, h *harness) {
		h = h.own()
		w := h.webhook()
		id := h.deliver(w, true)
		s := settlement(h.delivery(id), peal.Pending)
		s.Held, s.Due = true, time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
		h.must(h.store.Settle(h.ctx, h.node, []peal.Settlement{s}))
		h.end()
		works, _, err := h.store.Claim(h.ctx, h.node, w.ID, s.Due, 10)
		h.must(err)
		h.equal(len(works), 1, "claimed")
		h.equal(works[0].Suspicion, peal.Suspicion{}, "of what was not due")
	},
	"a fenced node marks nothing": func(t *testing.T, h *harness) {
		h = h.own()
		w := h.webhook()
		id := h.deliver(w, true)
		dead := h.node
		h.end()
		h.fenced(h.store.MarkSuspect(h.ctx, dead, id, peal.MarkAlone), "mark")
		h.equal(h.suspicion(w), peal.Suspicion{Ends: 1}, "after it")
	},
}
