package match

import (
	"context"
	"runtime"
	"sync"

	"github.com/pealhq/peal"
)

// The memory that all programs of the process may take together, in bytes, garbage of
// the runs in progress included: [MaxMemory] is their sum.
const (
	// Short runs need no turn: at most shortRuns at a time, of freeWork units each.
	shortRuns = 16
	// longMemory is for the runs that have a turn: each takes what it may allocate.
	longMemory = 64 << 20

	// MaxMemory is the most memory that programs take together.
	MaxMemory = shortRuns*freeWork*UnitBytes + longMemory
)

// maxWaiting is how many requests of a tenant may wait for a turn.
const maxWaiting = 64

// gate shares the processors and the memory between the programs of all tenants. Short
// runs pass at once. A longer one waits for a turn; tenants have theirs one after the
// other, whatever the number of their runs.
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
	ready chan struct{} // closed when it has its turn
}

// shared is the gate of the process, as its memory is.
var shared = newGate(max(1, runtime.GOMAXPROCS(0)-1))

func newGate(slots int) *gate {
	return &gate{
		short: make(chan struct{}, shortRuns), slots: slots, memory: longMemory, waiting: make(map[string][]*waiter),
	}
}

// enter waits for a turn with some memory. leave ends it.
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
		return &peal.Error{
			Code: peal.RateLimited, RetryAfter: retryTurn,
			Message: "too many filters and transforms of this tenant are waiting for their turn; try again, or simplify them",
		}
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

// grant gives turns to those who wait, a tenant after the other. The caller holds mu.
func (g *gate) grant() {
	for len(g.order) > 0 && g.slots > 0 {
		tenant := g.order[0]
		queue := g.waiting[tenant]
		w := queue[0]
		if g.memory < w.bytes {
			return // whoever needs much gets it before those behind
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

// remove takes a waiter out who gives up. The caller holds mu.
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
