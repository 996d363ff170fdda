package sqlite

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/pealhq/peal"
)

// Bounds of a group: what one transaction takes at most, so that a commit stays
// short however much waits.
const (
	maxGroupRows  = 4000
	maxGroupBytes = 8 << 20
)

// change is a call that waits for the writer.
type change struct {
	ctx context.Context
	// run makes the change in the writer's transaction. It may be run again when
	// the transaction was rolled back.
	run func(w *writer) error
	// appends is true when run only appends to the writer's buffers and reads
	// nothing that may be in them, so that they need not be flushed before.
	appends bool
	rows    int
	bytes   int

	taken atomic.Bool // by the writer, or by the caller who gave up waiting
	err   error       // of a refusal, while the group is not yet committed
	done  chan error  // gets the answer; has room for it
}

// queue holds changes for the writer, in order.
type queue struct {
	mu      sync.Mutex
	changes []*change
	limit   int
	bytes   int // of all changes
	most    int // bytes behind which no new events may wait
	closed  bool
	wake    chan struct{} // has room for one; gets a value when changes or closed were set
}

func newQueue(limit, most int) *queue {
	return &queue{limit: limit, most: most, wake: make(chan struct{}, 1)}
}

// submit queues a change and waits for its answer. A change that the writer has
// begun is waited for even when the context ends: what it reads belongs to the caller.
func (q *queue) submit(c *change) error {
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

func (q *queue) put(c *change) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return errClosed()
	}
	if len(q.changes) >= q.limit || c.appends && q.bytes > 0 && q.bytes+c.bytes > q.most {
		return &peal.Error{Code: peal.Unavailable, Message: "the database cannot keep up, too many changes wait for it", RetryAfter: retryAfter}
	}
	q.changes = append(q.changes, c)
	q.bytes += c.bytes
	q.signal()
	return nil
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take waits for changes and gives the group that goes into one transaction; nil
// when the queue is closed and empty.
func (q *queue) take(group []*change) []*change {
	for {
		q.mu.Lock()
		if len(q.changes) > 0 {
			break
		}
		closed := q.closed
		q.mu.Unlock()
		if closed {
			return nil
		}
		<-q.wake
	}
	defer q.mu.Unlock()
	rows, bytes, n := 0, 0, 0
	for _, c := range q.changes {
		rows, bytes = rows+c.rows+1, bytes+c.bytes
		if n > 0 && (rows > maxGroupRows || bytes > maxGroupBytes) {
			break
		}
		n++
	}
	for _, c := range q.changes[:n] {
		q.bytes -= c.bytes
	}
	group = append(group, q.changes[:n]...)
	rest := copy(q.changes, q.changes[n:])
	clear(q.changes[rest:])
	q.changes = q.changes[:rest]
	return group
}

// close lets no more changes in; what is queued is still taken.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.signal()
}
