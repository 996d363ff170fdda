package dispatch

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/pealhq/peal"
)

// A delivery that was due in the memory of a process that ended without a farewell is a
// suspect: its attempt may be what ended it. Suspects are attempted one at a time, and each
// is marked in the store first, so that another end of the process points to one of them.
// An attempt that comes to its end, whatever that is, clears its delivery. Nothing is
// written for deliveries that are no suspects.
//
// While an attempt waits for its endpoint it hardly ends a process: aloneFor after the
// request was made the next suspect has its turn, and the mark weighs less.
const (
	aloneFor = 50 * time.Millisecond
	// maxSuspects is how many wait for their turn alone. Further ones are attempted like
	// all others, unless more is known against them: after a second end of the process
	// only those are suspects that were due in both.
	maxSuspects = 256
	// suspectRest is how long at least after its start (and twice as long at most) a process
	// attempts again what was marked when another one ended: not while something else (a
	// person, a machine that is out of memory) ends one process after the other. What only
	// waited then waits twice as long after each further end, so that an endpoint that
	// never answers is not taken for the cause.
	suspectRest = 15 * time.Second
)

// solo is the queue of the suspects, which take turns by their webhooks. The scheduler's
// mutex guards all of it but news.
type solo struct {
	jobs    []*job
	started time.Time     // of the process
	rest    time.Duration // suspectRest, spread
	turns   int           // that there were
	news    chan struct{} // has room for one: look again
}

func newSolo() solo {
	return solo{started: time.Now(), rest: suspectRest + rand.N(suspectRest), news: make(chan struct{}, 1)}
}

// mayTry reports whether a suspect has rested for long enough.
func (s *solo) mayTry(of peal.Suspicion, now time.Time) bool {
	return of.Strikes == 0 || now.Sub(s.started) >= s.rest<<max(of.Waiting()-1, 0)
}

func (s *solo) look() { poke(s.news) }

// suspect queues a job that is to be attempted alone; false for one that is not.
func (s *scheduler) suspect(j *job) bool {
	if j.suspicion.Ends == 0 || j.suspicion.Ends == 1 && j.suspicion.Strikes == 0 && len(s.solo.jobs) >= maxSuspects {
		return false
	}
	s.solo.jobs = append(s.solo.jobs, j)
	j.lane.suspects++
	s.solo.look()
	return true
}

// dropSuspects takes suspects out of memory.
func (s *scheduler) dropSuspects(is func(*job) bool) (ids []peal.DeliveryID) {
	kept := s.solo.jobs[:0]
	for _, j := range s.solo.jobs {
		if !is(j) {
			kept = append(kept, j)
			continue
		}
		ids = append(ids, j.delivery.ID)
		j.lane.suspects--
		s.charge(j.lane, -j.memory)
	}
	clear(s.solo.jobs[len(kept):])
	s.solo.jobs = kept
	return ids
}

// nextSuspect starts the attempt of the suspect that has its turn; nil when none may start
// now.
func (s *scheduler) nextSuspect() (j *job, sending context.Context, stopping bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.stopping || s.sending == nil || s.stalled.Load() || !s.fenceAt.IsZero() && !now.Before(s.fenceAt) {
		return nil, nil, s.stopping
	}
	chosen := -1
	for i, candidate := range s.solo.jobs {
		l := candidate.lane
		if !s.solo.mayTry(candidate.suspicion, now) || !s.mayStartSuspect(l, now) {
			continue
		}
		if chosen < 0 || l.soloTurn < s.solo.jobs[chosen].lane.soloTurn {
			chosen = i
		}
	}
	if chosen < 0 {
		return nil, nil, false
	}
	j = s.solo.jobs[chosen]
	l := j.lane
	if l.limiter != nil && !l.limiter.AllowN(now, 1) {
		return nil, nil, false
	}
	s.solo.jobs = slices.Delete(s.solo.jobs, chosen, chosen+1)
	s.solo.turns++
	l.soloTurn = s.solo.turns
	l.suspects--
	j.encoded = make(chan struct{})
	_, probe, _ := l.breaker.allows(now)
	s.start(j, now, probe)
	s.busy++
	return j, s.sending, false
}

// mayStartSuspect reports whether the lane may start an attempt now.
func (s *scheduler) mayStartSuspect(l *lane, now time.Time) bool {
	if l.inFlight >= l.pace.room() || !l.sends() || now.Before(l.restUntil) || s.inFlight[l.pace.kind] >= s.most[l.pace.kind] {
		return false
	}
	if allowed, _, _ := l.breaker.allows(now); !allowed {
		return false
	}
	return l.limiter == nil || l.limiter.TokensAt(now) >= 1
}

// rested notes that the attempt of a suspect is over. No worker was busy with it, so one is
// woken for what its lane may send now.
func (s *scheduler) rested() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy--; s.busy == 0 {
		s.rest.Broadcast()
	}
	s.wakeSome()
}

// suspectEvery is how often suspects are looked at whose lanes cannot start one now.
const suspectEvery = 100 * time.Millisecond

// soloist attempts the suspects, one after the other, until the engine stops.
func (e *Engine) soloist() {
	for {
		j, ctx, stopping := e.scheduler.nextSuspect()
		if stopping {
			return
		}
		if j != nil {
			e.alone(ctx, j)
			continue
		}
		if !e.scheduler.hasSuspects() {
			<-e.scheduler.solo.news
			continue
		}
		wait := time.NewTimer(suspectEvery)
		select {
		case <-e.scheduler.solo.news:
		case <-wait.C:
		}
		wait.Stop()
	}
}

func (s *scheduler) hasSuspects() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.solo.jobs) > 0
}

// alone attempts a suspect, and returns when the next one may have its turn.
func (e *Engine) alone(ctx context.Context, j *job) {
	if err := e.mark(ctx, j, peal.MarkAlone); err != nil {
		e.log.Warn("cannot mark a delivery that is attempted alone; trying again", "delivery", j.delivery.ID, "error", err)
		e.release(e.scheduler.unstart(j))
		e.scheduler.rested()
		sleep(ctx, suspectEvery)
		return
	}
	over := make(chan struct{})
	e.attempts.Go(func() {
		defer e.scheduler.rested()
		defer close(over)
		e.attempt(ctx, j)
	})
	select {
	case <-over:
		return
	case <-j.encoded:
	}
	wait := time.NewTimer(aloneFor)
	defer wait.Stop()
	select {
	case <-over:
		return
	case <-wait.C:
	}
	if err := e.mark(ctx, j, peal.MarkWaiting); err != nil {
		<-over // it stays marked as alone, so it has to be
	}
}

// clear ends the suspicion against a delivery after its attempt has come to an end.
func (e *Engine) clear(ctx context.Context, j *job, attempt *peal.Attempt) {
	mark := peal.MarkCleared
	if attempt.Reason == peal.ReasonCanceled {
		mark = peal.MarkOff // it was broken off: nothing is known
	}
	if err := e.mark(context.WithoutCancel(ctx), j, mark); err != nil {
		e.log.Warn("cannot clear a delivery that was attempted alone; another end of the process may count against it", "delivery", j.delivery.ID, "error", err)
	}
}

func (e *Engine) mark(ctx context.Context, j *job, mark peal.Mark) error {
	ctx, cancel := context.WithTimeout(ctx, e.member.patience())
	defer cancel()
	return e.store.MarkSuspect(ctx, e.Node(), j.delivery.ID, mark)
}

// unstart takes a job back whose attempt has not begun after all.
func (s *scheduler) unstart(j *job) removal {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := j.lane
	s.unlink(j)
	l.inFlight--
	s.inFlight[j.kind]--
	s.charge(l, -j.memory)
	if j.probe {
		l.breaker.probing = false
	}
	s.ready(l)
	l.releases++
	return removal{l, []peal.DeliveryID{j.delivery.ID}}
}

// split takes the deliveries out of claimed work that are to be set aside.
func split(works []peal.Work) (rest, convicted []peal.Work) {
	if !slices.ContainsFunc(works, func(w peal.Work) bool { return w.Suspicion.IsConvicted() }) {
		return works, nil
	}
	for _, w := range works {
		if w.Suspicion.IsConvicted() {
			convicted = append(convicted, w)
		} else {
			rest = append(rest, w)
		}
	}
	return rest, convicted
}

// setAside ends deliveries of a webhook that are convicted: processes ended while each of
// them was attempted alone.
func (e *Engine) setAside(h *hook, works []peal.Work) {
	for i := range works {
		w := &works[i]
		now := time.Now().UTC().Truncate(time.Microsecond)
		attempt := peal.Attempt{
			ID: peal.NewAttemptID(), DeliveryID: w.Delivery.ID, Number: w.Delivery.Attempts + 1, StartedAt: now,
			Reason: peal.ReasonPoison, Error: fmt.Sprintf("%d processes ended while they attempted this delivery, the last ones while they attempted no other that could be the cause", w.Suspicion.Ends),
		}
		if h != nil {
			attempt.URL = peal.RedactURL(h.URL)
		}
		e.log.Error("a delivery is set aside: its attempts end the process", "delivery", w.Delivery.ID, "event", w.Delivery.EventID, "webhook", w.Delivery.WebhookID, "tenant", w.Delivery.Tenant, "processes", w.Suspicion.Ends)
		e.ledger.settle(peal.Settlement{
			Attempt: attempt, WebhookID: w.Delivery.WebhookID, Status: peal.Failed, Tries: w.Delivery.Tries + 1, SettledAt: now, Test: w.Delivery.Test,
		})
		e.metrics.ended(w.Event, &attempt, peal.Failed)
		e.clear(e.hard, &job{delivery: w.Delivery}, &attempt)
	}
}
