package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// readers are the connections that only read, with their statements prepared: the
// texts come from this package alone, so that they are few. They say LIMIT +?
// because SQLite prepares a statement with a bare LIMIT ? anew for every value.
type readers struct {
	db       *sql.DB
	mu       sync.Mutex
	prepared map[string]*sql.Stmt
}

// querier runs queries: each by itself, or all on one state of the database.
type querier interface {
	statement(ctx context.Context, text string) (*sql.Stmt, error)
}

func (r *readers) statement(ctx context.Context, text string) (*sql.Stmt, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s, ok := r.prepared[text]; ok {
		return s, nil
	}
	s, err := r.db.PrepareContext(ctx, text)
	if err == nil {
		r.prepared[text] = s
	}
	return s, err
}

func (r *readers) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for _, s := range r.prepared {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, r.db.Close())...)
}

// snapshot is a querier whose queries all see the same state.
type snapshot struct {
	*readers
	tx *sql.Tx
}

func (s snapshot) statement(ctx context.Context, text string) (*sql.Stmt, error) {
	statement, err := s.readers.statement(ctx, text)
	if err != nil {
		return nil, err
	}
	return s.tx.StmtContext(ctx, statement), nil
}

// snapshot calls f with a querier whose queries all see the same state.
func (s *Store) snapshot(ctx context.Context, f func(querier) error) error {
	tx, err := s.readers.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return closedOr(err)
	}
	return errors.Join(f(snapshot{s.readers, tx}), tx.Rollback())
}

// query runs a query and calls each with every row that it gives.
func (s *Store) query(ctx context.Context, text string, each func(row) error, values ...any) error {
	return read(ctx, s.readers, text, each, values...)
}

func read(ctx context.Context, q querier, text string, each func(row) error, values ...any) (err error) {
	statement, err := q.statement(ctx, text)
	if err != nil {
		return closedOr(err)
	}
	rows, err := statement.QueryContext(ctx, values...)
	if err != nil {
		return closedOr(err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	current := make(row, len(columns))
	into := make([]any, len(columns))
	for i := range into {
		into[i] = &current[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if err := each(current); err != nil {
			return err
		}
	}
	return rows.Err()
}

// closedOr tells the store's end from other errors: database/sql has no value for
// that of a pool.
func closedOr(err error) error {
	switch err.Error() {
	case "sql: database is closed", "sql: statement is closed":
		return errClosed()
	}
	return err
}
