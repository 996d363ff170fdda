package dispatch_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pealhq/peal"
)

// jump leaves three deliveries to a process with another clock: one that waits two hours for its
// retry, one with an attempt in flight and one of a paused webhook. It returns how long after the
// start of the process the first two are sent again. New events must arrive at once.
func jump(t *testing.T, first, second time.Duration) (retry, inFlight time.Duration) {
	t.Helper()
	directory := memoryDir(t)
	var failing, hanging, paused peal.Webhook
	synctest.Test(t, func(t *testing.T) { // every fake clock starts at the same time
		time.Sleep(first)
		w := newWorldAt(t, directory)
		e, stop := w.engine(nil)
		bad := w.receive("bad", answer(http.StatusInternalServerError))
		slow := w.receive("slow", func(_ http.ResponseWriter, r *http.Request, _ int) { <-r.Context().Done() })
		failing = w.webhook(e, bad.url(), func(h *peal.Webhook) {
			h.Events = []string{"bad"}
			h.RetryPolicy = &peal.RetryPolicy{Delays: []time.Duration{2 * time.Hour}}
		})
		hanging = w.webhook(e, slow.url(), func(h *peal.Webhook) { h.Events, h.Timeout = []string{"slow"}, time.Minute })
		paused = w.webhook(e, bad.url(), func(h *peal.Webhook) { h.Events, h.Status = []string{"paused"}, peal.Paused })
		for _, name := range []string{"bad", "slow", "paused"} {
			w.publish(e, peal.Event{Type: name, Data: []byte(`{}`)})
		}
		bad.wait(1)
		slow.wait(1)
		pause()
		stop()
		if d := w.deliveries(failing.ID)[0]; d.Status != peal.Pending || d.Attempts != 1 {
			t.Fatalf("the failed delivery is left as %+v", d)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(second)
		w := newWorldAt(t, directory)
		bad, slow := w.receive("bad", nil), w.receive("slow", nil)
		begun := time.Now()
		e, stop := w.engine(nil)
		defer stop()
		w.publish(e, peal.Event{Type: "new", Data: []byte(`{}`)}) // to nobody, but it must be taken
		w.update(e, paused.ID, func(h *peal.Webhook) { h.Status, h.Events = peal.Active, []string{"paused", "new"} })
		w.publish(e, peal.Event{Type: "new", Data: []byte(`{}`)})
		for _, id := range []peal.WebhookID{failing.ID, hanging.ID} {
			for _, d := range w.settled(id, 1) {
				if d.Status != peal.Success {
					t.Errorf("%+v", d)
				}
			}
		}
		for _, d := range w.settled(paused.ID, 2) {
			if d.Status != peal.Success || d.Attempts != 1 {
				t.Errorf("of the paused webhook: %+v", d)
			}
		}
		for i, got := range bad.wait(3) {
			switch late := got.at.Sub(begun); got.header.Get("webhook-id") {
			case w.deliveries(failing.ID)[0].EventID:
				retry = late
			case w.deliveries(paused.ID)[1].EventID:
				if late > time.Second {
					t.Errorf("request %d, of a new event, came after %v", i, late)
				}
			}
		}
		inFlight = slow.wait(1)[0].at.Sub(begun)
	})
	return retry, inFlight
}

// A clock that was set back an hour holds up nothing that is new; a retry comes when
// the clock has come to its time, which is an hour later, and none is lost.
func TestClockSetBack(t *testing.T) {
	retry, inFlight := jump(t, time.Hour, 0)
	if retry < 3*time.Hour || retry > 3*time.Hour+time.Minute {
		t.Errorf("the retry came after %v, want 3h", retry)
	}
	if inFlight > time.Hour+time.Minute {
		t.Errorf("what was in flight came after %v", inFlight)
	}
}

// A clock that jumps ahead makes retries early, and loses none.
func TestClockJumpsAhead(t *testing.T) {
	retry, inFlight := jump(t, 0, 3*24*time.Hour)
	if retry > time.Minute || inFlight > time.Minute {
		t.Errorf("the retry came after %v, what was in flight after %v; want both at once", retry, inFlight)
	}
}
