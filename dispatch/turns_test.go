package dispatch_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/internal/longtest"
)

// Lanes that have something to send take turns: as long as two of them have, neither
// gets ahead of the other, however much more of it has.
func TestReadyLanesTakeTurns(t *testing.T) {
	longtest.Cases(t, 2, 100)
	rapid.Check(t, func(rt *rapid.T) {
		inFlight := rapid.IntRange(1, 6).Draw(rt, "in flight")
		backlogs := rapid.SliceOfN(rapid.IntRange(1, 30), 2, 6).Draw(rt, "backlogs")
		var order []int
		synctest.Test(t, func(t *testing.T) { order = takeTurns(t, inFlight, backlogs) })
		begun := make([]int, len(backlogs))
		for n, lane := range order {
			begun[lane]++
			for other := range backlogs {
				// Requests that start at the same time arrive in any order.
				if begun[other] < backlogs[other] && begun[lane] > begun[other]+inFlight {
					rt.Fatalf("at request %d lane %d has had %d turns and lane %d only %d of %d", n, lane, begun[lane], other, begun[other], backlogs[other])
				}
			}
		}
		for lane, n := range begun {
			if n != backlogs[lane] {
				rt.Fatalf("lane %d has had %d turns of %d", lane, n, backlogs[lane])
			}
		}
	})
}

// takeTurns returns the lanes in the order in which their requests started, for lanes that are
// known to be fast and get all of their events at once.
func takeTurns(t *testing.T, inFlight int, backlogs []int) (order []int) {
	w := newWorld(t)
	e, stop := w.engine(func(o *dispatch.Options) { o.MaxInFlight = inFlight })
	defer stop()
	began := make(chan int, 1000)
	hooks := make([]peal.Webhook, len(backlogs))
	for i := range backlogs {
		name := fmt.Sprintf("lane%d", i)
		r := w.receive(name, func(http.ResponseWriter, *http.Request, int) {
			began <- i
			time.Sleep(100 * time.Millisecond)
		})
		hooks[i] = w.webhook(e, r.url(), func(h *peal.Webhook) { h.Events = []string{name} })
		w.publish(e, peal.Event{Type: name, Data: []byte(`{}`)}) // shows that it is fast
		w.settled(hooks[i].ID, 1)
		<-began
	}
	blocker := w.receive("blocker", func(http.ResponseWriter, *http.Request, int) { time.Sleep(500 * time.Millisecond) })
	hook := w.webhook(e, blocker.url(), func(h *peal.Webhook) { h.Events = []string{"block"} })
	w.publish(e, peal.Event{Type: "block", Data: []byte(`{}`)})
	w.settled(hook.ID, 1)
	for range inFlight { // takes every place until all have their events
		w.publish(e, peal.Event{Type: "block", Data: []byte(`{}`)})
	}
	blocker.wait(1 + inFlight)
	for i, n := range backlogs {
		events := make([]peal.Event, n)
		for k := range events {
			events[k] = peal.Event{Type: fmt.Sprintf("lane%d", i), Data: []byte(`{}`)}
		}
		w.publish(e, events...)
	}
	for i, n := range backlogs {
		w.settled(hooks[i].ID, 1+n)
	}
	close(began)
	for lane := range began {
		order = append(order, lane)
	}
	return order
}
