package sqlite

import (
	"context"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/record"
)

// drops are how far the heads and bodies of attempts have been dropped, by the key
// of the delivery: in settled and in attempts. They begin anew when a day has passed,
// for attempts that were younger than their deliveries let expect.
type drops struct {
	begun         time.Time
	last, earlier int64
}

const dropsAnew = 24 * time.Hour

// dropChunk is how many rows are looked at in one query.
const dropChunk = 2000

// isWhole is whether a record is of an attempt before ?2 and has lost nothing yet.
func isWhole(record string) string {
	return `substr(` + record + `, 2, 16) < ?2 AND substr(` + record + `, 18, 1) < x'04'`
}

// dropLast drops from the attempts that settled their deliveries.
func (s *Store) dropLast(ctx context.Context, params *peal.PurgeParams, purged *peal.PurgeResult) (bool, error) {
	if params.Attempts.IsZero() {
		return false, nil
	}
	d := &s.purge.drops
	if params.Attempts.Sub(d.begun) >= dropsAnew {
		*d = drops{begun: params.Attempts}
	}
	return s.drop(ctx, params, purged, &d.last,
		`SELECT seq, substr(last, 2, 16), `+isWhole(`last`)+` FROM settled WHERE seq > ?1 AND seq < ?3 ORDER BY seq LIMIT +?4`,
		`SELECT last FROM settled WHERE seq = ? AND substr(last, 2, 16) = ?`,
		`UPDATE settled SET last = ? WHERE seq = ? AND substr(last, 2, 16) = ?`)
}

// dropEarlier drops from the attempts before the last of their deliveries.
func (s *Store) dropEarlier(ctx context.Context, params *peal.PurgeParams, purged *peal.PurgeResult) (bool, error) {
	if params.Attempts.IsZero() {
		return false, nil
	}
	// All attempts of a delivery are looked at together.
	return s.drop(ctx, params, purged, &s.purge.drops.earlier,
		`SELECT delivery, id, `+isWhole(`record`)+` FROM attempts WHERE delivery > ?1 AND delivery < ?3
			AND delivery <= ifnull((SELECT max(delivery) FROM (SELECT delivery FROM attempts WHERE delivery > ?1 ORDER BY delivery LIMIT +?4)), 0)
			ORDER BY delivery`,
		`SELECT record FROM attempts WHERE delivery = ? AND id = ?`, `UPDATE attempts SET record = ? WHERE delivery = ? AND id = ?`)
}

// drop goes on from a delivery. look gives the delivery, the attempt and whether to
// drop from it; read and write are for one record.
func (s *Store) drop(ctx context.Context, params *peal.PurgeParams, purged *peal.PurgeResult, after *int64, look, read, write string) (bool, error) {
	type record struct {
		delivery int64
		id       []byte
	}
	until := seqFloor(params.Attempts)
	before := halves{head: headOf(until)}.id()
	for {
		var found []record
		last := *after
		if err := s.query(ctx, look, func(r row) error {
			if last = r.int(0); r.int(2) != 0 {
				found = append(found, record{r.int(0), append([]byte{}, r.blob(1)...)})
			}
			return nil
		}, *after, before[:], until, int64(dropChunk)); err != nil {
			return false, err
		}
		if len(found) == 0 {
			if last == *after {
				return false, nil
			}
			*after = last
			continue
		}
		limit, dropped := s.purge.rows, 0
		if err := s.batch(ctx, purged, func(w *writer) error {
			begun := time.Now()
			purged.Records, dropped = 0, 0
			for _, f := range found[:min(limit, len(found))] {
				if time.Since(begun) > workTime {
					break
				}
				if err := w.dropFrom(f.delivery, f.id, read, write); err != nil {
					return err
				}
				dropped++
			}
			purged.Records = dropped
			return nil
		}); err != nil {
			return false, err
		}
		if *after = last; dropped < len(found) {
			*after = found[dropped].delivery - 1 // what is dropped already is passed by
		}
		return true, nil
	}
}

// dropFrom rewrites a record, if it is still there.
func (w *writer) dropFrom(delivery int64, id []byte, read, write string) error {
	var whole []byte
	if err := w.conn.query(read, func(r row) error {
		whole = append(whole, r.blob(0)...)
		return nil
	}, delivery, id); err != nil || whole == nil {
		return err
	}
	rest, err := record.DropExchange(whole)
	if err != nil {
		return err
	}
	_, err = w.conn.exec(write, rest, delivery, id)
	return err
}
