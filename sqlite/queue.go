package sqlite

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/turns"
	"github.com/pealhq/peal/internal/wake"
)

// What nobody waits for goes in transactions of its own, of few rows, and no sooner
// than when nothing else waits or it has waited for patience.
const (
	maxPatientRows = 128
	patience       = 50 * time.Millisecond
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
	patient bool   // nobody waits for it: others go first
	tenant  string // whose events it inserts; "" for any other change
	rows    int
	bytes   int

	queued time.Time // of a patient one
	call   turns.Call

	taken atomic.Bool // by the writer, or by the caller who gave up waiting
	err   error       // of a refusal, while the group is not yet committed
	done  chan error  // gets the answer; has room for it
}

// queue holds changes for the writer, in order; patient ones apart. Tenants take turns.
type queue struct {
	mu      sync.Mutex
	changes []*change
	patient []*change
	turns   turns.Turns
	closed  bool
	wake    wake.Signal // gets a value when changes or closed were set
}

func newQueue(limit, most int) *queue {
	return &queue{turns: turns.Turns{Calls: limit, Bytes: most}, wake: wake.New()}
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
	c.call = turns.Call{Tenant: c.tenant, Rows: c.rows, Bytes: c.bytes}
	if !q.turns.Add(&c.call, c.appends) {
		return &peal.Error{Code: peal.Unavailable, Message: "the database cannot keep up, too many changes wait for it", RetryAfter: retryAfter}
	}
	if c.patient {
		c.queued = time.Now()
		q.patient = append(q.patient, c)
	} else {
		q.changes = append(q.changes, c)
	}
	q.signal()
	return nil
}

func (q *queue) signal() {
	q.wake.Send()
}

// take waits for changes and gives the group that goes into one transaction; nil
// when the queue is closed and empty.
func (q *queue) take(group []*change) []*change {
	for {
		q.mu.Lock()
		if len(q.changes)+len(q.patient) > 0 {
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
	if len(q.patient) > 0 && (len(q.changes) == 0 || time.Since(q.patient[0].queued) > patience) {
		group, q.patient = q.cut(group, q.patient, maxPatientRows)
		return group
	}
	group, q.changes = q.cut(group, q.changes, turns.MaxRows)
	return group
}

// cut moves changes from those that wait to the group, at least one of them and no more
// than go into one transaction.
func (q *queue) cut(group, waiting []*change, most int) (taken, rest []*change) {
	chosen, left := turns.Take(&q.turns, waiting, func(c *change) *turns.Call { return &c.call }, most)
	group = append(group, chosen...)
	clear(waiting)
	return group, append(waiting[:0], left...)
}

// close lets no more changes in; what is queued is still taken.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.signal()
}
