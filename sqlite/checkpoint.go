package sqlite

import sqlite "modernc.org/sqlite"

// checkpoints writes the log back into the file when it has grown. The writer does
// it between two transactions, when nobody else writes, so that the log begins
// anew each time and does not grow.
type checkpoints struct {
	pages int // written since the log was last written back
}

const checkpointPages = 2000

func (c *checkpoints) written(conn *connection) {
	status, ok := conn.raw.(sqlite.DBStatus)
	if !ok {
		return
	}
	n, _, err := status.Status(sqlite.DBStatusCacheWrite, true)
	if err != nil {
		return
	}
	if c.pages += n; c.pages < checkpointPages {
		return
	}
	// A failure costs nothing but a longer log; the next commit tries again.
	if _, err := conn.exec(`PRAGMA wal_checkpoint(PASSIVE)`); err == nil {
		c.pages = 0
	}
}
