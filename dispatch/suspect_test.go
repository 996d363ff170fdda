package dispatch_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/wire"
)

// process is a node of the store that a test ends without a farewell.
func (w *world) process() peal.NodeID {
	w.t.Helper()
	node := peal.NewNodeID()
	if _, err := w.store.RegisterNode(w.ctx, peal.Node{ID: node}); err != nil {
		w.t.Fatal(err)
	}
	return node
}

// successor is a process that takes over from all others.
func (w *world) successor() peal.NodeID {
	w.t.Helper()
	node := w.process()
	if _, err := w.store.Takeover(w.ctx, node, 0); err != nil {
		w.t.Fatal(err)
	}
	return node
}

// holds puts deliveries of a webhook into the memory of a process, one for each event.
func (w *world) holds(node peal.NodeID, hook peal.Webhook, n int) (ids []peal.DeliveryID) {
	w.t.Helper()
	_, version, err := w.store.RoutesSince(w.ctx, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := range n {
		e := event(i)
		e.Tenant, e.Key = tenant, peal.NewEventKey()
		e.ID, e.Time = e.Key.String(), peal.TimestampOf(time.Now())
		id := peal.NewDeliveryID()
		if _, err := w.store.Insert(w.ctx, node, version, []peal.Insertion{{
			Event: &e, Deliveries: []peal.NewDelivery{{ID: id, WebhookID: hook.ID, Held: true}},
		}}); err != nil {
			w.t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

// claims has a process take a webhook's deliveries into its memory, and mark one.
func (w *world) claims(node peal.NodeID, hook peal.Webhook, marked peal.DeliveryID, mark peal.SuspectMark) {
	w.t.Helper()
	if _, _, err := w.store.Claim(w.ctx, node, hook.ID, time.Now().Add(time.Minute), 100); err != nil {
		w.t.Fatal(err)
	}
	if err := w.store.MarkSuspect(w.ctx, node, marked, mark); err != nil {
		w.t.Fatal(err)
	}
}

// saved saves a webhook while no engine runs.
func (w *world) saved(url string) peal.Webhook {
	w.t.Helper()
	e, stop := w.engine(nil)
	defer stop()
	return w.webhook(e, url, nil)
}

// What was in the memory of a process that died arrives, one delivery at a time, and is no
// suspect after that.
func TestSuspectsAreAttemptedAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var mu sync.Mutex
		running, most := 0, 0
		r := w.receive("ok", func(http.ResponseWriter, *http.Request, int) {
			mu.Lock()
			running++
			most = max(most, running)
			mu.Unlock()
			time.Sleep(20 * time.Millisecond)
			mu.Lock()
			running--
			mu.Unlock()
		})
		hook := w.saved(r.url())
		w.holds(w.process(), hook, 30)
		_, stop := w.engine(nil)
		w.allSucceed(t, hook.ID, 30)
		stop()
		if most != 1 {
			t.Errorf("%d suspects were in flight at once, want 1", most)
		}
		if r.count() != 30 {
			t.Errorf("%d requests, want 30", r.count())
		}
	})
}

// Suspects of endpoints that hang hold nobody up for long.
func TestSuspectsThatHangLetOthersGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		hangs := w.receive("hangs", func(http.ResponseWriter, *http.Request, int) { time.Sleep(10 * time.Second) })
		ok := w.receive("ok", nil)
		bad, good := w.saved(hangs.url()), w.saved(ok.url())
		node := w.process()
		w.holds(node, bad, 20)
		w.holds(node, good, 5)
		begun := time.Now()
		_, stop := w.engine(nil)
		defer stop()
		w.allSucceed(t, good.ID, 5)
		if took := ok.wait(5)[4].at.Sub(begun); took > 5*time.Second {
			t.Errorf("they arrived after %v behind suspects that hang", took)
		}
	})
}

// A delivery that was attempted alone when two processes ended is set aside, whatever else
// waited then; it is shown as what it is, and can be retried by hand.
func TestPoisonIsSetAside(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		r := w.receive("ok", nil)
		hook := w.saved(r.url())
		ids := w.holds(w.process(), hook, 3)
		for range 2 {
			w.claims(w.successor(), hook, ids[1], peal.MarkAlone)
		}
		if w.url != "" {
			w.successor() // the engine of this store waits for the database's clock
		}
		e, stop := w.engine(nil)
		defer stop()
		for _, d := range w.settled(hook.ID, 3) {
			if d.ID != ids[1] {
				if d.Status != peal.Success {
					t.Errorf("an innocent delivery is %+v", d)
				}
				continue
			}
			if d.Status != peal.Failed || d.Reason != peal.ReasonPoison || d.Attempts != 1 {
				t.Errorf("the poison is %+v", d)
			}
			if a := w.attempts(d.ID); len(a) != 1 || a[0].Reason != peal.ReasonPoison || !strings.Contains(a[0].Error, "processes ended") {
				t.Errorf("its attempts are %+v", a)
			}
		}
		if r.count() != 2 {
			t.Errorf("%d requests, want 2", r.count())
		}
		problems, err := w.store.Problems(w.ctx, peal.ProblemQuery{Tenant: tenant, WebhookID: hook.ID, Limit: 10})
		if err != nil || len(problems) != 1 || problems[0].Reason != peal.ReasonPoison {
			t.Errorf("problems are %+v, %v", problems, err)
		}
		if _, err := e.Retry(w.ctx, tenant, ids[1]); err != nil {
			t.Fatal(err)
		}
		w.settled(hook.ID, 3)
		r.wait(3)
	})
}

// Ends of processes that point to nothing set nothing aside, however many there are.
func TestInnocentsAreNeverSetAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := w.receive("slow", func(http.ResponseWriter, *http.Request, int) { time.Sleep(3 * time.Second) })
		hook := w.saved(r.url())
		ids := w.holds(w.process(), hook, 10)
		for i := range 20 { // each of them alone at one end, and waiting at another
			w.claims(w.successor(), hook, ids[i%len(ids)], []peal.SuspectMark{peal.MarkAlone, peal.MarkWaiting}[i/len(ids)])
		}
		_, stop := w.engine(nil)
		defer stop()
		w.allSucceed(t, hook.ID, 10)
	})
}

// What was marked when a process ended is not attempted soon again.
func TestSuspectsRestAfterAStrike(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := w.receive("ok", nil)
		hook := w.saved(r.url())
		ids := w.holds(w.process(), hook, 2)
		w.claims(w.successor(), hook, ids[0], peal.MarkAlone)
		begun := time.Now()
		_, stop := w.engine(nil)
		defer stop()
		w.allSucceed(t, hook.ID, 2)
		got := r.wait(2)
		if first, second := got[0].at.Sub(begun), got[1].at.Sub(begun); first > time.Second || second < 15*time.Second {
			t.Errorf("they were sent after %v and %v, want the second one after 15s", first, second)
		}
	})
}

// A format or a transform that panics fails its delivery, and not the process.
func TestAPanicFailsTheAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, stop := w.engine(func(o *dispatch.Options) {
			o.Formats = []*wire.Format{{
				Name: "panics",
				Encode: func(in *wire.Input) (http.Header, []byte, error) {
					panic("a defect of a format")
				},
			}}
		})
		defer stop()
		r := w.receive("ok", nil)
		hook := w.webhook(e, r.url(), func(h *peal.Webhook) { h.Format = "panics" })
		w.publish(e, event(1))
		d := w.settled(hook.ID, 1)[0]
		if d.Status != peal.Failed || d.Reason != peal.ReasonEncode {
			t.Errorf("the delivery is %+v", d)
		}
	})
}

// What is no suspect, because there are too many, waits for its turn and no longer.
func TestACrowdGoesOnBehindSuspects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := w.receive("slow", func(http.ResponseWriter, *http.Request, int) { time.Sleep(700 * time.Millisecond) })
		hook := w.saved(r.url())
		w.holds(w.process(), hook, 300)
		begun := time.Now()
		_, stop := w.engine(func(o *dispatch.Options) { o.LaneInFlight = 2 })
		defer stop()
		w.allSucceed(t, hook.ID, 300)
		if took := r.wait(300)[299].at.Sub(begun); took > 3*time.Minute {
			t.Errorf("it took %v", took)
		}
	})
}
