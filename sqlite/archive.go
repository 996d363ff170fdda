package sqlite

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/record"
)

// Archive reads all that a database holds, in order, for another store to take it
// over. It does not change anything but the mark that the database was moved. It is not
// for use by several goroutines at once.
type Archive struct {
	path     string
	lock     *lock // nil while another process has the database
	conn     *connection
	webhooks map[int64][16]byte
}

// OpenArchive opens the database at a path, which must be at this program's version. A
// server may have it: then what is read is what it has committed at that moment, page by
// page. Else the database is this process's alone until Close, see [Archive.Alone].
func OpenArchive(ctx context.Context, path string) (_ *Archive, err error) {
	path, err = realPath(path)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); err != nil {
		return nil, unusable(path, "is not there; name the database file of the server", err)
	}
	a := &Archive{path: path, webhooks: map[int64][16]byte{}}
	if a.lock, err = acquire(path); err != nil && peal.CodeOf(err) != peal.Conflict {
		return nil, unusable(path, "cannot be locked; run this as the server's user", err)
	}
	schema, err := schemaOf(ctx, path, a.lock)
	switch {
	case err == nil && !schema.Usable:
		err = unusable(path, "was last used by a later release of Peal; use that one for this too", nil)
	case err == nil && schema.Pending() > 0:
		err = unusable(path, "was last used by an earlier release of Peal: upgrade the server first", nil)
	}
	if err == nil && a.Alone() {
		a.lock.log, err = openLogKeeper(path, false)
	}
	if err == nil {
		a.conn, err = connect(ctx, dsn(Options{Path: path}.withDefaults(), !a.Alone()))
	}
	if err == nil && a.Alone() {
		if err = a.lock.keep(); err != nil {
			err = errors.Join(err, a.conn.close())
		}
	}
	if err != nil {
		return nil, translate("open", errors.Join(err, a.release()))
	}
	return a, nil
}

// Alone reports whether no other process has the database, until Close.
func (a *Archive) Alone() bool { return a.lock != nil }

// Name tells which database it is.
func (a *Archive) Name() string { return "sqlite:" + a.path }

// Close lets go of the database.
func (a *Archive) Close() error { return errors.Join(a.conn.close(), a.release()) }

func (a *Archive) release() error {
	if a.lock == nil {
		return nil
	}
	return a.lock.release()
}

// Count is how many rows of a table there are, without the attempts of deliveries.
func (a *Archive) Count(ctx context.Context, t *record.Table) (n int64, err error) {
	text := `SELECT count(*) FROM ` + t.Name
	if t == record.Deliveries {
		text = `SELECT (SELECT count(*) FROM settled) + (SELECT count(*) FROM waiting) + (SELECT count(*) FROM held)`
	}
	err = a.conn.queryContext(ctx, text, func(r row) error {
		n = r.int(0)
		return nil
	})
	return n, translate("count rows", err)
}

// Routes is the version of the routes.
func (a *Archive) Routes() (int64, error) {
	n, _, err := a.conn.number(`SELECT value FROM meta WHERE name = 'routes'`)
	return n, translate("read the routes", err)
}

// Move gives the mark of the database.
func (a *Archive) Move() (record.Move, error) {
	m, err := a.conn.move()
	return m, translate("read where it was moved", err)
}

// SetMove marks the database, for as long as it is this process's alone: no server
// starts on one that was moved. The zero value takes the mark away. It is durable when
// SetMove returns.
func (a *Archive) SetMove(m record.Move) error {
	if !a.Alone() {
		return peal.Errorf(peal.Conflict, "the database %s is in use: stop the server first", a.path)
	}
	_, err := a.conn.exec(`BEGIN IMMEDIATE`)
	if err != nil {
		return translate("be marked", err)
	}
	_, err = a.conn.exec(`DELETE FROM moves`)
	if err == nil && m.State != "" {
		_, err = a.conn.exec(`INSERT INTO moves (state, other, at) VALUES (?, ?, ?)`, m.State, m.Other, micros(m.At))
	}
	end := `COMMIT`
	if err != nil {
		end = `ROLLBACK`
	}
	_, ended := a.conn.exec(end)
	return translate("be marked", errors.Join(err, ended))
}

func (c *connection) move() (m record.Move, err error) {
	err = c.query(`SELECT state, other, at FROM moves`, func(r row) error {
		m = record.Move{State: r.text(0), Other: r.text(1), At: time.UnixMicro(r.int(2)).UTC()}
		return nil
	})
	return m, err
}
