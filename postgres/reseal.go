package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal/internal/record"
)

// sealing is called first in a transaction that seals a secret: Reseal waits for such transactions.
func (t *tx) sealing() error {
	_, err := t.exec(`SELECT pg_advisory_xact_lock_shared($1, $2)`, lockSeal, t.s.lockKey)
	return err
}

// sealedValue is a value that a newer key should seal.
type sealedValue struct {
	id            [16]byte
	before, after []byte
}

// Reseal implements [storetest.SealStore].
func (s *Store) Reseal(ctx context.Context, limit int) (int, error) {
	if s.options.Sealer == nil {
		return 0, nil
	}
	total := 0
	err := s.transact(ctx, func(t *tx) error {
		total = 0
		if _, err := t.exec(`SELECT pg_advisory_xact_lock($1, $2)`, lockSeal, s.lockKey); err != nil {
			return err
		}
		for _, column := range record.SealedColumns() {
			n, err := t.reseal(column, limit-total)
			if total += n; err != nil || total >= limit {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, translate("seal secrets again", err)
	}
	return total, nil
}

func (t *tx) reseal(c record.SealedColumn, limit int) (int, error) {
	mark := t.s.options.Sealer.Mark()
	var values []sealedValue
	if err := t.each(fmt.Sprintf(`SELECT id, %[1]s, sealed FROM peal.%[2]s WHERE %[1]s IS NOT NULL AND (NOT sealed OR substring(%[1]s FROM 1 FOR $1) <> $2) LIMIT $3 FOR UPDATE`,
		c.Column, c.Table), func(rows pgx.Rows) (err error) {
		var v sealedValue
		var sealed bool
		if err := rows.Scan(&v.id, &v.before, &sealed); err != nil {
			return err
		}
		v.after, err = c.Reseal(t.s.options.Sealer, v.id, v.before, sealed)
		values = append(values, v)
		return err
	}, len(mark), mark, limit); err != nil {
		return 0, err
	}
	for _, v := range values {
		if _, err := t.exec(fmt.Sprintf(`UPDATE peal.%s SET %s = $2, sealed = true WHERE id = $1`, c.Table, c.Column), uuid(v.id), v.after); err != nil {
			return 0, err
		}
	}
	return len(values), nil
}
