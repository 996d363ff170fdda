package dispatch

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pealhq/peal"
)

// scheduler decides which delivery is attempted next. Lanes that have something to
// send and may send it stand in the queue of their kind and take turns: fast ones,
// whose endpoints answer within slowAfter, erring and slow ones, and those of which
// nothing is known yet. Each kind has its own number of requests that may be in flight,
// so that endpoints that hang cannot use up what the healthy ones need.
type scheduler struct {
	mu      sync.Mutex
	options Options
	lanes   map[peal.WebhookID]*lane

	queues         [kinds]fifo[*lane] // the ready lanes
	inFlight       [kinds]int
	most           [kinds]int // in flight
	gates          [kinds]*gate
	latest         kind        // other than fast that had its turn last
	lastNewest     [kinds]bool // whether the last one of the kind was the newest of its queue
	oldest, newest *job        // attempts in flight, by their start
	memory         int64       // what all deliveries in memory cost, in bytes

	// sending ends when this node may not send any more; nil while it may not. A term
	// is one registration of the node: what is in memory belongs to the latest.
	sending context.Context
	cut     context.CancelFunc
	opened  chan struct{} // closed when sending is set
	fenceAt time.Time     // zero for never
	term    int
	cluster cluster
	busy    int        // workers in an attempt or at what follows it
	rest    *sync.Cond // busy became 0

	idle     int // workers that wait
	workers  int
	work     *sync.Cond
	spawn    func()      // starts a worker; called with mu held; nil before the engine runs
	stalled  atomic.Bool // the results of attempts cannot be written: begin no more
	stopping bool

	refills fifo[*lane]
	refill  *sync.Cond
	patient []*lane     // join refills within refillLinger
	linger  *time.Timer // has them join; nil while there are none
	dues    dueHeap
	solo    solo
	nudge   chan struct{} // has room for one: the engine's loop should look again
}

func newScheduler(options Options) *scheduler {
	s := &scheduler{options: options, lanes: make(map[peal.WebhookID]*lane), nudge: make(chan struct{}, 1)}
	s.most = [kinds]int{fast: options.MaxInFlight, fresh: options.MaxSlow, erring: options.MaxInFlight, slow: options.MaxSlow}
	s.gates = newGates()
	s.work = sync.NewCond(&s.mu)
	s.refill = sync.NewCond(&s.mu)
	s.rest = sync.NewCond(&s.mu)
	s.opened = make(chan struct{})
	s.solo = newSolo()
	return s
}

// maxIdle is how many workers wait for work; others end when there is none.
const maxIdle = 64

// next gives a worker its next attempt and until when it may go on, or nil when the
// worker should end. after is whether it comes from an attempt.
func (s *scheduler) next(after bool) (*job, context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if after {
		if s.busy--; s.busy == 0 {
			s.rest.Broadcast()
		}
	}
	for {
		if s.stopping {
			s.workers--
			return nil, nil
		}
		if j := s.take(); j != nil {
			s.busy++
			return j, s.sending
		}
		if s.idle >= maxIdle {
			s.workers--
			return nil, nil
		}
		s.idle++
		s.work.Wait()
		s.idle--
	}
}

// take begins the next attempt; nil when none may begin.
func (s *scheduler) take() *job {
	for !s.stalled.Load() && s.sending != nil {
		l := s.turn()
		if l == nil {
			return nil
		}
		l.ready = false
		if k := l.pace.kind; s.inFlight[k] >= s.most[k] {
			s.enqueue(l) // its kind has changed since it was queued
			continue
		}
		now := time.Now()
		if !s.fenceAt.IsZero() && !now.Before(s.fenceAt) {
			s.enqueue(l) // this process stood still: the fence is about to come down
			return nil
		}
		probe, ok := s.mayStart(l, now)
		if !ok {
			continue
		}
		j := l.pop()
		s.start(j, now, probe)
		s.ready(l)
		if j.kind != fast && s.gentleWait() {
			s.wakeWorker() // for the next of them, however long this one takes
		}
		s.topUp(l)
		return j
	}
	return nil
}

// turn gives the lane whose turn it is; nil when none may begin an attempt.
func (s *scheduler) turn() *lane {
	if s.hasRoom(fast) {
		return s.queues[fast].pop()
	}
	now := time.Now()
	for range kinds - 1 {
		s.latest = s.latest%(kinds-1) + 1 // they take turns: fresh, erring, slow
		if k := s.latest; s.hasRoom(k) {
			if l := s.gentle(k, now); l != nil {
				return l
			}
		}
	}
	return nil
}

// gentle gives the lane of a kind other than fast whose turn it is; nil when none may
// begin now.
func (s *scheduler) gentle(k kind, now time.Time) *lane {
	q := &s.queues[k]
	switch {
	case k == fresh && now.Sub(q.last().since) < newcomer && s.pass(k, 0, now):
		return q.popLast()
	case k == fresh && !s.pass(k, gentleKept, now), k != fresh && !s.pass(k, 0, now):
		return nil
	case k == slow:
		return q.pop()
	}
	// In turns the one that waits longest and the one that came last: a new webhook, or
	// one that failed once, does not wait behind a thousand that were there before it.
	if s.lastNewest[k] = !s.lastNewest[k]; s.lastNewest[k] {
		return q.popLast()
	}
	return q.pop()
}

// gentleWait reports whether lanes of kinds other than fast wait for their turn.
func (s *scheduler) gentleWait() bool {
	return s.hasRoom(fresh) || s.hasRoom(erring) || s.hasRoom(slow)
}

// hasRoom reports whether a lane of the kind is ready and may begin an attempt.
func (s *scheduler) hasRoom(k kind) bool { return s.queues[k].len() > 0 && s.inFlight[k] < s.most[k] }

// mayStart reports whether the lane may begin an attempt now, and arranges to be
// asked again when only time is in the way.
func (s *scheduler) mayStart(l *lane, now time.Time) (probe, ok bool) {
	head := l.head()
	if head == nil || l.inFlight >= l.pace.room() || !l.sends() && head.test == nil {
		return false, false
	}
	allowed, probe, until := l.breaker.allows(now)
	switch {
	case head.byHand:
		probe = head.test == nil && !l.breaker.probing && l.breaker.failures >= breakAfter
	case allowed && now.Before(l.restUntil):
		allowed, until = false, l.restUntil
		fallthrough
	case !allowed:
		if !until.IsZero() {
			s.wakeLane(l, until.Sub(now))
		}
		return false, false
	}
	if l.limiter != nil {
		reservation := l.limiter.ReserveN(now, 1)
		if wait := reservation.DelayFrom(now); wait > 0 {
			reservation.CancelAt(now)
			s.wakeLane(l, wait)
			return false, false
		}
	}
	return probe, true
}

func (s *scheduler) start(j *job, now time.Time, probe bool) {
	l := j.lane
	if j.hook == nil { // a test brings its own
		j.hook = l.hook
	}
	j.start, j.probe, j.kind = now, probe, l.pace.kind
	if probe {
		l.breaker.probing = true
	}
	l.inFlight++
	s.inFlight[j.kind]++
	if j.prev = s.newest; j.prev != nil {
		j.prev.next = j
	} else {
		s.oldest = j
		s.look() // from now on attempts may become slow
	}
	s.newest = j
}

// ready puts the lane into its queue when it has something that may be sent, and
// wakes a worker for it.
func (s *scheduler) ready(l *lane) {
	if s.enqueue(l) {
		s.wakeWorker()
	}
}

// enqueue puts the lane into its queue when it has something that may be sent and
// is not in it yet.
func (s *scheduler) enqueue(l *lane) bool {
	head := l.head()
	if l.ready || head == nil || l.inFlight >= l.pace.room() || !l.sends() && head.test == nil || l.breaker.probing && !head.byHand {
		return false
	}
	l.ready = true
	if l.pace.kind == fresh {
		l.since = time.Now()
	}
	s.queues[l.pace.kind].push(l)
	return true
}

func (s *scheduler) wakeWorker() {
	switch {
	case s.stopping || s.stalled.Load() || s.sending == nil:
	case s.idle > 0:
		s.work.Signal()
	case s.workers < s.most[fast]+s.most[fresh]+s.most[erring]+s.most[slow] && s.spawn != nil:
		s.workers++
		s.spawn()
	}
}

// wakeLane looks at the lane again after a while.
func (s *scheduler) wakeLane(l *lane, after time.Duration) {
	if l.wake != nil {
		l.wake.Stop()
	}
	l.wake = time.AfterFunc(after, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ready(l)
	})
}

// done ends an attempt. What its endpoint did is learned from unless it says
// nothing about the endpoint (the request could not be made, or Peal stopped).
// asked is for how long the endpoint asked to be left alone, 0 for not.
// troubled is whether the webhook's health has something to change on success.
func (s *scheduler) done(j *job, took time.Duration, ok, telling bool, asked time.Duration) (troubled bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := j.lane
	s.unlink(j)
	l.inFlight--
	s.inFlight[j.kind]--
	s.charge(l, -j.memory)
	if telling {
		l.pace.after(took, ok, s.share())
		l.breaker.after(time.Now(), ok, j.probe, max(len(s.cluster.nodes), 1))
		switch {
		case ok && j.byHand:
			l.restUntil = time.Time{}
		case asked > 0 && j.hook.URL == l.url(): // of another endpoint by now, otherwise
			if until := j.start.Add(took + min(asked, peal.MaxRetryAfter)); until.After(l.restUntil) {
				l.restUntil = until
			}
		}
	} else if j.probe {
		l.breaker.probing = false
	}
	s.enqueue(l) // the worker that was busy with this attempt takes the next one
	return l.health != l.health.WithoutFailures()
}

func (s *scheduler) unlink(j *job) {
	if j.prev != nil {
		j.prev.next = j.next
	} else {
		s.oldest = j.next
	}
	if j.next != nil {
		j.next.prev = j.prev
	} else {
		s.newest = j.prev
	}
	j.prev, j.next = nil, nil
}

// sortSlow moves the attempts that have become slow out of the others' numbers,
// so that the healthy lanes can go on. It reports whether any attempt is in flight.
func (s *scheduler) sortSlow() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	limit := time.Now().Add(-slowAfter)
	for j := s.oldest; j != nil && j.start.Before(limit); j = j.next {
		if j.kind == slow {
			continue
		}
		s.inFlight[j.kind]--
		s.inFlight[slow]++
		j.kind, j.lane.pace.kind = slow, slow
		s.enqueue(j.lane) // what is known of it now allows it more than one request
		s.wakeWorker()
	}
	return s.oldest != nil
}

// look makes the engine's loop look again.
func (s *scheduler) look() {
	select {
	case s.nudge <- struct{}{}:
	default:
	}
}

// begin lets attempts begin; spawn starts a worker.
func (s *scheduler) begin(spawn func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spawn = spawn
	s.wakeSome()
}

// stall begins no attempts while on is true. With true it takes no lock.
func (s *scheduler) stall(on bool) {
	s.stalled.Store(on)
	if on {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wakeSome()
}

// wakeSome wakes workers for what is ready; each of them wakes the next.
func (s *scheduler) wakeSome() {
	for range min(s.queues[fast].len()+s.queues[fresh].len()+s.queues[erring].len()+s.queues[slow].len(), maxIdle) {
		s.wakeWorker()
	}
}

// stop lets every worker end after the attempt it is in, and gives what waits in memory.
func (s *scheduler) stop() (waiting []peal.DeliveryID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopping = true
	s.work.Broadcast()
	s.refill.Broadcast()
	for _, g := range s.gates {
		g.stop()
	}
	if s.linger != nil {
		s.linger.Stop()
	}
	s.solo.look()
	for _, l := range s.lanes {
		if l.wake != nil {
			l.wake.Stop()
		}
		s.dropTests(l, errStopping)
		waiting = append(waiting, s.empty(l)...)
	}
	return waiting
}
