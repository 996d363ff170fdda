package dispatch_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pealhq/peal"
)

// Requests to endpoints of which nothing is known begin one after the other, however long
// those before them take and though nothing else happens that could wake anybody.
func TestUnknownEndpointsAreAllTried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, stop := w.engine(nil)
		defer stop()
		hanging := w.receive("hanging", func(rw http.ResponseWriter, r *http.Request, _ int) {
			select {
			case <-time.After(10 * time.Second):
			case <-r.Context().Done():
			}
		})
		const many = 200 // more than may begin at once
		for range many {
			w.webhook(e, hanging.url(), nil)
		}
		w.publish(e, event(1))
		time.Sleep(time.Second)
		if n := hanging.count(); n != many {
			t.Errorf("after a second %d of %d endpoints have been sent to", n, many)
		}
	})
}

// The first event of a new endpoint does not wait behind others that are new too, nor
// behind those that fail.
func TestNewcomerIsSentToAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, stop := w.engine(nil)
		defer stop()
		failing := w.receive("failing", answer(http.StatusInternalServerError))
		newcomer := w.receive("newcomer", nil)
		const many = 1500 // for longer than it is looked at
		for range many {
			w.webhook(e, failing.url(), func(h *peal.Webhook) { h.Events = []string{"old"} })
		}
		w.webhook(e, newcomer.url(), func(h *peal.Webhook) { h.Events = []string{"new"} })
		w.publish(e, peal.Event{Type: "old", Data: []byte(`{}`)})
		time.Sleep(100 * time.Millisecond) // what is kept for newcomers is there again
		if n := failing.count(); n == 0 || n >= many/2 {
			t.Fatalf("%d of %d have been sent to, so the newcomer has nobody to wait behind", n, many)
		}
		published := time.Now()
		w.publish(e, peal.Event{Type: "new", Data: []byte(`{}`)})
		if waited := newcomer.wait(1)[0].at.Sub(published); waited > 0 {
			t.Errorf("the newcomer waited for %v", waited)
		}
	})
}

// What waits in the store for an endpoint of which nothing is known is claimed at once: after
// a start that is everybody, and what has lingered then comes in a burst.
func TestUnknownEndpointIsRefilledAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, stop := w.engine(nil)
		defer stop()
		r := w.receive("ok", nil)
		hook := w.webhook(e, r.url(), func(h *peal.Webhook) { h.Status = peal.Paused })
		w.publish(e, event(1))
		time.Sleep(time.Minute)
		resumed := time.Now()
		w.update(e, hook.ID, func(h *peal.Webhook) { h.Status = peal.Active })
		if waited := r.wait(1)[0].at.Sub(resumed); waited > 0 {
			t.Errorf("it waited for %v", waited)
		}
	})
}
