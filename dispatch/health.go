package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/lanes"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/internal/wake"
)

// healthStore is the part of the store that the health keeper needs.
type healthStore interface {
	SetHealth(ctx context.Context, id peal.WebhookID, health peal.WebhookHealth) error
	AddProblem(ctx context.Context, problem peal.WebhookProblem) error
	Webhook(ctx context.Context, tenant string, id peal.WebhookID) (peal.Webhook, error)
	UpdateWebhook(ctx context.Context, w peal.Webhook) (peal.Webhook, error)
}

// healthKeeper follows whether webhooks fail. When that changes it stores it, publishes Peal's own
// events, and disables a webhook when its policy demands it. While all attempts succeed it does
// nothing.
type healthKeeper struct {
	store     healthStore
	log       *slog.Logger
	router    *router
	scheduler *scheduler
	now       func() time.Time                                                                   // the clock by which failures age
	publish   func(ctx context.Context, tenant string, events []peal.Event) ([]Published, error) // also in the reserved tenant

	mu         sync.Mutex
	todo       healthWork
	isFinished bool
	more       wake.Signal
}

// newHealthKeeper completes a health keeper.
func newHealthKeeper(k *healthKeeper) *healthKeeper {
	k.todo, k.more = newHealthWork(), wake.New()
	return k
}

// healthWork is the pending work of the keeper.
type healthWork struct {
	changed  map[peal.WebhookID]peal.WebhookHealth
	disable  map[peal.WebhookID]disabling
	problems []peal.WebhookProblem
	events   []operationEvent
}

// disabling is a webhook's tenant, and the reason for disabling it.
type disabling struct{ tenant, reason string }

func newHealthWork() healthWork {
	return healthWork{changed: make(map[peal.WebhookID]peal.WebhookHealth), disable: make(map[peal.WebhookID]disabling)}
}

// The most entries that may wait to be written or published; more are dropped.
const (
	maxEvents   = 10_000
	maxProblems = 1000
)

// add adds work under the lock, and wakes run.
func (k *healthKeeper) add(add func(todo *healthWork)) {
	k.mu.Lock()
	add(&k.todo)
	k.mu.Unlock()
	k.more.Send()
}

// addEvents adds as many events as may wait.
func (w *healthWork) addEvents(events ...operationEvent) {
	if len(w.events) < maxEvents {
		w.events = append(w.events, events...)
	}
}

// after learns from an attempt, and the status that its delivery has then.
func (k *healthKeeper) after(j *lanes.Job, attempt *peal.Attempt, status peal.DeliveryStatus) {
	t := targetOf(j)
	at := k.now().Add(-attempt.Timing.Total).UTC().Truncate(time.Microsecond)
	var change lanes.HealthChange
	var reason string
	if !k.router.hasMoved(t) { // otherwise it is not about the present URL
		change = k.scheduler.learn(j, &t.policy, attempt.Succeeded(), status == peal.Failed, at)
		reason = disableReason(t, change.After, attempt, at)
	}
	var events []operationEvent
	add := func(eventType string, data operation) {
		if k.router.wantsOperation(eventType, t.Tenant) {
			events = append(events, operationEvent{eventType, data})
		}
	}
	about := operationOf(t.Webhook).withAttempt(attempt)
	if status == peal.Failed {
		exhausted := about
		exhausted.Delivery = &operationDelivery{
			ID: j.Delivery.ID, EventID: j.Delivery.EventID, EventType: j.Delivery.EventType, Attempts: attempt.Number,
		}
		add(EventDeliveryExhausted, exhausted)
	}
	if change.Warn && reason == "" {
		add(EventWebhookFailing, about.withHealth(change.After))
	}
	if change.Recovered {
		add(EventWebhookRecovered, about.withHealth(change.Before))
	}
	if change.After == change.Before && reason == "" && len(events) == 0 {
		return
	}
	k.add(func(todo *healthWork) {
		if change.After != change.Before {
			todo.changed[t.ID] = change.After
		}
		if reason != "" {
			todo.disable[t.ID] = disabling{t.Tenant, reason}
		}
		todo.addEvents(events...)
	})
}

// disableReason returns why the webhook must be disabled; "" when it need not be.
func disableReason(t *target, health peal.WebhookHealth, attempt *peal.Attempt, at time.Time) string {
	policy := t.policy
	switch failing := at.Sub(health.FailingSince); {
	case attempt.Succeeded():
		return ""
	case attempt.StatusCode == http.StatusGone:
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

// certificateSoon is the time before its end at which an endpoint's certificate causes a warning.
const certificateSoon = 14 * 24 * time.Hour

// certificate learns when the certificate of a webhook's endpoint expires, and warns once when that
// is soon.
func (k *healthKeeper) certificate(j *lanes.Job, expires time.Time) {
	t := targetOf(j)
	if k.router.hasMoved(t) {
		return
	}
	if time.Until(expires) > certificateSoon {
		expires = time.Time{}
	}
	health, changed := k.scheduler.learnCertificate(j, expires)
	if !changed {
		return
	}
	var events []operationEvent
	if !expires.IsZero() {
		k.log.Warn("the certificate of a webhook's endpoint expires soon", "webhook", t.ID, "tenant", t.Tenant, "expires_at", expires)
		if k.router.wantsOperation(EventCertificateExpiring, t.Tenant) {
			about := operationOf(t.Webhook)
			about.CertificateExpiresAt = &expires
			events = append(events, operationEvent{EventCertificateExpiring, about})
		}
	}
	k.add(func(todo *healthWork) {
		todo.changed[t.ID] = health
		todo.addEvents(events...)
	})
}

// problem records failures of a webhook that are not attempts.
func (k *healthKeeper) problem(p peal.WebhookProblem) {
	k.add(func(todo *healthWork) {
		if len(todo.problems) < maxProblems {
			todo.problems = append(todo.problems, p)
		}
	})
}

// finish ends run after the work that is left.
func (k *healthKeeper) finish() {
	k.mu.Lock()
	k.isFinished = true
	k.mu.Unlock()
	k.more.Send()
}

// run does the work until finish was called and nothing is left.
func (k *healthKeeper) run() {
	ctx := context.Background() // what was learned is written also while the engine stops
	for {
		<-k.more
		k.gather()
		k.mu.Lock()
		todo, finished := k.todo, k.isFinished
		k.todo = newHealthWork()
		k.mu.Unlock()
		k.do(ctx, todo)
		if finished {
			return
		}
	}
}

// Many webhooks start to fail at once where something that they share is down. What is learned of
// them gathers for a while, and is written by many at a time, so that the store commits it in few
// transactions.
const (
	healthLinger  = settleLinger
	healthWriters = 64
)

// gather waits for further work, unless the engine stops.
func (k *healthKeeper) gather() {
	linger := time.NewTimer(healthLinger)
	defer linger.Stop()
	for {
		k.mu.Lock()
		finished := k.isFinished
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
	var writers sync.WaitGroup
	places := make(chan struct{}, healthWriters)
	write := func(id peal.WebhookID, message string, write func() error) {
		places <- struct{}{}
		writers.Go(func() {
			if err := write(); err != nil {
				k.log.Warn(message, "webhook", id, "error", err)
			}
			<-places
		})
	}
	for id, health := range todo.changed {
		write(id, "cannot write a webhook's health", func() error { return k.store.SetHealth(ctx, id, health) })
	}
	for _, problem := range todo.problems {
		write(problem.WebhookID, "cannot write a webhook's problem", func() error { return k.store.AddProblem(ctx, problem) })
	}
	writers.Wait()
	for id, d := range todo.disable {
		if err := k.disable(ctx, d.tenant, id, d.reason); err != nil {
			k.log.Warn("cannot disable a webhook; it is sent to until it fails again", "webhook", id, "error", err)
		}
	}
	for _, event := range todo.events {
		k.raise(ctx, event)
	}
}

// disable disables an active webhook; a person's choice stays as it is.
func (k *healthKeeper) disable(ctx context.Context, tenant string, id peal.WebhookID, reason string) error {
	const tries = 10
	for range tries {
		webhook, err := k.store.Webhook(ctx, tenant, id)
		if peal.CodeOf(err) == peal.NotFound {
			return nil
		}
		if err != nil || webhook.Status != peal.Active {
			return err
		}
		webhook.Status, webhook.StatusReason = peal.Disabled, reason
		webhook.UpdatedAt = peal.ChangedAt(webhook.CreatedAt())
		_, err = k.store.UpdateWebhook(ctx, webhook)
		if peal.CodeOf(err) == peal.Conflict {
			continue // somebody has changed it in between: read it again
		}
		if err != nil {
			return err
		}
		k.log.Warn("webhook disabled", "webhook", id, "tenant", tenant, "reason", reason)
		if err := k.router.refresh(ctx); err != nil {
			return err
		}
		if k.router.wantsOperation(EventWebhookDisabled, tenant) {
			about := operationOf(&webhook).withHealth(webhook.Health)
			about.Reason = reason
			k.raise(ctx, operationEvent{EventWebhookDisabled, about})
		}
		return nil
	}
	return peal.Fail(peal.Conflict, message.WebhookChanging)
}

// raise publishes one of Peal's own events. A failure is logged: the state that the event reports
// can be read at any time.
func (k *healthKeeper) raise(ctx context.Context, o operationEvent) {
	data, err := json.Marshal(o.data)
	if err == nil {
		_, err = k.publish(ctx, peal.OperationsTenant, []peal.Event{{Type: o.eventType, Subject: o.data.Webhook.ID.String(), Data: data}})
	}
	if err != nil {
		k.log.Warn("cannot publish an operational event", "type", o.eventType, "webhook", o.data.Webhook.ID, "error", err)
	}
}

// The types of Peal's own events, in the tenant [peal.OperationsTenant]. An
// operator's webhooks there receive them like any other event; the subject is the id of
// the webhook concerned.
const (
	EventWebhookFailing      = "peal.webhook.failing"      // an early warning: half of the limit that disables it is reached
	EventWebhookDisabled     = "peal.webhook.disabled"     // it receives no more events until somebody sets it active
	EventWebhookRecovered    = "peal.webhook.recovered"    // it succeeds again after a warning
	EventCertificateExpiring = "peal.certificate.expiring" // that of a webhook's endpoint, within 14 days
	EventDeliveryExhausted   = "peal.delivery.exhausted"   // a delivery has failed for good
)

// operation is the data of Peal's own events. What does not apply is left out.
type operation struct {
	Webhook              operationWebhook   `json:"webhook"`
	Reason               string             `json:"reason,omitempty"`
	FailingSince         *time.Time         `json:"failing_since,omitempty"`
	ExhaustedInRow       int                `json:"exhausted_in_row,omitempty"`
	Delivery             *operationDelivery `json:"delivery,omitempty"`
	LastAttempt          *operationAttempt  `json:"last_attempt,omitempty"`
	CertificateExpiresAt *time.Time         `json:"certificate_expires_at,omitempty"`
}

type operationWebhook struct {
	ID          peal.WebhookID `json:"id"`
	Tenant      string         `json:"tenant"`
	Name        string         `json:"name,omitempty"`
	URL         string         `json:"url"`
	Description string         `json:"description,omitempty"`
}

type operationDelivery struct {
	ID        peal.DeliveryID `json:"id"`
	EventID   string          `json:"event_id"`
	EventType string          `json:"event_type"`
	Attempts  int             `json:"attempts"`
}

type operationAttempt struct {
	StatusCode int         `json:"status_code,omitempty"`
	Reason     peal.Reason `json:"reason"`
	Error      string      `json:"error"`
}

// operationEvent is one of Peal's own events before it is published.
type operationEvent struct {
	eventType string
	data      operation
}

func operationOf(w *peal.Webhook) operation {
	return operation{Webhook: operationWebhook{ID: w.ID, Tenant: w.Tenant, Name: w.Name, URL: peal.RedactURL(w.URL), Description: w.Description}}
}

func (o operation) withHealth(h peal.WebhookHealth) operation {
	if !h.FailingSince.IsZero() {
		o.FailingSince = &h.FailingSince
	}
	o.ExhaustedInRow = h.ExhaustedInRow
	return o
}

func (o operation) withAttempt(a *peal.Attempt) operation {
	if !a.Succeeded() {
		o.LastAttempt = &operationAttempt{StatusCode: a.StatusCode, Reason: a.Reason, Error: a.Error}
	}
	return o
}
