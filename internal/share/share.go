// Package share bounds what callers can have under way at once, beside deliveries: tests,
// previews, searches and so on. Of each kind there is a number for each tenant, and one for
// all of them. Who has its tenant's number under way is refused; who finds the number of all
// used up waits, and tenants take turns.
package share

import (
	"context"
	"sync"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/internal/processor"
)

// Kind is a kind of work that a caller can start.
type Kind string

// The kinds.
const (
	Test    Kind = "tests of webhooks"
	Preview Kind = "previews"
	Lookup  Kind = "look-ups of endpoints"
	Search  Kind = "searches"
	Count   Kind = "counts of replays"
	Export  Kind = "exports"
	Stream  Kind = "live pages"
)

// Bound limits the concurrent work of a kind. A Tenant of 0 stands for a quota of the tenant, for
// [Limiter.EnterUpTo].
type Bound struct {
	Kind        Kind
	Tenant, All int
}

// Bounds lists the bounds of all kinds.
func Bounds() []Bound {
	return []Bound{
		{Test, 4, 64}, {Preview, 2, 8}, {Lookup, 4, 32}, {Search, 4, 16}, {Count, 2, 8}, {Export, 2, 8}, {Stream, 0, 256},
	}
}

// patience is the longest time that a caller waits for its turn among all.
const patience = 5 * time.Second

// Limiter keeps to the bounds. It is safe for concurrent use.
type Limiter struct{ lines map[Kind]*line }

// New creates a limiter.
func New() *Limiter {
	l := &Limiter{lines: make(map[Kind]*line)}
	for _, bound := range Bounds() {
		l.lines[bound.Kind] = &line{Bound: bound, tenants: make(map[string]*tenant)}
	}
	return l
}

// Enter waits until work of a kind may start for a tenant ("" is a tenant like any other);
// the caller calls leave once after it. The error has code RateLimited and names the limit,
// or is that of ctx.
func (l *Limiter) Enter(ctx context.Context, kind Kind, name string) (leave func(), err error) {
	line := l.lines[kind]
	return line.enter(ctx, name, line.Tenant, func() error {
		return peal.Fail(peal.RateLimited, message.TenantUnderWay, line.Tenant, kind).RetryIn(time.Second)
	})
}

// EnterUpTo is Enter for a kind that is a quota: most is the tenant's limit, 0 for none, and
// excess the error beyond it.
func (l *Limiter) EnterUpTo(ctx context.Context, kind Kind, name string, most int, excess func() error) (leave func(), err error) {
	return l.lines[kind].enter(ctx, name, most, excess)
}

// InUse returns how much of a kind a tenant has under way or waiting.
func (l *Limiter) InUse(kind Kind, name string) int {
	line := l.lines[kind]
	line.mu.Lock()
	defer line.mu.Unlock()
	if t := line.tenants[name]; t != nil {
		return t.running + len(t.waiting)
	}
	return 0
}

// Running returns how much of a kind each tenant has under way or waiting.
func (l *Limiter) Running(kind Kind) map[string]int {
	line := l.lines[kind]
	line.mu.Lock()
	defer line.mu.Unlock()
	running := make(map[string]int, len(line.tenants))
	for name, t := range line.tenants {
		running[name] = t.running + len(t.waiting)
	}
	return running
}

// line is the work of one kind.
type line struct {
	Bound

	mu      sync.Mutex
	running int
	tenants map[string]*tenant // that have some
	turns   []*tenant          // that wait; the first one is next
}

type tenant struct {
	name    string
	running int
	waiting []chan struct{} // closed when it may start
}

func (l *line) enter(ctx context.Context, name string, most int, excess func() error) (func(), error) {
	l.mu.Lock()
	t := l.tenants[name]
	if t == nil {
		t = &tenant{name: name}
		l.tenants[name] = t
	}
	if most > 0 && t.running+len(t.waiting) >= most {
		l.mu.Unlock()
		return nil, excess()
	}
	if l.running < l.All && len(l.turns) == 0 {
		l.start(t)
		l.mu.Unlock()
		return l.leaver(t), nil
	}
	turn := make(chan struct{})
	if len(t.waiting) == 0 {
		l.turns = append(l.turns, t)
	}
	t.waiting = append(t.waiting, turn)
	l.mu.Unlock()
	return l.wait(ctx, t, turn)
}

func (l *line) wait(ctx context.Context, t *tenant, turn chan struct{}) (func(), error) {
	processor.Release(ctx)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	var err error
	select {
	case <-turn:
		return l.leaver(t), nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
		err = peal.Fail(peal.RateLimited, message.ServerUnderWay, l.All, l.Kind).RetryIn(patience)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, waiting := range t.waiting {
		if waiting == turn {
			t.waiting = append(t.waiting[:i], t.waiting[i+1:]...)
			l.tidy(t)
			return nil, err
		}
	}
	return l.leaver(t), nil // its turn came in this moment
}

// start counts work that starts. The caller has mu, as in the other methods below.
func (l *line) start(t *tenant) {
	l.running++
	t.running++
}

func (l *line) leaver(t *tenant) func() {
	return sync.OnceFunc(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.running--
		t.running--
		l.next()
		l.tidy(t)
	})
}

// next starts the callers who are next.
func (l *line) next() {
	for l.running < l.All && len(l.turns) > 0 {
		t := l.turns[0]
		l.turns = l.turns[1:]
		close(t.waiting[0])
		t.waiting = t.waiting[1:]
		l.start(t)
		if len(t.waiting) > 0 {
			l.turns = append(l.turns, t) // behind the others
		}
	}
}

// tidy forgets a tenant that has nothing.
func (l *line) tidy(t *tenant) {
	if len(t.waiting) > 0 {
		return
	}
	for i, other := range l.turns {
		if other == t {
			l.turns = append(l.turns[:i], l.turns[i+1:]...)
			break
		}
	}
	if t.running == 0 {
		delete(l.tenants, t.name)
	}
}
