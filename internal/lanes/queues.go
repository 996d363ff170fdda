package lanes

import (
	"container/heap"
	"time"

	"github.com/pealhq/peal"
)

// offer queues the lane for its turn when it has something that may be sent, and asks for a worker.
func (s *Lanes) offer(l *lane) {
	if s.enqueue(l) {
		s.effects.Start++
	}
}

// enqueue queues the lane for its turn when it has something that may be sent and is not queued.
func (s *Lanes) enqueue(l *lane) bool {
	head := l.head()
	if l.ready || head == nil || l.inFlight >= l.pace.room() || !l.sends() && head.Test == nil || l.breaker.probing && !head.ByHand {
		return false
	}
	l.ready = true
	if l.pace.kind == fresh {
		l.since = s.now
	}
	s.attempts.ready[l.pace.kind].push(l)
	return true
}

// StartReady asks for workers for all lanes that are ready.
func (s *Lanes) StartReady() {
	for k := range s.attempts.ready {
		s.effects.Start += min(s.attempts.ready[k].len(), max(s.attempts.most[k]-s.attempts.inFlight[k], 0))
	}
}

// The most deliveries that are claimed at once. A lane that is not fast gets fewer: many of those
// are claimed for at once, and what is on its way to them is not counted in memory yet.
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

// claimLinger is the time for which lanes with erring or slow endpoints wait for others of their
// kind: deliveries are claimed for a thousand of them in a few transactions then, instead of one
// each, and healthy events do not wait for those. Unknown endpoints do not wait: after a start all
// of them are unknown.
const claimLinger = 50 * time.Millisecond

// fewest is the number of deliveries that a lane may have in memory however little of the memory
// is left, so that one lane's backlog never keeps another from being sent to.
const fewest = 8

// topUp queues the lane for a claim when the store has deliveries for it and half of its queue is
// free.
func (s *Lanes) topUp(l *lane) {
	if !l.spilled || l.claiming || l.releases > 0 || !l.sends() || s.stopping {
		return
	}
	switch down := l.isDown(s.now); {
	case down && l.size() > 0:
		return // single probes need no more
	case !down && s.space(l) < min(claimLimit, s.options.LaneQueue/2+1) && l.size() >= fewest/2:
		return
	}
	l.claiming = true
	if l.pace.kind == fast || l.pace.kind == fresh {
		s.claims.queue.push(l)
		s.effects.Claim++
		return
	}
	s.claims.patient = append(s.claims.patient, l)
	if s.claims.joinAt.IsZero() {
		s.claims.joinAt = s.now.Add(claimLinger)
	}
}

// joinClaims queues the lanes that have waited for others.
func (s *Lanes) joinClaims() {
	for _, l := range s.claims.patient {
		s.claims.queue.push(l)
	}
	s.effects.Claim += len(s.claims.patient)
	s.claims.patient, s.claims.joinAt = nil, time.Time{}
}

// space returns the number of deliveries that the lane can take from the store.
func (s *Lanes) space(l *lane) int {
	free := s.options.LaneQueue - l.size()
	if l.isDown(s.now) || l.memory >= s.options.Memory-s.memory {
		free = fewest - l.size()
	}
	return max(free, 0)
}

// room reports whether one more delivery may wait in the lane's memory.
func (s *Lanes) room(l *lane, cost int64) bool {
	taken := l.size()
	if l.isDown(s.now) {
		return taken < fewest // an endpoint that is down needs no long queue
	}
	if taken < fewest {
		return true
	}
	// A lane may have as much as is left for all others: one that fills up alone gets half of the
	// memory, and the more lanes fill up, the less each of them gets.
	return taken < s.options.LaneQueue && l.memory+cost <= s.options.Memory-s.memory
}

// noteSpill records that the store has a delivery for the lane that is due.
func (s *Lanes) noteSpill(l *lane) {
	l.spilled = true
	l.spills++
	s.topUp(l)
}

// setDue sets when the store's next delivery for a lane is due; zero for none.
func (s *Lanes) setDue(l *lane, due time.Time) {
	if l.due.Equal(due) {
		return
	}
	l.due = due
	dues := &s.claims.dues
	wasFirst := l.dueSlot == 0
	switch {
	case due.IsZero():
		heap.Remove(dues, l.dueSlot)
	case l.dueSlot >= 0:
		heap.Fix(dues, l.dueSlot)
	default:
		heap.Push(dues, l)
	}
	s.effects.Due = s.effects.Due || wasFirst || l.dueSlot == 0
}

// maxSuspects is the number of suspects that wait to be attempted alone. Further ones are attempted
// like all others, unless more is known against them: after a second end of the process only those
// are suspects that were due in both.
const maxSuspects = 256

// suspect queues a job that must be attempted alone; it reports false for others.
func (s *Lanes) suspect(j *Job) bool {
	if j.Suspicion.Ends == 0 || j.Suspicion.Ends == 1 && j.Suspicion.Strikes == 0 && len(s.suspects.jobs) >= maxSuspects {
		return false
	}
	s.suspects.jobs = append(s.suspects.jobs, j)
	j.lane.suspects++
	s.effects.Suspects = true
	return true
}

// dropSuspects removes suspects from memory.
func (s *Lanes) dropSuspects(is func(*Job) bool) (ids []peal.DeliveryID) {
	kept := s.suspects.jobs[:0]
	for _, j := range s.suspects.jobs {
		if !is(j) {
			kept = append(kept, j)
			continue
		}
		ids = append(ids, j.Delivery.ID)
		j.lane.suspects--
		s.charge(j.lane, -j.memory)
	}
	clear(s.suspects.jobs[len(kept):])
	s.suspects.jobs = kept
	return ids
}

// HasSuspects reports whether deliveries wait to be attempted alone.
func (s *Lanes) HasSuspects() bool { return len(s.suspects.jobs) > 0 }
