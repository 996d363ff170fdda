package sqlite

import (
	"errors"
	"runtime"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/crashpoint"
)

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

// run commits groups until the queue is closed and empty.
func (w *writer) run() {
	var group []*change
	for {
		group = w.queue.take(group[:0])
		if len(group) == 0 {
			return
		}
		w.commit(group)
		runtime.Gosched() // those that were answered go on while the next group is committed
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
	// SQLite has rolled back by itself after some failures; then this is an error
	// that says so, and nothing is open either way.
	_, _ = w.conn.exec("ROLLBACK")
	w.names = newNames()
	w.routes = w.committed
}

// bumpRoutes begins a new version of the routes.
func (w *writer) bumpRoutes() (int64, error) {
	next := w.routes + 1
	if _, err := w.conn.exec(`UPDATE meta SET value = ? WHERE name = 'routes'`, next); err != nil {
		return 0, err
	}
	w.routes = next
	w.signal(peal.NodeSignal{Kind: peal.SignalRoutes})
	return next, nil
}
