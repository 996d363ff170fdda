package sqlite

import (
	"context"

	"github.com/pealhq/peal"
)

// purgeStats takes away buckets and problems that have had their time.
func (s *Store) purgeStats(ctx context.Context, params *peal.PurgeParams, purged *peal.PurgeResult) (bool, error) {
	if params.Stats.IsZero() {
		return false, nil
	}
	for width, of := range peal.BucketWidths() {
		before := micros(params.Stats.Add(-of.Retention()))
		did, err := s.purgeRows(ctx, purged, `buckets INDEXED BY buckets_age WHERE width = ?1 AND start < ?2`, `buckets`, `(webhook, width, start)`, `webhook, width, start`, int64(width), before)
		if did || err != nil {
			return did, err
		}
	}
	before := micros(params.Stats.Add(-peal.ProblemRetention))
	return s.purgeRows(ctx, purged, `problems INDEXED BY problems_last WHERE ?1 = 0 AND last < ?2`, `problems`, `(webhook, reason, code)`, `webhook, reason, code`, int64(0), before)
}

// purgeRows takes a batch of rows away, where there are any.
func (s *Store) purgeRows(ctx context.Context, purged *peal.PurgeResult, from, table, tuple, columns string, values ...any) (bool, error) {
	found := false
	if err := s.query(ctx, `SELECT 1 FROM `+from+` LIMIT 1`, func(row) error {
		found = true
		return nil
	}, values...); err != nil || !found {
		return false, err
	}
	limit := int64(s.purge.rows)
	return true, s.batch(ctx, purged, func(w *writer) error {
		n, err := w.conn.exec(`DELETE FROM `+table+` WHERE `+tuple+` IN (SELECT `+columns+` FROM `+from+` LIMIT +?3)`, append(values, limit)...)
		purged.Buckets = int(n)
		w.tally.forget()
		return err
	})
}

// forget empties the memory of all buckets that are written; the open transaction's
// own stay.
func (t *tally) forget() {
	for key, b := range t.buckets {
		if !b.changed {
			delete(t.buckets, key)
		}
	}
}
