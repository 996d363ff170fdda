package dispatch_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
)

// A lane that fills up alone gets half of the memory, so that others still get
// places when they need them; what has no place waits in the store and arrives.
func TestMemoryIsShared(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		e, stop := w.engine(func(o *dispatch.Options) { o.Memory, o.LaneInFlight = 100*520, 1 })
		defer stop()
		slow := func(http.ResponseWriter, *http.Request, int) { time.Sleep(time.Second) }
		hog, other := w.receive("hog", slow), w.receive("other", slow)
		hogHook := w.webhook(e, hog.url(), func(h *peal.Webhook) { h.Events = []string{"hog"} })
		otherHook := w.webhook(e, other.url(), func(h *peal.Webhook) { h.Events = []string{"other"} })
		for range 300 {
			w.publish(e, peal.Event{Type: "hog", Data: []byte(`12345678`)})
		}
		if lane := e.Lane(hogHook.ID); lane.Queued < 45 || lane.Queued > 55 || !lane.Spilled {
			t.Errorf("the lane that fills up alone: %+v, want about 50 in memory and the rest in the store", lane)
		}
		for range 20 {
			w.publish(e, peal.Event{Type: "other", Data: []byte(`12345678`)})
		}
		if lane := e.Lane(otherHook.ID); lane.Queued < 19 || lane.Spilled {
			t.Errorf("the other lane: %+v, want all in memory", lane)
		}
		for _, d := range append(w.settled(hogHook.ID, 300), w.settled(otherHook.ID, 20)...) {
			if d.Status != peal.Success || d.Attempts != 1 {
				t.Fatalf("delivery %+v", d)
			}
		}
	})
}
