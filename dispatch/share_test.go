package dispatch_test

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
)

// A rate limit holds for all nodes together, with events at any of them, and while one joins.
func TestRateLimitOfACluster(t *testing.T) {
	for name, deaf := range map[string]bool{"signaled": false, "polled": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				a, _, stopA := w.member("a", deaf, nil)
				defer stopA()
				b, _, stopB := w.member("b", deaf, nil)
				defer stopB()
				const perSecond, burst = 10, 2
				var hooks []peal.Webhook
				var receivers []*receiver
				for _, name := range []string{"x", "y", "z"} {
					r := w.receive(name, nil)
					receivers = append(receivers, r)
					hooks = append(hooks, w.webhook(a, r.url(), func(h *peal.Webhook) {
						joined(h)
						h.RateLimit = &peal.RateLimit{PerSecond: perSecond, Burst: burst}
					}))
				}
				time.Sleep(10 * time.Second)
				for i := range 100 {
					w.publish(a, event(i))
					w.publish(b, event(i))
				}
				time.Sleep(3 * time.Second)
				_, _, stopC := w.member("c", deaf, nil)
				defer stopC()
				for i, hook := range hooks {
					w.allSucceed(t, hook.ID, 200)
					all := receivers[i].wait(200)
					if len(all) != 200 {
						t.Errorf("%d requests", len(all))
					}
					for j := range all {
						n := 0
						for k := j; k < len(all) && all[k].at.Sub(all[j].at) < time.Second; k++ {
							n++
						}
						if n > perSecond+2*burst { // a bucket moves with its webhook, full
							t.Fatalf("%d requests within a second", n)
						}
					}
				}
			})
		})
	}
}

// Requests in flight of one webhook are shared out among the nodes.
func TestInFlightOfACluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		const most = 8
		cap := func(o *dispatch.Options) { o.LaneInFlight = most }
		var engines []*dispatch.Engine
		for _, name := range []string{"a", "b", "c"} {
			e, _, stop := w.member(name, false, cap)
			defer stop()
			engines = append(engines, e)
		}
		time.Sleep(5 * time.Second) // each has seen the others
		var mu sync.Mutex
		now, top := 0, 0
		r := w.receive("slow", func(http.ResponseWriter, *http.Request, int) {
			mu.Lock()
			now++
			top = max(top, now)
			mu.Unlock()
			time.Sleep(20 * time.Millisecond)
			mu.Lock()
			now--
			mu.Unlock()
		})
		hook := w.webhook(engines[0], r.url(), joined)
		for i := range 300 {
			w.publish(engines[i%3], event(i))
		}
		w.allSucceed(t, hook.ID, 300)
		if top > most || top < 3 {
			t.Errorf("%d requests in flight at once, at most %d", top, most)
		}
	})
}

// Together the nodes probe an endpoint that is down as often as one would, and all continue when
// one of them got a response.
func TestBreakerOfACluster(t *testing.T) {
	probes := func(t *testing.T, names ...string) (n int, last time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			var engines []*dispatch.Engine
			for _, name := range names {
				e, _, stop := w.member(name, false, nil)
				defer stop()
				engines = append(engines, e)
			}
			time.Sleep(5 * time.Second)
			var mu sync.Mutex
			up := false
			r := w.receive("down", func(rw http.ResponseWriter, _ *http.Request, _ int) {
				mu.Lock()
				defer mu.Unlock()
				if !up {
					rw.WriteHeader(503)
				}
			})
			hook := w.webhook(engines[0], r.url(), func(h *peal.Webhook) {
				joined(h)
				h.RetryPolicy = &peal.RetryPolicy{Delays: make([]time.Duration, 50)}
				for i := range h.RetryPolicy.Delays {
					h.RetryPolicy.Delays[i] = time.Minute
				}
			})
			for i := range 60 * len(engines) {
				w.publish(engines[i%len(engines)], event(i))
			}
			time.Sleep(5 * time.Minute)
			from := r.count()
			time.Sleep(20 * time.Minute)
			n = r.count() - from
			mu.Lock()
			up = true
			mu.Unlock()
			at := time.Now()
			w.allSucceed(t, hook.ID, 60*len(engines))
			all := r.wait(1)
			last = all[len(all)-1].at.Sub(at)
		})
		return n, last
	}
	one, _ := probes(t, "a")
	three, last := probes(t, "a", "b", "c")
	if three > one*5/4+3 {
		t.Errorf("three nodes made %d probes, one makes %d", three, one)
	}
	if last > 4*time.Minute {
		t.Errorf("all was sent %v after the endpoint had come back", last)
	}
}
