package lanes

import (
	"slices"
	"time"

	"github.com/pealhq/peal"
)

// Start starts the next attempt; nil when none may start.
func (s *Lanes) Start(now time.Time) *Job {
	s.now = now
	a := &s.attempts
	for s.sending && !s.stopping {
		l, from := s.turn()
		if l == nil {
			return nil
		}
		l.ready = false
		if k := l.pace.kind; a.inFlight[k] >= a.most[k] {
			s.enqueue(l) // its kind has changed since it was queued
			continue
		}
		if s.Expired(now) {
			s.enqueue(l) // this process stood still: the owner is about to suspend the lanes
			return nil
		}
		probe, ok := s.mayStart(l)
		if !ok {
			continue
		}
		j := l.pop()
		s.start(j, probe)
		s.offer(l)
		if j.kind != from {
			s.fill(from) // its place among the attempts of that kind is still free
		}
		if from != fast && (s.hasRoom(fresh) || s.hasRoom(erring) || s.hasRoom(slow)) {
			s.effects.Start++ // for the next of them, however long this one takes
		}
		s.topUp(l)
		return j
	}
	return nil
}

// turn removes the lane that has its turn from the queue of a kind, which may have been its kind
// before; nil when none may start an attempt.
func (s *Lanes) turn() (l *lane, from kind) {
	if s.hasRoom(fast) {
		return s.attempts.ready[fast].pop(), fast
	}
	for range kinds - 1 {
		s.attempts.latest = s.attempts.latest%(kinds-1) + 1 // they take turns: fresh, erring, slow
		if k := s.attempts.latest; s.hasRoom(k) {
			if l := s.gentleTurn(k); l != nil {
				return l, k
			}
		}
	}
	return nil, fast
}

// gentleTurn is turn for a kind other than fast.
func (s *Lanes) gentleTurn(k kind) *lane {
	a := &s.attempts
	q, g := &a.ready[k], a.gates[k]
	switch {
	case k == fresh && s.now.Sub(q.last().since) < newcomer && g.pass(0, s.now):
		return q.popLast()
	case k == fresh && !g.pass(gentleKept, s.now), k != fresh && !g.pass(0, s.now):
		return nil
	case k == slow:
		return q.pop()
	}
	// In turns the one that waits longest and the one that came last: a new webhook, or one that
	// failed once, does not wait behind a thousand that were there before it.
	if a.tookNewest[k] = !a.tookNewest[k]; a.tookNewest[k] {
		return q.popLast()
	}
	return q.pop()
}

// hasRoom reports whether a lane of the kind is ready and may start an attempt.
func (s *Lanes) hasRoom(k kind) bool {
	return s.attempts.ready[k].len() > 0 && s.attempts.inFlight[k] < s.attempts.most[k]
}

// mayStart reports whether the lane may start an attempt now. When only time is in the way, it
// sets the lane's alarm.
func (s *Lanes) mayStart(l *lane) (probe, ok bool) {
	head := l.head()
	if head == nil || l.inFlight >= l.pace.room() || !l.sends() && head.Test == nil {
		return false, false
	}
	allowed, probe, until := l.breaker.allows(s.now)
	switch {
	case head.ByHand:
		probe = head.Test == nil && !l.breaker.probing && l.breaker.failures >= breakAfter
	case allowed && s.now.Before(l.retryAfter):
		s.alarms.set(l, l.retryAfter)
		return false, false
	case !allowed:
		if !until.IsZero() {
			s.alarms.set(l, until)
		}
		return false, false
	}
	if l.limiter != nil {
		reservation := l.limiter.ReserveN(s.now, 1)
		if wait := reservation.DelayFrom(s.now); wait > 0 {
			reservation.CancelAt(s.now)
			s.alarms.set(l, s.now.Add(wait))
			return false, false
		}
	}
	return probe, true
}

// StartSuspect starts the attempt of the suspect that has its turn; nil when none may start now.
func (s *Lanes) StartSuspect(now time.Time) *Job {
	s.now = now
	if s.stopping || !s.sending || s.Expired(now) {
		return nil
	}
	chosen := -1
	for i, candidate := range s.suspects.jobs {
		l := candidate.lane
		if !s.mayTry(candidate.Suspicion) || !s.mayStartSuspect(l) {
			continue
		}
		if chosen < 0 || l.soloTurn < s.suspects.jobs[chosen].lane.soloTurn {
			chosen = i
		}
	}
	if chosen < 0 {
		return nil
	}
	j := s.suspects.jobs[chosen]
	l := j.lane
	if l.limiter != nil && !l.limiter.AllowN(now, 1) {
		return nil
	}
	s.suspects.jobs = slices.Delete(s.suspects.jobs, chosen, chosen+1)
	s.suspects.turns++
	l.soloTurn = s.suspects.turns
	l.suspects--
	_, probe, _ := l.breaker.allows(now)
	s.start(j, probe)
	return j
}

// mayTry reports whether a suspect has rested for long enough since the process started. What only
// waited when a process ended rests twice as long after each further end, so that an endpoint that
// never answers is not taken for the cause.
func (s *Lanes) mayTry(of peal.Suspicion) bool {
	return of.Strikes == 0 || s.now.Sub(s.options.Started) >= s.options.SuspectRest<<max(of.Waiting()-1, 0)
}

// mayStartSuspect reports whether the lane may start an attempt of a suspect now.
func (s *Lanes) mayStartSuspect(l *lane) bool {
	k := l.pace.kind
	if l.inFlight >= l.pace.room() || !l.sends() || s.now.Before(l.retryAfter) || s.attempts.inFlight[k] >= s.attempts.most[k] {
		return false
	}
	if allowed, _, _ := l.breaker.allows(s.now); !allowed {
		return false
	}
	return l.limiter == nil || l.limiter.TokensAt(s.now) >= 1
}

// sortEvery is the time between two searches for attempts that have become slow.
const sortEvery = slowAfter / 4

func (s *Lanes) start(j *Job, probe bool) {
	a, l := &s.attempts, j.lane
	if j.Webhook == nil {
		j.Webhook = l.webhook
	}
	j.At, j.Probe, j.kind = s.now, probe, l.pace.kind
	if probe {
		l.breaker.probing = true
	}
	l.inFlight++
	a.inFlight[j.kind]++
	if j.prev = a.newest; j.prev != nil {
		j.prev.next = j
	} else {
		a.oldest = j
	}
	a.newest = j
	if a.sortAt.IsZero() {
		a.sortAt = s.now.Add(sortEvery)
	}
}

// Result is the outcome of an attempt for its endpoint.
type Result struct {
	Took time.Duration
	OK   bool
	// Telling is false when it is not about the endpoint: the request could not be made, or
	// Peal stopped.
	Telling bool
	// RetryAfter is for how long the endpoint asked to be left alone; 0 for not.
	RetryAfter time.Duration
}

// Done ends an attempt. The worker that made it calls Start next. It reports whether the webhook's
// health has something that a success clears.
func (s *Lanes) Done(now time.Time, j *Job, r Result) (hasFailures bool) {
	s.now = now
	l := j.lane
	s.unlink(j)
	s.charge(l, -j.memory)
	if r.Telling {
		l.pace.after(r.Took, r.OK, s.share())
		l.breaker.after(now, r.OK, j.Probe, max(len(s.peers.Nodes), 1))
		switch {
		case r.OK && j.ByHand:
			l.retryAfter = time.Time{}
		case r.RetryAfter > 0 && l.settings != nil && j.Webhook.Settings().URL == l.settings.URL: // of another endpoint, otherwise
			if until := j.At.Add(r.Took + min(r.RetryAfter, peal.MaxRetryAfter)); until.After(l.retryAfter) {
				l.retryAfter = until
			}
		}
	} else if j.Probe {
		l.breaker.probing = false
	}
	if s.enqueue(l) && l.pace.kind != j.kind {
		s.fill(j.kind) // the worker may take the attempt of this lane
	}
	return l.health != l.health.WithoutFailures()
}

// Unstart ends an attempt that has not been made after all, and releases its delivery.
func (s *Lanes) Unstart(now time.Time, j *Job) {
	s.now = now
	l := j.lane
	s.unlink(j)
	s.charge(l, -j.memory)
	if j.Probe {
		l.breaker.probing = false
	}
	s.offer(l)
	s.fill(j.kind)
	s.release(l, []peal.DeliveryID{j.Delivery.ID})
}

// fill asks for a worker for a place among the attempts of a kind that has become free.
func (s *Lanes) fill(k kind) {
	if s.hasRoom(k) {
		s.effects.Start++
	}
}

// unlink removes an attempt from those in flight.
func (s *Lanes) unlink(j *Job) {
	a := &s.attempts
	j.lane.inFlight--
	a.inFlight[j.kind]--
	if j.prev != nil {
		j.prev.next = j.next
	} else {
		a.oldest = j.next
	}
	if j.next != nil {
		j.next.prev = j.prev
	} else {
		a.newest = j.prev
	}
	j.prev, j.next = nil, nil
}

// sortSlow counts the attempts that have become slow under their new kind, so that healthy lanes
// can continue.
func (s *Lanes) sortSlow() {
	a := &s.attempts
	limit := s.now.Add(-slowAfter)
	for j := a.oldest; j != nil && j.At.Before(limit); j = j.next {
		if j.kind == slow {
			continue
		}
		was := j.kind
		a.inFlight[was]--
		a.inFlight[slow]++
		j.kind, j.lane.pace.kind = slow, slow
		s.offer(j.lane) // a lane of which something is known may have more than one request
		s.fill(was)
	}
	if a.sortAt = (time.Time{}); a.oldest != nil {
		a.sortAt = s.now.Add(sortEvery)
	}
}

// HealthChange is the change of a webhook's health by an attempt.
type HealthChange struct {
	Before, After peal.WebhookHealth
	Warn          bool // it is the first attempt since the last success that deserves a warning
	Recovered     bool // it is a success after a warning
}

// Learn updates a webhook's health after an attempt that started at the given time and succeeded,
// failed, or was the last one of its delivery (exhausted).
func (s *Lanes) Learn(j *Job, policy *peal.RetryPolicy, ok, exhausted bool, at time.Time) (c HealthChange) {
	l := j.lane
	c.Before = l.health
	if ok {
		c.Recovered = l.warned || isFailing(policy, c.Before, at)
		l.health, l.warned = c.Before.WithoutFailures(), false
		c.After = l.health
		return c
	}
	if l.health.FailingSince.IsZero() || l.health.FailingSince.After(at) { // after: by a clock that was ahead
		l.health.FailingSince = at
	}
	if exhausted {
		l.health.ExhaustedInRow++
	}
	c.After = l.health
	c.Warn = !l.warned && isFailing(policy, c.After, at)
	l.warned = l.warned || c.Warn
	return c
}

// LearnCertificate sets when the certificate of a webhook's endpoint expires; zero when that is not
// soon. It returns the webhook's health, and whether that has changed.
func (s *Lanes) LearnCertificate(j *Job, expires time.Time) (health peal.WebhookHealth, changed bool) {
	l := j.lane
	changed = !l.health.CertificateExpiresAt.Equal(expires)
	l.health.CertificateExpiresAt = expires
	return l.health, changed
}
