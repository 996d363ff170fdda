package lanes

import (
	"slices"
	"time"

	"github.com/pealhq/peal"
)

// TakeEffects returns what the calls since the last TakeEffects ask for. The owner calls it before
// it releases its lock.
func (s *Lanes) TakeEffects() Effects {
	effects := s.effects
	effects.Wake = s.nextWake()
	s.effects = Effects{}
	return effects
}

// nextWake returns when Wake has something to do; zero for never.
func (s *Lanes) nextWake() (next time.Time) {
	if s.stopping {
		return time.Time{}
	}
	earlier := func(at time.Time) {
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	if len(s.alarms) > 0 {
		next = s.alarms[0].at
	}
	earlier(s.attempts.sortAt)
	earlier(s.attempts.gates[fresh].wake)
	earlier(s.attempts.gates[erring].wake) // which is that of slow too
	earlier(s.claims.joinAt)
	return next
}

// Wake does what only time was in the way of.
func (s *Lanes) Wake(now time.Time) {
	s.now = now
	if s.stopping {
		return
	}
	for len(s.alarms) > 0 && !s.alarms[0].at.After(now) {
		due := s.alarms.removeAt(0)
		if j := due.job; j != nil {
			delete(due.lane.held, j.Delivery.ID)
			due.lane.queue.push(j)
		}
		s.offer(due.lane)
	}
	for _, g := range []*gate{s.attempts.gates[fresh], s.attempts.gates[erring]} {
		if !g.wake.IsZero() && !g.wake.After(now) {
			g.wake = time.Time{}
			s.effects.Start++
		}
	}
	if at := s.claims.joinAt; !at.IsZero() && !at.After(now) {
		s.joinClaims()
	}
	if at := s.attempts.sortAt; !at.IsZero() && !at.After(now) {
		s.sortSlow()
	}
}

// Resume lets attempts start, until the given time (zero for no end).
func (s *Lanes) Resume(now, until time.Time) {
	s.now, s.until = now, until
	if s.sending {
		return
	}
	s.sending = true
	s.effects.Suspects = true
	s.effects.Claim += s.claims.queue.len()
	s.StartReady()
}

// Suspend starts no more attempts and claims nothing. It reports whether they could start before.
func (s *Lanes) Suspend() (wasSending bool) {
	wasSending, s.sending = s.sending, false
	return wasSending
}

// Stop ends everything: no attempt starts, nothing is claimed. It returns the deliveries that wait
// in memory.
func (s *Lanes) Stop(reason error) (waiting []peal.DeliveryID) {
	s.stopping = true
	for _, l := range s.lanes {
		s.cancelTests(l, reason)
		waiting = append(waiting, s.clear(l)...)
	}
	s.effects.Suspects = true
	return waiting
}

// NewTerm forgets what is in memory, because others have taken it over. What is between the store
// and memory is recognized by its term.
func (s *Lanes) NewTerm(now time.Time, reason error) {
	s.now = now
	s.term++
	for _, l := range s.lanes {
		s.cancelTests(l, reason)
		s.clear(l)
		l.spilled = l.sends()
		s.topUp(l)
	}
}

// SetPeers sets the nodes. What waits in memory and is another node's to send now is released.
func (s *Lanes) SetPeers(now time.Time, p Peers) {
	s.now = now
	p.joined = !now.Before(p.From)
	if p.Self == s.peers.Self && p.joined == s.peers.joined && slices.Equal(p.Nodes, s.peers.Nodes) {
		return
	}
	s.peers = p
	for _, l := range s.lanes {
		l.pace.limit = min(l.pace.limit, s.share())
		foreign := s.isForeign(l.settings)
		if foreign == l.foreign {
			continue
		}
		l.foreign = foreign
		if !foreign {
			l.spilled = l.sends()
			s.topUp(l)
			continue
		}
		s.release(l, s.clear(l))
		l.spilled = false
		s.setDue(l, time.Time{})
		s.effects.Elsewhere = append(s.effects.Elsewhere, l.id)
	}
}

// Replace sets the settings of a webhook's lane; nil when the webhook is deleted, which ends its
// tests with the reason. What a lane that no longer sends has in memory is released.
func (s *Lanes) Replace(now time.Time, id peal.WebhookID, w Webhook, reason error) {
	s.now = now
	if s.lanes[id] == nil && w != nil && w.Settings().Status == peal.Active {
		return // it is created when there is something to send
	}
	l := s.lane(id)
	sent := l.sends()
	moved := l.webhook != nil && w != nil && l.settings.URL != w.Settings().URL
	s.attach(l, w)
	if l.sends() {
		if moved {
			s.restart(l)
		}
		if !sent {
			l.retryAfter = time.Time{}
			l.spilled = true
			s.topUp(l)
		}
		s.offer(l)
		return
	}
	if w == nil {
		s.cancelTests(l, reason)
	}
	s.release(l, s.clear(l))
	l.spilled = false
	s.setDue(l, time.Time{})
	if w == nil && l.inFlight == 0 && l.reserved == 0 {
		s.alarms.clear(l.alarmSlot)
		delete(s.lanes, id)
	}
}

// Released notes that a release is written.
func (s *Lanes) Released(now time.Time, r Release) {
	s.now = now
	l := r.lane
	if l.releases--; l.releases == 0 && l.sends() {
		s.noteSpill(l)
	}
	if l.foreign {
		s.effects.Elsewhere = append(s.effects.Elsewhere, l.id)
	}
}

// Forgive replaces a webhook's health, and what its lane has learned of the endpoint.
func (s *Lanes) Forgive(id peal.WebhookID, health peal.WebhookHealth) {
	if l := s.lanes[id]; l != nil {
		l.warned, l.health = false, health
		s.restart(l)
	}
}

// restart forgets what a lane has learned of its endpoint. A probe under way stays one.
func (s *Lanes) restart(l *lane) {
	l.pace, l.breaker = newPace(s.share()), breaker{probing: l.breaker.probing}
	l.retryAfter = time.Time{}
}

// ProbeNow lets a lane with an open breaker make its probe at once, because the endpoint has
// answered another node.
func (s *Lanes) ProbeNow(now time.Time, id peal.WebhookID) {
	s.now = now
	if l := s.lanes[id]; l != nil && l.breaker.state() == Open {
		l.breaker.until = time.Time{}
		s.offer(l)
	}
}
