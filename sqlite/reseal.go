package sqlite

import (
	"context"
	"fmt"

	"github.com/pealhq/peal/internal/record"
)

// sealedValue is a value that a newer key should seal.
type sealedValue struct {
	table, column     string
	id, before, after []byte
}

// Reseal implements [storetest.SealStore]. Values are sealed in the writer's goroutine (see CreateWebhook of
// configstore), so that all values sealed with the previous key are committed once the writer has
// answered an empty change.
func (s *Store) Reseal(ctx context.Context, limit int) (int, error) {
	if s.options.Sealer == nil {
		return 0, nil
	}
	if err := s.queue.submit(&change{ctx: ctx, run: func(*writer) error { return nil }}); err != nil {
		return 0, translate("seal secrets again", err)
	}
	values, err := s.sealedBefore(ctx, limit)
	if err != nil || len(values) == 0 {
		return 0, translate("look for secrets to seal again", err)
	}
	err = s.queue.submit(&change{ctx: ctx, rows: len(values), run: func(w *writer) error {
		for _, v := range values {
			// A value that was changed meanwhile has been sealed with the new key by that.
			if _, err := w.conn.exec(fmt.Sprintf(`UPDATE %s SET %s = ?, sealed = 1 WHERE id = ? AND %[2]s = ?`, v.table, v.column),
				v.after, v.id, v.before); err != nil {
				return err
			}
		}
		return nil
	}})
	if err != nil {
		return 0, translate("seal secrets again", err)
	}
	return len(values), nil
}

// sealedBefore returns values that are not sealed with the present key, and their new forms.
func (s *Store) sealedBefore(ctx context.Context, limit int) ([]sealedValue, error) {
	mark := s.options.Sealer.Mark()
	var values []sealedValue
	for _, c := range record.SealedColumns() {
		err := s.query(ctx, fmt.Sprintf(`SELECT id, %s, sealed FROM %s WHERE %[1]s IS NOT NULL AND (sealed = 0 OR substr(%[1]s, 1, ?) <> ?) LIMIT +?`, c.Column, c.Table), func(r row) (err error) {
			v := sealedValue{table: c.Table, column: c.Column, id: r.blob(0), before: r.blob(1)}
			if v.after, err = c.Reseal(s.options.Sealer, [16]byte(v.id), v.before, r.int(2) != 0); err != nil {
				return err
			}
			values = append(values, v)
			return nil
		}, int64(len(mark)), mark, int64(limit-len(values)))
		if err != nil || len(values) >= limit {
			return values, err
		}
	}
	return values, nil
}
