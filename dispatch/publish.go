package dispatch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/crashpoint"
	"github.com/pealhq/peal/internal/lanes"
	"github.com/pealhq/peal/internal/match"
	"github.com/pealhq/peal/internal/message"
)

// Published is the result of publishing an event.
type Published struct {
	// Event is the accepted event; the first one of its id when Duplicate.
	Event *peal.Event
	// Duplicate reports whether the tenant already had this event.
	Duplicate bool
	// Webhooks are those that get it, in the order of their ids.
	Webhooks []peal.WebhookID
}

// maxReroutes is the number of times that a publish is routed because the webhooks changed just
// before it was committed.
const maxReroutes = 10

func isStale(err error) bool { return errors.Is(err, peal.ErrStaleRoutes) }

func isFenced(err error) bool { return errors.Is(err, peal.ErrFenced) }

// publishStore is the part of the store that publishing needs.
type publishStore interface {
	Insert(ctx context.Context, node peal.NodeID, routes int64, insertions []peal.Insertion) ([]peal.InsertResult, error)
	EventType(ctx context.Context, catalogue, name string) (peal.EventType, error)
}

// publisher checks events, routes them, commits them with their deliveries and hands those to the
// scheduler.
type publisher struct {
	store         publishStore
	maxData       int
	maxDeliveries int
	checkSchemas  bool
	schemas       match.Schemas
	tenants       *tenantSettings
	admission     *admission
	router        *router
	filters       *filterWatch
	scheduler     *scheduler
	metrics       *metrics
	traced        bool            // the context of a call has a span
	stopping      context.Context // ends when the engine starts to stop
	node          func() peal.NodeID
	lost          func() // learns that the node's registration has ended
}

// publish takes events of a tenant, which may be the reserved one: all of them, or none.
func (p *publisher) publish(ctx context.Context, tenant string, events []peal.Event) ([]Published, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	batch, err := p.prepare(ctx, tenant, events)
	if err != nil {
		return nil, err
	}
	known := p.router.routes.Load()
	limits, err := p.admission.limits(ctx, tenant)
	if err == nil {
		err = p.admission.events(tenant, limits.events, len(batch))
	}
	if err != nil {
		return nil, err
	}
	crashpoint.Reach(crashpoint.PublishParsed)
	run := filterRun{ctx: ctx, stopping: p.stopping, tenant: tenant, events: len(batch)}
	for i := 0; crashpoint.Armed && i < len(batch); i++ {
		crashpoint.ReachWith(crashpoint.PublishOf, batch[i].Event.Data)
	}
	// The answer of the store decides what this node holds, so it is waited for even
	// when the caller has gone.
	ctx = context.WithoutCancel(ctx)
	var published []Published
	err = p.routed(ctx, func(routes *routes) (err error) {
		// By newer routes than those that the limits were read with, the tenant may be deleted.
		if routes != known {
			if limits, err = p.admission.limits(ctx, tenant); err != nil {
				return err
			}
		}
		published, err = p.commit(ctx, routes, &run, batch, limits)
		return err
	})
	return published, err
}

// routed commits something by the newest routes, and again by newer ones while they have changed
// just before.
func (p *publisher) routed(ctx context.Context, commit func(*routes) error) error {
	for range maxReroutes {
		routes, err := p.router.snapshot(ctx)
		if err != nil {
			return err
		}
		err = commit(routes)
		if isFenced(err) {
			p.lost() // routed again, with nothing in memory
			continue
		}
		if !isStale(err) {
			return err
		}
		if err := p.router.refresh(ctx); err != nil {
			return err
		}
	}
	return peal.Fail(peal.Unavailable, message.WebhooksChanging).RetryIn(time.Second)
}

// prepare checks the events and sets what their publisher left out.
func (p *publisher) prepare(ctx context.Context, tenant string, events []peal.Event) ([]peal.Insertion, error) {
	if err := peal.ValidateTenant(tenant); err != nil {
		return nil, err
	}
	if len(events) == 0 || len(events) > peal.MaxBatch {
		return nil, peal.Fault("events", message.BatchSize, peal.MaxBatch)
	}
	insertions := make([]peal.Insertion, len(events))
	for i := range events {
		event := &events[i]
		if len(events) > 1 {
			// One event that waits must not keep the memory of its whole batch, and the
			// slice may be the caller's.
			event = own(event)
		}
		if err := p.check(ctx, tenant, event); err != nil {
			if len(events) > 1 {
				return nil, peal.PrefixField(fmt.Sprintf("events[%d]", i), err)
			}
			return nil, err
		}
		insertions[i] = peal.Insertion{Event: event, IDGiven: event.ID != "", TimeGiven: !event.Time.IsZero()}
		event.Tenant = tenant
		complete(event)
	}
	return insertions, nil
}

// complete sets an event's key, and its id and time where it has none.
func complete(event *peal.Event) {
	event.Key = peal.NewEventKey()
	if event.ID == "" {
		event.ID = event.Key.String()
	}
	if event.Time.IsZero() {
		event.Time = peal.TimestampOf(event.AcceptedAt())
	}
}

// own copies an event with its data.
func own(event *peal.Event) *peal.Event {
	copied := *event
	copied.Data = bytes.Clone(event.Data)
	return &copied
}

// check checks an event of a tenant, against the schema of its type where schemas are checked.
func (p *publisher) check(ctx context.Context, tenant string, event *peal.Event) error {
	if err := event.Validate(p.maxData); err != nil || !p.checkSchemas {
		return err
	}
	catalogue, err := p.tenants.catalogue(ctx, tenant)
	if err != nil {
		return err
	}
	entry, err := p.store.EventType(ctx, catalogue, event.Type)
	if peal.CodeOf(err) == peal.NotFound {
		return nil // only what the catalogue describes can be checked
	}
	if err != nil {
		return err
	}
	return p.schemas.Check(&entry, event.Data)
}

// commit routes the events, commits them with their deliveries and hands those to the lanes.
func (p *publisher) commit(ctx context.Context, routes *routes, run *filterRun, batch []peal.Insertion, limits limits) ([]Published, error) {
	plans := make([]plan, len(batch))
	defer run.pause()
	left := p.maxDeliveries
	for i := range batch {
		err := p.route(&plans[i], routes, run, &batch[i], left)
		left -= len(plans[i].places)
		if err != nil {
			p.abandon(plans[:i])
			return nil, err
		}
	}
	run.pause()
	var origin *trace.SpanContext
	if p.traced {
		origin = originOf(ctx)
	}
	tenant := batch[0].Event.Tenant
	deliveries, bytes := pendingOf(plans, batch)
	if err := p.admission.reserve(ctx, tenant, limits, deliveries, bytes); err != nil {
		p.abandon(plans)
		return nil, err
	}
	started := time.Now()
	inserted, err := p.store.Insert(ctx, p.node(), routes.version, batch)
	p.admission.ended(tenant, limits, deliveries, bytes, err == nil)
	if err != nil {
		p.abandon(plans)
		return nil, err
	}
	crashpoint.Reach(crashpoint.PublishDone)
	p.metrics.commit.Observe(time.Since(started).Seconds())
	published := make([]Published, len(batch))
	for i := range batch {
		plan := &plans[i]
		published[i] = Published{Event: inserted[i].Event, Duplicate: inserted[i].Duplicate, Webhooks: inserted[i].Webhooks}
		if inserted[i].Duplicate {
			p.scheduler.abandon(plan)
			p.metrics.duplicate.Inc()
			continue
		}
		p.metrics.accepted.Inc()
		p.metrics.matched.Add(float64(len(plan.places)))
		if len(plan.places) == 0 {
			continue
		}
		published[i].Webhooks = make([]peal.WebhookID, len(plan.places))
		for j := range plan.places {
			published[i].Webhooks[j] = batch[i].Deliveries[j].WebhookID
		}
		p.scheduler.commit(plan, &batch[i], origin)
	}
	return published, nil
}

// pendingOf returns the number of deliveries of events, and of the bytes that they send.
func pendingOf(plans []plan, batch []peal.Insertion) (deliveries, bytes int64) {
	for i := range plans {
		n := int64(len(plans[i].places))
		deliveries, bytes = deliveries+n, bytes+n*int64(len(batch[i].Event.Data))
	}
	return deliveries, bytes
}

// abandon frees the places of events that are not committed.
func (p *publisher) abandon(plans []plan) {
	for i := range plans {
		p.scheduler.abandon(&plans[i])
	}
}

// tooManyDeliveries returns the error of a publish of so many events that has more than
// maxDeliveries.
func (p *publisher) tooManyDeliveries(events int) error {
	if events > 1 {
		return peal.Fault("events", message.BatchDeliveries, p.maxDeliveries)
	}
	return peal.Fail(peal.Invalid, message.EventDeliveries, p.maxDeliveries)
}

// route finds the webhooks of an event and reserves their places. When they are more than most, it
// reserves none.
func (p *publisher) route(plan *plan, routes *routes, run *filterRun, insertion *peal.Insertion, most int) error {
	event := insertion.Event
	plan.cost = lanes.Cost(event)
	matched := routes.table.Match(event.Tenant, event.Type)
	insertion.Deliveries, insertion.FilterErrors = nil, nil
	if len(matched) == 0 {
		return nil
	}
	plan.places = make([]lanes.Place, 0, len(matched))
	var facts *match.Facts
	for _, route := range matched {
		t := p.router.find(route.Webhook().ID)
		if t == nil { // deleted since: the commit will report that
			continue
		}
		if route.Filters() {
			if facts == nil {
				facts = match.FactsOf(event)
			}
			wants, err := run.wants(route, facts, len(matched))
			if run.err != nil {
				return run.err
			}
			if err != nil {
				p.filters.failed(t, event, err)
				if len(insertion.FilterErrors) < peal.MaxFilterErrors {
					insertion.FilterErrors = append(insertion.FilterErrors, peal.NewFilterError(t.ID, err))
				}
			}
			if !wants {
				continue
			}
		}
		plan.places = append(plan.places, lanes.Place{Webhook: t})
		if len(plan.places) > most {
			plan.places = nil
			return p.tooManyDeliveries(run.events)
		}
	}
	p.scheduler.reserve(plan)
	insertion.Deliveries = make([]peal.NewDelivery, len(plan.places))
	for i, place := range plan.places {
		insertion.Deliveries[i] = peal.NewDelivery{ID: peal.NewDeliveryID(), WebhookID: place.Webhook.Settings().ID, Held: place.Reserved}
	}
	return nil
}

// filterRun runs the filters of the webhooks for the events of one publish. All of them share one
// purse, under the caller's context: when the caller has gone, or the engine stops, nothing of the
// publish is committed. It costs nothing where no webhook has a filter.
type filterRun struct {
	ctx      context.Context
	stopping context.Context // ends when the engine starts to stop
	tenant   string
	events   int
	purse    *match.Purse
	err      error // why the publish must be refused

	costliest peal.WebhookID // the webhook of which a filter did the most work for one event
	most      int
}

// wants runs one filter. The event's filters may be as many as its routes.
//
// Every filter judges an event that is accepted. So a batch for which the filters do too much work
// is refused as a whole: its publisher can send fewer events at once. A single event cannot be
// split; each of its filters has a part of the work in any case, and one that needs more fails, as
// does one that needs too much for itself.
func (r *filterRun) wants(route *match.Route, facts *match.Facts, routes int) (bool, error) {
	if r.purse == nil {
		r.purse = match.NewPurse(r.ctx, r.stopping, r.tenant)
		if r.events == 1 {
			r.purse.Guarantee(routes)
		}
	}
	before := r.purse.Used()
	wants, err := route.Wants(r.purse, facts)
	if used := r.purse.Used() - before; used > r.most {
		r.most, r.costliest = used, route.Webhook().ID
	}
	if r.purse.Spent() {
		r.err = peal.Fail(peal.TooLarge, message.FiltersOfTenant, r.costliest)
	} else if r.purse.Err() != nil {
		r.err = programError(r.stopping, r.purse)
	}
	return wants, err
}

// pause releases the turn of the filters, which may run again.
func (r *filterRun) pause() {
	if r.purse != nil {
		r.purse.Close()
	}
}

// programError returns why programs of a request were stopped from outside; nil when they were not.
func programError(stopping context.Context, purse *match.Purse) error {
	err := purse.Err()
	if err != nil && stopping.Err() != nil {
		return errStopping
	}
	return err
}

// The bounds of what is remembered of filters that fail.
const (
	filterLogEvery  = time.Minute // for each webhook
	filterLogFirst  = 3           // lines that come at once
	filterNoteEvery = 10 * time.Second
	filtersKept     = 10_000 // webhooks
)

// filterWatch reports filters that fail while they run: in a line of the log for the first few
// failures of a webhook, and then at most one a minute with the number of the others; and as a
// problem of the webhook.
type filterWatch struct {
	log  *slog.Logger
	note func(peal.WebhookProblem) // must not block

	mu      sync.Mutex
	failing map[peal.WebhookID]*filterFailures
}

type filterFailures struct {
	lines  int
	silent int // failures since the last line
	logged time.Time
	noted  time.Time
	since  peal.WebhookProblem // not noted yet
}

func newFilterWatch(log *slog.Logger, note func(peal.WebhookProblem)) *filterWatch {
	return &filterWatch{log: log, note: note, failing: make(map[peal.WebhookID]*filterFailures)}
}

// failed reports a failure, which counts as no match.
func (w *filterWatch) failed(t *target, event *peal.Event, err error) {
	now := time.Now().UTC().Truncate(time.Microsecond)
	w.mu.Lock()
	f := w.failing[t.ID]
	if f == nil {
		if len(w.failing) >= filtersKept {
			clear(w.failing)
		}
		f = &filterFailures{}
		w.failing[t.ID] = f
	}
	if f.since.Attempts == 0 {
		f.since.First = now
	}
	f.since.Attempts++
	var problem peal.WebhookProblem
	if now.Sub(f.noted) >= filterNoteEvery {
		problem = f.since
		f.noted, f.since = now, peal.WebhookProblem{}
	}
	silent := f.silent
	loud := f.lines < filterLogFirst || now.Sub(f.logged) >= filterLogEvery
	if loud {
		f.lines++
		f.silent, f.logged = 0, now
	} else {
		f.silent++
	}
	w.mu.Unlock()
	if problem.Attempts > 0 {
		problem.WebhookID, problem.Reason, problem.Last = t.ID, peal.ReasonFilter, now
		problem.Error = peal.NewFilterError(t.ID, err).Message
		w.note(problem)
	}
	if loud {
		w.log.Info("a filter failed, which counts as no match", "webhook", t.ID, "event", event.ID, "error", err, "more_since", silent)
	}
}
