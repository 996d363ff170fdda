package dispatch_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
)

// failingDelay is the only delay of the policy in these tests.
const failingDelay = 5 * time.Second

func failingOnce(h *peal.Webhook) {
	h.RetryPolicy = &peal.RetryPolicy{Delays: []time.Duration{failingDelay}}
}

// A result of an attempt that failed waits for others before it is written. Whatever
// happens to its delivery meanwhile comes after it: no retry is early, none is sent
// twice, and each attempt has a number of its own.
func TestNothingOvertakesAResult(t *testing.T) {
	set := func(status peal.WebhookStatus) func(*world, *dispatch.Engine, peal.Webhook) {
		return func(w *world, e *dispatch.Engine, hook peal.Webhook) {
			w.update(e, hook.ID, func(h *peal.Webhook) { h.Status = status })
			w.update(e, hook.ID, func(h *peal.Webhook) { h.Status = peal.Active })
		}
	}
	cases := []struct {
		name   string
		hold   time.Duration // the longest retry that waits in memory
		queue  int           // places of a lane
		events int
		do     func(*world, *dispatch.Engine, peal.Webhook)
	}{
		{"a pause of a retry that waits in memory", 10 * time.Second, 100, 1, set(peal.Paused)},
		{"a pause of a retry that waits in the store", 0, 100, 1, set(peal.Paused)},
		{"a disabled webhook", 10 * time.Second, 100, 1, set(peal.Disabled)},
		{"a pause of many", 10 * time.Second, 100, 30, set(peal.Paused)},
		{"a pause of a lane that has deliveries in the store", 10 * time.Second, 1, 30, set(peal.Paused)},
		{"two pauses", 10 * time.Second, 100, 3, func(w *world, e *dispatch.Engine, hook peal.Webhook) {
			set(peal.Paused)(w, e, hook)
			set(peal.Paused)(w, e, hook)
		}},
		{"settings that change while it is paused", 10 * time.Second, 100, 3, func(w *world, e *dispatch.Engine, hook peal.Webhook) {
			w.update(e, hook.ID, func(h *peal.Webhook) { h.Status = peal.Paused })
			w.update(e, hook.ID, func(h *peal.Webhook) { h.Description = "paused" })
			w.update(e, hook.ID, func(h *peal.Webhook) { h.Status = peal.Active })
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			onEachStore(t, func(t *testing.T, w *world) {
				e, stop := w.engine(func(o *dispatch.Options) { o.HoldRetry, o.LaneQueue = c.hold, c.queue })
				defer stop()
				r := w.receive("fails", answer(http.StatusBadGateway))
				hook := w.webhook(e, r.url(), failingOnce)
				var events []peal.Event
				for n := range c.events {
					events = append(events, event(n))
				}
				w.publish(e, events...)
				r.wait(1)
				pause()
				c.do(w, e, hook)
				w.areTriedTwice(t, r, hook, c.events)
			})
		})
	}
}

// A process that stops within the linger leaves its work to the next one in order.
func TestAStopIsBehindResults(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		e, stop := w.engine(nil)
		r := w.receive("fails", answer(http.StatusBadGateway))
		hook := w.webhook(e, r.url(), failingOnce)
		w.publish(e, event(1), event(2))
		r.wait(2)
		pause()
		stop()
		_, stop = w.engine(nil)
		defer stop()
		w.areTriedTwice(t, r, hook, 2)
	})
}

// So does a node that hands over to another.
func TestAHandOverIsBehindResults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a, _, stopA := w.member("a", false, nil)
		r := w.receive("fails", answer(http.StatusBadGateway))
		hook := w.webhook(a, r.url(), failingOnce)
		_, _, stopB := w.member("b", false, nil)
		defer stopB()
		w.publish(a, event(1), event(2))
		r.wait(2)
		pause()
		stopA()
		w.areTriedTwice(t, r, hook, 2)
	})
}

// What a person asks for within the linger knows the result.
func TestByHandBehindResults(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		e, stop := w.engine(func(o *dispatch.Options) { o.HoldRetry = 0 })
		defer stop()
		var up atomic.Bool
		r := w.receive("fails", func(rw http.ResponseWriter, _ *http.Request, _ int) {
			if !up.Load() {
				rw.WriteHeader(http.StatusBadGateway)
			}
		})
		hook := w.webhook(e, r.url(), failingOnce)
		w.publish(e, event(1))
		r.wait(1)
		pause()
		id := w.deliveries(hook.ID)[0].ID
		if d, err := e.Retry(w.ctx, tenant, id); err != nil || d.Attempts != 1 || d.StatusCode != http.StatusBadGateway {
			t.Fatalf("a retry by hand gave %+v, %v", d, err)
		}
		if got := r.wait(2); got[1].at.Sub(got[0].at) > time.Second {
			t.Errorf("the retry by hand came after %v", got[1].at.Sub(got[0].at))
		}
		r.wait(3) // of the round that it started
		pause()
		if d, err := e.Cancel(w.ctx, tenant, id); peal.CodeOf(err) != peal.Conflict {
			t.Errorf("cancel of a delivery that has failed for good gave %+v, %v", d, err)
		}
		up.Store(true)
		if _, err := e.Retry(w.ctx, tenant, id); err != nil {
			t.Fatal(err)
		}
		d := w.settled(hook.ID, 1)[0]
		if d.Status != peal.Success || d.Attempts != 4 {
			t.Errorf("the delivery is %+v, want success after four attempts", d)
		}
		w.areNumbered(t, d)
	})
}

// A replay that starts within the linger finds the failed deliveries.
func TestAReplayIsBehindResults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, stop := w.engine(nil)
		defer stop()
		r := w.receive("fails", func(rw http.ResponseWriter, _ *http.Request, n int) {
			if n == 1 {
				rw.WriteHeader(http.StatusBadGateway)
			}
		})
		hook := w.webhook(e, r.url(), func(h *peal.Webhook) { h.RetryPolicy = &peal.RetryPolicy{} })
		w.publish(e, event(1))
		r.wait(1)
		pause()
		job, err := e.Replay(w.ctx, peal.Replay{Tenant: tenant, WebhookID: hook.ID, Since: time.Now().Add(-time.Hour)})
		if err != nil || job.Total != 1 {
			t.Fatalf("the replay is of %d deliveries, %v", job.Total, err)
		}
		r.wait(2)
	})
}

// areTriedTwice checks that each of a webhook's deliveries failed after two attempts, the
// second one no earlier than after the delay.
func (w *world) areTriedTwice(t *testing.T, r *receiver, hook peal.Webhook, n int) {
	t.Helper()
	for _, d := range w.settled(hook.ID, n) {
		if d.Status != peal.Failed || d.Attempts != 2 || d.Tries != 2 {
			t.Errorf("the delivery is %+v, want two attempts", d)
		}
		w.areNumbered(t, d)
	}
	first := make(map[string]time.Time)
	got := r.wait(2 * n)
	if len(got) != 2*n {
		t.Errorf("%d requests came, want %d", len(got), 2*n)
	}
	for _, s := range got {
		id := s.header.Get("webhook-id")
		at, again := first[id]
		if early := failingDelay - s.at.Sub(at); again && early > time.Microsecond { // times on record have microseconds
			t.Errorf("the retry of %s came %v early", id, early)
		}
		first[id] = s.at
	}
}

func (w *world) areNumbered(t *testing.T, d peal.Delivery) {
	t.Helper()
	for i, a := range w.attempts(d.ID) {
		if a.Number != i+1 {
			t.Errorf("attempt %d on record has the number %d", i+1, a.Number)
		}
	}
}
