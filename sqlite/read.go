package sqlite

import (
	"context"
	"errors"
)

// readers are the connections that only read. Each keeps its statements prepared:
// the texts come from this package alone, so that they are few. They say LIMIT +?
// because SQLite prepares a statement with a bare LIMIT ? anew for every value.
type readers struct {
	dsn    string
	free   chan *connection // nil stands for one that is not yet open
	closed chan struct{}
}

func newReaders(dsn string, n int) *readers {
	r := &readers{dsn: dsn, free: make(chan *connection, n), closed: make(chan struct{})}
	for range n {
		r.free <- nil
	}
	return r
}

// with calls f with a connection that nobody else uses.
func (r *readers) with(ctx context.Context, f func(*connection) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-r.closed:
		return errClosed()
	default:
	}
	var conn *connection
	select {
	case conn = <-r.free:
	case <-r.closed:
		return errClosed()
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { r.free <- conn }()
	if conn == nil {
		if conn, err = connect(ctx, r.dsn); err != nil {
			return err
		}
	}
	return f(conn)
}

// close waits for the queries that run, and lets no more begin.
func (r *readers) close() error {
	close(r.closed)
	var errs []error
	for range cap(r.free) {
		if conn := <-r.free; conn != nil {
			errs = append(errs, conn.close())
		}
	}
	return errors.Join(errs...)
}

// querier runs queries: each by itself, or all on one state of the database.
type querier interface {
	query(ctx context.Context, text string, each func(row) error, values ...any) error
}

// query runs a query and calls each with every row that it gives.
func (r *readers) query(ctx context.Context, text string, each func(row) error, values ...any) error {
	return r.with(ctx, func(conn *connection) error { return conn.queryContext(ctx, text, each, values...) })
}

// snapshot is a querier whose queries all see the same state.
type snapshot struct{ conn *connection }

func (s snapshot) query(ctx context.Context, text string, each func(row) error, values ...any) error {
	return s.conn.queryContext(ctx, text, each, values...)
}

// snapshot calls f with a querier whose queries all see the same state.
func (s *Store) snapshot(ctx context.Context, f func(querier) error) error {
	return s.readers.with(ctx, func(conn *connection) error {
		if _, err := conn.exec(`BEGIN`); err != nil {
			return err
		}
		err := f(snapshot{conn})
		_, ended := conn.exec(`ROLLBACK`) // there is nothing to commit
		return errors.Join(err, ended)
	})
}

// query runs a query in the reader pool.
func (s *Store) query(ctx context.Context, text string, each func(row) error, values ...any) error {
	return s.readers.query(ctx, text, each, values...)
}
