package dispatch

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/lanes"
)

// While an attempt waits for its endpoint it hardly ends a process: aloneFor after the request was
// made the next suspect has its turn, and the mark weighs less.
const aloneFor = 50 * time.Millisecond

// isolator attempts the suspects, one after the other.
type isolator struct {
	marks     *marks
	scheduler *scheduler
	attempts  *sync.WaitGroup
	attempt   func(context.Context, *lanes.Job)
	ledger    *ledger
	metrics   *metrics
	find      func(peal.WebhookID) *target
	log       *slog.Logger
}

// suspectEvery is the time between two looks while no lane of a suspect can start an attempt.
const suspectEvery = 100 * time.Millisecond

// run works until the scheduler stops.
func (i *isolator) run() {
	for {
		if j, ctx := i.scheduler.startSuspect(); j != nil {
			i.isolate(ctx, j)
			continue
		}
		has, stopped := i.scheduler.hasSuspects()
		if stopped {
			return
		}
		if !has {
			<-i.scheduler.suspects
			continue
		}
		wait := time.NewTimer(suspectEvery)
		select {
		case <-i.scheduler.suspects:
		case <-wait.C:
		}
		wait.Stop()
	}
}

// isolate attempts a suspect, and returns when the next one may have its turn.
func (i *isolator) isolate(ctx context.Context, j *lanes.Job) {
	j.Encoded = make(chan struct{})
	if err := i.marks.set(ctx, j.Delivery.ID, peal.MarkAlone); err != nil {
		i.log.Warn("cannot mark a delivery that is attempted alone; trying again", "delivery", j.Delivery.ID, "error", err)
		i.scheduler.unstart(j)
		sleep(ctx, suspectEvery)
		return
	}
	over := make(chan struct{})
	i.attempts.Go(func() {
		defer i.scheduler.endSuspect()
		defer close(over)
		i.attempt(ctx, j)
	})
	select {
	case <-over:
		return
	case <-j.Encoded:
	}
	wait := time.NewTimer(aloneFor)
	defer wait.Stop()
	select {
	case <-over:
		return
	case <-wait.C:
	}
	if err := i.marks.set(ctx, j.Delivery.ID, peal.MarkWaiting); err != nil {
		<-over // it stays marked as alone, so it has to be
	}
}

// setAside ends a delivery that is convicted: processes ended while it was attempted alone.
func (i *isolator) setAside(w *peal.ClaimedDelivery) {
	now := time.Now().UTC().Truncate(time.Microsecond)
	d := &w.Delivery
	attempt := peal.Attempt{
		ID: peal.NewAttemptID(), DeliveryID: d.ID, Number: d.Attempts + 1, StartedAt: now,
		Reason: peal.ReasonPoison, Error: fmt.Sprintf("%d processes ended while they attempted this delivery, the last ones while they attempted no other that could be the cause", w.Suspicion.Ends),
	}
	if t := i.find(d.WebhookID); t != nil {
		attempt.URL = peal.RedactURL(t.URL)
	}
	i.log.Error("a delivery is set aside: its attempts end the process", "delivery", d.ID, "event", d.EventID, "webhook", d.WebhookID, "tenant", d.Tenant, "processes", w.Suspicion.Ends)
	i.ledger.settle(peal.Settlement{
		Attempt: attempt, WebhookID: d.WebhookID, Status: peal.Failed, Tries: d.Tries + 1, SettledAt: now, Test: d.Test,
	})
	i.metrics.ended(w.Event, &attempt, peal.Failed)
	i.marks.clear(context.Background(), d.ID, &attempt)
}

// startSuspect starts the attempt of a suspect; nil when none may start now.
func (s *scheduler) startSuspect() (j *lanes.Job, sending context.Context) {
	s.mu.Lock()
	defer s.unlock()
	if s.stalled.Load() {
		return nil, nil
	}
	if j = s.lanes.StartSuspect(time.Now()); j == nil {
		return nil, nil
	}
	s.busy++
	return j, s.sending
}

// unstart takes back the attempt of a suspect that is not made after all.
func (s *scheduler) unstart(j *lanes.Job) {
	s.mu.Lock()
	defer s.unlock()
	s.lanes.Unstart(time.Now(), j)
	s.end()
}

// endSuspect notes that the attempt of a suspect is over. No worker was busy with it, so one is
// woken for what its lane may send now.
func (s *scheduler) endSuspect() {
	s.mu.Lock()
	defer s.unlock()
	s.end()
	s.lanes.StartReady()
}

// hasSuspects reports whether there are suspects, and whether the scheduler has stopped.
func (s *scheduler) hasSuspects() (has, stopped bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lanes.HasSuspects(), s.stopping
}
