// Package processor shares the processors of the machine between those who ask for work:
// tenants, and the addresses of strangers. Pages, requests of the API other than a publish,
// long programs and passwords all take their turns here, so that kinds of work which are
// bounded one by one do not add up to all of the machine.
//
// Each holder has an account of the time that its work took lately. Who has used little enters at
// once. Everybody else needs one of the slots, of which there is one fewer than processors: one
// always stays free for publishing and short work. Of the callers that wait for a slot, the one
// that has used least is next.
//
// A machine has other work too, and a slot may be more than what it leaves. So the slots
// rest after each piece of work, for longer the longer goroutines have to wait for a
// processor: see pressure.
package processor

import (
	"context"
	"math"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
)

// The bounds of a [Processor].
const (
	// HalfLife is the time after which half of what a holder used is forgotten.
	HalfLife = time.Second
	// Free is the account below which a holder needs no slot. Who uses less than 7 % of
	// one processor all the time stays below it.
	Free = 100 * time.Millisecond
	// FreeEach and FreeAll are the numbers of pieces of work that may run at once without a
	// slot, for each holder and for each processor.
	FreeEach, FreeAll = 2, 4
	// MaxWaiting is the number of waiting pieces of work of one holder, and MaxWaitingAll of all.
	MaxWaiting, MaxWaitingAll = 64, 1024
	// Patience is the longest wait of a piece of work for its turn.
	Patience = 10 * time.Second

	retryAfter = time.Second
	// strangersFree is the account of all strangers together from which each of them needs a slot.
	strangersFree = 4 * Free
	// maxAccounts is the number of accounts from which those without debt are removed.
	maxAccounts = 4096
)

// Holder is the party that work is charged to: a tenant, or the address of an unknown
// caller. The zero Holder is the operator and the server itself, which never wait.
type Holder struct {
	Tenant  string
	Address netip.Prefix
}

// Background is the holder of the server's own work for all tenants: retention, the search index and
// the deletion of tenants. It takes turns like a tenant, and has no tenant's name.
var Background = Holder{Tenant: "(background)"}

// Tenant returns the holder for a tenant; the zero Holder for "".
func Tenant(name string) Holder { return Holder{Tenant: name} }

// Address returns the holder for the network address of a stranger.
func Address(network netip.Prefix) Holder { return Holder{Address: network} }

// Shared is that of the process, as its processors are.
var Shared = New(runtime.GOMAXPROCS(0), schedulerLatency())

// Processor shares a number of processors. It is safe for concurrent use.
type Processor struct {
	pressure pressure
	// calm is when the last holder that was busy is so no more, in nanoseconds of Unix time.
	calm atomic.Int64

	mu        sync.Mutex
	slots     int // that are free
	free      int // how much more may be under way without a slot
	waiting   int
	accounts  map[Holder]*account
	strangers account    // of all of them together
	queue     []*account // that have work waiting, in no order
}

// account records the time that a holder used. The lock of its processor guards it.
type account struct {
	holder  Holder
	used    time.Duration // as of at
	at      time.Time
	free    int // pieces of work under way without a slot
	running int // all pieces of work under way
	waiting []*waiter
}

// waiter is a piece of work that waits.
type waiter struct {
	ready    chan struct{} // closed when it may start
	withSlot bool          // it has a slot; set before ready is closed
}

// New returns a processor that shares a number of them. latency returns how long the
// slowest hundredth of goroutines has waited for a processor since it was last called.
func New(processors int, latency func() time.Duration) *Processor {
	return &Processor{slots: max(1, processors-1), free: FreeAll * processors, accounts: make(map[Holder]*account), pressure: pressure{latency: latency}}
}

// IsBusy reports whether a holder has used so much lately that it needs a slot. Where
// nobody has, it costs a look at the clock.
func (p *Processor) IsBusy(h Holder) bool {
	now := time.Now()
	if h == (Holder{}) || now.UnixNano() >= p.calm.Load() {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.accounts[h]
	return a != nil && p.isBusy(a, now)
}

// isBusy is IsBusy of an account. The caller holds mu, as in the methods below.
func (p *Processor) isBusy(a *account, now time.Time) bool {
	return a.left(now) > Free || a.holder.Address.IsValid() && p.strangers.left(now) > strangersFree
}

// left returns the part of the use that has not decayed yet.
func (a *account) left(now time.Time) time.Duration {
	if a.used == 0 {
		return 0
	}
	return time.Duration(float64(a.used) * math.Exp2(-float64(max(now.Sub(a.at), 0))/float64(HalfLife)))
}

func (a *account) charge(d time.Duration, now time.Time) { a.used, a.at = a.left(now)+d, now }

// of returns the account of a holder.
func (p *Processor) of(h Holder, now time.Time) *account {
	a := p.accounts[h]
	if a != nil {
		return a
	}
	if len(p.accounts) >= maxAccounts {
		p.forget(now)
	}
	a = &account{holder: h}
	p.accounts[h] = a
	return a
}

// forget drops the accounts that are as good as new, and some other idle ones where that
// does not make room.
func (p *Processor) forget(now time.Time) {
	for h, a := range p.accounts {
		if a.running == 0 && len(a.waiting) == 0 && a.left(now) < Free/100 {
			delete(p.accounts, h)
		}
	}
	for h, a := range p.accounts {
		if len(p.accounts) < maxAccounts/2 {
			return
		}
		if a.running == 0 && len(a.waiting) == 0 {
			delete(p.accounts, h)
		}
	}
}

// start starts a piece of work if there is room. It reports whether it did, and whether the work
// has a slot.
func (p *Processor) start(a *account, now time.Time) (started, withSlot bool) {
	switch {
	case !p.isBusy(a, now) && a.free < FreeEach && p.free > 0:
		p.free--
		a.free++
	case p.slots > 0:
		p.slots--
		withSlot = true
	default:
		return false, false
	}
	a.running++
	return true, withSlot
}

// end counts a piece of work that ends, which took some time that is not charged yet.
func (p *Processor) end(a *account, withSlot bool, took time.Duration) {
	now := time.Now()
	a.running--
	rest := time.Duration(0)
	switch {
	case !withSlot:
		p.free++
		a.free--
	default:
		if rest = p.pressure.rest(took, now); rest == 0 {
			p.slots++
			break
		}
		time.AfterFunc(rest, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.slots++
			p.grant(time.Now())
		})
	}
	p.charge(a, took, now)
	p.grant(now)
}

// charge adds what a piece of work took to the account of its holder.
func (p *Processor) charge(a *account, took time.Duration, now time.Time) {
	a.charge(took, now)
	limit, used := Free, a.used
	if a.holder.Address.IsValid() {
		p.strangers.charge(took, now)
		if p.strangers.used > strangersFree {
			limit, used = strangersFree, max(used, p.strangers.used)
		}
	}
	if used > limit {
		calm := now.Add(time.Duration(math.Log2(float64(used)/float64(limit)) * float64(HalfLife))).UnixNano()
		p.calm.Store(max(p.calm.Load(), calm))
	}
}

// grant starts waiting work while there is room; the holder that has used least is first.
func (p *Processor) grant(now time.Time) {
	for len(p.queue) > 0 {
		next := 0
		for i := range p.queue {
			if p.queue[i].left(now) < p.queue[next].left(now) {
				next = i
			}
		}
		a := p.queue[next]
		started, withSlot := p.start(a, now)
		if !started {
			return
		}
		w := a.waiting[0]
		p.remove(a, 0)
		w.withSlot = withSlot
		close(w.ready)
	}
}

// remove takes the i-th waiting piece of work out of an account.
func (p *Processor) remove(a *account, i int) {
	a.waiting = append(a.waiting[:i], a.waiting[i+1:]...)
	p.waiting--
	if len(a.waiting) > 0 {
		return
	}
	for i := range p.queue {
		if p.queue[i] == a {
			p.queue = append(p.queue[:i], p.queue[i+1:]...)
			return
		}
	}
}

// enter waits until a piece of work may start. Patient work waits regardless of the number
// of others, and without a time limit.
func (p *Processor) enter(ctx context.Context, h Holder, patient bool) (a *account, withSlot bool, err error) {
	now := time.Now()
	p.mu.Lock()
	a = p.of(h, now)
	if len(a.waiting) == 0 { // else those come first
		if started, withSlot := p.start(a, now); started {
			p.mu.Unlock()
			return a, withSlot, nil
		}
	}
	if !patient && (len(a.waiting) >= MaxWaiting || p.waiting >= MaxWaitingAll && len(a.waiting) > 0) {
		p.mu.Unlock()
		return nil, false, tooMuch(h)
	}
	w := &waiter{ready: make(chan struct{})}
	if len(a.waiting) == 0 {
		p.queue = append(p.queue, a)
	}
	a.waiting = append(a.waiting, w)
	p.waiting++
	p.mu.Unlock()
	if err := p.wait(ctx, a, w, patient); err != nil {
		return nil, false, err
	}
	return a, w.withSlot, nil
}

func (p *Processor) wait(ctx context.Context, a *account, w *waiter, patient bool) (err error) {
	var late <-chan time.Time
	if !patient {
		timer := time.NewTimer(Patience)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-late:
		err = tooMuch(a.holder)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range a.waiting {
		if a.waiting[i] == w {
			p.remove(a, i)
			return err
		}
	}
	p.end(a, w.withSlot, 0) // its turn came in this moment
	return err
}

func tooMuch(h Holder) error {
	whose := message.TurnsOfTenant
	if h.Address.IsValid() {
		whose = message.TurnsOfAddress
	}
	return peal.Fail(peal.RateLimited, whose).RetryIn(retryAfter)
}
