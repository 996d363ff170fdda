package dispatch_test

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
)

// Tests of a webhook are among the requests that it may have in flight, beside its
// deliveries.
func TestTestsTakeASlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		const room = 3
		e, stop := w.engine(func(o *dispatch.Options) { o.LaneInFlight = room })
		defer stop()
		var running, most atomic.Int32
		r := w.receive("slow", func(http.ResponseWriter, *http.Request, int) {
			now := running.Add(1)
			for {
				before := most.Load()
				if now <= before || most.CompareAndSwap(before, now) {
					break
				}
			}
			time.Sleep(500 * time.Millisecond)
			running.Add(-1)
		})
		hook := w.webhook(e, r.url(), nil)
		w.publish(e, event(1), event(2))
		w.settled(hook.ID, 2)
		var group sync.WaitGroup
		for i := range 20 {
			w.publish(e, event(i))
		}
		for range 4 {
			group.Go(func() {
				for range 5 {
					if _, a, err := e.Test(w.ctx, tenant, hook.ID, "", nil); err != nil || !a.Succeeded() {
						t.Errorf("a test gave %+v, %v", a, err)
					}
				}
			})
		}
		group.Wait()
		w.allSucceed(t, hook.ID, 42)
		if most.Load() != room {
			t.Errorf("%d requests were in flight at once, want %d", most.Load(), room)
		}
	})
}

// A test ends when its caller disconnects, in flight and before, and leaves nothing behind.
func TestTestsEndWithTheirCaller(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		e, stop := w.engine(func(o *dispatch.Options) { o.LaneInFlight = 1 })
		defer stop()
		gone := make(chan time.Time, 1)
		r := w.receive("hangs", func(_ http.ResponseWriter, r *http.Request, _ int) {
			<-r.Context().Done()
			gone <- time.Now()
		})
		hook := w.webhook(e, r.url(), nil)
		ctx, leave := context.WithCancel(w.ctx)
		var group sync.WaitGroup
		for range 2 { // one in flight, the other one behind it
			group.Go(func() {
				if _, _, err := e.Test(ctx, tenant, hook.ID, "", nil); err == nil {
					t.Error("a test that nobody waits for succeeded")
				}
			})
		}
		r.wait(1)
		pause()
		left := time.Now()
		leave()
		group.Wait()
		if late := (<-gone).Sub(left); late > 100*time.Millisecond {
			t.Errorf("the request went on for %v after its caller had left", late)
		}
		for _, d := range w.settled(hook.ID, 2) {
			if d.Status != peal.Failed || d.Reason != peal.ReasonCanceled {
				t.Errorf("a test that nobody waited for is %+v", d)
			}
		}
		if lane := e.Lane(hook.ID); lane.InFlight != 0 || lane.Queued != 0 {
			t.Errorf("the lane is %+v", lane)
		}
	})
}

// A person's retry is sent in any state of the breaker, one for each, and its response counts.
func TestRetryByHandIsAProbe(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		e, stop := w.engine(nil)
		defer stop()
		var up atomic.Bool
		r := w.receive("down", func(rw http.ResponseWriter, _ *http.Request, _ int) {
			if !up.Load() {
				rw.WriteHeader(http.StatusBadGateway)
			}
		})
		hook := w.webhook(e, r.url(), nil)
		for i := range 40 {
			w.publish(e, event(i))
		}
		for e.Lane(hook.ID).Breaker != dispatch.Open {
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute) // the probes are half a minute apart now
		for e.Lane(hook.ID).Breaker != dispatch.Open || time.Until(e.Lane(hook.ID).NextProbe) < 10*time.Second {
			time.Sleep(time.Millisecond)
		}
		before := r.count()
		all := w.deliveries(hook.ID)
		if hold := e.Hold(&all[len(all)-1], &hook); hold.Reason != dispatch.HeldDown || !hold.Until.After(time.Now()) {
			t.Errorf("a delivery behind an open breaker is held by %+v", hold)
		}
		for i, id := range []peal.DeliveryID{all[0].ID, all[len(all)-1].ID} { // one that was tried, and one that was not
			if _, err := e.Retry(w.ctx, tenant, id); err != nil {
				t.Fatal(err)
			}
			pause()
			if n := r.count() - before; n != i+1 {
				t.Errorf("%d requests after %d retries by hand", n, i+1)
			}
		}
		if lane := e.Lane(hook.ID); lane.Breaker != dispatch.Open || !lane.NextProbe.After(time.Now()) {
			t.Errorf("after retries that failed the lane is %+v", lane)
		}
		up.Store(true)
		if _, err := e.Retry(w.ctx, tenant, all[0].ID); err != nil {
			t.Fatal(err)
		}
		pause()
		if lane := e.Lane(hook.ID); lane.Breaker != dispatch.Closed {
			t.Errorf("after a retry that succeeded the lane is %+v", lane)
		}
		w.allSucceed(t, hook.ID, 40)
	})
}

// Retry-After of 429 and 503 holds all that goes to the endpoint.
func TestRetryAfterHoldsTheLane(t *testing.T) {
	const asked = 30 * time.Second
	ends := map[string]func(*world, *dispatch.Engine, peal.Webhook){
		"its time": nil,
		"a new URL": func(w *world, e *dispatch.Engine, hook peal.Webhook) {
			w.update(e, hook.ID, func(h *peal.Webhook) { h.URL += "?new" })
		},
		"a resume": func(w *world, e *dispatch.Engine, hook peal.Webhook) {
			w.update(e, hook.ID, func(h *peal.Webhook) { h.Status = peal.Paused })
			w.update(e, hook.ID, func(h *peal.Webhook) { h.Status = peal.Active })
		},
		"a success by hand": func(w *world, e *dispatch.Engine, hook peal.Webhook) {
			if _, err := e.Retry(w.ctx, tenant, w.deliveries(hook.ID)[1].ID); err != nil {
				w.t.Fatal(err)
			}
		},
		"a successful test": func(w *world, e *dispatch.Engine, hook peal.Webhook) {
			if _, _, err := e.Test(w.ctx, tenant, hook.ID, "", nil); err != nil {
				w.t.Fatal(err)
			}
		},
	}
	for name, end := range ends {
		for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t)
					e, stop := w.engine(nil)
					defer stop()
					r := w.receive("busy", func(rw http.ResponseWriter, _ *http.Request, n int) {
						if n == 1 {
							rw.Header().Set("Retry-After", "30")
							rw.WriteHeader(status)
						}
					})
					hook := w.webhook(e, r.url(), nil)
					w.publish(e, event(0))
					first := r.wait(1)[0].at
					pause()
					for i := range 30 {
						w.publish(e, event(i))
					}
					time.Sleep(10 * time.Second)
					if n := r.count(); n != 1 {
						t.Fatalf("%d requests came within the time that the endpoint asked for", n)
					}
					if until := e.Lane(hook.ID).RestsUntil; until.Sub(first) < asked-time.Second || until.Sub(first) > asked+time.Second {
						t.Errorf("the lane rests until %v after the first request", until.Sub(first))
					}
					waiting := w.deliveries(hook.ID)[1]
					if hold := e.Hold(&waiting, &hook); hold.Reason != dispatch.HeldAsked || !hold.Until.Equal(e.Lane(hook.ID).RestsUntil) {
						t.Errorf("a delivery is held by %+v", hold)
					}
					if end != nil {
						end(w, e, hook)
					}
					second := r.wait(2)[1].at.Sub(first)
					if end == nil && second < asked || end != nil && second > 11*time.Second {
						t.Errorf("the second request came after %v", second)
					}
					for _, d := range w.settled(hook.ID, 31) {
						if hold := e.Hold(&d, &hook); hold != (dispatch.Hold{}) {
							t.Errorf("a final delivery is held by %+v", hold)
						}
						if d.Status != peal.Success {
							t.Errorf("delivery %+v", d)
						}
					}
					if lane := e.Lane(hook.ID); !lane.RestsUntil.IsZero() {
						t.Errorf("the lane is %+v", lane)
					}
				})
			})
		}
	}
}

// What other answers ask for holds only the delivery, and nobody is held for over a day.
func TestRetryAfterHasBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, stop := w.engine(nil)
		defer stop()
		status, after := http.StatusInternalServerError, "30"
		r := w.receive("busy", func(rw http.ResponseWriter, _ *http.Request, n int) {
			if n%2 == 1 {
				rw.Header().Set("Retry-After", after)
				rw.WriteHeader(status)
			}
		})
		hook := w.webhook(e, r.url(), nil)
		w.publish(e, event(0))
		r.wait(1)
		pause()
		w.publish(e, event(1))
		w.settled(hook.ID, 2)
		if at := r.wait(2); at[1].at.Sub(at[0].at) > time.Second {
			t.Errorf("after a 500 the next event came after %v", at[1].at.Sub(at[0].at))
		}
		status, after = http.StatusTooManyRequests, "9999999"
		n := r.count()
		w.publish(e, event(2))
		r.wait(n + 1)
		pause()
		w.publish(e, event(3))
		got := r.wait(n + 2)
		if waited := got[n+1].at.Sub(got[n].at); waited < peal.MaxRetryAfter-time.Minute || waited > peal.MaxRetryAfter+time.Minute {
			t.Errorf("an endpoint that asked for months was left alone for %v", waited)
		}
	})
}

// A tenant has a few tests and replays under way, and others have theirs beside them.
func TestWorkHasAShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, stop := w.engine(nil)
		defer stop()
		hangs := w.receive("hangs", func(_ http.ResponseWriter, r *http.Request, _ int) { <-r.Context().Done() })
		ok := w.receive("ok", nil)
		hook := w.webhook(e, hangs.url(), nil)
		theirs := w.webhook(e, ok.url(), func(h *peal.Webhook) { h.Tenant = "other" })
		ctx, leave := context.WithCancel(w.ctx)
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() { e.Test(ctx, tenant, hook.ID, "", nil) })
		}
		hangs.wait(1) // an endpoint of which nothing is known gets one request, the others wait
		pause()
		for range 3 {
			if _, _, err := e.Test(w.ctx, tenant, hook.ID, "", nil); peal.CodeOf(err) != peal.RateLimited {
				t.Errorf("a fifth test gave %v", err)
			}
		}
		if _, _, err := e.Test(w.ctx, "other", theirs.ID, "", nil); err != nil {
			t.Errorf("another tenant's test gave %v", err)
		}
		leave()
		group.Wait()
		w.update(e, hook.ID, func(h *peal.Webhook) { h.URL = ok.url() })
		if _, _, err := e.Test(w.ctx, tenant, hook.ID, "", nil); err != nil {
			t.Errorf("after the others have ended: %v", err)
		}

		stop() // nobody runs replays now
		replay := peal.Replay{Tenant: tenant, WebhookID: hook.ID, Since: time.Now().Add(-time.Hour)}
		for i := range 11 {
			_, err := e.Replay(w.ctx, replay)
			if i < 10 && err != nil || i == 10 && peal.CodeOf(err) != peal.RateLimited {
				t.Errorf("replay %d gave %v", i, err)
			}
		}
		replay.Tenant, replay.WebhookID = "other", theirs.ID
		if _, err := e.Replay(w.ctx, replay); err != nil {
			t.Errorf("another tenant's replay gave %v", err)
		}
	})
}
