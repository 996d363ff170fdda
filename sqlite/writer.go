package sqlite

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/crashpoint"
	"github.com/pealhq/peal/internal/message"
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
	// run performs the change in the writer's transaction. It may run again if the transaction was
	// rolled back.
	run func(w *writer) error
	// appends is true when run only appends to the writer's buffers and reads
	// nothing that may be in them, so that they need not be flushed before.
	appends bool
	patient bool   // nobody waits for it: others go first
	tenant  string // of the events that it inserts; "" for any other change
	rows    int
	bytes   int

	queued time.Time // of a patient one
	call   turns.Call

	taken atomic.Bool // by the writer, or by a caller that stopped waiting
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

// submit queues a change and waits for its answer. It waits for a change that the writer has started
// even when the context ends: the change reads memory of the caller.
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
		return peal.Fail(peal.Unavailable, message.StoreBusy).RetryIn(retryAfter)
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

// take waits for changes and returns the group for one transaction; nil when the queue is closed and
// empty.
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

// writer owns the connection that writes. Everything in it belongs to the
// goroutine that runs it.
type writer struct {
	conn  *connection
	queue *queue
	names *names
	// routes is the version of the routes as the open transaction sees it,
	// committed the one before it.
	routes    int64
	committed int64
	// alone is true while one change is tried by itself, with every check, because
	// the group that it was part of failed.
	alone       bool
	inserts     inserts
	settles     settles
	tally       tally
	notes       notes
	after       []func() // run once the transaction is committed
	signals     *signals
	log         log
	checkpoints *checkpointer
	stats       *statistics
	state       *logKeeper
	trouble     trouble
	observe     func([]*change) // gets what was committed together; for tests alone
}

func newWriter(conn *connection, q *queue, checkpoints *checkpointer, signals *signals, stats *statistics, state *logKeeper) (*writer, error) {
	w := &writer{
		conn: conn, queue: q, names: newNames(), inserts: newInserts(), settles: newSettles(), tally: newTally(),
		checkpoints: checkpoints, signals: signals, stats: stats, state: state,
	}
	if err := w.load(); err != nil {
		return nil, err
	}
	return w, nil
}

// load reads what the writer keeps in memory from the database.
func (w *writer) load() error {
	w.names = newNames()
	routes, _, err := w.conn.number(`SELECT value FROM meta WHERE name = 'routes'`)
	if err != nil {
		return err
	}
	w.routes, w.committed = routes, routes
	if err := w.loadNotes(); err != nil {
		return err
	}
	return w.inserts.taken.load(w.conn)
}

// manyCallers is the size of a group after which the writer yields: so many callers that were just
// answered soon submit again, and share the next transaction. After a smaller group it continues at
// once, because a goroutine that yields waits behind all others of the process.
const manyCallers = 16

// run commits groups until the queue is closed and empty.
func (w *writer) run() {
	var group []*change
	for {
		group = w.queue.take(group[:0])
		if len(group) == 0 {
			return
		}
		w.commit(group)
		if len(group) >= manyCallers {
			runtime.Gosched()
		}
		clear(group)
		w.written()
	}
}

// commit runs a group in one transaction and answers it. When something fails
// that no check foresaw, each member gets a transaction of its own, so that only
// the one at fault fails.
func (w *writer) commit(group []*change) {
	members := group[:0:len(group)]
	for _, c := range group {
		if c.taken.CompareAndSwap(false, true) {
			members = append(members, c)
		}
	}
	if len(members) == 0 {
		return
	}
	err := w.transact(members)
	if err != nil && len(members) > 1 && !isUnavailable(err) {
		for i := range members {
			w.alone = true
			err := w.transact(members[i : i+1])
			w.alone = false
			w.trouble.failed(err)
			members[i].answer(err)
		}
		return
	}
	if err != nil && len(members) == 1 && !isUnavailable(err) {
		w.alone = true
		err = w.transact(members)
		w.alone = false
	}
	w.trouble.failed(err)
	for _, c := range members {
		c.answer(err)
	}
}

func (c *change) answer(err error) {
	if err == nil {
		err = c.err
	}
	c.done <- err
}

// transact runs changes and commits them together; on an error nothing of them
// has happened. Refusals are noted in the change and are no error.
func (w *writer) transact(changes []*change) error {
	begun := time.Now()
	w.after = w.after[:0]
	if _, err := w.conn.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := w.runAll(changes)
	if err == nil {
		err = w.flushTally()
	}
	if err == nil {
		err = w.flushNotes()
	}
	if err != nil {
		w.rollback()
		return err
	}
	crashpoint.Reach(crashpoint.CommitBegins)
	if _, err := w.conn.exec("COMMIT"); err != nil {
		w.rollback()
		return err
	}
	crashpoint.Reach(crashpoint.CommitDone)
	w.committed = w.routes
	w.tally.shrink()
	w.stats.committed(len(changes), time.Since(begun))
	if w.observe != nil {
		w.observe(changes)
	}
	for _, f := range w.after {
		f()
	}
	return nil
}

func (w *writer) runAll(changes []*change) error {
	for _, c := range changes {
		if !c.appends || w.alone {
			if err := w.flush(); err != nil {
				return err
			}
		}
		c.err = nil
		err := c.run(w)
		var refused refusal
		if errors.As(err, &refused) {
			c.err = refused.err
		} else if err != nil {
			return err
		}
	}
	return w.flush()
}

// flush writes what changes have left in the buffers.
func (w *writer) flush() error { return w.inserts.flush(w.conn) }

// rollback undoes the transaction, and forgets what was learned in it.
func (w *writer) rollback() {
	w.inserts.discard()
	w.tally.discard()
	w.notes.discard()
	// After some failures SQLite has rolled back by itself. Then this fails; no transaction is open in
	// either case.
	_, _ = w.conn.exec("ROLLBACK")
	w.names = newNames()
	w.routes = w.committed
}

// bumpRoutes starts a new version of the routes.
func (w *writer) bumpRoutes() (int64, error) {
	next := w.routes + 1
	if _, err := w.conn.exec(`UPDATE meta SET value = ? WHERE name = 'routes'`, next); err != nil {
		return 0, err
	}
	w.routes = next
	w.signal(peal.NodeSignal{Kind: peal.SignalRoutes})
	return next, nil
}
