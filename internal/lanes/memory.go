package lanes

import (
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
)

// Place is a place in a webhook's lane for one event.
type Place struct {
	Webhook  Webhook
	Reserved bool // memory has room for it; otherwise the store keeps the delivery
}

// Reserve reserves a place of the given cost in the lane of each of the webhooks. Commit or Abandon
// follows, with the term that it returns.
func (s *Lanes) Reserve(now time.Time, places []Place, cost int64) (term int) {
	s.now = now
	for i := range places {
		l := s.laneOf(places[i].Webhook)
		places[i].Reserved = s.sending && !s.stopping && !l.spilled && l.sends() && s.room(l, cost)
		if places[i].Reserved {
			l.reserved++
			s.charge(l, cost)
			continue
		}
		l.spills++
		l.spilled = l.sends()
	}
	return s.term
}

// Commit queues an event that is committed where it has a reserved place, and records for the other
// lanes that the store has deliveries. Deliveries are in the order of the places.
func (s *Lanes) Commit(now time.Time, places []Place, cost int64, term int, insertion *peal.Insertion, origin *trace.SpanContext) {
	s.now = now
	event := insertion.Event
	for i := range places {
		webhook := places[i].Webhook.Settings()
		l := s.lane(webhook.ID)
		if !places[i].Reserved {
			if l.sends() {
				l.spilled = true
				s.topUp(l)
			} else if l.foreign {
				s.effects.Elsewhere = append(s.effects.Elsewhere, l.id)
			}
			continue
		}
		l.reserved--
		if term != s.term || !insertion.Deliveries[i].Held { // others have taken it over, or the store holds it for nobody
			s.charge(l, -cost)
			l.spilled = l.sends()
			s.topUp(l)
			continue
		}
		l.queue.push(&Job{lane: l, Event: event, memory: cost, Origin: origin, slot: -1, Delivery: peal.Delivery{
			ID: insertion.Deliveries[i].ID, Tenant: event.Tenant, WebhookID: webhook.ID, EventKey: event.Key, EventID: event.ID, EventType: event.Type,
			Status: peal.Pending, Due: now,
		}})
		s.offer(l)
	}
}

// Abandon frees places, because nothing was committed.
func (s *Lanes) Abandon(now time.Time, places []Place, cost int64) {
	s.now = now
	for i := range places {
		l := s.lane(places[i].Webhook.Settings().ID)
		if places[i].Reserved {
			l.reserved--
			s.charge(l, -cost)
		}
		s.topUp(l) // the store may have nothing for it: the claim finds out
	}
}

// Hold keeps a delivery of which the attempt has failed in memory until its retry is due. It reports
// false when the delivery must go back to the store, because the lane does not send or is full.
func (s *Lanes) Hold(now time.Time, j *Job, delay time.Duration) bool {
	s.now = now
	l, cost := j.lane, Cost(j.Event)
	if s.stopping || !s.sending || j.canceled || !l.sends() || l.spilled || !s.room(l, cost) {
		return false
	}
	retry := &Job{Delivery: j.Delivery, Event: j.Event, lane: l, Origin: j.Origin, memory: cost, At: now.Add(delay), slot: -1}
	s.charge(l, cost)
	if l.held == nil {
		l.held = make(map[peal.DeliveryID]*Job)
	}
	l.held[retry.Delivery.ID] = retry
	s.alarms.setJob(retry)
	return true
}

// unhold removes a held retry; it returns nil when the lane holds none of that id.
func (s *Lanes) unhold(l *lane, id peal.DeliveryID) *Job {
	j := l.held[id]
	if j != nil {
		delete(l.held, id)
		s.alarms.clear(j.slot)
	}
	return j
}

// Hurry sends a delivery that waits in memory next, even if its lane waits, and starts a new round
// of its policy. It reports false when the delivery does not wait there.
func (s *Lanes) Hurry(now time.Time, webhook peal.WebhookID, id peal.DeliveryID) bool {
	s.now = now
	l := s.lanes[webhook]
	if l == nil || s.stopping {
		return false
	}
	j := s.unhold(l, id)
	if j == nil {
		j = l.queue.remove(func(j *Job) bool { return j.Delivery.ID == id })
	}
	if j == nil {
		return false
	}
	j.Delivery.Tries, j.Delivery.Due, j.ByHand = 0, now, true
	l.urgent.push(j)
	s.offer(l)
	return true
}

// Force sends a delivery that this node holds next, regardless of the bounds, because a person
// asked for it. Where the lane does not send, or w is nil because the webhook is deleted, it is
// released.
func (s *Lanes) Force(now time.Time, w Webhook, work peal.ClaimedDelivery, term int) {
	s.now = now
	l := s.lane(work.Delivery.WebhookID)
	if l.webhook == nil && w != nil {
		s.attach(l, w)
	}
	if !l.sends() {
		s.release(l, []peal.DeliveryID{work.Delivery.ID})
		return
	}
	if term == s.term { // otherwise others have taken it over
		s.pushUrgent(l, &Job{Delivery: work.Delivery, Event: work.Event, slot: -1, ByHand: true})
	}
}

// Try queues a test, which is sent next, with any status of the webhook. w is nil when the webhook
// is deleted; the test is canceled for the given reason when the lanes have stopped.
func (s *Lanes) Try(now time.Time, j *Job, w Webhook, stopped error) {
	s.now = now
	if s.stopping {
		s.effects.Canceled = append(s.effects.Canceled, CanceledTest{j, stopped})
		return
	}
	l := s.lane(j.Delivery.WebhookID)
	if l.webhook == nil && w != nil {
		s.attach(l, w)
	}
	j.slot, j.ByHand = -1, true
	s.pushUrgent(l, j)
}

func (s *Lanes) pushUrgent(l *lane, j *Job) {
	j.lane, j.memory = l, Cost(j.Event)
	s.charge(l, j.memory)
	l.urgent.push(j)
	s.offer(l)
}

// CancelTest ends a test, unless its attempt has started.
func (s *Lanes) CancelTest(j *Job, reason error) {
	if j.lane != nil && j.lane.urgent.remove(func(other *Job) bool { return other == j }) != nil {
		s.cancelTest(j, reason)
	}
}

// cancelTests ends the tests of a lane of which the attempts have not started.
func (s *Lanes) cancelTests(l *lane, reason error) {
	isTest := func(j *Job) bool { return j.Test != nil }
	for j := l.urgent.remove(isTest); j != nil; j = l.urgent.remove(isTest) {
		s.cancelTest(j, reason)
	}
}

func (s *Lanes) cancelTest(j *Job, reason error) {
	s.charge(j.lane, -j.memory)
	s.effects.Canceled = append(s.effects.Canceled, CanceledTest{j, reason})
}

var errCanceled = peal.Fail(peal.Conflict, message.DeliveryCanceled)

// Drop removes deliveries of any webhooks from memory, because somebody has canceled them. Where an
// attempt is in flight, none follows.
func (s *Lanes) Drop(now time.Time, ids map[peal.DeliveryID]bool) {
	s.now = now
	for j := s.attempts.oldest; j != nil; j = j.next {
		j.canceled = j.canceled || ids[j.Delivery.ID]
	}
	s.dropSuspects(func(j *Job) bool { return ids[j.Delivery.ID] })
	for _, l := range s.lanes {
		s.drop(l, ids)
	}
}

// DropOne is Drop for a delivery of a known webhook.
func (s *Lanes) DropOne(now time.Time, webhook peal.WebhookID, id peal.DeliveryID) {
	s.now = now
	l := s.lanes[webhook]
	if l == nil {
		return
	}
	for j := s.attempts.oldest; j != nil; j = j.next {
		if j.Delivery.ID == id {
			j.canceled = true
		}
	}
	s.dropSuspects(func(j *Job) bool { return j.Delivery.ID == id })
	s.drop(l, map[peal.DeliveryID]bool{id: true})
}

// drop removes deliveries that wait in a lane, which may then have room for others.
func (s *Lanes) drop(l *lane, ids map[peal.DeliveryID]bool) {
	for id := range l.held {
		if ids[id] {
			s.charge(l, -s.unhold(l, id).memory)
		}
	}
	is := func(j *Job) bool { return ids[j.Delivery.ID] }
	for _, q := range []*fifo[*Job]{&l.urgent, &l.queue} {
		for j := q.remove(is); j != nil; j = q.remove(is) {
			if j.Test != nil {
				s.cancelTest(j, errCanceled)
				continue
			}
			s.charge(l, -j.memory)
		}
	}
	s.topUp(l)
}

// clear removes all deliveries that wait in a lane, and returns them. Tests stay, with any status
// of the webhook.
func (s *Lanes) clear(l *lane) (ids []peal.DeliveryID) {
	remove := func(j *Job) {
		ids = append(ids, j.Delivery.ID)
		s.charge(l, -j.memory)
	}
	for _, j := range l.queue.drain() {
		remove(j)
	}
	for _, j := range l.urgent.drain() {
		if j.Test != nil {
			l.urgent.push(j)
			continue
		}
		remove(j)
	}
	for id := range l.held {
		remove(s.unhold(l, id))
	}
	l.held = nil
	return append(ids, s.dropSuspects(func(j *Job) bool { return j.lane == l })...)
}
