package dispatch

import (
	"context"
	"encoding/json"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/egress"
	"github.com/pealhq/peal/internal/lanes"
	"github.com/pealhq/peal/internal/match"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/internal/share"
)

// Retry sets a delivery due now, whether it waits for its next attempt or is final (with any
// result), and starts a new round of its webhook's policy with the same ids. The error has code
// [peal.NotFound], or [peal.Conflict] when its attempt is in flight or about to be, or its webhook
// is disabled.
func (e *Engine) Retry(ctx context.Context, tenant string, id peal.DeliveryID) (peal.Delivery, error) {
	if err := e.ledger.flush(ctx, id); err != nil {
		return peal.Delivery{}, err
	}
	delivery, err := e.store.Delivery(ctx, tenant, id)
	if err != nil {
		return peal.Delivery{}, err
	}
	webhook, err := e.store.Webhook(ctx, tenant, delivery.WebhookID)
	if peal.CodeOf(err) == peal.NotFound {
		return peal.Delivery{}, peal.Fail(peal.Conflict, message.DeliveryOrphaned)
	}
	if err != nil {
		return peal.Delivery{}, err
	}
	if webhook.Status == peal.Disabled {
		return peal.Delivery{}, peal.Fail(peal.Conflict, message.DeliveryDisabled)
	}
	if e.scheduler.hurry(webhook.ID, id) {
		delivery.Due = time.Now().UTC().Truncate(time.Microsecond)
		return delivery, nil
	}
	if err := e.enter(); err != nil {
		return peal.Delivery{}, err
	}
	defer e.publishing.Done()
	ctx = context.WithoutCancel(ctx)
	if err := e.Refresh(ctx); err != nil {
		return peal.Delivery{}, err
	}
	term := e.scheduler.term()
	work, err := e.ledger.reopen(ctx, tenant, id, time.Now().UTC().Truncate(time.Microsecond))
	if isFenced(err) {
		return peal.Delivery{}, errFenced
	}
	if err != nil {
		return peal.Delivery{}, err
	}
	work.Delivery.Tries = 0
	e.scheduler.force(e.router.find(webhook.ID), work, term)
	return work.Delivery, nil
}

// Cancel ends a pending delivery; a request that is in flight is not cut off. The error has code
// [peal.NotFound], or [peal.Conflict] when the delivery is final.
func (e *Engine) Cancel(ctx context.Context, tenant string, id peal.DeliveryID) (peal.Delivery, error) {
	if err := e.ledger.cancel(ctx, tenant, id, time.Now().UTC().Truncate(time.Microsecond)); err != nil {
		return peal.Delivery{}, err
	}
	delivery, err := e.store.Delivery(ctx, tenant, id)
	if err != nil {
		return peal.Delivery{}, err
	}
	e.scheduler.dropOne(delivery.WebhookID, id)
	return delivery, nil
}

// Test sends one event to a webhook in any status, with its endpoint in any state, and returns
// the result. It is one of the requests that the webhook may have in flight, and ends with ctx. The
// event and its delivery are recorded, marked as a test; there are no retries, and the webhook's
// health does not change. A tenant may have a few under way; beyond that the error has code
// [peal.RateLimited]. An empty eventType takes the first type of the catalogue that the webhook's
// patterns match, or a pattern's own; nil data takes that type's example.
func (e *Engine) Test(ctx context.Context, tenant string, id peal.WebhookID, eventType string, data []byte) (peal.Delivery, peal.Attempt, error) {
	leave, err := e.Share(ctx, share.Test, tenant)
	if err != nil {
		return peal.Delivery{}, peal.Attempt{}, err
	}
	defer leave()
	webhook, err := e.store.Webhook(ctx, tenant, id)
	if err != nil {
		return peal.Delivery{}, peal.Attempt{}, err
	}
	event, err := e.sample(ctx, &webhook, eventType, data)
	if err != nil {
		return peal.Delivery{}, peal.Attempt{}, err
	}
	if !e.scheduler.waitOpen(ctx, e.node.patience()) {
		return peal.Delivery{}, peal.Attempt{}, errFenced
	}
	if err := e.enter(); err != nil {
		return peal.Delivery{}, peal.Attempt{}, err
	}
	defer e.publishing.Done()
	run := &testRun{ctx: ctx, end: make(chan testEnd, 1)}
	ctx = context.WithoutCancel(ctx)
	j, err := e.insertTest(ctx, &webhook, event)
	if err != nil {
		return peal.Delivery{}, peal.Attempt{}, err
	}
	j.Test, j.Webhook = run, e.rules.compile(&webhook)
	if e.tracer != nil {
		j.Origin = originOf(ctx)
	}
	e.scheduler.try(j, e.router.find(id))
	end := e.awaitTest(j, run)
	settlement := judge(j, &end.attempt, 0, e.clock.due)
	if settlement.Status == peal.Pending { // it was cut off
		settlement.Status, settlement.SettledAt = peal.Failed, time.Now().UTC()
	}
	if err := e.ledger.settleNow(ctx, settlement); err != nil {
		return peal.Delivery{}, peal.Attempt{}, err
	}
	if end.err != nil {
		return peal.Delivery{}, peal.Attempt{}, end.err
	}
	delivery, err := e.store.Delivery(ctx, tenant, j.Delivery.ID)
	return delivery, end.attempt, err
}

// awaitTest waits until a test has ended, or its caller has left.
func (e *Engine) awaitTest(j *lanes.Job, run *testRun) testEnd {
	select {
	case end := <-run.end:
		return end
	case <-run.ctx.Done():
		e.scheduler.cancelTest(j, run.ctx.Err()) // an attempt that has started ends now
		return <-run.end
	}
}

// insertTest stores the event of a test with its delivery, held by this node.
func (e *Engine) insertTest(ctx context.Context, webhook *peal.Webhook, event *peal.Event) (*lanes.Job, error) {
	id := peal.NewDeliveryID()
	err := e.publisher.routed(ctx, func(routes *routes) error {
		_, err := e.store.Insert(ctx, e.Node(), routes.version, []peal.Insertion{{
			Event: event, Deliveries: []peal.NewDelivery{{ID: id, WebhookID: webhook.ID, Held: true, Test: true}},
		}})
		if isFenced(err) {
			e.node.lost()
			return errFenced
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &lanes.Job{Event: event, Delivery: peal.Delivery{
		ID: id, Tenant: event.Tenant, WebhookID: webhook.ID, EventKey: event.Key, EventID: event.ID, EventType: event.Type,
		Status: peal.Pending, Due: time.Now(), Test: true,
	}}, nil
}

// Replay starts a job that sends a webhook again what it had, and, with Missed, what it missed. The
// caller sets what a [peal.Replay] chooses and for whom; no Statuses at all (nil) mean the default
// ones. Until is at most now, and now when it is not set, so that the job ends. It runs in the
// background, also after a restart. The error has code [peal.NotFound], or [peal.Conflict] when the
// webhook is disabled.
func (e *Engine) Replay(ctx context.Context, replay peal.Replay) (peal.Replay, error) {
	if err := e.replays.mayStart(ctx, replay.Tenant); err != nil {
		return peal.Replay{}, err
	}
	count, err := e.CountReplay(ctx, &replay)
	if err != nil {
		return peal.Replay{}, err
	}
	replay.Total = count.Deliveries + count.Events
	if err := e.store.CreateReplay(ctx, replay); err != nil {
		return peal.Replay{}, err
	}
	e.replays.added.Send()
	e.signals.send(peal.NodeSignal{Kind: peal.SignalWork}) // another node may be the one that runs them
	return replay, nil
}

// CountReplay counts what Replay would go through and changes nothing but replay, in which it fills
// in what the caller has left out. Its errors are those of Replay.
func (e *Engine) CountReplay(ctx context.Context, replay *peal.Replay) (peal.ReplayCount, error) {
	leave, err := e.Share(ctx, share.Count, replay.Tenant)
	if err != nil {
		return peal.ReplayCount{}, err
	}
	defer leave()
	if err := e.CompleteReplay(replay); err != nil {
		return peal.ReplayCount{}, err
	}
	webhook, err := e.store.Webhook(ctx, replay.Tenant, replay.WebhookID)
	if err != nil {
		return peal.ReplayCount{}, err
	}
	if webhook.Status == peal.Disabled {
		return peal.ReplayCount{}, peal.Fail(peal.Conflict, message.WebhookDisabled)
	}
	if err := e.ledger.flush(ctx, peal.DeliveryID{}); err != nil {
		return peal.ReplayCount{}, err
	}
	return e.store.CountReplay(ctx, *replay, wantedTypes(&webhook))
}

// CompleteReplay fills in what the caller of [Engine.Replay] has left out, and checks the replay.
// The error has code [peal.Invalid] and names the field; see [peal.JoinFaults].
func (e *Engine) CompleteReplay(replay *peal.Replay) error {
	replay.ID = peal.NewJobID()
	replay.Status = peal.ReplayRunning
	// The ids of all that exists are smaller than the job's, whatever the clock reads: they may be
	// of the same microsecond.
	if now := replay.CreatedAt().Add(time.Microsecond); replay.Until.IsZero() || replay.Until.After(now) {
		replay.Until = now
	}
	replay.Since, replay.Until = replay.Since.UTC().Truncate(time.Microsecond), replay.Until.UTC().Truncate(time.Microsecond)
	if replay.Statuses == nil {
		replay.Statuses = peal.DefaultReplayStatuses()
	}
	return replay.Validate()
}

// CancelReplay ends a running replay; deliveries that it has made due are still sent. The error has
// code [peal.NotFound], or [peal.Conflict] when the replay has ended.
func (e *Engine) CancelReplay(ctx context.Context, tenant string, id peal.JobID) (peal.Replay, error) {
	at := time.Now().UTC().Truncate(time.Microsecond)
	if err := e.store.EndReplay(ctx, tenant, id, peal.ReplayCanceled, "", at); err != nil {
		return peal.Replay{}, err
	}
	return e.store.Replay(ctx, tenant, id)
}

// MaxPreview is the most events that one preview shows.
const MaxPreview = 50

// PreviewChoice chooses the events of a preview: one of its members is set, or none for the first
// type of the catalogue that the webhook's patterns match.
type PreviewChoice struct {
	Event *peal.Event // as published
	Type  string      // the catalogue's example of this type
	Last  int         // the tenant's newest events, 1 to MaxPreview
}

// Preview is the result of an event for a webhook.
type Preview struct {
	Event *peal.Event
	// Pattern reports whether the webhook's patterns match the event's type.
	Pattern bool
	// Filter reports whether the webhook's filter lets the event through; true without one.
	Filter bool
	// FilterError is why the filter failed, which counts as no match; nil otherwise.
	FilterError error
	// URL, Head and Body are the request of a first attempt made now, whether or not
	// the webhook matches; Head is as in [peal.Attempt]. They are empty with Error.
	URL  string
	Head peal.HeaderLines
	Body []byte
	// Error is why no request can be made of the event; nil otherwise.
	Error error
}

// Matches reports whether the webhook gets the event, unless it is disabled.
func (p *Preview) Matches() bool { return p.Pattern && p.Filter }

// Preview returns what a webhook, saved or not, would do with events: whether they match, and the
// exact request with its real signature. It sends and stores nothing. The webhook is checked as in
// [Engine.CheckWebhook], and must not be changed meanwhile. The error has code [peal.Invalid] with
// the field of the webhook, or "type", "event" or "last" of the choice.
func (e *Engine) Preview(ctx context.Context, w *peal.Webhook, choice PreviewChoice) ([]Preview, error) {
	leave, err := e.Share(ctx, share.Preview, w.Tenant)
	if err != nil {
		return nil, err
	}
	defer leave()
	if err := e.CheckWebhook(w); err != nil {
		return nil, err
	}
	events, err := e.choose(ctx, w, choice)
	if err != nil {
		return nil, err
	}
	target, now := e.rules.compile(w), time.Now()
	purse := match.NewPurse(ctx, e.stopping, w.Tenant)
	defer purse.Close()
	previews := make([]Preview, len(events))
	for i := range events {
		previews[i] = e.preview(ctx, purse, target, &events[i], now)
		if purse.Spent() {
			return nil, peal.Fault("last", message.PreviewTooCostly, i+1)
		}
		if err := programError(e.stopping, purse); err != nil {
			return nil, err
		}
	}
	return previews, nil
}

// choose returns the events of a preview, complete as if they were accepted.
func (e *Engine) choose(ctx context.Context, w *peal.Webhook, choice PreviewChoice) ([]peal.Event, error) {
	given := 0
	for _, is := range []bool{choice.Event != nil, choice.Type != "", choice.Last != 0} {
		if is {
			given++
		}
	}
	switch {
	case given > 1:
		return nil, peal.Fault("event", message.BesideType)
	case choice.Last < 0 || choice.Last > MaxPreview:
		return nil, peal.Fault("last", message.Range, 1, MaxPreview)
	case choice.Last > 0:
		return e.store.Events(ctx, peal.EventQuery{Tenant: w.Tenant, Limit: choice.Last})
	case choice.Event != nil:
		event := *choice.Event
		if err := e.publisher.check(ctx, w.Tenant, &event); err != nil {
			return nil, peal.PrefixField("event", err)
		}
		event.Tenant = w.Tenant
		complete(&event)
		return []peal.Event{event}, nil
	}
	if choice.Type != "" {
		if err := peal.ValidateType(choice.Type); err != nil {
			return nil, err
		}
		catalogue, err := e.tenants.catalogue(ctx, w.Tenant)
		if err != nil {
			return nil, err
		}
		entry, err := e.store.EventType(ctx, catalogue, choice.Type)
		if err != nil && peal.CodeOf(err) != peal.NotFound {
			return nil, err
		}
		if err != nil || entry.Example == nil {
			return nil, peal.Fault("type", message.NoExample)
		}
	}
	event, err := e.sample(ctx, w, choice.Type, nil)
	if err != nil {
		return nil, err
	}
	return []peal.Event{*event}, nil
}

// preview returns the preview of one event.
func (e *Engine) preview(ctx context.Context, purse *match.Purse, t *target, event *peal.Event, now time.Time) Preview {
	p := Preview{Event: event}
	for _, pattern := range t.Events {
		p.Pattern = p.Pattern || peal.MatchPattern(pattern, event.Type)
	}
	p.Filter, p.FilterError = t.route.Wants(purse, match.FactsOf(event))
	purse.Close() // the format may have a program, with a purse of its own
	request, err := e.attempter.courier.encode(ctx, purse, t, event, peal.NewDeliveryID(), now)
	if err != nil {
		p.Error = err
		return p
	}
	p.URL, p.Head, p.Body = request.URL, egress.RequestHead(&request), request.Body
	return p
}

// testData is the data of a test for a type without an example.
const testData = `{"message":"This is a test event. If you can read it, the webhook works.","test":true}`

// sample returns the event of a test.
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

// sampleType returns the first type of a catalogue that the patterns match; else a pattern that
// names one type; else a type made up from the first pattern.
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
