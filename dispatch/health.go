package dispatch

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/pealhq/peal"
)

// healthKeeper follows whether webhooks fail, writes that down when it changes,
// and disables a webhook when its policy says so. While all goes well it does
// nothing.
type healthKeeper struct {
	engine *Engine

	mu       sync.Mutex
	changed  map[peal.WebhookID]peal.Health
	disable  map[peal.WebhookID]disabling
	finished bool
	more     chan struct{} // has room for one
}

type disabling struct{ tenant, reason string }

func newHealthKeeper(e *Engine) *healthKeeper {
	return &healthKeeper{
		engine: e, changed: make(map[peal.WebhookID]peal.Health), disable: make(map[peal.WebhookID]disabling),
		more: make(chan struct{}, 1),
	}
}

// after learns from an attempt and what it made of its delivery.
func (k *healthKeeper) after(h *hook, l *lane, attempt *peal.Attempt, status peal.DeliveryStatus) {
	s := k.engine.scheduler
	s.mu.Lock()
	before := l.health
	switch {
	case attempt.Succeeded():
		l.health = peal.Health{}
	default:
		if l.health.FailingSince.IsZero() {
			l.health.FailingSince = attempt.StartedAt
		}
		if status == peal.Failed {
			l.health.ExhaustedInRow++
		}
	}
	health := l.health
	s.mu.Unlock()
	if health == before && attempt.StatusCode != statusGone {
		if attempt.Succeeded() || h.policy.DisableAfterFailing == 0 {
			return
		}
	}
	reason := disableReason(h, health, attempt)
	if health == before && reason == "" {
		return
	}
	k.mu.Lock()
	if health != before {
		k.changed[h.ID] = health
	}
	if reason != "" {
		k.disable[h.ID] = disabling{h.Tenant, reason}
	}
	k.mu.Unlock()
	k.signal()
}

// disableReason says why the webhook must be disabled; "" when it need not be.
func disableReason(h *hook, health peal.Health, attempt *peal.Attempt) string {
	policy := h.policy
	switch failing := attempt.StartedAt.Sub(health.FailingSince); {
	case attempt.Succeeded():
		return ""
	case attempt.StatusCode == statusGone:
		return "The endpoint answered 410 Gone: it asked to get no more events."
	case policy.DisableAfterExhausted > 0 && health.ExhaustedInRow >= policy.DisableAfterExhausted:
		if health.ExhaustedInRow == 1 {
			return fmt.Sprintf("A delivery failed for good after %d attempts (%s).", len(policy.Delays)+1, attempt.Error)
		}
		return fmt.Sprintf("%d deliveries in a row failed for good (%s).", health.ExhaustedInRow, attempt.Error)
	case policy.DisableAfterFailing > 0 && failing >= policy.DisableAfterFailing:
		return fmt.Sprintf("Every attempt has failed since %s (%s).", health.FailingSince.Format(time.RFC3339), attempt.Error)
	}
	return ""
}

func (k *healthKeeper) signal() {
	select {
	case k.more <- struct{}{}:
	default:
	}
}

// finish makes run end after writing what is left.
func (k *healthKeeper) finish() {
	k.mu.Lock()
	k.finished = true
	k.mu.Unlock()
	k.signal()
}

func (k *healthKeeper) run(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	for {
		<-k.more
		k.mu.Lock()
		changed, disable, finished := k.changed, k.disable, k.finished
		k.changed, k.disable = make(map[peal.WebhookID]peal.Health), make(map[peal.WebhookID]disabling)
		k.mu.Unlock()
		for id, health := range changed {
			if err := k.engine.store.SetHealth(ctx, id, health); err != nil {
				k.engine.log.Warn("cannot write a webhook's health", "webhook", id, "error", err)
			}
		}
		for id, d := range disable {
			if err := k.engine.disableWebhook(ctx, d.tenant, id, d.reason); err != nil {
				k.engine.log.Warn("cannot disable a webhook; it goes on until it fails again", "webhook", id, "error", err)
			}
		}
		if finished {
			return
		}
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
		webhook.UpdatedAt = time.Now().UTC().Truncate(time.Microsecond)
		_, err = e.store.UpdateWebhook(ctx, webhook)
		if peal.CodeOf(err) == peal.Conflict {
			continue // somebody changed it in between: look again
		}
		if err != nil {
			return err
		}
		e.log.Warn("webhook disabled", "webhook", id, "tenant", tenant, "reason", reason)
		return e.Refresh(ctx)
	}
	return peal.Errorf(peal.Conflict, "the webhook changes too fast")
}
