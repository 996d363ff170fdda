package dispatch

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/crashpoint"
	"github.com/pealhq/peal/internal/match"
)

// Published is what became of an event.
type Published struct {
	// Event is the accepted event; the first one of its id when Duplicate.
	Event *peal.Event
	// Duplicate is true when the tenant already had this event.
	Duplicate bool
	// Webhooks are those that it goes to, in the order of their ids.
	Webhooks []peal.WebhookID
}

// maxReroutes is how often a publish is routed anew because the webhooks changed
// in the moment before it was committed.
const maxReroutes = 10

// Publish takes events of a tenant: all of them, or none. When it returns nil they
// and their deliveries are durable. An event without an id or a time gets one; an
// event whose id the tenant already has is a duplicate and is not sent again.
//
// Errors are [peal.Invalid] or [peal.TooLarge] with the field (of "events[N]" when
// there are several), [peal.Conflict] when an id is taken by an event with other
// content, [peal.Forbidden] for the reserved tenant, and [peal.Unavailable] when
// the store cannot take them now or the engine stops.
//
// Publish keeps none of the caller's memory and writes into none: Data may be used again,
// and the slice of the events too, as soon as it returns. What it returns is shared with
// the engine and must not be changed.
func (e *Engine) Publish(ctx context.Context, tenant string, events ...peal.Event) ([]Published, error) {
	if len(events) == 1 && len(events[0].Data) <= e.options.MaxData { // more of it is refused
		events = []peal.Event{*own(&events[0])}
	}
	return e.PublishOwned(ctx, tenant, events) // which copies each of a batch
}

// PublishOwned is [Engine.Publish] for a caller that gives the events and their bytes
// away: nobody else may read or write them from then on. It saves a copy.
func (e *Engine) PublishOwned(ctx context.Context, tenant string, events []peal.Event) ([]Published, error) {
	if tenant == peal.OperationsTenant {
		return nil, peal.Errorf(peal.Forbidden, "the tenant %q is reserved for Peal's own events", tenant)
	}
	if err := e.enter(); err != nil {
		return nil, err
	}
	defer e.publishers.Done()
	if e.tracer == nil {
		return e.counted(e.publish(ctx, tenant, events))
	}
	ctx, span := e.tracer.publish(ctx, tenant, events)
	published, err := e.counted(e.publish(ctx, tenant, events))
	e.tracer.published(span, published, err)
	return published, err
}

func (e *Engine) counted(published []Published, err error) ([]Published, error) {
	if err != nil {
		e.metrics.refused.WithLabelValues(string(peal.CodeOf(err))).Inc()
	}
	return published, err
}

func (e *Engine) publish(ctx context.Context, tenant string, events []peal.Event) ([]Published, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	batch, err := e.prepare(ctx, tenant, events)
	if err != nil {
		return nil, err
	}
	limits, err := e.admission.limits(ctx, tenant)
	if err == nil {
		err = e.admission.events(tenant, limits.events, len(batch))
	}
	if err != nil {
		return nil, err
	}
	crashpoint.Reach(crashpoint.PublishParsed)
	judge := judge{engine: e, ctx: ctx, tenant: tenant, events: len(batch)}
	for i := 0; crashpoint.Armed && i < len(batch); i++ {
		crashpoint.ReachWith(crashpoint.PublishOf, batch[i].Event.Data)
	}
	// The answer of the store decides what this node holds, so it is waited for even
	// when the caller has gone.
	ctx = context.WithoutCancel(ctx)
	var published []Published
	err = e.routed(ctx, func(routes *routes) (err error) {
		published, err = e.commit(ctx, routes, &judge, batch, limits)
		return err
	})
	return published, err
}

// routed commits something by the newest routes, and again by newer ones as long as
// they have changed in the moment before.
func (e *Engine) routed(ctx context.Context, commit func(*routes) error) error {
	for range maxReroutes {
		routes, err := e.snapshot(ctx)
		if err != nil {
			return err
		}
		err = commit(routes)
		if isFenced(err) {
			e.member.lost() // routed again, nothing is kept in memory
			continue
		}
		if !isStale(err) {
			return err
		}
		if err := e.Refresh(ctx); err != nil {
			return err
		}
	}
	return &peal.Error{Code: peal.Unavailable, Message: "the webhooks change too fast to publish; try again", RetryAfter: time.Second}
}

// prepare checks the events and gives them what their publisher left out.
func (e *Engine) prepare(ctx context.Context, tenant string, events []peal.Event) ([]peal.Insertion, error) {
	if err := peal.ValidateTenant(tenant); err != nil {
		return nil, err
	}
	if len(events) == 0 || len(events) > peal.MaxBatch {
		return nil, peal.Invalidf("events", "must be 1 to %d events", peal.MaxBatch)
	}
	insertions := make([]peal.Insertion, len(events))
	for i := range events {
		event := &events[i]
		if len(events) > 1 {
			// One event that waits must not keep the memory of its whole batch, and the
			// slice may be the caller's.
			event = own(event)
		}
		if err := e.check(ctx, tenant, event); err != nil {
			if len(events) > 1 {
				return nil, peal.Within(fmt.Sprintf("events[%d]", i), err)
			}
			return nil, err
		}
		insertions[i] = peal.Insertion{Event: event, IDGiven: event.ID != "", TimeGiven: !event.Time.IsZero()}
		event.Tenant = tenant
		complete(event)
	}
	return insertions, nil
}

// complete gives an event its key, and an id and a time where it has none.
func complete(event *peal.Event) {
	event.Key = peal.NewEventKey()
	if event.ID == "" {
		event.ID = event.Key.String()
	}
	if event.Time.IsZero() {
		event.Time = peal.TimestampOf(event.AcceptedAt())
	}
}

func own(event *peal.Event) *peal.Event {
	copied := *event
	copied.Data = bytes.Clone(event.Data)
	return &copied
}

func (e *Engine) check(ctx context.Context, tenant string, event *peal.Event) error {
	if err := event.Validate(e.options.MaxData); err != nil || !e.options.CheckSchemas {
		return err
	}
	catalogue, err := e.tenants.catalogue(ctx, tenant)
	if err != nil {
		return err
	}
	entry, err := e.store.EventType(ctx, catalogue, event.Type)
	if peal.CodeOf(err) == peal.NotFound {
		return nil // only what the catalogue describes can be checked
	}
	if err != nil {
		return err
	}
	return e.schemas.Check(&entry, event.Data)
}

// plan is where one event of a batch goes.
type plan struct {
	hooks []*hook
	fits  []bool // whether the lane of each has a place promised
	size  int64  // what it costs in memory for each of them
	term  int    // of the scheduler, when the places were promised
}

// commit routes the events, commits them with their deliveries and hands those to
// the lanes.
func (e *Engine) commit(ctx context.Context, routes *routes, judge *judge, batch []peal.Insertion, limits limits) ([]Published, error) {
	plans := make([]plan, len(batch))
	defer judge.rest()
	left := e.options.MaxDeliveries
	for i := range batch {
		err := e.plan(&plans[i], routes, judge, &batch[i], left)
		left -= len(plans[i].hooks)
		if err != nil {
			e.giveUp(plans[:i])
			return nil, err
		}
	}
	judge.rest()
	var origin *trace.SpanContext
	if e.tracer != nil {
		origin = originOf(ctx)
	}
	tenant := batch[0].Event.Tenant
	deliveries, bytes := pendingOf(plans, batch)
	if err := e.admission.reserve(ctx, tenant, limits, deliveries, bytes); err != nil {
		e.giveUp(plans)
		return nil, err
	}
	begun := time.Now()
	inserted, err := e.store.Insert(ctx, e.Node(), routes.version, batch)
	e.admission.ended(tenant, limits, deliveries, bytes, err == nil)
	if err != nil {
		e.giveUp(plans)
		return nil, err
	}
	crashpoint.Reach(crashpoint.PublishDone)
	e.metrics.commit.Observe(time.Since(begun).Seconds())
	published := make([]Published, len(batch))
	for i := range batch {
		p := &plans[i]
		published[i] = Published{Event: inserted[i].Event, Duplicate: inserted[i].Duplicate, Webhooks: inserted[i].Webhooks}
		if inserted[i].Duplicate {
			e.scheduler.giveUp(p.hooks, p.fits, p.size)
			e.metrics.duplicate.Inc()
			continue
		}
		e.metrics.accepted.Inc()
		e.metrics.matched.Add(float64(len(p.hooks)))
		if len(p.hooks) == 0 {
			continue
		}
		published[i].Webhooks = make([]peal.WebhookID, len(p.hooks))
		for j, h := range p.hooks {
			published[i].Webhooks[j] = h.ID
		}
		e.hints.add(e.scheduler.hand(p, &batch[i], origin)...)
	}
	return published, nil
}

// pendingOf counts the deliveries of events, and the bytes that are to be sent with them.
func pendingOf(plans []plan, batch []peal.Insertion) (deliveries, bytes int64) {
	for i := range plans {
		n := int64(len(plans[i].hooks))
		deliveries, bytes = deliveries+n, bytes+n*int64(len(batch[i].Event.Data))
	}
	return deliveries, bytes
}

// giveUp takes the places of events back that are not committed.
func (e *Engine) giveUp(plans []plan) {
	for i := range plans {
		p := &plans[i]
		e.scheduler.giveUp(p.hooks, p.fits, p.size)
	}
}

// tooManyDeliveries is the refusal of a publish of so many events that has more than
// MaxDeliveries.
func (e *Engine) tooManyDeliveries(events int) error {
	if events > 1 {
		return peal.Invalidf("events", "have more than %d deliveries together (limits.max_deliveries); publish them in smaller batches", e.options.MaxDeliveries)
	}
	return peal.Errorf(peal.Invalid, "the event has more than %d deliveries (limits.max_deliveries); have fewer webhooks match it, or ask the operator to raise the limit", e.options.MaxDeliveries)
}

// plan finds the webhooks of an event and reserves their places. When they are more than
// most, it reserves none.
func (e *Engine) plan(p *plan, routes *routes, judge *judge, insertion *peal.Insertion, most int) error {
	event := insertion.Event
	p.size = cost(event)
	matched := routes.table.Match(event.Tenant, event.Type)
	insertion.Deliveries, insertion.FilterErrors = nil, nil
	if len(matched) == 0 {
		return nil
	}
	p.hooks = make([]*hook, 0, len(matched))
	var facts *match.Facts
	for _, route := range matched {
		h := e.hooks.get(route.Webhook().ID)
		if h == nil { // deleted since: the commit will report that
			continue
		}
		if route.Filters() {
			if facts == nil {
				facts = match.FactsOf(event)
			}
			wants, err := judge.wants(route, facts, len(matched))
			if judge.err != nil {
				return judge.err
			}
			if err != nil {
				e.filters.failed(h, event, err)
				if len(insertion.FilterErrors) < peal.MaxFilterErrors {
					insertion.FilterErrors = append(insertion.FilterErrors, peal.NewFilterError(h.ID, err))
				}
			}
			if !wants {
				continue
			}
		}
		p.hooks = append(p.hooks, h)
		if len(p.hooks) > most {
			return e.tooManyDeliveries(judge.events)
		}
	}
	p.fits = make([]bool, len(p.hooks))
	p.term = e.scheduler.reserve(p.hooks, p.size, p.fits)
	insertion.Deliveries = make([]peal.NewDelivery, len(p.hooks))
	for i, h := range p.hooks {
		insertion.Deliveries[i] = peal.NewDelivery{ID: peal.NewDeliveryID(), WebhookID: h.ID, Held: p.fits[i]}
	}
	return nil
}
