package dispatch

import (
	"time"

	"go.opentelemetry.io/otel/trace"
	"golang.org/x/time/rate"

	"github.com/pealhq/peal"
)

// fewest is how many deliveries a lane may have in memory however little of the
// engine's memory is left, so that one lane's backlog never keeps another from
// being sent to.
const fewest = 8

// lane gives a webhook's lane, making it where there is none.
func (s *scheduler) lane(id peal.WebhookID) *lane {
	l := s.lanes[id]
	if l == nil {
		l = &lane{id: id, pace: newPace(s.share()), dueIndex: -1}
		s.lanes[id] = l
	}
	return l
}

// reserve promises each of the webhooks a place for one event, and says for each
// whether there was one. hand or giveUp follows, with the term that
// it gives.
func (s *scheduler) reserve(hooks []*hook, size int64, fits []bool) (term int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, h := range hooks {
		l := s.lane(h.ID)
		if l.hook == nil {
			s.attach(l, h)
		}
		fits[i] = s.sending != nil && !s.stopping && !l.spilled && l.sends() && s.room(l, size)
		if fits[i] {
			l.reserved++
			s.charge(l, size)
			continue
		}
		l.spills++
		l.spilled = l.sends()
	}
	return s.term
}

// room reports whether one more delivery may wait in the lane's memory.
func (s *scheduler) room(l *lane, size int64) bool {
	taken := l.size()
	if l.isDown() {
		return taken < fewest // an endpoint that is down needs no long queue
	}
	if taken < fewest {
		return true
	}
	// A lane may have as much as is left for all others: one that fills up alone gets
	// half of the memory, and the more lanes fill up, the less each of them gets.
	return taken < s.options.LaneQueue && l.memory+size <= s.options.Memory-s.memory
}

// overhead is about what a delivery in memory costs beside its event's data, in bytes.
const overhead = 512

// cost is about what a delivery of an event costs in memory, in bytes.
func cost(event *peal.Event) int64 { return int64(len(event.Data)) + overhead }

func (s *scheduler) charge(l *lane, bytes int64) {
	l.memory += bytes
	s.memory += bytes
}

// hand gives the lanes an event that is committed, where they had a place for it,
// and notes for the others that the store has work. It gives signals for those that
// another node sends.
func (s *scheduler) hand(p *plan, insertion *peal.Insertion, origin *trace.SpanContext) (elsewhere []peal.Signal) {
	event, now := insertion.Event, time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, h := range p.hooks {
		l := s.lane(h.ID)
		if !p.fits[i] {
			if l.sends() {
				l.spilled = true
				s.topUp(l)
			} else if l.foreign {
				elsewhere = append(elsewhere, peal.Signal{Kind: peal.SignalWork, WebhookID: l.id})
			}
			continue
		}
		l.reserved--
		if p.term != s.term || !insertion.Deliveries[i].Held { // others have taken it over, or the store holds it for nobody
			s.charge(l, -p.size)
			l.spilled = l.sends()
			s.topUp(l)
			continue
		}
		id := insertion.Deliveries[i].ID
		s.push(l, &job{lane: l, event: event, memory: p.size, origin: origin, delivery: peal.Delivery{
			ID: id, Tenant: event.Tenant, WebhookID: h.ID, EventKey: event.Key, EventID: event.ID, EventType: event.Type,
			Status: peal.Pending, Due: now,
		}})
	}
	return elsewhere
}

// giveUp takes the promised places back, because nothing was committed.
func (s *scheduler) giveUp(hooks []*hook, fits []bool, size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, h := range hooks {
		l := s.lane(h.ID)
		if fits[i] {
			l.reserved--
			s.charge(l, -size)
		}
		s.topUp(l) // the store may have nothing for it: the refill finds out
	}
}

// push queues a job whose memory is counted already.
func (s *scheduler) push(l *lane, j *job) {
	l.queue.push(j)
	s.ready(l)
}

// hold keeps a failed delivery in memory until its retry is due; before that can happen
// it calls note. It reports false when the engine stops or the lane does not send, so that
// the delivery must be released.
func (s *scheduler) hold(j *job, delay time.Duration, note func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := j.lane
	if s.stopping || s.sending == nil || j.canceled || !l.sends() || l.spilled || !s.room(l, cost(j.event)) {
		return false
	}
	again := &job{delivery: j.delivery, event: j.event, lane: l, origin: j.origin, memory: cost(j.event)}
	s.charge(l, again.memory)
	if l.held == nil {
		l.held = make(map[peal.DeliveryID]*job)
	}
	l.held[j.delivery.ID] = again
	note()
	again.timer = time.AfterFunc(delay, func() { s.unhold(again) })
	return true
}

// unhold queues a held retry, because it is due.
func (s *scheduler) unhold(j *job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := j.lane
	if l.held[j.delivery.ID] != j || s.stopping {
		return
	}
	delete(l.held, j.delivery.ID)
	s.push(l, j)
}

// hurry sends a delivery that waits in memory next, whatever the lane waits for, and
// begins a new round of its policy; false when it does not wait there.
func (s *scheduler) hurry(webhook peal.WebhookID, id peal.DeliveryID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lanes[webhook]
	if l == nil || s.stopping {
		return false
	}
	j := l.held[id]
	if j != nil {
		j.timer.Stop()
		delete(l.held, id)
	} else if j = l.queue.remove(func(j *job) bool { return j.delivery.ID == id }); j == nil {
		return false
	}
	j.delivery.Tries, j.delivery.Due, j.byHand = 0, time.Now(), true
	l.urgent.push(j)
	s.ready(l)
	return true
}

// drop takes a delivery out of memory; when its attempt is in flight, none follows.
func (s *scheduler) drop(webhook peal.WebhookID, id peal.DeliveryID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lanes[webhook]
	if l == nil {
		return
	}
	if j := l.held[id]; j != nil {
		j.timer.Stop()
		delete(l.held, id)
		s.charge(l, -j.memory)
		return
	}
	for j := s.oldest; j != nil; j = j.next {
		if j.delivery.ID == id {
			j.canceled = true
			return
		}
	}
	is := func(j *job) bool { return j.delivery.ID == id }
	for _, q := range []*fifo[*job]{&l.urgent, &l.queue} {
		if j := q.remove(is); j != nil {
			s.charge(l, -j.memory)
			return
		}
	}
	s.dropSuspects(func(j *job) bool { return is(j) })
}

// forget takes deliveries out of memory, whichever webhooks' they are; where an attempt
// is in flight, none follows.
func (s *scheduler) forget(ids map[peal.DeliveryID]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for j := s.oldest; j != nil; j = j.next {
		j.canceled = j.canceled || ids[j.delivery.ID]
	}
	for _, l := range s.lanes {
		for id, j := range l.held {
			if ids[id] {
				j.timer.Stop()
				delete(l.held, id)
				s.charge(l, -j.memory)
			}
		}
		is := func(j *job) bool { return ids[j.delivery.ID] }
		for _, q := range []*fifo[*job]{&l.urgent, &l.queue} {
			for j := q.remove(is); j != nil; j = q.remove(is) {
				s.charge(l, -j.memory)
			}
		}
	}
	s.dropSuspects(func(j *job) bool { return ids[j.delivery.ID] })
}

// force sends work next that has a place whatever the bounds say: what a person asked
// for, one at a time.
func (s *scheduler) force(h *hook, work peal.Work, term int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if term != s.term {
		return // others have taken it over
	}
	l := s.lane(h.ID)
	if l.hook == nil {
		s.attach(l, h)
	}
	j := &job{delivery: work.Delivery, event: work.Event, lane: l, memory: cost(work.Event), byHand: true}
	s.charge(l, j.memory)
	l.urgent.push(j)
	s.ready(l)
}

// attach gives the lane its webhook's newest settings.
func (s *scheduler) attach(l *lane, h *hook) {
	if l.hook == nil && h != nil {
		l.health = h.Health
	}
	old := l.hook
	l.hook, l.foreign = h, s.isForeign(h)
	switch {
	case h == nil || h.RateLimit == nil:
		l.limiter = nil
	case old == nil || old.RateLimit == nil || *old.RateLimit != *h.RateLimit:
		l.limiter = rate.NewLimiter(rate.Limit(h.RateLimit.PerSecond), h.RateLimit.Burst)
	}
}

// replace sets the settings of a lane (nil when its webhook is gone) and returns
// the deliveries that must be released because it does not send any more.
func (s *scheduler) replace(id peal.WebhookID, h *hook) (removed removal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lanes[id]
	if l == nil && h != nil && h.Status == peal.Active {
		return removal{} // made when there is something to send
	}
	l = s.lane(id)
	sent := l.sends()
	moved := l.hook != nil && h != nil && l.hook.URL != h.URL
	s.attach(l, h)
	if l.sends() {
		if moved {
			l.pace, l.breaker = newPace(s.share()), breaker{probing: l.breaker.probing} // another endpoint
			l.restUntil = time.Time{}
		}
		if !sent {
			l.restUntil = time.Time{}
			l.spilled = true
			s.topUp(l)
		}
		s.ready(l)
		return removal{}
	}
	if h == nil {
		s.dropTests(l, errDeleted)
	}
	removed = s.remove(l)
	l.spilled = false
	s.setDue(l, time.Time{})
	if h == nil && l.inFlight == 0 && l.reserved == 0 {
		delete(s.lanes, id)
	}
	return removed
}

// removal is deliveries that were taken out of a lane's memory and must be released.
type removal struct {
	lane *lane
	ids  []peal.DeliveryID
}

// remove takes all that waits in a lane out of memory, to be released. Until that is
// written nothing is claimed for the lane, so that the order is kept.
func (s *scheduler) remove(l *lane) removal {
	ids := s.empty(l)
	if len(ids) > 0 {
		l.releases++
	}
	return removal{l, ids}
}

// removeOne is remove for a delivery that a webhook's lane does not have in memory yet.
func (s *scheduler) removeOne(id peal.WebhookID, delivery peal.DeliveryID) removal {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lane(id)
	l.releases++
	return removal{l, []peal.DeliveryID{delivery}}
}

// released notes that nobody holds what was removed from a lane any more. It reports
// whether another node is the one that sends it.
func (s *scheduler) released(l *lane) (elsewhere bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.releases--; l.releases == 0 && l.sends() {
		l.spilled = true
		l.spills++
		s.topUp(l)
	}
	return l.foreign
}

// empty takes all that waits in a lane out of memory.
func (s *scheduler) empty(l *lane) (ids []peal.DeliveryID) {
	for _, j := range l.queue.drain() {
		ids = append(ids, j.delivery.ID)
		s.charge(l, -j.memory)
	}
	for _, j := range l.urgent.drain() {
		if j.test != nil {
			l.urgent.push(j) // it waits whatever the webhook's status
			continue
		}
		ids = append(ids, j.delivery.ID)
		s.charge(l, -j.memory)
	}
	for _, j := range l.held {
		j.timer.Stop()
		ids = append(ids, j.delivery.ID)
		s.charge(l, -j.memory)
	}
	l.held = nil
	return append(ids, s.dropSuspects(func(j *job) bool { return j.lane == l })...)
}

// forgive forgets a webhook's failures.
func (s *scheduler) forgive(id peal.WebhookID, health peal.Health) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.lanes[id]; l != nil {
		l.warned = false
		l.health, l.pace, l.breaker = health, newPace(s.share()), breaker{probing: l.breaker.probing}
		l.restUntil = time.Time{}
	}
}
