package storetest

import (
	"testing"
	"time"

	"github.com/pealhq/peal"
)

var takeoverTests = map[string]func(*testing.T, *harness){
	"deliveries of dead nodes are released": func(t *testing.T, h *harness) {
		h = h.own()
		w := h.webhook()
		alive, dead := *h, *h
		dead.node = h.register()
		alive.deliver(w, true)
		a, free := dead.deliver(w, true), h.deliver(w, false)
		taken, err := h.store.Takeover(h.ctx, h.node, time.Hour)
		h.must(err)
		h.equal(taken, peal.TakeoverResult{}, "taken over from those just seen")
		for _, want := range []peal.TakeoverResult{{Nodes: []peal.NodeID{dead.node}, Deliveries: 1}, {}} {
			taken, err := h.store.Takeover(h.ctx, h.node, 0)
			h.must(err)
			h.equal(taken, want, "taken over")
		}
		h.equal(idsOf(h.claim(w, 10)), []peal.DeliveryID{a, free}, "claimed")
	},
	"who renews is never taken over": func(t *testing.T, h *harness) {
		h = h.own()
		dead := h.register()
		const stale = 50 * time.Millisecond
		for {
			renewed := time.Now()
			_, err := h.store.RenewNode(h.ctx, h.node, peal.NodeLoad{})
			h.must(err)
			taken, err := h.store.Takeover(h.ctx, peal.NewNodeID(), stale)
			h.must(err)
			_, found := h.nodeOf(h.node)
			if !found && time.Since(renewed) < stale {
				t.Fatal("a node was taken over that had just renewed")
			}
			if !found { // this machine was too slow for the test
				h.node = h.register()
			}
			if _, found := h.nodeOf(dead); !found {
				if len(taken.Nodes) == 0 {
					t.Error("a node is gone and nobody took it over")
				}
				return
			}
		}
	},
	"a node that was taken over is fenced": func(t *testing.T, h *harness) {
		h = h.own()
		w := h.webhook()
		final := h.deliver(w, true)
		h.settle(final, peal.Failed)
		free := h.deliver(w, false)
		dead := h.node
		h.node = h.register()
		_, err := h.store.Takeover(h.ctx, h.node, 0)
		h.must(err)

		_, err = h.store.RenewNode(h.ctx, dead, peal.NodeLoad{})
		h.refused(err, peal.NotFound)
		event := h.newEvent()
		mixed := append(deliveriesTo(false, w), deliveriesTo(true, w)...)
		_, err = h.store.Insert(h.ctx, dead, h.version(), []peal.Insertion{{Event: event, Deliveries: mixed}})
		h.fenced(err, "insert of a held delivery")
		_, err = h.store.Event(h.ctx, h.tenant, event.Key.String())
		h.refused(err, peal.NotFound)
		_, _, err = h.store.Claim(h.ctx, dead, w.ID, time.Now().Add(time.Minute), 10)
		h.fenced(err, "claim")
		_, err = h.store.Reopen(h.ctx, dead, h.tenant, final, moment())
		h.fenced(err, "reopen")
		h.equal(h.delivery(final).Status, peal.Failed, "status of what was not reopened")
		h.must(h.store.Release(h.ctx, dead, nil))
		h.must(h.store.LeaveNode(h.ctx, dead))

		let := deliveriesTo(false, w)
		_, err = h.store.Insert(h.ctx, dead, h.version(), []peal.Insertion{{Event: h.newEvent(), Deliveries: let}})
		h.must(err)
		h.equal(idsOf(h.claim(w, 10)), []peal.DeliveryID{free, let[0].ID}, "claimed by another")
	},
	"late results are on record once": func(t *testing.T, h *harness) {
		h = h.own()
		w := h.webhook()
		for _, claimed := range []bool{false, true} {
			for _, status := range []peal.DeliveryStatus{peal.Success, peal.Failed, peal.Pending} {
				id := h.deliver(w, true)
				late := settlement(h.delivery(id), status)
				late.Held = status == peal.Pending
				dead := h.node
				h.node = h.register()
				_, err := h.store.Takeover(h.ctx, h.node, 0)
				h.must(err)
				want := h.delivery(id)
				if claimed {
					h.equal(idsOf(h.claim(w, 10)), []peal.DeliveryID{id}, "claimed")
				}
				for range 2 {
					h.must(h.store.Settle(h.ctx, dead, []peal.Settlement{late}))
				}
				want.Attempts, want.StatusCode, want.Duration, want.Reason = 1, late.Attempt.StatusCode,
					late.Attempt.Timing.Total, late.Attempt.Reason
				if status == peal.Success {
					want.Status, want.Tries, want.Due, want.SettledAt = peal.Success, 1, time.Time{}, late.SettledAt
				}
				h.equal(h.delivery(id), want, "delivery after the late result "+string(status))
				if status != peal.Success && !claimed {
					h.equal(idsOf(h.claim(w, 10)), []peal.DeliveryID{id}, "claimed after the late result")
				}
				own := settlement(want, peal.Success)
				h.must(h.store.Settle(h.ctx, h.node, []peal.Settlement{own}))
				h.equal(h.delivery(id).Status, peal.Success, "status in the end")
				attempts, err := h.store.Attempts(h.ctx, h.tenant, id)
				h.must(err)
				h.equal(len(attempts), 2, "attempts")
			}
		}
	},
}
