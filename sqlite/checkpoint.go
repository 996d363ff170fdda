package sqlite

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/pealhq/peal/internal/wake"

	sqlite "modernc.org/sqlite"
)

// The log is written back into the file when it has grown by logStep pages, beside the
// writer, so that no commit waits for it. The log begins anew with the first commit that
// finds all of it written back; what a busy writer commits meanwhile is in the way of that.
// So what came meanwhile is written back too, up to logRounds times, until it is no more
// than logRest pages. Then the writer writes back the rest itself, between two
// transactions, in well under a millisecond.
const (
	logStep   = 8000
	logRest   = 32
	logRounds = 4
)

// checkpointer is the goroutine that writes the log back.
type checkpointer struct {
	conn *connection
	wake wake.Signal
	done chan struct{}
	busy atomic.Bool // asked for, and not yet done

	state *logKeeper
}

func newCheckpointer(ctx context.Context, dsn string, state *logKeeper) (*checkpointer, error) {
	conn, err := connect(ctx, dsn)
	if err != nil {
		return nil, err
	}
	return &checkpointer{conn: conn, wake: wake.New(), done: make(chan struct{}), state: state}, nil
}

// run writes the log back whenever it is woken, until the context ends.
func (c *checkpointer) run(ctx context.Context) {
	defer close(c.done)
	for {
		select {
		case <-c.wake:
			// A failure costs nothing but a longer log, and the next time tries again.
			_ = checkpoint(c.conn)
			c.state.note()
			c.busy.Store(false)
		case <-ctx.Done():
			return
		}
	}
}

// checkpoint writes back what it can without waiting for anybody.
func checkpoint(conn *connection) error {
	return conn.query(`PRAGMA wal_checkpoint(PASSIVE)`, func(r row) error {
		if r.int(0) != 0 {
			return errors.New("another checkpoint is running")
		}
		return nil
	})
}

// log is what the writer knows of the log, in pages.
type log struct {
	rest   int // since the last time that anybody began to write it back
	rounds int // of writing it back beside the writer, since the writer did
}

// written is told of every commit, by the writer.
func (w *writer) written() {
	defer w.state.note()
	status, ok := w.conn.raw.(sqlite.DBStatus)
	if !ok {
		return
	}
	pages, _, err := status.Status(sqlite.DBStatusCacheWrite, true)
	if err != nil {
		return
	}
	l := &w.log
	l.rest += pages
	switch {
	case w.checkpoints.busy.Load():
	case l.rounds > 0 && l.rest <= logRest || l.rounds == logRounds:
		*l = log{}
		_ = checkpoint(w.conn) // a reader may be in the way: then the next time tries again
	case l.rounds > 0 || l.rest >= logStep:
		l.rest, l.rounds = 0, l.rounds+1
		w.checkpoints.signal()
	}
}

// signal has the log written back.
func (c *checkpointer) signal() {
	c.busy.Store(true)
	c.wake.Send()
}
