package sqlite

import (
	"context"
	"database/sql"
	"errors"
)

// querier is the reader pool, or a transaction in it.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// query runs a query in the reader pool and calls each with every row that it gives.
func (s *Store) query(ctx context.Context, text string, each func(row) error, values ...any) error {
	return read(ctx, s.readers, text, each, values...)
}

func read(ctx context.Context, q querier, text string, each func(row) error, values ...any) (err error) {
	rows, err := q.QueryContext(ctx, text, values...)
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

// snapshot calls f with a querier whose queries all see the same state.
func (s *Store) snapshot(ctx context.Context, f func(querier) error) error {
	tx, err := s.readers.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return closedOr(err)
	}
	return errors.Join(f(tx), tx.Rollback())
}

// closedOr tells the store's end from other errors: database/sql has no value for
// that of a pool.
func closedOr(err error) error {
	if errors.Is(err, sql.ErrConnDone) || err.Error() == "sql: database is closed" {
		return errClosed()
	}
	return err
}
