package sqlite

import (
	"context"
	"errors"
	"sync/atomic"

	sqlite "modernc.org/sqlite"
)

// The log is written back into the file when it has grown by logStep pages, beside
// the writer, so that no commit waits for it. The log begins anew once all of it is
// written back and the writer is between two transactions. A writer that is never
// idle leaves no such moment: then it makes one itself, when the log has logBound pages.
const (
	logStep  = 2000
	logBound = 8 * logStep
)

// checkpointer is the goroutine that writes the log back.
type checkpointer struct {
	conn   *connection
	wake   chan struct{} // has room for one
	done   chan struct{}
	length atomic.Int64 // of the log in pages, as of the last time
}

func newCheckpointer(ctx context.Context, dsn string) (*checkpointer, error) {
	conn, err := connect(ctx, dsn)
	if err != nil {
		return nil, err
	}
	return &checkpointer{conn: conn, wake: make(chan struct{}, 1), done: make(chan struct{})}, nil
}

// run writes the log back whenever it is woken, until the context ends.
func (c *checkpointer) run(ctx context.Context) {
	defer close(c.done)
	for {
		select {
		case <-c.wake:
			// A failure costs nothing but a longer log, and the next time tries again.
			if length, err := checkpoint(c.conn); err == nil {
				c.length.Store(length)
			}
		case <-ctx.Done():
			return
		}
	}
}

// checkpoint writes back what it can without waiting for anybody, and gives the
// log's length in pages: 0 when the log begins anew with the next commit.
func checkpoint(conn *connection) (length int64, err error) {
	err = conn.query(`PRAGMA wal_checkpoint(PASSIVE)`, func(r row) error {
		if r.int(0) != 0 {
			return errors.New("another checkpoint is running")
		}
		if length = r.int(1); r.int(2) == length {
			length = 0
		}
		return nil
	})
	return length, err
}

// written is told of every commit, by the writer.
func (w *writer) written() {
	status, ok := w.conn.raw.(sqlite.DBStatus)
	if !ok {
		return
	}
	pages, _, err := status.Status(sqlite.DBStatusCacheWrite, true)
	if err != nil {
		return
	}
	if w.logged += pages; w.logged < logStep {
		return
	}
	w.logged = 0
	if w.checkpoints.length.Load() >= logBound {
		if length, err := checkpoint(w.conn); err == nil {
			w.checkpoints.length.Store(length)
			return
		}
	}
	w.checkpoints.signal()
}

// signal has the log written back.
func (c *checkpointer) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}
