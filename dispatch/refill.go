package dispatch

import (
	"container/heap"
	"context"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/crashpoint"
)

// claimLimit is how many deliveries are claimed at once. A lane that is not fast gets
// fewer: many of those are refilled at once, and what is on its way to them is not
// counted in the engine's memory yet.
const (
	claimLimit     = 256
	slowClaimLimit = 32
)

func (l *lane) claimLimit() int {
	if l.pace.kind == fast {
		return claimLimit
	}
	return slowClaimLimit
}

// refillers is how many claims are under way at once. The store commits those that wait
// together, and what is published meanwhile waits for all of them.
const refillers = 4

// refillLinger is how long lanes wait to be refilled whose endpoints err or are slow: a
// thousand of them are refilled in a few transactions then, instead of one each, and the
// healthy ones' events do not wait for those. Those of which nothing is known do not wait:
// after a start all of them are in that state.
const refillLinger = 50 * time.Millisecond

// topUp puts the lane into the queue of those to be refilled when the store has
// work for it and half of its queue is free.
func (s *scheduler) topUp(l *lane) {
	if !l.spilled || l.refilling || l.releases > 0 || !l.sends() || s.stopping {
		return
	}
	switch down := l.isDown(); {
	case down && l.size() > 0:
		return // single probes need no more
	case !down && s.space(l) < min(claimLimit, s.options.LaneQueue/2+1) && l.size() >= fewest/2:
		return
	}
	l.refilling = true
	if l.pace.kind == fast || l.pace.kind == fresh {
		s.refills.push(l)
		s.refill.Signal()
		return
	}
	s.patient = append(s.patient, l)
	if s.linger == nil {
		s.linger = time.AfterFunc(refillLinger, s.lingered)
	}
}

// lingered has the lanes refilled that have waited for others.
func (s *scheduler) lingered() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.patient {
		s.refills.push(l)
	}
	s.patient, s.linger = nil, nil
	s.refill.Broadcast()
}

// space is how many deliveries the lane can take from the store.
func (s *scheduler) space(l *lane) int {
	free := s.options.LaneQueue - l.size()
	if l.isDown() || l.memory >= s.options.Memory-s.memory {
		free = fewest - l.size()
	}
	return max(free, 0)
}

// nextRefill gives the next lane to be refilled and how many deliveries it can
// take; nil when the engine stops.
func (s *scheduler) nextRefill() (l *lane, limit, spills, term int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		for (s.refills.len() == 0 || s.sending == nil) && !s.stopping {
			s.refill.Wait()
		}
		if s.stopping {
			return nil, 0, 0, 0
		}
		l = s.refills.pop()
		if limit = min(s.space(l), l.claimLimit()); limit > 0 && l.sends() && l.releases == 0 {
			return l, limit, l.spills, s.term
		}
		l.refilling = false
	}
}

// refilled queues what was claimed for a lane. next is when the rest is due.
// Deliveries that the lane may not send any more are given back; those of a term that
// has ended are others' already.
func (s *scheduler) refilled(l *lane, works []peal.Work, term, spills int, next, now time.Time) (back removal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.refilling = false
	if term != s.term {
		l.spilled = l.sends()
		s.topUp(l)
		return removal{}
	}
	if !l.sends() || s.stopping || l.releases > 0 { // what is released first is older
		back.lane = l
		for _, w := range works {
			back.ids = append(back.ids, w.Delivery.ID)
		}
		if len(back.ids) > 0 {
			l.releases++
		}
		return back
	}
	for _, w := range works {
		j := &job{delivery: w.Delivery, event: w.Event, lane: l, memory: cost(w.Event), suspicion: w.Suspicion}
		s.charge(l, j.memory)
		if !s.suspect(j) {
			l.queue.push(j)
		}
	}
	// Unless the claim came back short, and no insert went to the store meanwhile,
	// there is more that is due.
	l.spilled = l.spills != spills || !next.IsZero() && !next.After(now)
	s.setDue(l, time.Time{})
	if !l.spilled {
		s.setDue(l, next)
	}
	s.ready(l)
	s.topUp(l)
	return removal{}
}

// unrefilled puts a lane back whose claim failed; it is tried again after a while.
func (s *scheduler) unrefilled(l *lane, retry time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.refilling, l.spilled = false, false
	s.setDue(l, retry)
}

// owe notes that the store has a delivery for the lane, due at a time, that nobody holds.
// It says when another node is the one that sends it.
func (s *scheduler) owe(h *hook, due, now time.Time) (elsewhere bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lane(h.ID)
	if l.hook == nil {
		s.attach(l, h)
	}
	if !l.sends() {
		return l.foreign
	}
	if !due.After(now) {
		l.spilled = true
		l.spills++
		s.topUp(l)
		return false
	}
	if l.due.IsZero() || due.Before(l.due) {
		s.setDue(l, due)
	}
	return false
}

// callDue marks the lanes whose time has come, and gives the next time; zero for none.
func (s *scheduler) callDue(now time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.dues) > 0 {
		l := s.dues[0]
		if l.due.After(now) {
			return l.due
		}
		s.setDue(l, time.Time{})
		l.spilled = true
		s.topUp(l)
	}
	return time.Time{}
}

func (s *scheduler) setDue(l *lane, due time.Time) {
	l.due = due
	switch {
	case due.IsZero() && l.dueIndex >= 0:
		heap.Remove(&s.dues, l.dueIndex)
	case due.IsZero():
	case l.dueIndex >= 0:
		heap.Fix(&s.dues, l.dueIndex)
	default:
		heap.Push(&s.dues, l)
	}
	s.look()
}

// dueHeap orders lanes by the time that the store's next delivery for them is due.
type dueHeap []*lane

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h dueHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].dueIndex, h[j].dueIndex = i, j
}
func (h *dueHeap) Push(x any) {
	l := x.(*lane)
	l.dueIndex = len(*h)
	*h = append(*h, l)
}
func (h *dueHeap) Pop() any {
	old := *h
	l := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	l.dueIndex = -1
	return l
}

// refiller claims deliveries for the lanes that have room, until the engine stops.
func (e *Engine) refiller(ctx context.Context) {
	for {
		l, limit, spills, term := e.scheduler.nextRefill()
		if l == nil {
			return
		}
		now := e.clock.due()
		works, next, err := e.store.Claim(ctx, e.Node(), l.id, now, limit)
		if isFenced(err) {
			e.member.lost()
		}
		if err != nil {
			if ctx.Err() == nil {
				e.log.Warn("cannot claim deliveries; trying again", "webhook", l.id, "error", err)
			}
			e.scheduler.unrefilled(l, now.Add(claimRetry))
			continue
		}
		crashpoint.Reach(crashpoint.ClaimDone)
		works, convicted := split(works)
		e.release(e.scheduler.refilled(l, works, term, spills, next, now))
		if len(convicted) > 0 {
			e.setAside(e.hooks.get(l.id), convicted)
		}
	}
}

// claimRetry is how long after a failed claim the next one is made.
const claimRetry = time.Second
