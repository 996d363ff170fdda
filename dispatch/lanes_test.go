package dispatch_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
)

func TestPauseHoldsAndResumeDrains(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		e, stop := w.engine(nil)
		defer stop()
		r := w.receive("ok", nil)
		hook := w.webhook(e, r.url(), func(h *peal.Webhook) { h.Status = peal.Paused })
		for i := range 50 {
			if p := w.publish(e, event(i)); len(p[0].Webhooks) != 1 {
				t.Fatalf("a paused webhook did not match: %+v", p[0])
			}
		}
		time.Sleep(time.Hour)
		if n := r.count(); n != 0 {
			t.Fatalf("%d requests went to a paused webhook", n)
		}
		w.update(e, hook.ID, func(h *peal.Webhook) { h.Status = peal.Active })
		for _, d := range w.settled(hook.ID, 50) {
			if d.Status != peal.Success || d.Attempts != 1 {
				t.Errorf("delivery %+v", d)
			}
		}
	})
}

func TestPauseWhileDeliveriesWaitInMemory(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		e, stop := w.engine(func(o *dispatch.Options) { o.LaneInFlight = 1 })
		defer stop()
		r := w.receive("slow", func(http.ResponseWriter, *http.Request, int) { time.Sleep(100 * time.Millisecond) })
		hook := w.webhook(e, r.url(), nil)
		for i := range 20 {
			w.publish(e, event(i))
		}
		r.wait(5)
		w.update(e, hook.ID, func(h *peal.Webhook) { h.Status = peal.Paused })
		before := r.count()
		time.Sleep(time.Minute)
		if n := r.count(); n > before+1 {
			t.Fatalf("%d requests after the pause", n-before)
		}
		w.update(e, hook.ID, func(h *peal.Webhook) { h.Status = peal.Active })
		w.settled(hook.ID, 20)
		if n := r.count(); n != 20 {
			t.Errorf("%d requests for 20 events", n)
		}
	})
}

// A lane that spills to the store delivers everything once, in order, and keeps
// only its bounded queue in memory.
func TestSpillKeepsOrder(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		e, stop := w.engine(func(o *dispatch.Options) { o.LaneInFlight, o.LaneQueue = 1, 20 })
		defer stop()
		r := w.receive("slow", func(http.ResponseWriter, *http.Request, int) { time.Sleep(10 * time.Millisecond) })
		hook := w.webhook(e, r.url(), nil)
		const events = 200
		for i := range events {
			w.publish(e, event(i))
			if lane := e.Lane(hook.ID); lane.Queued > 20 {
				t.Fatalf("%d deliveries in memory", lane.Queued)
			}
		}
		w.settled(hook.ID, events)
		requests := r.wait(events)
		if len(requests) != events {
			t.Fatalf("%d requests for %d events", len(requests), events)
		}
		last := ""
		for _, request := range requests {
			if id := request.header.Get("webhook-id"); id <= last {
				t.Fatalf("%s came after %s", id, last)
			} else {
				last = id
			}
		}
	})
}

// Endpoints that hang cost only their own lanes.
func TestIsolation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, stop := w.engine(func(o *dispatch.Options) { o.MaxInFlight, o.MaxSlow = 16, 16 })
		defer stop()
		hang := func(_ http.ResponseWriter, r *http.Request, _ int) {
			select {
			case <-time.After(10 * time.Second):
			case <-r.Context().Done():
			}
		}
		for _, name := range strings.Fields("a b c d e f") {
			r := w.receive("hangs-"+name, hang)
			w.webhook(e, r.url(), func(h *peal.Webhook) { h.Events = []string{"task.hang"} })
		}
		r := w.receive("healthy", nil)
		w.webhook(e, r.url(), func(h *peal.Webhook) { h.Events = []string{"task.created"} })
		for range 200 {
			w.publish(e, peal.Event{Type: "task.hang", Data: []byte(`1`)})
		}
		time.Sleep(2 * time.Second) // the slow ones are known now
		for i := range 100 {
			sent := time.Now()
			w.publish(e, event(i))
			if late := r.wait(i + 1)[i].at.Sub(sent); late > 100*time.Millisecond {
				t.Fatalf("event %d arrived after %v", i, late)
			}
			time.Sleep(50 * time.Millisecond)
		}
	})
}

func TestBreakerOpensProbesAndCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, stop := w.engine(func(o *dispatch.Options) { o.RetryPolicy.Delays = []time.Duration{time.Minute, time.Minute, time.Hour} })
		defer stop()
		up := time.Now().Add(5 * time.Minute)
		r := w.receive("down", func(rw http.ResponseWriter, _ *http.Request, _ int) {
			if time.Now().Before(up) {
				rw.WriteHeader(http.StatusBadGateway)
			}
		})
		hook := w.webhook(e, r.url(), nil)
		for i := range 300 {
			w.publish(e, event(i))
		}
		time.Sleep(time.Second / 2)
		if lane := e.Lane(hook.ID); lane.Breaker != dispatch.Open {
			t.Errorf("lane %+v", lane)
		}
		time.Sleep(4 * time.Minute)
		if n := r.count(); n > 60 {
			t.Errorf("%d requests to an endpoint that is down", n)
		}
		for _, d := range w.settled(hook.ID, 300) {
			if d.Status != peal.Success {
				t.Fatalf("delivery %+v", d)
			}
		}
		if lane := e.Lane(hook.ID); lane.Breaker != dispatch.Closed || lane.Spilled || lane.Queued != 0 {
			t.Errorf("lane %+v after all was delivered", lane)
		}
	})
}

func TestGracefulStopFinishesWhatIsInFlight(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		e, stop := w.engine(func(o *dispatch.Options) { o.LaneInFlight = 2 })
		r := w.receive("slow", func(http.ResponseWriter, *http.Request, int) { time.Sleep(5 * time.Second) })
		hook := w.webhook(e, r.url(), nil)
		for i := range 10 {
			w.publish(e, event(i))
		}
		r.wait(2)
		stop()
		if n := r.count(); n != 2 {
			t.Errorf("%d requests began", n)
		}
		done, pending := 0, 0
		for _, d := range w.deliveries(hook.ID) {
			switch d.Status {
			case peal.Success:
				done++
			case peal.Pending:
				pending++
			}
		}
		if done != 2 || pending != 8 {
			t.Errorf("%d done and %d pending after the stop", done, pending)
		}
		if _, err := e.Publish(w.ctx, tenant, event(11)); peal.CodeOf(err) != peal.Unavailable {
			t.Errorf("publishing to a stopped engine gave %v", err)
		}
		_, stop = w.engine(nil)
		defer stop()
		w.settled(hook.ID, 10)
		if n := r.count(); n != 10 {
			t.Errorf("%d requests for 10 events", n)
		}
	})
}

func TestStopBreaksOffWhatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, stop := w.engine(nil)
		r := w.receive("hangs", func(_ http.ResponseWriter, r *http.Request, n int) {
			if n == 1 {
				<-r.Context().Done()
			}
		})
		hook := w.webhook(e, r.url(), func(h *peal.Webhook) { h.Timeout = time.Minute })
		w.publish(e, event(1))
		r.wait(1)
		begun := time.Now()
		stop()
		if took := time.Since(begun); took < 29*time.Second || took > 32*time.Second {
			t.Errorf("the stop took %v, want the 30 s of grace", took)
		}
		_, stop = w.engine(nil)
		defer stop()
		d := w.settled(hook.ID, 1)[0]
		if d.Status != peal.Success || d.Tries != 1 {
			t.Errorf("delivery %+v", d)
		}
		if a := w.attempts(d.ID); a[0].Reason != peal.ReasonCanceled {
			t.Errorf("first attempt %+v", a[0])
		}
	})
}

// What a process that died held is sent by the next one.
func TestTakeover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		dead, err := dispatch.New(w.store, func() dispatch.Options {
			o := dispatch.DefaultOptions()
			o.Egress = o.Egress.Development()
			return o
		}())
		if err != nil {
			t.Fatal(err)
		}
		r := w.receive("ok", nil)
		hook := w.webhook(dead, r.url(), nil)
		for i := range 10 {
			w.publish(dead, event(i)) // it never runs, as if it had died
		}
		_, stop := w.engine(nil)
		defer stop()
		w.settled(hook.ID, 10)
		if n := r.count(); n != 10 {
			t.Errorf("%d requests for 10 events", n)
		}
	})
}

func TestDeleteCancels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, stop := w.engine(nil)
		defer stop()
		r := w.receive("down", answer(500))
		hook := w.webhook(e, r.url(), nil)
		w.publish(e, event(1))
		r.wait(1)
		pause()
		if err := w.store.DeleteWebhook(w.ctx, tenant, hook.ID); err != nil {
			t.Fatal(err)
		}
		if err := e.Refresh(w.ctx); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if d := w.deliveries(hook.ID)[0]; d.Status != peal.Canceled || r.count() != 1 {
			t.Errorf("delivery %+v after %d requests", d, r.count())
		}
	})
}

// A change through the store governs the very next publish, without a word to the engine.
func TestRoutesAreNeverStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, stop := w.engine(nil)
		defer stop()
		r := w.receive("ok", nil)
		hook := w.webhook(e, r.url(), nil)
		for i := range 20 {
			saved, err := w.store.Webhook(w.ctx, tenant, hook.ID)
			if err != nil {
				t.Fatal(err)
			}
			saved.Events = []string{"other.*"}
			if i%2 == 1 {
				saved.Events = []string{"task.*"}
			}
			if _, err := w.store.UpdateWebhook(w.ctx, saved); err != nil {
				t.Fatal(err)
			}
			if p := w.publish(e, event(i)); len(p[0].Webhooks) != i%2 {
				t.Fatalf("publish %d matched %d webhooks", i, len(p[0].Webhooks))
			}
		}
	})
}

func TestPublishWithACanceledContextWritesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, stop := w.engine(nil)
		defer stop()
		ctx, cancel := context.WithCancel(w.ctx)
		cancel()
		if _, err := e.Publish(ctx, tenant, event(1)); err != context.Canceled {
			t.Errorf("got %v", err)
		}
		if events, _ := w.store.Events(w.ctx, peal.EventQuery{Tenant: tenant, Limit: 10}); len(events) != 0 {
			t.Errorf("%d events were written", len(events))
		}
	})
}
