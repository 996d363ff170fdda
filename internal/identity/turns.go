package identity

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
)

// The bounds of concurrent and waiting computations.
const (
	mostHashing = 4   // concurrent; each needs the memory of [Cost]
	mostTurns   = 128 // waiting
	turnsOfOne  = 16  // waiting for one address
)

// turns limits the concurrent computation of hashes. Turns rotate among addresses, so that an
// address with many requests does not delay others.
type turns struct {
	mu      sync.Mutex
	free    int
	waiting map[netip.Prefix][]chan struct{}
	order   []netip.Prefix // waiting addresses, the next one first
	count   int
}

func newTurns(most int) *turns {
	return &turns{free: most, waiting: make(map[netip.Prefix][]chan struct{})}
}

// take waits for a turn of an address; release ends it. The error has code [peal.RateLimited] if
// too many are waiting.
func (t *turns) take(ctx context.Context, address netip.Prefix) error {
	t.mu.Lock()
	if t.free > 0 {
		t.free--
		t.mu.Unlock()
		return nil
	}
	mine := t.waiting[address]
	if t.count == mostTurns || len(mine) == turnsOfOne {
		t.mu.Unlock()
		return peal.Fail(peal.RateLimited, message.TooManySignIns).RetryIn(2 * time.Second)
	}
	turn := make(chan struct{})
	if len(mine) == 0 {
		t.order = append(t.order, address)
	}
	t.waiting[address] = append(mine, turn)
	t.count++
	t.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.leave(address, turn) {
		t.pass() // the turn was granted at the same time
	}
	return ctx.Err()
}

// leave removes a waiter from its queue. It returns false if the turn was granted. The caller holds
// the mutex.
func (t *turns) leave(address netip.Prefix, turn chan struct{}) bool {
	mine := t.waiting[address]
	for i := range mine {
		if mine[i] == turn {
			t.keep(address, append(mine[:i:i], mine[i+1:]...))
			return true
		}
	}
	return false
}

// keep replaces the queue of an address and removes an address without a queue from the order. The
// caller holds the mutex.
func (t *turns) keep(address netip.Prefix, queue []chan struct{}) {
	t.count += len(queue) - len(t.waiting[address])
	if len(queue) > 0 {
		t.waiting[address] = queue
		return
	}
	delete(t.waiting, address)
	for i := range t.order {
		if t.order[i] == address {
			t.order = append(t.order[:i], t.order[i+1:]...)
			return
		}
	}
}

// release ends a turn.
func (t *turns) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pass()
}

// pass grants a turn to the next address. The caller holds the mutex.
func (t *turns) pass() {
	if len(t.order) == 0 {
		t.free++
		return
	}
	address := t.order[0]
	t.order = append(t.order[1:], address)
	queue := t.waiting[address]
	close(queue[0])
	t.keep(address, queue[1:])
}
