package dispatch_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
)

// between checks that a moment comes a delay after another, with the policy's jitter.
func between(t *testing.T, what string, from, to time.Time, delay time.Duration) {
	t.Helper()
	got, spread := to.Sub(from), delay/10+100*time.Millisecond
	if got < delay-spread || got > delay+spread {
		t.Errorf("%s came %v after the one before, want %v ± 10 %%", what, got, delay)
	}
}

func TestFailsTwiceThenSucceeds(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		e, stop := w.engine(nil)
		defer stop()
		r := w.receive("flaky", func(rw http.ResponseWriter, _ *http.Request, n int) {
			rw.Header().Set("X-Answer", "mine")
			if n <= 2 {
				http.Error(rw, "not yet", http.StatusInternalServerError)
			}
		})
		hook := w.webhook(e, r.url(), nil)
		w.publish(e, event(1))
		d := w.settled(hook.ID, 1)[0]
		if d.Status != peal.Success || d.Attempts != 3 || d.StatusCode != 200 || d.Reason != "" {
			t.Errorf("delivery %+v", d)
		}
		requests := r.wait(3)
		between(t, "attempt 2", requests[0].at, requests[1].at, 5*time.Second)
		between(t, "attempt 3", requests[1].at, requests[2].at, 5*time.Minute)
		for i, r := range requests {
			if id := r.header.Get("webhook-id"); id != d.EventID || r.body != requests[0].body {
				t.Errorf("attempt %d has webhook-id %q and body %q", i+1, id, r.body)
			}
		}
		attempts := w.attempts(d.ID)
		if len(attempts) != 3 {
			t.Fatalf("%d attempts on record", len(attempts))
		}
		for i, a := range attempts {
			if a.Number != i+1 || a.URL != hook.URL || a.BodySize != len(requests[i].body) || len(a.RequestHead.Fields()) < 4 || a.ResponseHead == "" {
				t.Errorf("attempt %d: %+v", i+1, a)
			}
		}
		if a := attempts[0]; a.Reason != peal.ReasonStatus || a.StatusCode != 500 || string(a.ResponseBody) != "not yet\n" || a.Error == "" {
			t.Errorf("first attempt: %+v", a)
		}
		if a := attempts[2]; !a.Succeeded() || a.StatusCode != 200 {
			t.Errorf("last attempt: %+v", a)
		}
	})
}

func TestDefaultPolicyToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, stop := w.engine(nil)
		defer stop()
		r := w.receive("down", answer(503))
		hook := w.webhook(e, r.url(), nil)
		w.publish(e, event(1))
		d := w.settled(hook.ID, 1)[0]
		delays := peal.DefaultRetryPolicy().Delays
		if d.Status != peal.Failed || d.Attempts != len(delays)+1 || d.Reason != peal.ReasonStatus {
			t.Errorf("delivery %+v", d)
		}
		requests := r.wait(len(delays) + 1)
		for i, delay := range delays {
			between(t, "a retry", requests[i].at, requests[i+1].at, delay)
		}
		if got, _ := w.store.Webhook(w.ctx, tenant, hook.ID); got.Health.ExhaustedInRow != 1 || got.Status != peal.Active {
			t.Errorf("webhook is %s with health %+v", got.Status, got.Health)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	for _, test := range []struct {
		name, header string
		want         time.Duration
	}{
		{"longer than the schedule", "3600", time.Hour},
		{"shorter than the schedule", "1", 5 * time.Second},
		{"longer than a day", "864000", 24 * time.Hour},
		{"a date", "Sat, 01 Jan 2000 00:10:00 GMT", 10 * time.Minute}, // the fake clock starts at midnight
		{"garbage", "soon", 5 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				e, stop := w.engine(nil)
				defer stop()
				r := w.receive("busy", func(rw http.ResponseWriter, _ *http.Request, n int) {
					if n == 1 {
						rw.Header().Set("Retry-After", test.header)
						rw.WriteHeader(http.StatusTooManyRequests)
					}
				})
				hook := w.webhook(e, r.url(), nil)
				w.publish(e, event(1))
				w.settled(hook.ID, 1)
				requests := r.wait(2)
				between(t, "the retry", requests[0].at, requests[1].at, test.want)
			})
		})
	}
}

func TestXWebhookIsDisabledAfterItsThirdRetry(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		e, stop := w.engine(nil)
		defer stop()
		r := w.receive("down", answer(500))
		hook := w.webhook(e, r.url(), func(h *peal.Webhook) {
			h.Format, h.Secrets = "x-webhook", []peal.Secret{{Value: "a secret of the receiver"}}
		})
		w.publish(e, event(1))
		w.settled(hook.ID, 1)
		requests := r.wait(4)
		for i, minutes := range []time.Duration{1, 5, 30} {
			between(t, "a retry", requests[i].at, requests[i+1].at, minutes*time.Minute)
		}
		for {
			got, err := w.store.Webhook(w.ctx, tenant, hook.ID)
			if err != nil {
				t.Fatal(err)
			}
			if got.Status == peal.Disabled && got.StatusReason != "" {
				break
			}
			pause()
		}
		if p := w.publish(e, event(2)); len(p[0].Webhooks) != 0 {
			t.Errorf("a disabled webhook got an event: %v", p[0].Webhooks)
		}
		if _, attempt, err := e.Test(w.ctx, tenant, hook.ID, "", nil); err != nil || attempt.StatusCode != 500 {
			t.Errorf("a test of a disabled webhook gave %+v, %v", attempt, err)
		}
		w.update(e, hook.ID, func(h *peal.Webhook) { h.Status, h.StatusReason = peal.Active, "" })
		if got, _ := w.store.Webhook(w.ctx, tenant, hook.ID); got.Health != (peal.WebhookHealth{}) {
			t.Errorf("a webhook that was set active again has health %+v", got.Health)
		}
	})
}

func TestGoneDisables(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, stop := w.engine(nil)
		defer stop()
		r := w.receive("gone", answer(http.StatusGone))
		hook := w.webhook(e, r.url(), nil)
		w.publish(e, event(1))
		if d := w.settled(hook.ID, 1)[0]; d.Status != peal.Failed || d.Attempts != 1 {
			t.Errorf("delivery %+v", d)
		}
		for {
			if got, _ := w.store.Webhook(w.ctx, tenant, hook.ID); got.Status == peal.Disabled {
				break
			}
			pause()
		}
	})
}

func TestDisabledAfterFailingForDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, stop := w.engine(func(o *dispatch.Options) { o.RetryPolicy.DisableAfterFailing = 2 * 24 * time.Hour })
		defer stop()
		r := w.receive("down", answer(500))
		hook := w.webhook(e, r.url(), nil)
		w.publish(e, event(1))
		start := time.Now()
		for {
			if got, _ := w.store.Webhook(w.ctx, tenant, hook.ID); got.Status == peal.Disabled {
				break
			}
			time.Sleep(time.Minute)
		}
		if after := time.Since(start); after < 48*time.Hour || after > 80*time.Hour {
			t.Errorf("disabled after %v", after)
		}
	})
}

func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, stop := w.engine(nil)
		defer stop()
		r := w.receive("limited", nil)
		hook := w.webhook(e, r.url(), func(h *peal.Webhook) { h.RateLimit = &peal.RateLimit{PerSecond: 2, Burst: 3} })
		for i := range 13 {
			w.publish(e, event(i))
		}
		w.settled(hook.ID, 13)
		requests := r.wait(13)
		if burst := requests[2].at.Sub(requests[0].at); burst > 100*time.Millisecond {
			t.Errorf("the burst took %v", burst)
		}
		if rest := requests[12].at.Sub(requests[2].at); rest < 4900*time.Millisecond || rest > 5500*time.Millisecond {
			t.Errorf("the ten after the burst took %v, want 5 s", rest)
		}
	})
}
