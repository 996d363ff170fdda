// Package dispatch is Peal's engine: it accepts events, routes them to webhooks,
// commits them and sends the deliveries until they arrive.
//
// [New] creates an engine on a [Store]; [Engine.Publish] accepts events;
// [Engine.Run] works until its context ends and then stops gracefully. A Go
// application can embed it without a server; the examples show how.
//
// # Lanes
//
// Each webhook has a lane: a bounded queue in memory, a number of requests that
// may be in flight at once, which grows while the endpoint keeps up and halves
// when it slows or errs, a rate limit, and a breaker that lets single probes
// through while the endpoint is down. Ready lanes take turns. What does not fit in
// memory waits in the store and is claimed, oldest first, as the lane drains.
//
// # Promises
//
// Publish returns after the event and its deliveries are durable. An accepted
// delivery is attempted at least once and reaches a final status with all its
// attempts on record, also across crashes: what a dead node held is taken over and
// sent again.
package dispatch

import (
	"context"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/egress"
	"github.com/pealhq/peal/internal/maintenance"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/internal/processor"
	"github.com/pealhq/peal/internal/refusals"
	"github.com/pealhq/peal/internal/share"
	"github.com/pealhq/peal/internal/wake"
)

// Store is the part of a store that engines use. *sqlite.Store and *postgres.Store have all of it.
// Within the package, each part of an engine takes an interface of the methods that it calls.
type Store interface {
	peal.Store
	maintenance.Store
	nodeStore
	signalStore
	replayStore
	usageStore
	backlogStore
	historyStore

	// Nodes lists the registered nodes, oldest first.
	Nodes(ctx context.Context) ([]peal.Node, error)
	// Usage returns a tenant's use of the row quotas at the time now.
	Usage(ctx context.Context, tenant string, now time.Time) (map[peal.Quota]int64, error)
	// EventType returns one entry of a catalogue, EventTypes lists them by name.
	EventType(ctx context.Context, catalogue, name string) (peal.EventType, error)
	EventTypes(ctx context.Context, catalogue, after string, limit int) ([]peal.EventType, error)
}

// Engine accepts events and delivers them. Create it with [New]; it is safe for
// concurrent use. Engines on one store, in one process or several, are its nodes.
type Engine struct {
	store     Store
	options   Options
	log       *slog.Logger
	client    *egress.Client
	clock     *clock
	metrics   *metrics
	tracer    *tracer // nil when nothing is traced
	shares    *share.Limiter
	admission *admission

	tenants     *tenantSettings
	rules       *rules
	router      *router
	publisher   *publisher
	scheduler   *scheduler
	claimer     *claimer
	attempter   *attempter
	isolator    *isolator
	ledger      *ledger
	health      *healthKeeper
	node        *node
	signals     *signals
	replays     *replayer
	maintenance *maintenance.Maintenance

	state      atomic.Int32
	entering   sync.RWMutex   // guards the step from accepting publishes to stopping
	publishing sync.WaitGroup // publishes under way, which must end before the last release
	attempts   sync.WaitGroup // workers

	// hard ends when requests in flight are cut off; stopping ends earlier, when the engine
	// starts to stop, and with it programs that callers wait for.
	hard, stopping   context.Context
	cutOff, stopWork context.CancelFunc
}

// The states of an engine.
const (
	stateNew int32 = iota
	stateRunning
	stateStopped
)

// New creates an engine. Nothing is sent before [Engine.Run]; what is published
// before is committed and waits. The error has code [peal.Invalid] and names the
// option.
func New(store Store, options Options) (*Engine, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	options = options.withDefaults()
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	if options.Name == "" {
		name, _ := os.Hostname() // a node without a name is known by its id
		options.Name = name[:min(len(name), peal.MaxNodeName)]
	}
	if options.Origin == "" {
		options.Origin = hostname()
	}
	options.Egress.MaxIdlePerHost = max(options.Egress.MaxIdlePerHost, options.LaneInFlight)
	client, err := egress.New(options.Egress)
	if err != nil {
		return nil, err
	}
	e := &Engine{
		store: store, options: options, log: options.Log, client: client, clock: newClock(options.Now),
		metrics: newMetrics(), tracer: newTracer(options.Trace), shares: share.New(),
	}
	if e.metrics.refusals, err = refusals.New(options.Metrics); err != nil {
		return nil, &peal.Error{Code: peal.Invalid, Field: "Metrics", Message: "could not register the metrics of quotas", Err: err}
	}
	e.hard, e.cutOff = context.WithCancel(context.Background())
	e.stopping, e.stopWork = context.WithCancel(context.Background())
	e.wire()
	e.maintenance, err = maintenance.New(store, maintenance.Options{
		Retention: options.Retention, Search: options.Search, IsFirst: e.node.isFirst, Refresh: e.Refresh, Tenants: e.router.changed, Now: e.clock.aged, Log: e.log, Metrics: options.Metrics,
	})
	if err == nil {
		err = e.register(options.Metrics)
	}
	if err != nil {
		return nil, &peal.Error{Code: peal.Invalid, Field: "Metrics", Message: "could not register the engine's metrics", Err: err}
	}
	return e, nil
}

// wire creates the parts of an engine and connects them.
func (e *Engine) wire() {
	store, options, log := e.store, &e.options, e.log
	e.tenants = &tenantSettings{store: store, log: log}
	e.rules = &rules{
		log: log, formats: allFormats(options.Formats), policy: options.RetryPolicy,
		variables: options.Variables, scopes: options.VariableScopes, client: e.client, tenants: e.tenants,
	}
	e.scheduler = newScheduler(options)
	e.ledger = newLedger(store, log, e.metrics.settleSize, e.metrics.settleTime, e.clock.due)
	e.router = &router{store: store, log: log, rules: e.rules, scheduler: e.scheduler, changed: wake.New()}
	lookDue := wake.New()
	e.node = newNode(&node{
		store: store, options: options, log: log, scheduler: e.scheduler, ledger: e.ledger, router: e.router, hard: e.hard, lookDue: lookDue,
	})
	e.signals = newSignals(&signals{store: store, log: log, alone: options.Alone, patience: e.node.patience(), handle: e.signaled})
	e.claimer = &claimer{
		store: store, log: log, scheduler: e.scheduler, router: e.router, every: options.DueSync, look: lookDue,
		now: e.clock.due, node: e.Node, lost: e.node.lost,
	}
	e.scheduler.releases, e.scheduler.elsewhere, e.scheduler.canceled = e.ledger, e.signals.work, endTest
	e.ledger.node, e.ledger.settled, e.ledger.stall = e.Node, e.claimer.settled, e.scheduler.stall

	e.health = newHealthKeeper(&healthKeeper{store: store, log: log, router: e.router, scheduler: e.scheduler, now: e.clock.aged})
	e.admission = newAdmission(store, e.tenants, options.Quotas)
	filters := newFilterWatch(log, e.health.problem)
	e.publisher = &publisher{
		store: store, maxData: options.MaxData, maxDeliveries: options.MaxDeliveries, checkSchemas: options.CheckSchemas,
		tenants: e.tenants, admission: e.admission, router: e.router, filters: filters, scheduler: e.scheduler, metrics: e.metrics,
		traced: e.tracer != nil, stopping: e.stopping, node: e.Node, lost: e.node.lost,
	}
	e.health.publish = e.publisher.publish
	e.replays = &replayer{
		store: store, log: log, isFirst: e.node.isFirst, router: e.router, admission: e.admission, filters: filters,
		stopping: e.stopping, noteDue: e.claimer.noteDue, added: e.node.first,
	}
	marks := &marks{store: store, node: e.Node, patience: e.node.patience(), log: log}
	e.attempter = &attempter{
		courier:   &courier{log: log, tokens: egress.NewTokens(e.client), tracer: e.tracer, origin: options.Origin, hard: e.hard},
		scheduler: e.scheduler, ledger: e.ledger, health: e.health, marks: marks, metrics: e.metrics,
		answered: e.signals.up, now: e.clock.due, holdRetry: options.HoldRetry,
	}
	e.isolator = &isolator{
		marks: marks, scheduler: e.scheduler, attempts: &e.attempts, attempt: e.attempter.attempt,
		ledger: e.ledger, metrics: e.metrics, find: e.router.find, log: log,
	}
	e.claimer.setAside = e.isolator.setAside
}

// register registers the metrics of all parts; nil for none.
func (e *Engine) register(registerer prometheus.Registerer) error {
	if registerer == nil {
		return nil
	}
	all := append(e.metrics.collectors(), e.node.collectors()...)
	all = append(all, laneGauges(e.scheduler.counts)...)
	all = append(all, newBacklogCollector(e.store), newNearCollector(e.admission, e.shares))
	for _, collector := range all {
		if err := registerer.Register(collector); err != nil {
			return err
		}
	}
	return nil
}

// Node returns the engine's id among the nodes of its store: another one after each registration.
func (e *Engine) Node() peal.NodeID { return e.node.ID() }

// Run delivers until ctx ends, and then stops: it starts no more requests, waits up to StopGrace for
// those in flight, writes their results, and releases everything it holds, so that the next process
// can continue. It returns nil after such a stop, and an error when the store cannot be read at the
// start or when the engine has run before.
func (e *Engine) Run(ctx context.Context) error {
	if !e.state.CompareAndSwap(stateNew, stateRunning) {
		return peal.Errorf(peal.Conflict, "an engine runs only once: make a new one")
	}
	work, endWork := context.WithCancel(context.WithoutCancel(ctx))
	var helpers sync.WaitGroup
	helpers.Go(e.ledger.run)
	helpers.Go(e.health.run)
	err := e.start(ctx)
	if err == nil {
		helpers.Go(func() { e.node.run(work) })
		helpers.Go(func() { e.signals.watch(work) })
		helpers.Go(func() { e.signals.run(work) })
		for range claimers {
			helpers.Go(func() { e.claimer.run(work) })
		}
		helpers.Go(func() { e.maintenance.Run(ctx) })
		helpers.Go(func() { e.replays.run(ctx) })
		e.attempts.Go(e.isolator.run)
		e.scheduler.run(func() { e.attempts.Go(e.attempter.work) })
		e.claimer.watch(ctx)
	}
	e.stop()
	e.ledger.finish()
	e.ledger.wait()
	endWork()
	e.health.finish()
	helpers.Wait()
	e.client.Close()
	e.node.leave()
	if err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// start registers, takes over what dead processes held and reads what waits in the store.
func (e *Engine) start(ctx context.Context) error {
	if err := e.Refresh(ctx); err != nil {
		return err
	}
	if err := e.node.register(ctx); err != nil {
		return err
	}
	if err := e.node.takeOver(ctx); err != nil {
		return err
	}
	return e.claimer.sync(ctx)
}

// stop ends publishing and sending.
func (e *Engine) stop() {
	e.entering.Lock()
	e.state.Store(stateStopped)
	e.entering.Unlock()
	e.stopWork()
	waiting := e.scheduler.stop()
	if !e.options.Alone { // the last step would release them too, but others may have them now
		e.ledger.release(waiting, func() { e.signals.send(peal.NodeSignal{Kind: peal.SignalWork}) })
	}
	ended := make(chan struct{})
	go func() {
		e.publishing.Wait()
		e.attempts.Wait()
		close(ended)
	}()
	grace := time.NewTimer(e.options.StopGrace)
	defer grace.Stop()
	select {
	case <-ended:
	case <-grace.C:
		e.log.Warn("requests still in flight are cut off; their deliveries are sent again")
		e.cutOff()
		<-ended
	}
	e.cutOff()
}

// signaled handles a signal of another node.
func (e *Engine) signaled(s peal.NodeSignal) {
	switch {
	case s.Kind == peal.SignalUp:
		e.scheduler.probeNow(s.WebhookID)
	case s.Kind != peal.SignalWork:
		e.node.early.Send()
	case s.WebhookID.IsZero():
		e.claimer.look.Send()
		e.replays.added.Send()
	default:
		e.claimer.noteDue(s.WebhookID)
	}
}

// Refresh reads what has changed about webhooks and applies it from now on. Call it after a change
// through the store: the engine notices by itself before it commits an event, but a pause or a
// resume takes effect at once only so.
func (e *Engine) Refresh(ctx context.Context) error { return e.router.refresh(ctx) }

var errNotRunning = peal.Fail(peal.Unavailable, message.NotRunning)

// Ready reports whether events are accepted and sent: it returns nil, or the reason why not.
func (e *Engine) Ready(ctx context.Context) error {
	if e.state.Load() != stateRunning || e.router.routes.Load() == nil {
		return errNotRunning
	}
	if !e.scheduler.isOpen() {
		return errFenced
	}
	return e.store.Ping(ctx)
}

// enter starts a publish; the caller calls e.publishing.Done after it.
func (e *Engine) enter() error {
	e.entering.RLock()
	defer e.entering.RUnlock()
	if e.state.Load() == stateStopped {
		return errStopping
	}
	e.publishing.Add(1)
	return nil
}

// Publish accepts events of a tenant: all of them, or none. When it returns nil they and their
// deliveries are durable. An event without an id or a time gets one; an event with an id that the
// tenant already has is a duplicate and is not sent again.
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

// PublishOwned is [Engine.Publish] for a caller that no longer reads or writes the events and their
// bytes. It saves a copy.
func (e *Engine) PublishOwned(ctx context.Context, tenant string, events []peal.Event) ([]Published, error) {
	if tenant == peal.OperationsTenant {
		return nil, peal.Fail(peal.Forbidden, message.TenantReserved, strconv.Quote(tenant))
	}
	if err := e.enter(); err != nil {
		return nil, err
	}
	defer e.publishing.Done()
	if e.tracer == nil {
		return e.counted(e.publisher.publish(ctx, tenant, events))
	}
	ctx, span := e.tracer.publish(ctx, tenant, events)
	published, err := e.counted(e.publisher.publish(ctx, tenant, events))
	if len(published) == 1 {
		e.tracer.published(span, published[0].Event, published[0].Duplicate, err)
	} else {
		e.tracer.published(span, nil, false, err)
	}
	return published, err
}

// counted counts a publish call that was refused.
func (e *Engine) counted(published []Published, err error) ([]Published, error) {
	if err != nil {
		e.metrics.refused.WithLabelValues(string(peal.CodeOf(err))).Inc()
		e.metrics.refusals.Count(err)
	}
	return published, err
}

// Nodes returns the nodes of the store, the oldest first, this one with its present load.
func (e *Engine) Nodes(ctx context.Context) ([]peal.Node, error) {
	nodes, err := e.store.Nodes(ctx)
	for i := range nodes {
		if nodes[i].ID == e.Node() {
			nodes[i].Load = e.node.load()
		}
	}
	return nodes, err
}

// Kept returns the size of the store when this node last measured it, which it does every
// [Retention.Every]. It is zero before that, and on a node that leaves retention to another.
func (e *Engine) Kept() Kept { return e.maintenance.Kept() }

// Share waits until work of a kind may start for a tenant, on the same account as the engine's own.
// The caller calls leave after it. The error has code [peal.RateLimited] and names the limit.
//
// The processor's turn that ctx carries ends where the work is to wait, for others of its
// kind or for an endpoint.
func (e *Engine) Share(ctx context.Context, kind share.Kind, tenant string) (leave func(), err error) {
	if kind == share.Test || kind == share.Lookup {
		processor.Release(ctx)
	}
	return e.shares.Enter(ctx, kind, tenant)
}

// Stream waits until a live page of a tenant may start, and ends the processor's turn that
// ctx carries. The caller calls leave after it. The error has code [peal.RateLimited], and
// names [peal.QuotaStreams] where that is used up.
func (e *Engine) Stream(ctx context.Context, tenant string) (leave func(), err error) {
	processor.Release(ctx)
	settings, err := e.tenants.get(ctx, tenant)
	if err != nil {
		return nil, err
	}
	limit := e.options.Quotas.Of(tenant, settings.Quotas, peal.QuotaStreams)
	return e.shares.EnterUpTo(ctx, share.Stream, tenant, int(limit), func() error {
		refused := peal.QuotaStreams.Exceeded(int64(e.shares.InUse(share.Stream, tenant)), limit)
		e.metrics.refusals.Count(refused)
		return refused
	})
}

// historyStore is the part of the store that reads events and deliveries, for tests of webhooks,
// previews and retries by hand.
type historyStore interface {
	Events(ctx context.Context, query peal.EventQuery) ([]peal.Event, error)
	FilterErrors(ctx context.Context, tenant string, key peal.EventKey) ([]peal.FilterError, error)
	Delivery(ctx context.Context, tenant string, id peal.DeliveryID) (peal.Delivery, error)
	Deliveries(ctx context.Context, query peal.DeliveryQuery) ([]peal.Delivery, error)
}
