package match

import (
	"context"
	"errors"
	"time"

	"github.com/pealhq/peal"
)

// The bounds of the programs of one request, in units of work.
const (
	// RequestWork is for all programs of one request: about a second of a processor.
	RequestWork = 20_000_000
	// freeWork is what a request may use before it has to wait for a turn.
	freeWork = 32_000
	// turnTime is how long a request keeps its turn while others may wait.
	turnTime  = 50 * time.Millisecond
	retryTurn = time.Second
)

// errSpent ends a run for which the request has no work left.
var errSpent = errors.New("the programs of this request do too much work together")

// Purse pays for the programs of one request: the filters of all events that are
// published with one call, a preview, or the transform of an attempt. It also waits for
// their turn where they take long. A purse is for one goroutine; [Purse.Close] ends it.
type Purse struct {
	ctx, stop context.Context
	tenant    string
	work      int // units left
	free      int // units left for which no turn is needed
	floor     int // units that a run may use in any case
	patient   bool

	inside bool // it is in the gate for a short run
	turn   int  // bytes of the turn that it has; 0 without one
	since  time.Time
	failed error
	meter  meter
	facts  *Facts // what was read for its filters; nil when there is none
}

// NewPurse returns the purse of a request. Its programs end when ctx or stop does.
func NewPurse(ctx, stop context.Context, tenant string) *Purse {
	return &Purse{ctx: ctx, stop: stop, tenant: tenant, work: RequestWork, free: freeWork}
}

// Patient lets the purse wait for its turn however many others of its tenant wait: for
// what nobody can ask for again.
func (p *Purse) Patient() *Purse {
	p.patient = true
	return p
}

// Guarantee lets each run use some work even when the purse is empty: the part of the
// request's work that falls to each of a number of programs.
func (p *Purse) Guarantee(programs int) { p.floor = RequestWork / max(programs, 1) }

// Close ends what the purse holds. It may be used again, in another turn.
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
	}
}

// Err is why no more programs of the request can run: its context's or its stop's
// error, that there are too many requests, or that there is no work left; nil while they can.
func (p *Purse) Err() error { return p.failed }

// spend takes work that is no run.
func (p *Purse) spend(units int) {
	p.work, p.free = max(p.work-units, 0), max(p.free-units, 0)
}

// Spent reports whether the request ended because its programs did too much together.
func (p *Purse) Spent() bool { return p.failed == errSpent }

// Used returns the units of work that the programs of the request have done so far.
func (p *Purse) Used() int { return RequestWork - p.work }

func (p *Purse) fail(err error) error {
	p.failed = err
	p.Close()
	return err
}

// run lets a program work within a limit on data that takes some bytes once it is read:
// first without a turn, and again from the start with one when that did not suffice, for
// nothing is held while it waits. unread returns the units that reading the data costs,
// 0 when it is there already.
func (p *Purse) run(limit, data int, timeout time.Duration, unread func() int, do func(m *meter) error) error {
	if p.failed != nil {
		return p.failed
	}
	need := limit*UnitBytes + data
	if need > longMemory {
		return errData
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
				continue // the turn was another one: the data has to be read again
			}
			m := &p.meter
			m.reset(p.ctx, p.stop, step, timeout)
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
		if err := p.wait(need); err != nil {
			return p.fail(err)
		}
	}
}

var (
	// errShare ends a run that would do more than falls to it.
	errShare = peal.Errorf(peal.Invalid, "does more work than its part of what one request may cost: there are many filters, and they do too much together")
	// errData refuses data that takes too much memory once it is read.
	errData = peal.Errorf(peal.Invalid, "cannot read the event's data: it has too many values")
)

// ended keeps the reason why a run was stopped from outside; other failures are the program's own.
func (p *Purse) ended(reason, err error) error {
	if p.ctx.Err() != nil || p.stop.Err() != nil {
		return p.fail(reason)
	}
	return err
}

// enter makes sure that a run may begin. It reports false when the purse had to take
// another turn for that, which loses what was read.
func (p *Purse) enter(need int) (bool, error) {
	if p.turn > 0 {
		if p.turn >= need && time.Since(p.since) < turnTime {
			return true, nil
		}
		p.Close()
		return false, p.wait(need)
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

// wait waits for a turn with some memory.
func (p *Purse) wait(bytes int) error {
	if err := shared.enter(p.ctx, p.stop, p.tenant, bytes, p.patient); err != nil {
		return err
	}
	p.turn, p.since = bytes, time.Now()
	return nil
}
