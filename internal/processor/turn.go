package processor

import (
	"context"
	"sync"
	"time"
)

// Turn is the work of one request or of one program. Its methods are safe for concurrent
// use; those of a nil Turn do nothing. Nobody waits for another turn, an endpoint, a client
// or a lock of long standing while it has one.
type Turn struct {
	of      *Processor
	holder  Holder
	patient bool

	mu       sync.Mutex
	account  *account // nil while it is not under way
	withSlot bool
	since    time.Time
}

// Turn returns a turn of a holder that has not started.
func (p *Processor) Turn(h Holder) *Turn { return &Turn{of: p, holder: h} }

// Patient lets the turn wait however many others of its holder wait, and for as long as it
// takes: for what nobody can ask for again.
func (t *Turn) Patient() *Turn {
	t.patient = true
	return t
}

// Enter waits until the work may start. It returns at once if it has started. The error has code
// [peal.RateLimited] if too much work of the holder waits or its turn does not come in time, or is
// that of ctx.
func (t *Turn) Enter(ctx context.Context) error {
	if t == nil || t.holder == (Holder{}) {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.account != nil {
		return nil
	}
	account, withSlot, err := t.of.enter(ctx, t.holder, t.patient)
	if err != nil {
		return err
	}
	t.account, t.withSlot, t.since = account, withSlot, time.Now()
	return nil
}

// Leave ends the work, or interrupts it until the next Enter, and charges what it took.
func (t *Turn) Leave() { t.LeaveAt(0) }

// LeaveAt is like Leave, but charges at least price, for work that was partly done before its turn.
func (t *Turn) LeaveAt(price time.Duration) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.account == nil {
		return
	}
	took := max(time.Since(t.since), price)
	t.of.mu.Lock()
	t.of.end(t.account, t.withSlot, took)
	t.of.mu.Unlock()
	t.account = nil
}

// Breathe is called every few milliseconds by work that takes long. It returns after as
// long as the slot has to rest, if the work has one, and returns how long that was.
func (t *Turn) Breathe() (rested time.Duration) {
	if t == nil {
		return 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.account == nil || !t.withSlot {
		return 0
	}
	now := time.Now()
	t.of.mu.Lock()
	rested = t.of.pressure.rest(now.Sub(t.since), now)
	t.of.charge(t.account, now.Sub(t.since), now)
	t.of.mu.Unlock()
	time.Sleep(rested)
	t.since = time.Now()
	return rested
}

type turnKey struct{}

// With returns a context that carries a turn, for [Release].
func With(ctx context.Context, t *Turn) context.Context {
	return context.WithValue(ctx, turnKey{}, t)
}

// Release ends the turn that a context carries, if any. A function that is about to wait
// calls it so that others need not wait too. The little work after the wait needs no turn.
func Release(ctx context.Context) {
	if t, ok := ctx.Value(turnKey{}).(*Turn); ok {
		t.Leave()
	}
}
