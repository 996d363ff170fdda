package match

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/internal/processor"
)

// The bounds of the programs of one request, in units of work.
const (
	// RequestWork is the limit for all programs of one request: about a second of a processor.
	RequestWork = 20_000_000
	// freeWork is the work of a request that needs no turn.
	freeWork = 32_000
	// turnTime is the maximum time of a turn while others may wait.
	turnTime  = 50 * time.Millisecond
	retryTurn = time.Second
)

// errSpent ends a run when the request has no work left.
var errSpent = errors.New("the programs of this request do too much work together")

// Purse pays for the programs of one request: the filters of all events published with one call, a
// preview, or the transform of an attempt. It also waits for a turn for long runs. A purse is not
// safe for concurrent use; [Purse.Close] releases its resources.
type Purse struct {
	ctx, stop context.Context
	tenant    string
	work      int // units left
	free      int // units left for which no turn is needed
	floor     int // units that a run may use in any case
	patient   bool

	inside bool            // holds a place for short runs
	turn   int             // bytes of the current turn; 0 without one
	slot   *processor.Turn // the processor's part of the current turn; nil before the first
	asked  bool            // whether its tenant is busy has been asked
	since  time.Time
	failed error
	meter  meter
	facts  *Facts // facts with decoded data, or nil
}

// NewPurse creates the purse of a request. Its programs end when ctx or stop ends.
func NewPurse(ctx, stop context.Context, tenant string) *Purse {
	return &Purse{ctx: ctx, stop: stop, tenant: tenant, work: RequestWork, free: freeWork}
}

// Patient makes the purse wait for a turn however many requests of its tenant are waiting. It is
// for work that no client can repeat.
func (p *Purse) Patient() *Purse {
	p.patient = true
	return p
}

// Guarantee lets each run use an equal share of the request's work for a number of programs, even
// if the purse is empty.
func (p *Purse) Guarantee(programs int) { p.floor = RequestWork / max(programs, 1) }

// Close releases the turn and the decoded data. The purse may be used again, in another turn.
func (p *Purse) Close() {
	if p.facts != nil {
		p.facts.forget()
		p.facts = nil
	}
	if p.inside {
		p.inside = false
		<-shared.short
	}
	if p.turn > 0 {
		shared.leave(p.turn)
		p.turn = 0
		p.slot.Leave()
	}
}

// Err returns the reason why no more programs of the request can run: the error of ctx or stop, too
// many requests, or no work left. It returns nil while they can run.
func (p *Purse) Err() error { return p.failed }

// spend deducts work done outside runs.
func (p *Purse) spend(units int) {
	p.work, p.free = max(p.work-units, 0), max(p.free-units, 0)
}

// Spent reports whether the programs of the request used up its work.
func (p *Purse) Spent() bool { return p.failed == errSpent }

// Used returns the work of the request's programs so far, in units.
func (p *Purse) Used() int { return RequestWork - p.work }

func (p *Purse) fail(err error) error {
	p.failed = err
	p.Close()
	return err
}

// run runs a program within a limit of work, on data with the given decoded size in bytes. It first
// runs without a turn and, if the free work does not suffice, again from the start with one,
// because nothing is kept while it waits. unread returns the price of decoding the data in units, 0
// if it is decoded.
func (p *Purse) run(limit, data int, timeout time.Duration, unread func() int, do func(m *meter) error) error {
	if p.failed != nil {
		return p.failed
	}
	need := limit*UnitBytes + data
	if need > longMemory {
		return errData
	}
	if !p.asked {
		p.asked = true
		if processor.Shared.IsBusy(processor.Tenant(p.tenant)) {
			p.free = 0
		}
	}
	for {
		reading := unread()
		allowed := min(limit, max(p.work-reading, p.floor))
		step := allowed
		if p.turn == 0 {
			step = min(allowed, p.free-reading)
		}
		if allowed <= 0 {
			return p.fail(errSpent)
		}
		if step > 0 {
			if entered, err := p.enter(need); err != nil {
				return p.fail(err)
			} else if !entered {
				continue // a new turn: the data must be decoded again
			}
			m := &p.meter
			m.reset(p.ctx, p.stop, step, timeout)
			if p.turn > 0 {
				m.turn = p.slot
			}
			err := do(m)
			used := max(step-m.work, int((timeout-time.Until(m.deadline))/unitTime)) + reading
			p.work, p.free = max(p.work-used, 0), max(p.free-used, 0)
			switch {
			case m.failed == nil || m.failed == errTime:
				return err
			case m.failed != errWork:
				return p.ended(m.failed, err)
			case step == limit:
				return err
			case step == allowed && p.floor > 0:
				return errShare
			case step == allowed:
				return p.fail(errSpent)
			}
		}
		p.free = 0
		p.Close()
		if err := p.waitTurn(need); err != nil {
			return p.fail(err)
		}
	}
}

var (
	// errShare ends a run that exceeds its share.
	errShare = peal.Fail(peal.Invalid, message.FiltersTooCostly)
	// errData refuses data that needs too much memory when decoded.
	errData = peal.Fail(peal.Invalid, message.EventUnreadable, message.TooManyEventValues.With())
)

// ended records the reason if a run was stopped from outside; other failures belong to the program.
func (p *Purse) ended(reason, err error) error {
	if p.ctx.Err() != nil || p.stop.Err() != nil {
		return p.fail(reason)
	}
	return err
}

// enter waits until a run may start. It reports false if that needed a new turn, which discards the
// decoded data.
func (p *Purse) enter(need int) (bool, error) {
	if p.turn > 0 {
		if p.turn >= need && time.Since(p.since) < turnTime {
			return true, nil
		}
		p.Close()
		return false, p.waitTurn(need)
	}
	if p.inside {
		return true, nil
	}
	select {
	case shared.short <- struct{}{}:
	case <-p.ctx.Done():
		return false, p.ctx.Err()
	case <-p.stop.Done():
		return false, p.stop.Err()
	}
	p.inside = true
	return true, nil
}

// waitTurn waits for a turn of the processor, and then for the given memory. It ends the turn of the
// request itself, which would wait for the program's otherwise.
func (p *Purse) waitTurn(bytes int) error {
	processor.Release(p.ctx)
	if p.slot == nil {
		p.slot = processor.Shared.Turn(processor.Tenant(p.tenant))
		if p.patient {
			p.slot.Patient()
		}
	}
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	defer context.AfterFunc(p.stop, cancel)()
	if err := p.slot.Enter(ctx); err != nil {
		if p.ctx.Err() == nil && p.stop.Err() != nil {
			return p.stop.Err()
		}
		return err
	}
	if err := shared.enter(p.ctx, p.stop, p.tenant, bytes, p.patient); err != nil {
		p.slot.Leave()
		return err
	}
	p.turn, p.since = bytes, time.Now()
	return nil
}

// The memory of all programs of the process, in bytes, including garbage of current runs.
const (
	// Short runs need no turn: at most shortRuns at a time, with freeWork units each.
	shortRuns = 16
	// longMemory is for runs with a turn: each reserves what it may allocate.
	longMemory = 64 << 20

	// MaxMemory is the maximum memory of all programs together, in bytes.
	MaxMemory = shortRuns*freeWork*UnitBytes + longMemory
)

// maxWaiting is the maximum number of requests of a tenant that wait for a turn.
const maxWaiting = 64

// gate shares the processors and the memory among the programs of all tenants. Short runs start at
// once. A longer one waits for a turn, and turns rotate among the tenants, however many runs each
// has.
type gate struct {
	short chan struct{}

	mu      sync.Mutex
	slots   int // turns that are free
	memory  int // bytes that are free for turns
	waiting map[string][]*waiter
	order   []string // the tenants in waiting, the next first
}

// waiter waits for a turn.
type waiter struct {
	bytes int
	ready chan struct{} // closed when the turn starts
}

// shared is the only gate of the process, because memory is shared by the process. A tenant that has
// used much lately needs a slot of [processor.Shared] too. There is one slot fewer, which leaves a
// turn to the others.
var shared = newGate(runtime.GOMAXPROCS(0))

func newGate(slots int) *gate {
	return &gate{
		short: make(chan struct{}, shortRuns), slots: slots, memory: longMemory, waiting: make(map[string][]*waiter),
	}
}

// enter waits for a turn with the given memory. leave ends it.
func (g *gate) enter(ctx, stop context.Context, tenant string, bytes int, patient bool) error {
	g.mu.Lock()
	if len(g.order) == 0 && g.slots > 0 && g.memory >= bytes {
		g.slots--
		g.memory -= bytes
		g.mu.Unlock()
		return nil
	}
	queue := g.waiting[tenant]
	if len(queue) >= maxWaiting && !patient {
		g.mu.Unlock()
		return peal.Fail(peal.RateLimited, message.ProgramsWaiting).RetryIn(retryTurn)
	}
	w := &waiter{bytes: bytes, ready: make(chan struct{})}
	if len(queue) == 0 {
		g.order = append(g.order, tenant)
	}
	g.waiting[tenant] = append(queue, w)
	g.mu.Unlock()
	var err error
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-stop.Done():
		err = stop.Err()
	}
	g.mu.Lock()
	select {
	case <-w.ready:
		g.slots++
		g.memory += bytes
	default:
		g.remove(tenant, w)
	}
	g.grant()
	g.mu.Unlock()
	return err
}

func (g *gate) leave(bytes int) {
	g.mu.Lock()
	g.slots++
	g.memory += bytes
	g.grant()
	g.mu.Unlock()
}

// grant starts turns of waiting requests, rotating among tenants. The caller holds mu.
func (g *gate) grant() {
	for len(g.order) > 0 && g.slots > 0 {
		tenant := g.order[0]
		queue := g.waiting[tenant]
		w := queue[0]
		if g.memory < w.bytes {
			return // a large request is not overtaken by smaller ones
		}
		g.slots--
		g.memory -= w.bytes
		close(w.ready)
		g.order = g.order[1:]
		if len(queue) == 1 {
			delete(g.waiting, tenant)
			continue
		}
		g.waiting[tenant] = queue[1:]
		g.order = append(g.order, tenant)
	}
}

// remove removes a waiter that was canceled. The caller holds mu.
func (g *gate) remove(tenant string, w *waiter) {
	queue := g.waiting[tenant]
	for i := range queue {
		if queue[i] == w {
			queue = append(queue[:i:i], queue[i+1:]...)
			break
		}
	}
	if len(queue) > 0 {
		g.waiting[tenant] = queue
		return
	}
	delete(g.waiting, tenant)
	for i := range g.order {
		if g.order[i] == tenant {
			g.order = append(g.order[:i:i], g.order[i+1:]...)
			break
		}
	}
}
