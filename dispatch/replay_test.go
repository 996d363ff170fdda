package dispatch_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/internal/processor"
	"github.com/pealhq/peal/storetest"
)

// failUntil refuses until up is true.
func failUntil(up *atomic.Bool) func(http.ResponseWriter, *http.Request, int) {
	return func(rw http.ResponseWriter, _ *http.Request, _ int) {
		if !up.Load() {
			rw.WriteHeader(http.StatusInternalServerError)
		}
	}
}

func withoutRetries(h *peal.Webhook) { h.RetryPolicy = &peal.RetryPolicy{} }

// replay starts a replay of all deliveries of a webhook.
func (w *world) replay(e *dispatch.Engine, id peal.WebhookID, change func(*peal.Replay)) peal.Replay {
	w.t.Helper()
	p := peal.Replay{Tenant: tenant, WebhookID: id, Since: time.Unix(1, 0)}
	if change != nil {
		change(&p)
	}
	replay, err := e.Replay(w.ctx, p)
	if err != nil {
		w.t.Fatal(err)
	}
	return replay
}

// ended waits for the end of a replay and returns it.
func (w *world) ended(id peal.JobID) peal.Replay {
	w.t.Helper()
	for {
		p, err := w.store.Replay(w.ctx, tenant, id)
		if err != nil {
			w.t.Fatal(err)
		}
		if p.Status != peal.ReplayRunning {
			return p
		}
		pause()
	}
}

// events are different ones.
func events(n int) []peal.Event {
	list := make([]peal.Event, n)
	for i := range list {
		list[i] = event(i)
	}
	return list
}

// numbers counts how often each event arrived.
func (r *receiver) numbers() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	numbers := map[string]int{}
	for _, s := range r.seen {
		_, rest, _ := strings.Cut(s.body, `"n":`)
		numbers[rest[:strings.IndexByte(rest, '}')]]++
	}
	return numbers
}

func TestReplaySendsAgainWhatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, _ := w.engine(nil)
		var up atomic.Bool
		r := w.receive("r", failUntil(&up))
		hook := w.webhook(e, r.url(), withoutRetries)
		const many = 450
		w.publish(e, events(many)...)
		w.settled(hook.ID, many)
		up.Store(true)
		p := w.replay(e, hook.ID, nil)
		if p.Total != many || p.Status != peal.ReplayRunning {
			t.Errorf("began %+v", p)
		}
		if p = w.ended(p.ID); p.Status != peal.ReplayDone || p.Done != many || p.Replayed != many || p.EndedAt.IsZero() {
			t.Errorf("ended %+v", p)
		}
		for _, d := range w.settled(hook.ID, many) {
			if d.Status != peal.Success || d.Attempts != 2 || d.Tries != 1 {
				t.Fatalf("delivery %+v", d)
			}
		}
		for n, times := range r.numbers() {
			if times != 2 {
				t.Errorf("event %s arrived %d times", n, times)
			}
		}
	})
}

func TestReplaySendsWhatWasMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, _ := w.engine(nil)
		r := w.receive("r", nil)
		for i := range 300 {
			w.publish(e, event(i), peal.Event{Type: "note.created", Data: fmt.Appendf(nil, `{"n":%d}`, 1000+i)})
		}
		hook := w.webhook(e, r.url(), func(h *peal.Webhook) {
			h.Events, h.Filter = []string{"task.*"}, "data.n % 2 == 0"
		})
		w.publish(e, event(300))
		w.settled(hook.ID, 1)
		p := w.ended(w.replay(e, hook.ID, func(p *peal.Replay) { p.Missed = true }).ID)
		if p.Total != 300 || p.Done != 300 || p.Replayed != 150 {
			t.Errorf("ended %+v", p)
		}
		w.settled(hook.ID, 151)
		numbers := r.numbers()
		for i := 0; i <= 300; i += 2 {
			if numbers[fmt.Sprint(i)] != 1 {
				t.Errorf("event %d arrived %d times", i, numbers[fmt.Sprint(i)])
			}
		}
		if len(numbers) != 151 {
			t.Errorf("%d events arrived", len(numbers))
		}
		if p := w.ended(w.replay(e, hook.ID, func(p *peal.Replay) { p.Missed = true }).ID); p.Replayed != 0 {
			t.Errorf("a second one replayed %+v", p)
		}
	})
}

func TestReplayGoesOnAfterARestart(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		e, stop := w.engine(nil)
		var up atomic.Bool
		r := w.receive("r", failUntil(&up))
		hook := w.webhook(e, r.url(), withoutRetries)
		const many = 700
		w.publish(e, events(many)...)
		w.settled(hook.ID, many)
		stop()

		// What a process leaves behind that dies in the middle of a replay.
		id := peal.NewJobID()
		p := peal.Replay{
			ID: id, Tenant: tenant, WebhookID: hook.ID, Since: time.Unix(1, 0), Until: id.Time().Add(time.Microsecond),
			Statuses: peal.DefaultReplayStatuses(), Status: peal.ReplayRunning, Total: many,
		}
		if err := w.store.CreateReplay(w.ctx, p); err != nil {
			t.Fatal(err)
		}
		if n, more, err := w.store.ReplayDeliveries(w.ctx, id, time.Now(), 200); n != 200 || !more || err != nil {
			t.Fatal(n, more, err)
		}
		if err := w.store.Close(); err != nil {
			t.Fatal(err)
		}
		w.open()
		up.Store(true)
		w.engine(nil)
		if p = w.ended(id); p.Status != peal.ReplayDone || p.Replayed != many {
			t.Errorf("ended %+v", p)
		}
		w.settled(hook.ID, many)
		numbers := r.numbers()
		for i := range many {
			if numbers[fmt.Sprint(i)] != 2 {
				t.Errorf("event %d arrived %d times", i, numbers[fmt.Sprint(i)])
			}
		}
	})
}

// slowStore lets a test see a replay in its middle.
type slowStore struct {
	storetest.Store
	step chan struct{}
}

func (s slowStore) ReplayDeliveries(ctx context.Context, id peal.JobID, due time.Time, limit int) (int, bool, error) {
	select {
	case <-s.step:
	case <-ctx.Done():
		return 0, false, ctx.Err()
	}
	return s.Store.ReplayDeliveries(ctx, id, due, limit)
}

func TestReplayEndsEarly(t *testing.T) {
	tests := map[string]struct {
		change func(*world, *dispatch.Engine, peal.Replay)
		want   peal.ReplayStatus
		most   int // that may be replayed: a step in progress continues
	}{
		"canceled": {func(w *world, e *dispatch.Engine, p peal.Replay) {
			got, err := e.CancelReplay(w.ctx, tenant, p.ID)
			if err != nil || got.Status != peal.ReplayCanceled || got.EndedAt.IsZero() {
				w.t.Errorf("canceled %+v, %v", got, err)
			}
		}, peal.ReplayCanceled, 200},
		"disabled": {func(w *world, e *dispatch.Engine, p peal.Replay) {
			w.update(e, p.WebhookID, func(h *peal.Webhook) { h.Status = peal.Disabled })
		}, peal.ReplayFailed, 400},
		"deleted": {func(w *world, e *dispatch.Engine, p peal.Replay) {
			if err := errors.Join(w.store.DeleteWebhook(w.ctx, tenant, p.WebhookID), e.Refresh(w.ctx)); err != nil {
				w.t.Error(err)
			}
		}, peal.ReplayFailed, 200},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				plain, slow := w.store, slowStore{w.store, make(chan struct{})}
				w.store = slow
				e, stop := w.engine(nil)
				w.store = plain
				r := w.receive("r", answer(http.StatusInternalServerError))
				hook := w.webhook(e, r.url(), withoutRetries)
				const many = 450
				w.publish(e, events(many)...)
				w.settled(hook.ID, many)
				p := w.replay(e, hook.ID, nil)
				slow.step <- struct{}{}
				for p.Replayed == 0 {
					pause()
					var err error
					if p, err = w.store.Replay(w.ctx, tenant, p.ID); err != nil {
						t.Fatal(err)
					}
				}
				test.change(w, e, p)
				close(slow.step)
				p = w.ended(p.ID)
				if p.Status != test.want || p.Replayed > test.most || (p.Reason == "") != (p.Status == peal.ReplayCanceled) {
					t.Errorf("ended %+v", p)
				}
				pause()
				stop()
				if n := r.count(); n > many+test.most {
					t.Errorf("%d requests", n)
				}
				if _, err := e.CancelReplay(w.ctx, tenant, p.ID); peal.CodeOf(err) != peal.Conflict {
					t.Errorf("a second end gave %v", err)
				}
			})
		})
	}
}

// A step of a busy tenant's replay waits for its turn of the processor, and no other tenant's replay
// waits behind it.
func TestReplayOfABusyTenantWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, stop := w.engine(nil)
		r := w.receive("r", nil)
		hook := w.webhook(e, r.url(), nil)
		neighbours := w.webhook(e, r.url(), func(h *peal.Webhook) { h.Tenant = "neighbour" })
		w.publish(e, event(1))
		if _, err := e.Publish(w.ctx, "neighbour", event(2)); err != nil {
			t.Fatal(err)
		}
		r.wait(2)
		time.Sleep(time.Second) // until both are settled
		busy := func(h processor.Holder) *processor.Turn {
			turn := processor.Shared.Turn(h)
			if err := turn.Enter(w.ctx); err != nil {
				t.Fatal(err)
			}
			turn.LeaveAt(time.Hour)
			return turn
		}
		var slots []*processor.Turn
		for i := range max(1, runtime.GOMAXPROCS(0)-1) {
			turn := busy(processor.Tenant(fmt.Sprint("hog", i)))
			if err := turn.Enter(w.ctx); err != nil {
				t.Fatal(err)
			}
			slots = append(slots, turn)
		}
		busy(processor.Tenant(tenant))
		again := func(p *peal.Replay) { p.Statuses = []peal.DeliveryStatus{peal.Success} }
		p := w.replay(e, hook.ID, again)
		theirs := peal.Replay{Tenant: "neighbour", WebhookID: neighbours.ID, Since: time.Unix(1, 0)}
		again(&theirs)
		theirs, err := e.Replay(w.ctx, theirs)
		if err != nil {
			t.Fatal(err)
		}
		r.wait(3)
		if p, err = w.store.Replay(w.ctx, tenant, p.ID); err != nil || p.Status != peal.ReplayRunning || p.Done != 0 {
			t.Errorf("the busy tenant's replay is %+v: %v", p, err)
		}
		for _, turn := range slots {
			turn.Leave()
		}
		if p = w.ended(p.ID); p.Status != peal.ReplayDone || p.Replayed != 1 {
			t.Errorf("the busy tenant's replay ended %+v", p)
		}
		if theirs, err = w.store.Replay(w.ctx, "neighbour", theirs.ID); err != nil || theirs.Status != peal.ReplayDone || theirs.Replayed != 1 {
			t.Errorf("the neighbour's replay ended %+v: %v", theirs, err)
		}
		r.wait(4)
		stop()
		time.Sleep(time.Hour) // for the rest of slots and accounts
	})
}

func TestReplayOfAPausedWebhookIsHeld(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		e, _ := w.engine(nil)
		var up atomic.Bool
		r := w.receive("r", failUntil(&up))
		hook := w.webhook(e, r.url(), withoutRetries)
		w.publish(e, event(1), event(2), event(3))
		w.settled(hook.ID, 3)
		up.Store(true)
		w.update(e, hook.ID, func(h *peal.Webhook) { h.Status = peal.Paused })
		if p := w.ended(w.replay(e, hook.ID, nil).ID); p.Status != peal.ReplayDone || p.Replayed != 3 {
			t.Errorf("ended %+v", p)
		}
		time.Sleep(time.Hour)
		if n := r.count(); n != 3 {
			t.Errorf("%d requests while paused", n)
		}
		w.update(e, hook.ID, func(h *peal.Webhook) { h.Status = peal.Active })
		r.wait(6)
	})
}

func TestReplayIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, _ := w.engine(nil)
		hook := w.webhook(e, "http://r.test/", nil)
		disabled := w.webhook(e, "http://r.test/", func(h *peal.Webhook) { h.Status = peal.Disabled })
		good := peal.Replay{Tenant: tenant, WebhookID: hook.ID, Since: time.Unix(1, 0)}
		tests := map[string]struct {
			change func(*peal.Replay)
			code   peal.ErrorCode
			field  string
		}{
			"disabled":       {func(p *peal.Replay) { p.WebhookID = disabled.ID }, peal.Conflict, ""},
			"unknown":        {func(p *peal.Replay) { p.WebhookID = peal.NewWebhookID() }, peal.NotFound, ""},
			"a stranger's":   {func(p *peal.Replay) { p.Tenant = "stranger" }, peal.NotFound, ""},
			"no since":       {func(p *peal.Replay) { p.Since = time.Time{} }, peal.Invalid, "since"},
			"in the future":  {func(p *peal.Replay) { p.Since = time.Now().AddDate(100, 0, 0) }, peal.Invalid, "since"},
			"turned around":  {func(p *peal.Replay) { p.Until = time.Unix(1, 0) }, peal.Invalid, "since"},
			"pending":        {func(p *peal.Replay) { p.Statuses = []peal.DeliveryStatus{peal.Failed, peal.Pending} }, peal.Invalid, "statuses[1]"},
			"doubled status": {func(p *peal.Replay) { p.Statuses = []peal.DeliveryStatus{peal.Failed, peal.Failed} }, peal.Invalid, "statuses[1]"},
			"nothing":        {func(p *peal.Replay) { p.Statuses = []peal.DeliveryStatus{} }, peal.Invalid, "statuses"},
			"a bad pattern":  {func(p *peal.Replay) { p.EventTypes = []string{"task.*", "*x"} }, peal.Invalid, "event_types[1]"},
		}
		for name, test := range tests {
			p := good
			test.change(&p)
			_, err := e.Replay(w.ctx, p)
			var known *peal.Error
			if !errors.As(err, &known) || known.Code != test.code || known.Field != test.field {
				t.Errorf("%s gave %v", name, err)
			}
		}
		if open, err := w.store.OpenReplays(w.ctx, 10); err != nil || len(open) > 0 {
			t.Errorf("open: %v, %v", open, err)
		}
	})
}
