package postgres

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/crashpoint"
)

// sql puts the schema's name into a text of this package, where the tables are
// named as in peal.events.
func (s *Store) sql(text string) string { return inSchema(text, s.options.Schema) }

func inSchema(text, schema string) string {
	if schema == "peal" {
		return text
	}
	return strings.ReplaceAll(text, "peal.", schema+".")
}

// querier is the pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// each runs a query and calls scan at every row of its result.
func (s *Store) each(ctx context.Context, q querier, text string, scan func(pgx.Rows) error, args ...any) error {
	if s.isClosed() {
		return errClosed()
	}
	rows, err := q.Query(ctx, s.sql(text), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// query is each on any connection, tried once more when the connection was lost.
func (s *Store) query(ctx context.Context, text string, scan func(pgx.Rows) error, args ...any) error {
	begun := false
	noting := func(rows pgx.Rows) error {
		begun = true
		return scan(rows)
	}
	err := s.each(ctx, s.pool, text, noting, args...)
	if isLost(err) && !begun && ctx.Err() == nil {
		err = s.each(ctx, s.pool, text, noting, args...)
	}
	return err
}

// one reads one row into the places; found is false when there is none.
func (s *Store) one(ctx context.Context, q querier, text string, args []any, into ...any) (found bool, err error) {
	err = s.each(ctx, q, text, func(rows pgx.Rows) error {
		found = true
		return rows.Scan(into...)
	}, args...)
	return found, err
}

// exec runs a statement by itself and returns the number of rows that it changed.
func (s *Store) exec(ctx context.Context, text string, args ...any) (n int64, err error) {
	err = s.retry(ctx, func() error {
		if s.isClosed() {
			return errClosed()
		}
		tag, err := s.pool.Exec(ctx, s.sql(text), args...)
		n = tag.RowsAffected()
		return err
	})
	return n, err
}

// begin starts a transaction that the server ends by itself if its node falls silent in the middle of
// it: others would wait for its locks. The setting is local because a pooler accepts none for a
// session.
const begin = `BEGIN; SET LOCAL idle_in_transaction_session_timeout = '5s'`

// tx is a transaction of several statements.
type tx struct {
	pgx.Tx
	s   *Store
	ctx context.Context
}

// transact runs a change in a transaction, again if it collided with another.
func (s *Store) transact(ctx context.Context, run func(*tx) error) error {
	return s.transactFor(ctx, 1, run)
}

// transactFor is transact for the changes of so many calls.
func (s *Store) transactFor(ctx context.Context, calls int, run func(*tx) error) error {
	return s.retry(ctx, func() error {
		if s.isClosed() {
			return errClosed()
		}
		begun := time.Now()
		open, err := s.pool.BeginTx(ctx, pgx.TxOptions{BeginQuery: begin})
		if err != nil {
			return err
		}
		// After the context's end a rollback must still go through, or the pool closes
		// the connection; that is as good.
		defer func() { _ = open.Rollback(context.WithoutCancel(ctx)) }()
		if err := run(&tx{open, s, ctx}); err != nil {
			return err
		}
		crashpoint.Reach(crashpoint.CommitBegins)
		if err := open.Commit(ctx); err != nil {
			return err
		}
		crashpoint.Reach(crashpoint.CommitDone)
		s.stats.committed(calls, begun)
		return nil
	})
}

func (t *tx) exec(text string, args ...any) (int64, error) {
	tag, err := t.Exec(t.ctx, t.s.sql(text), args...)
	return tag.RowsAffected(), err
}

func (t *tx) one(text string, args []any, into ...any) (bool, error) {
	return t.s.one(t.ctx, t.Tx, text, args, into...)
}

func (t *tx) each(text string, scan func(pgx.Rows) error, args ...any) error {
	return t.s.each(t.ctx, t.Tx, text, scan, args...)
}

// The advisory locks of a schema, each with the schema's number beside it.
const (
	lockRoutes  = 1348821356 // shared by inserts and claims that hold deliveries, alone by changes of the routes and ends of nodes
	lockDays    = 1348821357 // alone by creation and removal of partitions
	lockMigrate = 1348821358 // alone by a migration
	lockSeal    = 1348821359 // shared by transactions that seal a secret, alone by Reseal
	lockSearch  = 1348821360 // alone by SetSearch
)

// changeRoutes is transact for a change of the routes: run gets the new version.
// Inserts wait meanwhile, and see the new version after it.
func (s *Store) changeRoutes(ctx context.Context, run func(t *tx, revision int64) error) error {
	return s.transact(ctx, func(t *tx) error {
		if _, err := t.exec(`SELECT pg_advisory_xact_lock($1, $2)`, lockRoutes, s.lockKey); err != nil {
			return err
		}
		var revision int64
		if found, err := t.one(`UPDATE peal.meta SET value = value + 1 WHERE name = 'routes' RETURNING value`, nil, &revision); err != nil {
			return err
		} else if !found {
			return errors.New("the version of the routes is missing")
		}
		if err := t.signal(peal.NodeSignal{Kind: peal.SignalRoutes}); err != nil {
			return err
		}
		return run(t, revision)
	})
}

// ensureTenant returns a tenant's number and creates the tenant if there is none.
func (t *tx) ensureTenant(name string, created int64) (num int32, err error) {
	for range 2 {
		deleting := false
		// The lock keeps a deletion, which takes FOR UPDATE, from starting until what is added to the
		// tenant is there. It lets a quota lock the row too (FOR NO KEY UPDATE): with FOR SHARE, those
		// who add at the same time would each wait for the others.
		found, err := t.one(`SELECT num, coalesce(deleting, 0) > 0 FROM peal.tenants WHERE name = $1 FOR KEY SHARE`, []any{name}, &num, &deleting)
		if err == nil && deleting {
			err = peal.ErrTenantDeleted
		}
		if found || err != nil {
			return num, err
		}
		if _, err := t.exec(`INSERT INTO peal.tenants (name, created) VALUES ($1, $2) ON CONFLICT DO NOTHING`, name, created); err != nil {
			return 0, err
		}
	}
	_, err = t.one(`SELECT num FROM peal.tenants WHERE name = $1`, []any{name}, &num)
	return num, err
}

// holder returns the number of a node that is about to hold something, and keeps the node registered
// until the transaction ends. ErrFenced if it is not registered.
func (t *tx) holder(id peal.NodeID) (num int32, err error) {
	if _, err := t.exec(`SELECT pg_advisory_xact_lock_shared($1, $2)`, lockRoutes, t.s.lockKey); err != nil {
		return 0, err
	}
	found, err := t.one(`SELECT num FROM peal.nodes WHERE id = $1`, []any{uuid(id)}, &num)
	if err == nil && !found {
		err = peal.ErrFenced
	}
	return num, err
}
