package dispatch

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/pealhq/peal"
)

// maxRaised is how many of Peal's own events may wait to be published; more are dropped.
const maxRaised = 10_000

// healthKeeper follows whether webhooks fail, writes that down when it changes,
// tells operators, and disables a webhook when its policy says so. While all goes
// well it does nothing.
type healthKeeper struct {
	engine *Engine

	mu       sync.Mutex
	todo     healthWork
	finished bool
	more     chan struct{} // has room for one
}

// healthWork is what the keeper has to do.
type healthWork struct {
	changed map[peal.WebhookID]peal.Health
	disable map[peal.WebhookID]disabling
	problem []peal.Problem
	raise   []raised
}

type disabling struct{ tenant, reason string }

func newHealthWork() healthWork {
	return healthWork{changed: make(map[peal.WebhookID]peal.Health), disable: make(map[peal.WebhookID]disabling)}
}

func newHealthKeeper(e *Engine) *healthKeeper {
	return &healthKeeper{engine: e, todo: newHealthWork(), more: make(chan struct{}, 1)}
}

// after learns from an attempt and what it made of its delivery.
func (k *healthKeeper) after(h *hook, j *job, attempt *peal.Attempt, status peal.DeliveryStatus) {
	at := k.engine.clock.aged().Add(-attempt.Timing.Total).UTC().Truncate(time.Microsecond)
	var before, health peal.Health
	var warn, recovered bool
	var reason string
	if !k.engine.hasMoved(h) { // else it says nothing of where the webhook leads now
		before, health, warn, recovered = k.learn(h, j.lane, attempt, status, at)
		reason = disableReason(h, health, attempt, at)
	}
	var events []raised
	add := func(eventType string, data operation) {
		if k.engine.hears(eventType, h.Tenant) {
			events = append(events, raised{eventType, data})
		}
	}
	about := operationOf(h.Webhook).withAttempt(attempt)
	if status == peal.Failed {
		exhausted := about
		exhausted.Delivery = &operationDelivery{
			ID: j.delivery.ID, EventID: j.delivery.EventID, EventType: j.delivery.EventType, Attempts: attempt.Number,
		}
		add(EventDeliveryExhausted, exhausted)
	}
	if warn && reason == "" {
		add(EventWebhookFailing, about.withHealth(health))
	}
	if recovered {
		add(EventWebhookRecovered, about.withHealth(before))
	}
	if health == before && reason == "" && len(events) == 0 {
		return
	}
	k.mu.Lock()
	if health != before {
		k.todo.changed[h.ID] = health
	}
	if reason != "" {
		k.todo.disable[h.ID] = disabling{h.Tenant, reason}
	}
	if len(k.todo.raise) < maxRaised {
		k.todo.raise = append(k.todo.raise, events...)
	}
	k.mu.Unlock()
	k.signal()
}

// learn moves the lane's health on by an attempt that began at a moment, and says whether this attempt is the first one
// that deserves the early warning, or the success that ends what was warned of.
func (k *healthKeeper) learn(h *hook, l *lane, attempt *peal.Attempt, status peal.DeliveryStatus, at time.Time) (before, after peal.Health, warn, recovered bool) {
	s := k.engine.scheduler
	s.mu.Lock()
	defer s.mu.Unlock()
	before = l.health
	if attempt.Succeeded() {
		recovered = l.warned || failing(h.policy, before, at)
		l.health, l.warned = before.WithoutFailures(), false
		return before, l.health, false, recovered
	}
	if l.health.FailingSince.IsZero() || l.health.FailingSince.After(at) { // after: by a clock that was ahead
		l.health.FailingSince = at
	}
	if status == peal.Failed {
		l.health.ExhaustedInRow++
	}
	warn = !l.warned && failing(h.policy, l.health, at)
	l.warned = l.warned || warn
	return before, l.health, warn, false
}

// disableReason says why the webhook must be disabled; "" when it need not be.
func disableReason(h *hook, health peal.Health, attempt *peal.Attempt, at time.Time) string {
	policy := h.policy
	switch failing := at.Sub(health.FailingSince); {
	case attempt.Succeeded():
		return ""
	case attempt.StatusCode == statusGone:
		return "The endpoint answered 410 Gone: it asked to get no more events."
	case policy.DisableAfterExhausted > 0 && health.ExhaustedInRow >= policy.DisableAfterExhausted:
		if health.ExhaustedInRow == 1 {
			return fmt.Sprintf("A delivery failed for good after %d attempts (%s).", attempt.Number, attempt.Error)
		}
		return fmt.Sprintf("%d deliveries in a row failed for good (%s).", health.ExhaustedInRow, attempt.Error)
	case policy.DisableAfterFailing > 0 && failing >= policy.DisableAfterFailing:
		return fmt.Sprintf("Every attempt has failed since %s (%s).", health.FailingSince.Format(time.RFC3339), attempt.Error)
	}
	return ""
}

// hasMoved reports whether the webhook has another target by now than an attempt had.
func (e *Engine) hasMoved(h *hook) bool {
	current := e.hooks.get(h.ID)
	return current != nil && current.URL != h.URL
}

// maxProblems is how many problems may wait to be written; more are dropped.
const maxProblems = 1000

// problem notes failures of a webhook that are no attempts.
func (k *healthKeeper) problem(p peal.Problem) {
	k.mu.Lock()
	if len(k.todo.problem) < maxProblems {
		k.todo.problem = append(k.todo.problem, p)
	}
	k.mu.Unlock()
	k.signal()
}

func (k *healthKeeper) signal() {
	select {
	case k.more <- struct{}{}:
	default:
	}
}

// finish makes run end after doing what is left.
func (k *healthKeeper) finish() {
	k.mu.Lock()
	k.finished = true
	k.mu.Unlock()
	k.signal()
}

func (k *healthKeeper) run() {
	ctx := context.Background() // what was learned is written also while the engine stops
	for {
		<-k.more
		k.gather()
		k.mu.Lock()
		todo, finished := k.todo, k.finished
		k.todo = newHealthWork()
		k.mu.Unlock()
		k.do(ctx, todo)
		if finished {
			return
		}
	}
}

// Many webhooks begin to fail at once where something that they share is down. What is
// learned of them gathers for a while, and is written by many at a time, so that the
// store commits it in few transactions.
const (
	healthLinger  = settleLinger
	healthWriters = 64
)

// gather waits for more to come, unless the engine stops.
func (k *healthKeeper) gather() {
	linger := time.NewTimer(healthLinger)
	defer linger.Stop()
	for {
		k.mu.Lock()
		finished := k.finished
		k.mu.Unlock()
		if finished {
			return
		}
		select {
		case <-linger.C:
			return
		case <-k.more:
		}
	}
}

func (k *healthKeeper) do(ctx context.Context, todo healthWork) {
	e := k.engine
	var writers sync.WaitGroup
	places := make(chan struct{}, healthWriters)
	for id, health := range todo.changed {
		places <- struct{}{}
		writers.Go(func() {
			if err := e.store.SetHealth(ctx, id, health); err != nil {
				e.log.Warn("cannot write a webhook's health", "webhook", id, "error", err)
			}
			<-places
		})
	}
	for _, problem := range todo.problem {
		places <- struct{}{}
		writers.Go(func() {
			if err := e.store.AddProblem(ctx, problem); err != nil {
				e.log.Warn("cannot write a webhook's problem", "webhook", problem.WebhookID, "error", err)
			}
			<-places
		})
	}
	writers.Wait()
	for id, d := range todo.disable {
		if err := e.disableWebhook(ctx, d.tenant, id, d.reason); err != nil {
			e.log.Warn("cannot disable a webhook; it goes on until it fails again", "webhook", id, "error", err)
		}
	}
	for _, r := range todo.raise {
		e.raise(ctx, r)
	}
}

// disableWebhook sets an active webhook's status; a person's choice stays as it is.
func (e *Engine) disableWebhook(ctx context.Context, tenant string, id peal.WebhookID, reason string) error {
	for range maxReroutes {
		webhook, err := e.store.Webhook(ctx, tenant, id)
		if peal.CodeOf(err) == peal.NotFound {
			return nil
		}
		if err != nil || webhook.Status != peal.Active {
			return err
		}
		webhook.Status, webhook.StatusReason = peal.Disabled, reason
		webhook.UpdatedAt = peal.ChangedAt(webhook.CreatedAt())
		_, err = e.store.UpdateWebhook(ctx, webhook)
		if peal.CodeOf(err) == peal.Conflict {
			continue // somebody changed it in between: look again
		}
		if err != nil {
			return err
		}
		e.log.Warn("webhook disabled", "webhook", id, "tenant", tenant, "reason", reason)
		if err := e.Refresh(ctx); err != nil {
			return err
		}
		if e.hears(EventWebhookDisabled, tenant) {
			about := operationOf(&webhook).withHealth(webhook.Health)
			about.Reason = reason
			e.raise(ctx, raised{EventWebhookDisabled, about})
		}
		return nil
	}
	return peal.Errorf(peal.Conflict, "the webhook changes too fast")
}
