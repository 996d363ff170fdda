package dispatch

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/egress"
	"github.com/pealhq/peal/internal/maintenance"
	"github.com/pealhq/peal/internal/match"
	"github.com/pealhq/peal/internal/share"
)

// Engine takes events and delivers them. Make one with [New]; it is safe for
// concurrent use. Engines on one store, in one process or several, are its nodes.
type Engine struct {
	store   peal.Store
	options Options
	log     *slog.Logger
	client  *egress.Client
	tokens  *egress.Tokens
	clock   *clock
	metrics *metrics
	tracer  *tracer // nil when nothing is traced
	tenants *tenantSettings
	schemas match.Schemas

	admission *admission

	scheduler *scheduler
	ledger    *ledger
	health    *healthKeeper
	upkeep    *maintenance.Maintenance
	replays   *replayer
	member    *member
	hints     *hints
	shares    *share.Limiter

	routes    atomic.Pointer[routes]
	hooks     hooks
	refreshMu sync.Mutex // one refresh at a time

	state      atomic.Int32
	publishers sync.WaitGroup // inserts under way, which must end before the last release
	gate       sync.RWMutex   // guards the step from taking publishers to stopping
	attempts   sync.WaitGroup // workers
	hard       context.Context
	kill       context.CancelFunc // ends the requests in flight

	stopping     context.Context // ends when the engine begins to stop, and with it what others asked for
	stopPrograms context.CancelFunc
	filters      *filterWatch
}

// What an engine is doing.
const (
	stateNew int32 = iota
	stateRunning
	stateStopped
)

// New makes an engine. Nothing is sent before [Engine.Run]; what is published
// before is committed and waits. The error has code [peal.Invalid] and names the
// option.
func New(store peal.Store, options Options) (*Engine, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	options = options.withDefaults()
	options.Formats = allFormats(options.Formats)
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
		store: store, options: options, log: options.Log, client: client, tokens: egress.NewTokens(client),
		clock: newClock(options.Now), scheduler: newScheduler(options), hints: newHints(), shares: share.New(),
	}
	if e.metrics, err = newMetrics(e.scheduler, options.Metrics); err != nil {
		return nil, &peal.Error{Code: peal.Invalid, Field: "Metrics", Message: "takes no metrics of an engine", Err: err}
	}
	e.tracer = newTracer(options.Trace)
	e.tenants = &tenantSettings{store: store, log: options.Log}
	e.admission = newAdmission(store, e.tenants, options.Quotas)
	e.ledger = newLedger(store, options.Log)
	e.ledger.node, e.ledger.due, e.ledger.metrics = e.Node, e.clock.due, e.metrics
	e.ledger.settled, e.ledger.stall = e.settled, e.scheduler.stall
	e.health = newHealthKeeper(e)
	if options.Metrics != nil {
		if err := options.Metrics.Register(newBacklogCollector(store)); err != nil {
			return nil, &peal.Error{Code: peal.Invalid, Field: "Metrics", Message: "takes no metrics of the backlog", Err: err}
		}
	}
	e.replays = newReplayer(e)
	if e.member, err = newMember(e); err != nil {
		return nil, &peal.Error{Code: peal.Invalid, Field: "Metrics", Message: "takes no metrics of a node", Err: err}
	}
	e.upkeep, err = maintenance.New(store, maintenance.Options{
		Retention: options.Retention, Search: options.Search, IsFirst: e.member.isFirst, Now: e.clock.aged, Log: options.Log, Metrics: options.Metrics,
	})
	if err != nil {
		return nil, &peal.Error{Code: peal.Invalid, Field: "Metrics", Message: "could not register the metrics of maintenance", Err: err}
	}
	e.hard, e.kill = context.WithCancel(context.Background())
	e.stopping, e.stopPrograms = context.WithCancel(context.Background())
	e.filters = newFilterWatch(e.log, e.health.problem)
	return e, nil
}

// Node is the engine's id among the nodes of its store: another one each time that it
// registers.
func (e *Engine) Node() peal.NodeID { return *e.member.node.Load() }

// Run delivers until ctx ends, and then stops: it begins no more requests, gives
// those in flight StopGrace to end, writes down what they came to, and lets go of
// everything it holds, so that the next process goes on with it. It returns nil
// after such a stop, and an error when the store cannot be read at the start or
// when the engine has run before.
func (e *Engine) Run(ctx context.Context) error {
	if !e.state.CompareAndSwap(stateNew, stateRunning) {
		return peal.Errorf(peal.Conflict, "an engine runs only once: make a new one")
	}
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	var helpers sync.WaitGroup
	helpers.Go(func() { e.ledger.run() })
	helpers.Go(func() { e.health.run() })
	err := e.begin(ctx)
	if err == nil {
		helpers.Go(func() { e.member.run(work) })
		helpers.Go(func() { e.watch(work) })
		helpers.Go(func() { e.hint(work) })
		for range refillers {
			helpers.Go(func() { e.refiller(work) })
		}
		helpers.Go(func() { e.replays.run(ctx) })
		helpers.Go(func() { e.upkeep.Run(ctx) })
		e.attempts.Go(e.soloist)
		e.scheduler.begin(func() { e.attempts.Go(e.worker) })
		e.loop(ctx)
	}
	e.stop()
	e.ledger.finish()
	e.ledger.wait()
	stopWork()
	e.health.finish()
	helpers.Wait()
	e.client.Close()
	e.letGo()
	if err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// begin registers, takes over what dead processes held and learns what waits in the
// store.
func (e *Engine) begin(ctx context.Context) error {
	if err := e.Refresh(ctx); err != nil {
		return err
	}
	if err := e.member.register(ctx); err != nil {
		return err
	}
	if err := e.member.takeOver(ctx); err != nil {
		return err
	}
	return e.syncDue(ctx)
}

// loop wakes lanes when the store's deliveries for them are due, and keeps the
// slow attempts apart.
func (e *Engine) loop(ctx context.Context) {
	sort := time.NewTimer(slowAfter / 4)
	defer sort.Stop()
	sync := time.NewTicker(e.options.DueSync)
	defer sync.Stop()
	due := time.NewTimer(time.Hour)
	defer due.Stop()
	for sorting := false; ; {
		now := e.clock.due()
		if next := e.scheduler.callDue(now); next.IsZero() {
			due.Stop()
		} else {
			due.Reset(next.Sub(now))
		}
		if !sorting { // it looks at every attempt in flight: not at each nudge
			if sorting = e.scheduler.sortSlow(); sorting {
				sort.Reset(slowAfter / 4)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-sort.C:
			sorting = false
		case <-sync.C:
			if err := e.resync(ctx); err != nil && ctx.Err() == nil {
				e.log.Warn("cannot ask the store what is due; trying again", "error", err)
			}
		case <-e.member.work:
			if err := e.syncDue(ctx); err != nil && ctx.Err() == nil {
				e.log.Warn("cannot ask the store what is due; trying again", "error", err)
			}
		case <-due.C:
		case <-e.scheduler.nudge:
		}
	}
}

func (e *Engine) resync(ctx context.Context) error {
	if err := e.Refresh(ctx); err != nil {
		return err
	}
	return e.syncDue(ctx)
}

// syncDue learns from the store which webhooks have deliveries that nobody holds.
func (e *Engine) syncDue(ctx context.Context) error {
	const page = 1000
	var after peal.WebhookID
	for {
		dues, err := e.store.Due(ctx, after, page)
		if err != nil {
			return err
		}
		now := e.clock.due()
		for _, d := range dues {
			h := e.hooks.get(d.WebhookID)
			if h == nil {
				continue
			}
			early, err := e.advance(ctx, h, &d, now)
			if err != nil {
				return err
			}
			if early.Before(d.Due) {
				d.Due = early
			}
			e.scheduler.owe(h, d.Due, now)
		}
		if len(dues) < page {
			return nil
		}
		after = dues[len(dues)-1].WebhookID
	}
}

// advanceBatch is how many due times are advanced at once.
const advanceBatch = 1000

// advance makes deliveries due within what the webhook's policy, or an endpoint's
// Retry-After, can ask for. Others were written by a clock that was ahead, or under another
// policy: without this they would wait for as long as it was. It returns the earliest time
// at which one of them is due now.
func (e *Engine) advance(ctx context.Context, h *hook, due *peal.DueWebhook, now time.Time) (early time.Time, err error) {
	longest := h.policy.Longest()
	latest := now.Add(max(longest, peal.MaxRetryAfter) + advanceSlack)
	if !due.Latest.After(latest) {
		return due.Due, nil
	}
	retry, total := now.Add(longest), 0
	for {
		n, err := e.store.AdvanceDue(ctx, h.ID, latest, now, retry, advanceBatch)
		if err != nil {
			return due.Due, err
		}
		if total += n; n < advanceBatch {
			break
		}
	}
	if total > 0 {
		e.log.Warn("retries were due later than the policy allows, as after a clock that was ahead; they are due earlier now", "webhook", h.ID, "deliveries", total)
	}
	return now, nil // or there is nothing: a claim finds out
}

// advanceSlack is by how much the clocks of several nodes may differ.
const advanceSlack = time.Minute

// stop ends publishing and sending.
func (e *Engine) stop() {
	e.gate.Lock()
	e.state.Store(stateStopped)
	e.gate.Unlock()
	e.stopPrograms()
	e.handOver(e.scheduler.stop())
	ended := make(chan struct{})
	go func() {
		e.publishers.Wait()
		e.attempts.Wait()
		close(ended)
	}()
	grace := time.NewTimer(e.options.StopGrace)
	defer grace.Stop()
	select {
	case <-ended:
	case <-grace.C:
		e.log.Warn("requests still in flight are broken off; their deliveries are sent again")
		e.kill()
		<-ended
	}
	e.kill()
}

// handOver lets others go on with what waits in this node's memory, while the
// requests under way still have their time.
func (e *Engine) handOver(ids []peal.DeliveryID) {
	if len(ids) == 0 || e.options.Alone {
		return // let go of with all the rest, in one step
	}
	e.ledger.release(ids, func() { e.announce(peal.Signal{Kind: peal.SignalWork}) })
}

// letGo ends the registration and lets go of what this node still holds. When that
// fails others take it over all the same, so it is worth one try with a bound.
func (e *Engine) letGo() {
	ctx, cancel := context.WithTimeout(context.Background(), letGoTime)
	defer cancel()
	if err := e.store.LeaveNode(ctx, e.Node()); err != nil {
		e.log.Warn("cannot let go of the deliveries held; others take them over", "error", err)
	}
}

const letGoTime = 10 * time.Second

// release releases what lanes had in memory and may not send.
func (e *Engine) release(removed ...removal) {
	for _, r := range removed {
		e.ledger.release(r.ids, func() {
			if e.scheduler.released(r.lane) {
				e.isWaitingFor(r.lane.id)
			}
		})
	}
}

var errStopping = &peal.Error{Code: peal.Unavailable, Message: "Peal is stopping; publish again in a moment", RetryAfter: time.Second}

var errNotRunning = &peal.Error{Code: peal.Unavailable, Message: "the engine does not run"}

// Ready reports whether events are taken and sent: nil, or the reason why not.
func (e *Engine) Ready(ctx context.Context) error {
	if e.state.Load() != stateRunning || e.routes.Load() == nil {
		return errNotRunning
	}
	if e.scheduler.context().Err() != nil {
		return errFenced
	}
	return e.store.Ping(ctx)
}

// enter begins a publish; the caller calls e.publishers.Done after it.
func (e *Engine) enter() error {
	e.gate.RLock()
	defer e.gate.RUnlock()
	if e.state.Load() == stateStopped {
		return errStopping
	}
	e.publishers.Add(1)
	return nil
}

func isStale(err error) bool { return errors.Is(err, peal.ErrStaleRoutes) }

func isFenced(err error) bool { return errors.Is(err, peal.ErrFenced) }
