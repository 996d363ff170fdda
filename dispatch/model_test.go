package dispatch_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/internal/longtest"
)

// modelPlan is a world for the scheduler: lanes, what is published when, and how tight
// the engine's bounds are.
type modelPlan struct {
	laneInFlight, inFlight, slow, queue int
	hold                                time.Duration
	lanes                               []modelLane
	events                              []modelEvent
}

// modelLane is a webhook and how its endpoint behaves.
type modelLane struct {
	takes          time.Duration // for every answer
	failFrom, fail time.Duration // it fails from a moment on for a time
	failEvery      int           // and one request in so many; 0 for none
	rate           *peal.RateLimit
	delays         []time.Duration // of its retries
	pauseAt, pause time.Duration
}

type modelEvent struct {
	at   time.Duration
	lane int // its lane; the number of lanes for all
}

func drawSpan(t *rapid.T, name string, most time.Duration) time.Duration {
	return time.Duration(rapid.Int64Range(0, int64(most/time.Millisecond)).Draw(t, name)) * time.Millisecond
}

func drawPlan(t *rapid.T) (p modelPlan) {
	p.laneInFlight = rapid.IntRange(1, 12).Draw(t, "lane in flight")
	p.inFlight = rapid.IntRange(1, 8).Draw(t, "in flight")
	p.slow = rapid.IntRange(1, 6).Draw(t, "slow")
	p.queue = rapid.IntRange(1, 60).Draw(t, "queue")
	p.hold = drawSpan(t, "hold", 10*time.Second)
	for range rapid.IntRange(2, 5).Draw(t, "lanes") {
		l := modelLane{takes: drawSpan(t, "takes", 1500*time.Millisecond), pause: drawSpan(t, "pause", 20*time.Second), pauseAt: drawSpan(t, "pause at", 60*time.Second)}
		if rapid.Bool().Draw(t, "fails") {
			l.failFrom, l.fail = drawSpan(t, "fail from", 30*time.Second), drawSpan(t, "fail", 90*time.Second)
			l.failEvery = rapid.SampledFrom([]int{0, 2, 5}).Draw(t, "fail every")
		}
		if rapid.Bool().Draw(t, "limited") {
			l.rate = &peal.RateLimit{PerSecond: float64(rapid.IntRange(1, 20).Draw(t, "rate")), Burst: rapid.IntRange(1, 5).Draw(t, "burst")}
		}
		for range rapid.IntRange(0, 4).Draw(t, "delays") {
			l.delays = append(l.delays, drawSpan(t, "delay", 40*time.Second))
		}
		p.lanes = append(p.lanes, l)
	}
	for range rapid.IntRange(10, 80).Draw(t, "events") {
		p.events = append(p.events, modelEvent{drawSpan(t, "at", 60*time.Second), rapid.IntRange(0, len(p.lanes)).Draw(t, "lane")})
	}
	slices.SortStableFunc(p.events, func(a, b modelEvent) int { return int(a.at - b.at) })
	return p
}

// shot is one request as its endpoint saw it.
type shot struct {
	event      string
	begin, end time.Time
	ok         bool
}

// lived is the outcome of a plan.
type lived struct {
	modelPlan
	begun  time.Time
	shots  [][]shot          // by lane, in the order of their start
	wanted [][]string        // the events of each lane, in the order of publishing
	final  [][]peal.Delivery // by lane
	paused [][2]time.Time    // by lane
}

// live has an engine carry a plan out.
func (p modelPlan) live(t *testing.T) (l lived) {
	w := newWorld(t)
	e, stop := w.engine(func(o *dispatch.Options) {
		o.LaneInFlight, o.MaxInFlight, o.MaxSlow, o.LaneQueue, o.HoldRetry = p.laneInFlight, p.inFlight, p.slow, p.queue, p.hold
	})
	defer stop()
	n := len(p.lanes)
	l = lived{modelPlan: p, begun: time.Now(), shots: make([][]shot, n), wanted: make([][]string, n), final: make([][]peal.Delivery, n), paused: make([][2]time.Time, n)}
	ends := make([]map[int]time.Time, n)
	oks := make([]map[int]bool, n)
	receivers, hooks := make([]*receiver, n), make([]peal.Webhook, n)
	for i, lane := range p.lanes {
		ends[i], oks[i] = make(map[int]time.Time), make(map[int]bool)
		name := fmt.Sprintf("lane%d", i)
		receivers[i] = w.receive(name, func(rw http.ResponseWriter, _ *http.Request, number int) {
			since := time.Since(l.begun)
			ok := !(since >= lane.failFrom && since < lane.failFrom+lane.fail) && !(lane.failEvery > 0 && number%lane.failEvery == 0)
			time.Sleep(lane.takes + time.Duration(number)) // no two end at once: their order would be anyone's guess
			r := receivers[i]
			r.mu.Lock()
			ends[i][number], oks[i][number] = time.Now(), ok
			r.mu.Unlock()
			if !ok {
				rw.WriteHeader(http.StatusBadGateway)
			}
		})
		hooks[i] = w.webhook(e, receivers[i].url(), func(h *peal.Webhook) {
			h.Events = []string{name, "all"}
			h.RateLimit, h.RetryPolicy = lane.rate, &peal.RetryPolicy{Delays: lane.delays}
		})
	}
	p.script(w, e, &l, hooks)
	for i := range p.lanes {
		if len(l.wanted[i]) > 0 {
			l.final[i] = w.settled(hooks[i].ID, len(l.wanted[i]))
		}
		r := receivers[i]
		r.mu.Lock()
		for k, s := range r.seen {
			l.shots[i] = append(l.shots[i], shot{s.header.Get("webhook-id"), s.at, ends[i][k+1], oks[i][k+1]})
		}
		r.mu.Unlock()
	}
	return l
}

// script publishes, pauses and resumes at the plan's moments.
func (p modelPlan) script(w *world, e *dispatch.Engine, l *lived, hooks []peal.Webhook) {
	type step struct {
		at time.Duration
		do func()
	}
	var steps []step
	for _, event := range p.events {
		steps = append(steps, step{event.at, func() {
			name := "all"
			if event.lane < len(p.lanes) {
				name = fmt.Sprintf("lane%d", event.lane)
			}
			id := w.publish(e, peal.Event{Type: name, Data: []byte(`{}`)})[0].Event.ID
			for i := range p.lanes {
				if event.lane == i || event.lane == len(p.lanes) {
					l.wanted[i] = append(l.wanted[i], id)
				}
			}
		}})
	}
	for i, lane := range p.lanes {
		if lane.pause == 0 {
			continue
		}
		steps = append(steps, step{lane.pauseAt, func() {
			w.update(e, hooks[i].ID, func(h *peal.Webhook) { h.Status = peal.Paused })
			l.paused[i][0] = time.Now()
		}}, step{lane.pauseAt + lane.pause, func() {
			l.paused[i][1] = time.Now()
			w.update(e, hooks[i].ID, func(h *peal.Webhook) { h.Status = peal.Active })
		}})
	}
	slices.SortStableFunc(steps, func(a, b step) int { return int(a.at - b.at) })
	for _, s := range steps {
		time.Sleep(time.Until(l.begun.Add(s.at)))
		s.do()
	}
}

// The scheduler keeps its promises for any events, to endpoints that are slow, fail, are limited or
// paused.
func TestSchedulerKeepsItsPromises(t *testing.T) {
	longtest.Cases(t, 6, 2000)
	rapid.Check(t, func(rt *rapid.T) {
		plan := drawPlan(rt)
		var l lived
		synctest.Test(t, func(t *testing.T) { l = plan.live(t) })
		for i := range plan.lanes {
			for _, check := range []func(*lived, int) error{nothingLost, nothingEarly, withinRate, withinCap, pausedIsHeld, probesAreSingle, inOrder} {
				if err := check(&l, i); err != nil {
					rt.Errorf("lane %d (%+v): %v", i, plan.lanes[i], err)
				}
			}
		}
		// Each of the two numbers counts for two kinds of endpoints.
		if most, bound := concurrency(slices.Concat(l.shots...)), 2*plan.inFlight+2*plan.slow; most > bound {
			rt.Errorf("%d requests were in flight, at most %d may be", most, bound)
		}
	})
}
