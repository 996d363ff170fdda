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

// A node that cannot reach the store sends nothing once others may send what it held,
// and comes back by itself.
func TestACutOffNodeFencesItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		few := func(o *dispatch.Options) { o.LaneInFlight = 2 }
		a, cable, stopA := w.member("a", false, few)
		defer stopA()
		_, _, stopB := w.member("b", false, few)
		defer stopB()
		var broken time.Time
		var hang atomic.Bool
		r := w.receive("slow", func(rw http.ResponseWriter, req *http.Request, _ int) {
			if req.Header.Get("X-Node") == "a" && hang.Load() {
				<-req.Context().Done()
				broken = time.Now()
			}
		})
		hook := w.webhook(a, r.url(), joined)
		w.publish(a, event(0))
		w.allSucceed(t, hook.ID, 1)
		old := a.Node()

		hang.Store(true)
		for i := range 20 {
			w.publish(a, event(i))
		}
		cut := time.Now()
		cable.cutNow()
		for len(r.by("b")) == 0 {
			time.Sleep(10 * time.Millisecond)
		}
		o := dispatch.DefaultOptions()
		if took := r.by("b")[0].at; broken.IsZero() || broken.Sub(cut) > o.Lease || !took.After(broken) {
			t.Errorf("cut off at %v: its requests were broken off at %v, the other's began at %v", cut, broken, took)
		}
		for _, s := range r.by("a") {
			if s.at.Sub(cut) > o.Lease {
				t.Errorf("the node that was cut off sent %v after", s.at.Sub(cut))
			}
		}
		if limit := o.Stale + 2*o.Heartbeat; r.by("b")[0].at.Sub(cut) > limit {
			t.Errorf("the other one went on only %v after the cut", r.by("b")[0].at.Sub(cut))
		}
		if err := a.Ready(w.ctx); peal.CodeOf(err) != peal.Unavailable {
			t.Errorf("a fenced node is ready: %v", err)
		}
		w.allSucceed(t, hook.ID, 21)

		time.Sleep(time.Minute)
		hang.Store(false)
		cable.mend()
		sent := len(r.by("a"))
		for a.Ready(w.ctx) != nil {
			time.Sleep(10 * time.Millisecond)
		}
		if a.Node() == old {
			t.Error("it came back under its old id")
		}
		if n := len(r.by("a")); n != sent {
			t.Errorf("it sent %d requests of what others had taken over", n-sent)
		}
		w.publish(a, event(99))
		w.allSucceed(t, hook.ID, 22)
		if len(r.by("a")) != sent+1 {
			t.Error("the node that came back does not send")
		}
	})
}

// A short trouble with the store costs nothing: no fence, no second request.
func TestAShortCutChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a, cable, stopA := w.member("a", false, nil)
		defer stopA()
		_, _, stopB := w.member("b", false, nil)
		defer stopB()
		r := w.receive("ok", nil)
		hook := w.webhook(a, r.url(), joined)
		old := a.Node()
		cable.cutNow()
		time.Sleep(5 * time.Second)
		if err := a.Ready(w.ctx); err != nil {
			t.Errorf("not ready after less than the lease: %v", err)
		}
		cable.mend()
		w.publish(a, event(1))
		time.Sleep(time.Minute)
		w.allSucceed(t, hook.ID, 1)
		if a.Node() != old || len(r.by("a")) != 1 {
			t.Errorf("node %v instead of %v, %d requests", a.Node(), old, len(r.by("a")))
		}
	})
}

// A node that stops lets the others continue at once with work that it had not started.
func TestHandOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		few := func(o *dispatch.Options) { o.LaneInFlight = 1 }
		a, _, stopA := w.member("a", false, few)
		_, _, stopB := w.member("b", false, few)
		defer stopB()
		r := w.receive("slow", func(_ http.ResponseWriter, req *http.Request, _ int) {
			if req.Header.Get("X-Node") == "a" {
				time.Sleep(10 * time.Second)
			}
		})
		hook := w.webhook(a, r.url(), joined)
		for i := range 50 {
			w.publish(a, event(i))
		}
		r.wait(1)
		stopping := time.Now()
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			stopA()
		}()
		for len(r.by("b")) == 0 {
			time.Sleep(time.Millisecond)
		}
		if took := time.Since(stopping); took > time.Second {
			t.Errorf("the other one went on after %v", took)
		}
		<-stopped
		w.allSucceed(t, hook.ID, 50)
		if a, b := len(r.by("a")), len(r.by("b")); a != 1 || b != 49 {
			t.Errorf("%d and %d requests, want 1 and 49", a, b)
		}
		nodes, err := w.store.Nodes(w.ctx)
		if err != nil || len(nodes) != 1 || nodes[0].Name != "b" {
			t.Errorf("nodes %+v, %v", nodes, err)
		}
	})
}

// What is done on one node governs what another has in its memory: at once when the
// signal comes through, with the next heartbeat when it does not.
func TestChangesReachOtherNodes(t *testing.T) {
	for name, deaf := range map[string]bool{"signaled": false, "polled": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				one := func(o *dispatch.Options) { o.LaneInFlight = 1 }
				a, _, stopA := w.member("a", deaf, one)
				defer stopA()
				b, _, stopB := w.member("b", deaf, one)
				defer stopB()
				slow := func(http.ResponseWriter, *http.Request, int) { time.Sleep(500 * time.Millisecond) }
				paused, canceled := w.receive("paused", slow), w.receive("canceled", slow)
				pausedHook := w.webhook(a, paused.url(), joined)
				canceledHook := w.webhook(a, canceled.url(), joined)
				for i := range 40 {
					w.publish(a, event(i))
				}
				paused.wait(1)
				bound := 2 // requests: the one in flight, and one that may just start
				if deaf {
					bound += int(dispatch.DefaultOptions().Heartbeat / (500 * time.Millisecond))
				}
				before, beforeCanceled := paused.count(), canceled.count()
				w.update(b, pausedHook.ID, func(h *peal.Webhook) { h.Status = peal.Paused })
				ended := 0
				for _, d := range w.deliveries(canceledHook.ID) {
					if _, err := b.Cancel(w.ctx, tenant, d.ID); err == nil {
						ended++
					}
				}
				time.Sleep(time.Minute)
				if n := paused.count() - before; n > bound {
					t.Errorf("%d requests after the pause, at most %d", n, bound)
				}
				if n := canceled.count() - beforeCanceled; n > bound {
					t.Errorf("%d requests after %d were canceled, at most %d", n, ended, bound)
				}
				w.update(b, pausedHook.ID, func(h *peal.Webhook) { h.Status = peal.Active })
				w.allSucceed(t, pausedHook.ID, 40)
			})
		})
	}
}
