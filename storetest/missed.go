package storetest

import (
	"testing"
	"time"

	"github.com/pealhq/peal"
)

// publish inserts an event of a type for some webhooks, which is due at once.
func (h *harness) publish(eventType string, webhooks ...peal.Webhook) *peal.Event {
	h.t.Helper()
	event := h.newEvent()
	event.Type = eventType
	h.insert(peal.Insertion{Event: event, Deliveries: deliveriesTo(false, webhooks...)})
	return event
}

// onlyMissed chooses nothing but missed events.
func onlyMissed(p *peal.Replay) { p.Statuses, p.Missed = nil, true }

func (h *harness) missed(p peal.Replay, wants func(string) bool, limit int) peal.MissedEvents {
	h.t.Helper()
	missed, err := h.store.MissedEvents(h.ctx, p.ID, wants, limit)
	h.must(err)
	return missed
}

func newMissed(events ...peal.Event) []peal.MissedDelivery {
	var deliveries []peal.MissedDelivery
	for i := range events {
		deliveries = append(deliveries, peal.MissedDelivery{ID: peal.NewDeliveryID(), EventKey: events[i].Key})
	}
	return deliveries
}

var missedTests = map[string]func(*testing.T, *harness){
	"steps go through all events once, and survive": func(t *testing.T, h *harness) {
		h, reopen := h.reopened()
		w, other := h.webhook(), h.webhook()
		stranger := h.with(t)
		stranger.publish("task.created")
		var want []peal.Event
		for i := range 6 {
			want = append(want, *h.publish("task.created", other), *h.publish([]string{"note.a", "note.b"}[i%2]))
			h.publish("task.created", w)
			h.publish("other", other)
		}
		h.claim(w, 100)
		p := h.replay(w, func(p *peal.Replay) {
			onlyMissed(p)
			p.EventTypes = []string{"task.*", "note.*", "other"}
		})
		wants := func(eventType string) bool { return eventType != "other" }
		h.publish("task.created")
		count, err := h.store.CountReplay(h.ctx, p, wants)
		h.must(err)
		h.equal(count, peal.ReplayCount{Events: len(want)}, "count")

		var got []peal.Event
		var made []peal.MissedDelivery
		for {
			missed := h.missed(p, wants, 5)
			h.equal(h.missed(p, wants, 5), missed, "the same batch until it is replayed")
			if missed.Through.IsZero() {
				break
			}
			got = append(got, missed.Events...)
			deliveries := newMissed(missed.Events...)
			replayed, err := h.store.ReplayMissed(h.ctx, p.ID, missed, deliveries)
			h.must(err)
			h.equal(replayed, len(deliveries), "replayed")
			_, err = h.store.ReplayMissed(h.ctx, p.ID, missed, newMissed(missed.Events...))
			h.refused(err, peal.Conflict)
			made = append(made, deliveries...)
			reopen()
		}
		h.equal(got, want, "missed events")
		work := h.claim(w, 100)
		h.equal(len(work), len(want), "claimed")
		for i, d := range made {
			h.equal([]any{work[i].Delivery.ID, work[i].Event.Key, work[i].Delivery.Tries}, []any{d.ID, d.EventKey, 0}, "work")
			of, err := h.store.Deliveries(h.ctx, peal.DeliveryQuery{Tenant: h.tenant, EventKey: d.EventKey, WebhookID: w.ID,
				Limit: 10})
			h.must(err)
			h.equal(deliveryIDs(of), []peal.DeliveryID{d.ID}, "deliveries of the event")
		}
		p.Done, p.Replayed = len(want), len(want)
		h.equal(h.stored(p), p, "replay")

		again := h.replay(w, func(p *peal.Replay) {
			onlyMissed(p)
			p.EventTypes, p.Until = []string{"task.*", "note.*"}, want[len(want)-1].Key.Time().Add(time.Microsecond)
		})
		count, err = h.store.CountReplay(h.ctx, again, wants)
		h.must(err)
		h.equal(count, peal.ReplayCount{}, "count of a second replay")
	},
	"one that has got a delivery meanwhile gets no other": func(t *testing.T, h *harness) {
		w := h.webhook()
		event := h.publish("task.created")
		first, second := h.replay(w, onlyMissed), h.replay(w, onlyMissed)
		missed := h.missed(second, every, 10)
		h.equal(missed, peal.MissedEvents{Events: []peal.Event{*event}, Through: event.Key}, "missed")
		for p, want := range map[peal.JobID]int{first.ID: 1} {
			replayed, err := h.store.ReplayMissed(h.ctx, p, missed, newMissed(missed.Events...))
			h.must(err)
			h.equal(replayed, want, "replayed by the first")
		}
		replayed, err := h.store.ReplayMissed(h.ctx, second.ID, missed, newMissed(missed.Events...))
		h.must(err)
		h.equal(replayed, 0, "replayed by the second")
		h.equal(len(h.claim(w, 10)), 1, "claimed")
		h.equal(h.missed(second, every, 10), peal.MissedEvents{}, "missed afterwards")
	},
	"events that the webhook does not take are passed by": func(t *testing.T, h *harness) {
		w := h.webhook()
		var events []peal.Event
		for range 4 {
			events = append(events, *h.publish("task.created"))
		}
		p := h.replay(w, onlyMissed)
		missed := h.missed(p, every, 3)
		h.equal(len(missed.Events), 3, "missed events")
		replayed, err := h.store.ReplayMissed(h.ctx, p.ID, missed, newMissed(events[1]))
		h.must(err)
		h.equal(replayed, 1, "replayed")
		h.equal(h.missed(p, every, 3), peal.MissedEvents{Events: events[3:], Through: events[3].Key}, "the rest")
		h.equal([]int{h.stored(p).Done, h.stored(p).Replayed}, []int{3, 1}, "done and replayed")
	},
	"a stranger's event gets no delivery": func(t *testing.T, h *harness) {
		w, stranger := h.webhook(), h.with(t)
		event := stranger.publish("task.created")
		p := h.replay(w, onlyMissed)
		replayed, err := h.store.ReplayMissed(h.ctx, p.ID, peal.MissedEvents{Through: event.Key}, newMissed(*event))
		h.must(err)
		h.equal(replayed, 0, "replayed")
		h.equal(len(h.claim(w, 10)), 0, "claimed")
	},
}
