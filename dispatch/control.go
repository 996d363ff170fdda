package dispatch

import (
	"context"
	"encoding/json"
	"time"

	"github.com/pealhq/peal"
)

// Retry makes a delivery due now, whether it waits for its next attempt or is final
// (whatever its end), and begins a new round of its webhook's policy with the same
// ids. NotFound; Conflict when its attempt is in flight or about to be, or its
// webhook is disabled.
func (e *Engine) Retry(ctx context.Context, tenant string, id peal.DeliveryID) (peal.Delivery, error) {
	if err := e.ledger.quiet(ctx, id); err != nil {
		return peal.Delivery{}, err
	}
	delivery, err := e.store.Delivery(ctx, tenant, id)
	if err != nil {
		return peal.Delivery{}, err
	}
	webhook, err := e.store.Webhook(ctx, tenant, delivery.WebhookID)
	if peal.CodeOf(err) == peal.NotFound {
		return peal.Delivery{}, peal.Errorf(peal.Conflict, "the delivery's webhook was deleted")
	}
	if err != nil {
		return peal.Delivery{}, err
	}
	if webhook.Status == peal.Disabled {
		return peal.Delivery{}, peal.Errorf(peal.Conflict, "the delivery's webhook is disabled: set it active first")
	}
	if e.scheduler.hurry(webhook.ID, id) {
		delivery.Due = time.Now().UTC().Truncate(time.Microsecond)
		return delivery, nil
	}
	if err := e.enter(); err != nil {
		return peal.Delivery{}, err
	}
	defer e.publishers.Done()
	ctx = context.WithoutCancel(ctx)
	if err := e.Refresh(ctx); err != nil {
		return peal.Delivery{}, err
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	term := e.scheduler.now()
	work, err := e.store.Reopen(ctx, e.Node(), tenant, id, now)
	if isFenced(err) {
		return peal.Delivery{}, errFenced
	}
	if err != nil {
		return peal.Delivery{}, err
	}
	work.Delivery.Tries = 0
	h := e.hooks.get(webhook.ID)
	if h == nil || h.Status != peal.Active {
		e.release(e.scheduler.removeOne(webhook.ID, id)) // paused: held in the store until it is resumed
		return work.Delivery, nil
	}
	if e.scheduler.isElsewhere(h) {
		e.release(e.scheduler.removeOne(webhook.ID, id))
		return work.Delivery, nil
	}
	e.scheduler.force(h, work, term)
	return work.Delivery, nil
}

// Cancel ends a pending delivery; a request that is in flight is not broken off.
// NotFound; Conflict when the delivery is final.
func (e *Engine) Cancel(ctx context.Context, tenant string, id peal.DeliveryID) (peal.Delivery, error) {
	if err := e.ledger.quiet(ctx, id); err != nil {
		return peal.Delivery{}, err
	}
	if err := e.store.Cancel(ctx, tenant, id, time.Now().UTC().Truncate(time.Microsecond)); err != nil {
		return peal.Delivery{}, err
	}
	delivery, err := e.store.Delivery(ctx, tenant, id)
	if err != nil {
		return peal.Delivery{}, err
	}
	e.scheduler.drop(delivery.WebhookID, id)
	return delivery, nil
}

// testData is what a test sends for a type without an example.
const testData = `{"message":"This is a test event. If you can read it, the webhook works.","test":true}`

// sample makes the event of a test.
func (e *Engine) sample(ctx context.Context, w *peal.Webhook, eventType string, data json.RawMessage) (*peal.Event, error) {
	catalogue, err := e.tenants.catalogue(ctx, w.Tenant)
	if err != nil {
		return nil, err
	}
	if eventType == "" {
		if eventType, err = e.sampleType(ctx, catalogue, w.Events); err != nil {
			return nil, err
		}
	}
	if data == nil {
		entry, err := e.store.EventType(ctx, catalogue, eventType)
		switch {
		case err == nil && entry.Example != nil:
			data = entry.Example
		case err == nil || peal.CodeOf(err) == peal.NotFound:
			data = json.RawMessage(testData)
		default:
			return nil, err
		}
	}
	event := &peal.Event{Type: eventType, Data: data}
	if err := event.Validate(e.options.MaxData); err != nil {
		return nil, err
	}
	event.Tenant = w.Tenant
	complete(event)
	return event, nil
}

// sampleType chooses the first type of a catalogue that the patterns match; then
// a pattern that names one type; then a type made up from the first pattern.
func (e *Engine) sampleType(ctx context.Context, catalogue string, patterns []string) (string, error) {
	const page = 200
	for after := ""; ; {
		entries, err := e.store.EventTypes(ctx, catalogue, after, page)
		if err != nil {
			return "", err
		}
		for _, entry := range entries {
			for _, pattern := range patterns {
				if peal.MatchPattern(pattern, entry.Name) {
					return entry.Name, nil
				}
			}
		}
		if len(entries) < page {
			break
		}
		after = entries[len(entries)-1].Name
	}
	for _, pattern := range patterns {
		if peal.ValidateType(pattern) == nil {
			return pattern, nil
		}
	}
	prefix := patterns[0][:len(patterns[0])-1] // "task." of "task.*", "" of "*"
	return prefix + "test", nil
}
