package lanes

import (
	"time"

	"github.com/pealhq/peal"
)

// Claim is a claim of deliveries for a lane.
type Claim struct {
	Webhook peal.WebhookID
	Limit   int // the most deliveries to claim

	lane         *lane
	spills, term int
}

// NextClaim returns the claim to make next; ok is false while there is none. Claimed or ClaimFailed
// follows.
func (s *Lanes) NextClaim(now time.Time) (claim Claim, ok bool) {
	s.now = now
	for s.sending && !s.stopping && s.claims.queue.len() > 0 {
		l := s.claims.queue.pop()
		if limit := min(s.space(l), l.claimLimit()); limit > 0 && l.sends() && l.releases == 0 {
			return Claim{l.id, limit, l, l.spills, s.term}, true
		}
		l.claiming = false
	}
	return Claim{}, false
}

// Claimed queues claimed deliveries. more reports whether the store has further ones that are due;
// next is when the first of the others is, zero for none. What the lane may not send any more is
// released; what was claimed in a term that has ended belongs to others.
func (s *Lanes) Claimed(now time.Time, claim Claim, works []peal.ClaimedDelivery, more bool, next time.Time) {
	s.now = now
	l := claim.lane
	l.claiming = false
	if claim.term != s.term {
		l.spilled = l.sends()
		s.topUp(l)
		return
	}
	if !l.sends() || s.stopping || l.releases > 0 { // what is being released is older
		ids := make([]peal.DeliveryID, len(works))
		for i := range works {
			ids[i] = works[i].Delivery.ID
		}
		s.release(l, ids)
		return
	}
	for _, w := range works {
		j := &Job{Delivery: w.Delivery, Event: w.Event, lane: l, memory: Cost(w.Event), Suspicion: w.Suspicion, slot: -1}
		s.charge(l, j.memory)
		if !s.suspect(j) {
			l.queue.push(j)
		}
	}
	// There is more also when an insert went to the store meanwhile.
	l.spilled = more || l.spills != claim.spills
	if l.spilled {
		next = time.Time{}
	}
	s.setDue(l, next)
	s.offer(l)
	s.topUp(l)
}

// ClaimFailed sets the lane due at the given time, when the claim is tried again.
func (s *Lanes) ClaimFailed(claim Claim, retry time.Time) {
	l := claim.lane
	l.claiming, l.spilled = false, false
	s.setDue(l, retry)
}

// NoteDue records that the store has an unclaimed delivery of a webhook, due now or later.
func (s *Lanes) NoteDue(now time.Time, w Webhook, due time.Time, isDue bool) {
	s.now = now
	l := s.laneOf(w)
	switch {
	case !l.sends():
		if l.foreign {
			s.effects.Elsewhere = append(s.effects.Elsewhere, l.id)
		}
	case isDue:
		s.noteSpill(l)
	case l.due.IsZero() || due.Before(l.due):
		s.setDue(l, due)
	}
}

// CallDue claims for the lanes that are due at a time of the clock of due times, and returns the
// next such time; zero for none.
func (s *Lanes) CallDue(now, clock time.Time) (next time.Time) {
	s.now = now
	for len(s.claims.dues) > 0 {
		l := s.claims.dues[0]
		if l.due.After(clock) {
			next = l.due
			break
		}
		s.setDue(l, time.Time{})
		l.spilled = true
		s.topUp(l)
	}
	s.effects.Due = false
	return next
}
