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

// settable is a machine's clock that somebody sets while an engine runs.
type settable struct{ off atomic.Int64 }

func (s *settable) now() time.Time       { return time.Now().Add(time.Duration(s.off.Load())) }
func (s *settable) set(by time.Duration) { s.off.Add(int64(by)) }

const year = 365 * 24 * time.Hour

// A clock that is set while a delivery waits in the store for its retry, of two hours
// later, and a minute later back again: the retry is sent once, never later than its
// delay, and earlier only when the clock has jumped ahead. What is new comes at once.
func TestClockIsSetWhileTheEngineRuns(t *testing.T) {
	const delay = 2 * time.Hour
	for name, test := range map[string]struct {
		by             time.Duration
		earliest, last time.Duration
	}{
		"an hour back":  {-time.Hour, delay, delay + time.Minute},
		"a year back":   {-year, delay, delay + time.Minute},
		"an hour ahead": {time.Hour, delay - time.Hour - time.Minute, delay - time.Hour + time.Minute},
		"a year ahead":  {year, 0, 2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				var machine settable
				e, stop := w.engine(func(o *dispatch.Options) { o.Now, o.DueSync = machine.now, 30*time.Second })
				defer stop()
				r := w.receive("bad", func(rw http.ResponseWriter, _ *http.Request, n int) {
					if n == 1 {
						rw.WriteHeader(http.StatusInternalServerError)
					}
				})
				h := w.webhook(e, r.url(), func(h *peal.Webhook) {
					h.Events, h.RetryPolicy = []string{"a"}, &peal.RetryPolicy{Delays: []time.Duration{delay}}
				})
				w.publish(e, peal.Event{Type: "a", Data: []byte(`{}`)})
				first := r.wait(1)[0].at
				time.Sleep(time.Second) // the result is written
				machine.set(test.by)
				time.Sleep(time.Minute)
				other := w.receive("other", nil)
				w.webhook(e, other.url(), func(h *peal.Webhook) { h.Events = []string{"new"} })
				published := time.Now()
				w.publish(e, peal.Event{Type: "new", Data: []byte(`{}`)})
				if late := other.wait(1)[0].at.Sub(published); late > time.Second {
					t.Errorf("a new event came after %v", late)
				}
				late := r.wait(2)[1].at.Sub(first)
				if late < test.earliest || late > test.last {
					t.Errorf("the retry came after %v, want %v to %v", late, test.earliest, test.last)
				}
				machine.set(-test.by)
				if d := w.settled(h.ID, 1)[0]; d.Status != peal.Success || d.Attempts != 2 {
					t.Errorf("%+v", d)
				}
				time.Sleep(3 * time.Hour)
				if n := len(r.wait(2)); n != 2 {
					t.Errorf("%d requests, want 2", n)
				}
			})
		})
	}
}

// History survives a clock that is a year ahead for less than a day, whenever retention
// looks; a clock that stays there for longer is believed.
func TestRetentionDoubtsAClockThatLeaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var machine settable
		machine.set(time.Until(peal.NewEventKey().Time())) // IDs are of today, the fake clock starts in 2000
		e, stop := w.engine(func(o *dispatch.Options) {
			o.Now, o.Retention.History, o.Retention.Every = machine.now, time.Hour, time.Minute
		})
		defer stop()
		r := w.receive("good", nil)
		h := w.webhook(e, r.url(), nil)
		w.publish(e, peal.Event{Type: "a", Data: []byte(`{}`)})
		w.settled(h.ID, 1)
		machine.set(year)
		time.Sleep(30 * time.Minute)
		if n := len(w.deliveries(h.ID)); n != 1 {
			t.Fatalf("%d deliveries after the clock leapt, want 1", n)
		}
		machine.set(-2 * year)
		time.Sleep(10 * time.Minute)
		machine.set(year)
		time.Sleep(10 * time.Minute)
		if n := len(w.deliveries(h.ID)); n != 1 {
			t.Errorf("%d deliveries after the clock came back, want 1", n)
		}
		machine.set(year)
		time.Sleep(25 * time.Hour)
		if n := len(w.deliveries(h.ID)); n != 0 {
			t.Errorf("%d deliveries a day after the clock was set ahead, want 0", n)
		}
	})
}

// A webhook is not disabled for failing for days that only the clock has made.
func TestAClockThatLeapsDisablesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var machine settable
		e, stop := w.engine(func(o *dispatch.Options) { o.Now = machine.now })
		defer stop()
		r := w.receive("bad", answer(http.StatusInternalServerError))
		h := w.webhook(e, r.url(), func(h *peal.Webhook) {
			h.RetryPolicy = &peal.RetryPolicy{Delays: []time.Duration{time.Minute, time.Minute, time.Minute}, DisableAfterFailing: 24 * time.Hour}
		})
		for i, by := range []time.Duration{year, -2 * year, year} {
			w.publish(e, peal.Event{Type: "a", Data: []byte(`{}`)})
			r.wait(i + 1)
			machine.set(by)
			time.Sleep(time.Second)
		}
		time.Sleep(10 * time.Minute)
		got, err := w.store.Webhook(w.ctx, tenant, h.ID)
		if err != nil || got.Status != peal.Active {
			t.Errorf("the webhook is %s (%s), %v", got.Status, got.StatusReason, err)
		}
	})
}

// A clock that was ahead when a delivery failed and is right at the next start holds no
// retry for longer than the policy asks for, and nothing at all that was never attempted.
func TestClockWasAheadBeforeTheStart(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		var machine settable
		machine.set(10 * 24 * time.Hour)
		e, stop := w.engine(func(o *dispatch.Options) { o.Now, o.HoldRetry = machine.now, 0 })
		var up atomic.Bool
		r := w.receive("bad", func(rw http.ResponseWriter, _ *http.Request, _ int) {
			if !up.Load() {
				rw.WriteHeader(http.StatusInternalServerError)
			}
		})
		const longest = 2 * time.Hour
		hook := w.webhook(e, r.url(), func(h *peal.Webhook) {
			h.RetryPolicy = &peal.RetryPolicy{Delays: []time.Duration{5 * time.Minute, longest}}
		})
		w.publish(e, event(0))
		r.wait(1)
		w.update(e, hook.ID, func(h *peal.Webhook) { h.Status = peal.Paused })
		many := make([]peal.Event, 501)
		for i := range 2 { // more than are advanced at once
			for k := range many {
				many[k] = event(i*len(many) + k)
			}
			w.publish(e, many...)
		}
		time.Sleep(time.Second)
		stop()
		w.update(e, hook.ID, func(h *peal.Webhook) { h.Status = peal.Active })
		up.Store(true)
		started := time.Now()
		_, stop = w.engine(nil)
		defer stop()
		w.allSucceed(t, hook.ID, 1003)
		all := w.deliveries(hook.ID)
		if last := all[0].SettledAt; last.Sub(started) > longest+time.Minute {
			t.Errorf("the retry came %v after the start, its policy's longest delay is %v", last.Sub(started), longest)
		}
		if all[1002].SettledAt.Sub(started) > time.Minute {
			t.Errorf("what was never attempted came %v after the start", all[1002].SettledAt.Sub(started))
		}
	})
}
