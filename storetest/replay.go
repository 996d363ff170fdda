package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/pealhq/peal"
)

// newReplay returns a replay of everything that a webhook has now.
func (h *harness) newReplay(w peal.Webhook) peal.Replay {
	id := peal.NewJobID()
	return peal.Replay{
		ID: id, Tenant: h.tenant, WebhookID: w.ID, Since: w.CreatedAt().Add(-time.Hour),
		Until:    id.Time().Add(time.Microsecond),
		Statuses: peal.DefaultReplayStatuses(), Status: peal.ReplayRunning,
	}
}

// replay creates a replay, with the changes made to an ordinary one.
func (h *harness) replay(w peal.Webhook, change func(*peal.Replay)) peal.Replay {
	h.t.Helper()
	p := h.newReplay(w)
	if change != nil {
		change(&p)
	}
	h.must(h.store.CreateReplay(h.ctx, p))
	return p
}

// settled inserts a delivery and settles it.
func (h *harness) settled(w peal.Webhook, status peal.DeliveryStatus) peal.DeliveryID {
	h.t.Helper()
	id := h.deliver(w, true)
	if status == peal.Canceled {
		h.must(h.store.Cancel(h.ctx, h.tenant, id, moment()))
	} else {
		h.settle(id, status)
	}
	return id
}

// reopened returns a harness with its own store, and a function that closes and reopens that store.
func (h *harness) reopened() (again *harness, reopen func()) {
	h.t.Helper()
	place := h.t.TempDir()
	again = h.with(h.t)
	again.store = h.open(h.t, place)
	again.node = again.register()
	h.t.Cleanup(func() { again.must(again.store.Close()) })
	return again, func() {
		again.t.Helper()
		again.must(again.store.Close())
		again.store = h.open(again.t, place)
	}
}

func (h *harness) step(p peal.Replay, limit int) (int, bool) {
	h.t.Helper()
	replayed, more, err := h.store.ReplayDeliveries(h.ctx, p.ID, moment(), limit)
	h.must(err)
	return replayed, more
}

func (h *harness) stored(p peal.Replay) peal.Replay {
	h.t.Helper()
	stored, err := h.store.Replay(h.ctx, h.tenant, p.ID)
	h.must(err)
	return stored
}

var replayTests = map[string]func(*testing.T, *harness){
	"what is created comes back": func(t *testing.T, h *harness) {
		w := h.webhook()
		var all []peal.Replay
		for range 3 {
			all = append([]peal.Replay{h.replay(w, func(p *peal.Replay) {
				p.EventTypes, p.Missed, p.Total, p.Done, p.Replayed = []string{"task.*"}, true, 7, 6, 5
			})}, all...)
		}
		h.equal(h.stored(all[0]), all[0], "replay")
		list, err := h.store.Replays(h.ctx, peal.ReplayQuery{Tenant: h.tenant, WebhookID: w.ID, Limit: 2})
		h.must(err)
		h.equal(list, all[:2], "first page")
		list, err = h.store.Replays(h.ctx, peal.ReplayQuery{Tenant: h.tenant, WebhookID: w.ID, Before: all[1].ID, Limit: 2})
		h.must(err)
		h.equal(list, all[2:], "second page")
		h.refused(h.store.CreateReplay(h.ctx, all[0]), peal.Conflict)
	},
	"a stranger's or unknown one is not found": func(t *testing.T, h *harness) {
		w := h.webhook()
		p := h.replay(w, nil)
		stranger := h.tenant + "-stranger"
		for tenant, id := range map[string]peal.JobID{h.tenant: peal.NewJobID(), stranger: p.ID} {
			_, err := h.store.Replay(h.ctx, tenant, id)
			h.refused(err, peal.NotFound)
			h.refused(h.store.EndReplay(h.ctx, tenant, id, peal.ReplayCanceled, "", moment()), peal.NotFound)
		}
		other := h.newReplay(w)
		other.Tenant = stranger
		h.refused(h.store.CreateReplay(h.ctx, other), peal.NotFound)
		list, err := h.store.Replays(h.ctx, peal.ReplayQuery{Tenant: stranger, WebhookID: w.ID, Limit: 10})
		h.must(err)
		h.equal(len(list), 0, "a stranger's replays")
		_, _, err = h.store.ReplayDeliveries(h.ctx, peal.NewJobID(), moment(), 10)
		h.refused(err, peal.NotFound)
		_, err = h.store.MissedEvents(h.ctx, peal.NewJobID(), every, 10)
		h.refused(err, peal.NotFound)
		_, err = h.store.ReplayMissed(h.ctx, peal.NewJobID(), peal.MissedEvents{}, nil)
		h.refused(err, peal.NotFound)
	},
	"steps go through all deliveries once, and survive": func(t *testing.T, h *harness) {
		h, reopen := h.reopened()
		w, other := h.webhook(), h.webhook()
		var want []peal.DeliveryID
		for range 5 {
			want = append(want, h.settled(w, peal.Failed), h.settled(w, peal.Canceled))
			h.settled(w, peal.Success)
			h.settled(other, peal.Failed)
		}
		h.deliver(w, true)
		before := h.delivery(want[0])
		p := h.replay(w, nil)
		late := h.settled(w, peal.Failed)
		count, err := h.store.CountReplay(h.ctx, p, every)
		h.must(err)
		h.equal(count, peal.ReplayCount{Deliveries: len(want)}, "count")

		for _, step := range []struct {
			replayed int
			more     bool
		}{{4, true}, {4, true}, {2, false}, {0, false}} {
			replayed, more := h.step(p, 4)
			h.equal([]any{replayed, more}, []any{step.replayed, step.more}, "step")
			for _, work := range h.claim(w, 100) { // they fail again, which must not bring them back
				id := work.Delivery.ID
				if !slices.Contains(want, id) || work.Delivery.Tries != 0 {
					t.Errorf("replayed %+v", work.Delivery)
				}
				want = slices.DeleteFunc(want, func(other peal.DeliveryID) bool { return id == other })
				h.settle(id, peal.Failed)
			}
			reopen()
		}
		h.equal(len(want), 0, "left out")
		h.equal(h.delivery(before.ID).Attempts, before.Attempts+1, "attempts")
		attempts, err := h.store.Attempts(h.ctx, h.tenant, before.ID)
		h.must(err)
		h.equal(len(attempts), 2, "attempts on record")
		h.equal(h.delivery(late).Tries, 1, "tries of deliveries that failed after the replay started")
		p.Done, p.Replayed = 10, 10
		h.equal(h.stored(p), p, "replay")
	},
	"types, statuses and times choose": func(t *testing.T, h *harness) {
		w := h.webhook()
		old, middle := h.settled(w, peal.Failed), h.settled(w, peal.Success)
		event := h.newEvent()
		event.Type = "note.created"
		note := deliveriesTo(true, w)
		h.insert(peal.Insertion{Event: event, Deliveries: note})
		h.settle(note[0].ID, peal.Failed)
		tests := map[string]struct {
			change func(*peal.Replay)
			want   []peal.DeliveryID
		}{
			"type":   {func(p *peal.Replay) { p.EventTypes = []string{"note.*"} }, []peal.DeliveryID{note[0].ID}},
			"status": {func(p *peal.Replay) { p.Statuses = []peal.DeliveryStatus{peal.Success} }, []peal.DeliveryID{middle}},
			"until":  {func(p *peal.Replay) { p.Until = middle.Time() }, []peal.DeliveryID{old}},
			"since":  {func(p *peal.Replay) { p.Since = middle.Time() }, []peal.DeliveryID{note[0].ID}},
			"none":   {func(p *peal.Replay) { p.Statuses = nil }, nil},
		}
		for name, test := range tests {
			p := h.replay(w, test.change)
			count, err := h.store.CountReplay(h.ctx, p, every)
			h.must(err)
			h.equal(count.Deliveries, len(test.want), name+": count")
			replayed, _ := h.step(p, 10)
			h.equal(replayed, len(test.want), name+": replayed")
			got := idsOf(h.claim(w, 10))
			h.equal(got, test.want, name+": claimed")
			for _, id := range got { // as it was
				status := peal.Failed
				if id == middle {
					status = peal.Success
				}
				h.settle(id, status)
			}
		}
	},
	"a test's delivery is left alone": func(t *testing.T, h *harness) {
		w, other := h.webhook(), h.webhook()
		test := deliveriesTo(true, w)
		test[0].Test = true
		h.insert(peal.Insertion{Event: h.newEvent(), Deliveries: test})
		h.settle(test[0].ID, peal.Failed)
		for _, w := range []peal.Webhook{w, other} {
			p := h.replay(w, func(p *peal.Replay) { p.Missed = true })
			count, err := h.store.CountReplay(h.ctx, p, every)
			h.must(err)
			h.equal(count, peal.ReplayCount{}, "count")
			replayed, more := h.step(p, 10)
			h.equal([]any{replayed, more}, []any{0, false}, "step")
			missed, err := h.store.MissedEvents(h.ctx, p.ID, every, 10)
			h.must(err)
			h.equal(len(missed.Events), 0, "missed events")
		}
	},
	"one that has ended does nothing": func(t *testing.T, h *harness) {
		w := h.webhook()
		h.settled(w, peal.Failed)
		for _, status := range []peal.ReplayStatus{peal.ReplayDone, peal.ReplayCanceled, peal.ReplayFailed} {
			p := h.replay(w, func(p *peal.Replay) { p.Missed = true })
			p.Status, p.Reason, p.EndedAt = status, "because", moment()
			h.must(h.store.EndReplay(h.ctx, h.tenant, p.ID, status, p.Reason, p.EndedAt))
			h.equal(h.stored(p), p, "replay")
			h.refused(h.store.EndReplay(h.ctx, h.tenant, p.ID, peal.ReplayDone, "", moment()), peal.Conflict)
			h.refused(h.store.EndReplay(h.ctx, h.tenant+"-stranger", p.ID, peal.ReplayDone, "", moment()), peal.NotFound)
			_, _, err := h.store.ReplayDeliveries(h.ctx, p.ID, moment(), 10)
			h.refused(err, peal.Conflict)
			_, err = h.store.MissedEvents(h.ctx, p.ID, every, 10)
			h.refused(err, peal.Conflict)
			_, err = h.store.ReplayMissed(h.ctx, p.ID, peal.MissedEvents{Through: peal.NewEventKey()}, nil)
			h.refused(err, peal.Conflict)
		}
		h.equal(len(h.claim(w, 10)), 0, "claimed")
	},
	"open ones are those that run": func(t *testing.T, h *harness) {
		h, reopen := h.reopened()
		w := h.webhook()
		first, ended, last := h.replay(w, nil), h.replay(w, nil), h.replay(h.webhook(), nil)
		h.must(h.store.EndReplay(h.ctx, h.tenant, ended.ID, peal.ReplayDone, "", moment()))
		reopen()
		open, err := h.store.OpenReplays(h.ctx, 10)
		h.must(err)
		h.equal(open, []peal.Replay{first, last}, "open replays")
	},
	"one of a deleted webhook stops": func(t *testing.T, h *harness) {
		w := h.webhook()
		h.settled(w, peal.Failed)
		p := h.replay(w, nil)
		h.must(h.store.DeleteWebhook(h.ctx, h.tenant, w.ID))
		_, _, err := h.store.ReplayDeliveries(h.ctx, p.ID, moment(), 10)
		h.refused(err, peal.Conflict)
		_, err = h.store.ReplayMissed(h.ctx, p.ID, peal.MissedEvents{Through: peal.NewEventKey()}, nil)
		h.refused(err, peal.Conflict)
		h.refused(h.store.CreateReplay(h.ctx, h.newReplay(w)), peal.NotFound)
		h.must(h.store.EndReplay(h.ctx, h.tenant, p.ID, peal.ReplayFailed, "it was deleted", moment()))
	},
}

func every(string) bool { return true }
