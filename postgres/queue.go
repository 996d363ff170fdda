package postgres

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/internal/turns"
)

// call is a caller's work that waits to be written.
type call[T any] struct {
	ctx         context.Context
	work        T
	tenant      string // of the events that it inserts; "" for any other call
	rows, bytes int
	call        turns.Call
	taken       atomic.Bool // by a writer, or by a caller that stopped waiting
	done        chan error  // gets the answer; has room for it
}

// queue holds calls for the writers, in order. Tenants take turns.
type queue[T any] struct {
	mu     sync.Mutex
	wake   sync.Cond
	calls  []*call[T]
	turns  turns.Turns
	closed bool
}

func newQueue[T any](limit, most int) *queue[T] {
	q := &queue[T]{turns: turns.Turns{Calls: limit, Bytes: most}}
	q.wake.L = &q.mu
	return q
}

// submit queues a call and waits for its answer. It waits for a call that a writer has started even
// when the context ends: the writer reads memory of the caller.
func (q *queue[T]) submit(c *call[T]) error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	c.done = make(chan error, 1)
	if err := q.put(c); err != nil {
		return err
	}
	select {
	case err := <-c.done:
		return err
	case <-c.ctx.Done():
		if c.taken.CompareAndSwap(false, true) {
			return c.ctx.Err()
		}
		return <-c.done
	}
}

func (q *queue[T]) put(c *call[T]) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return errClosed()
	}
	c.call = turns.Call{Tenant: c.tenant, Rows: c.rows, Bytes: c.bytes}
	if !q.turns.Add(&c.call, true) {
		return peal.Fail(peal.Unavailable, message.StoreBusy).RetryIn(retryAfter)
	}
	q.calls = append(q.calls, c)
	q.wake.Signal()
	return nil
}

// take waits for calls and returns the group for one transaction; none when the queue is closed and
// empty.
func (q *queue[T]) take() []*call[T] {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		for len(q.calls) == 0 && !q.closed {
			q.wake.Wait()
		}
		if len(q.calls) == 0 {
			return nil
		}
		chosen, left := turns.Take(&q.turns, q.calls, func(c *call[T]) *turns.Call { return &c.call }, turns.MaxRows)
		var group []*call[T]
		for _, c := range chosen {
			if c.taken.CompareAndSwap(false, true) {
				group = append(group, c)
			}
		}
		clear(q.calls)
		q.calls = append(q.calls[:0], left...)
		if len(group) > 0 {
			return group
		}
	}
}

// run writes groups until the queue is closed and empty.
func (q *queue[T]) run(write func([]*call[T])) {
	for {
		group := q.take()
		if len(group) == 0 {
			return
		}
		write(group)
	}
}

// close lets no more calls in; what is queued is still taken.
func (q *queue[T]) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.wake.Broadcast()
}
