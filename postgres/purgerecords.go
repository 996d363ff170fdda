package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
)

// drops are how far what was sent and answered has been dropped, by the key of the
// delivery: in settled and in attempts. They begin anew when a day has passed, for
// attempts that were younger than their deliveries let expect.
type drops struct {
	begun         time.Time
	last, earlier [16]byte
}

const dropsAnew = 24 * time.Hour

// dropLast drops from the attempts that settled their deliveries.
func (s *Store) dropLast(ctx context.Context, params *peal.PurgeParams, purged *peal.PurgeResult) (bool, error) {
	if params.Attempts.IsZero() {
		return false, nil
	}
	d := &s.purge.drops
	if params.Attempts.Sub(d.begun) >= dropsAnew {
		*d = drops{begun: params.Attempts}
	}
	return s.drop(ctx, params, purged, &d.last, "settled", "id", `substring(facts FROM 2 FOR 16) < uuid_send($3)`)
}

// dropEarlier drops from the attempts before the last of their deliveries.
func (s *Store) dropEarlier(ctx context.Context, params *peal.PurgeParams, purged *peal.PurgeResult) (bool, error) {
	if params.Attempts.IsZero() {
		return false, nil
	}
	return s.drop(ctx, params, purged, &s.purge.drops.earlier, "attempts", "delivery", `id < $3`)
}

// drop goes on from a delivery, all of whose attempts are looked at together.
func (s *Store) drop(ctx context.Context, params *peal.PurgeParams, purged *peal.PurgeResult, from *[16]byte, table, key, young string) (bool, error) {
	until := floor(params.Attempts)
	for {
		var last *[16]byte
		dropped := 0
		err := s.transact(ctx, func(t *tx) error {
			last, dropped = nil, 0
			return t.each(fmt.Sprintf(`WITH page AS (SELECT %[2]s AS key FROM peal.%[1]s WHERE %[2]s >= $1 AND %[2]s < $2 ORDER BY %[2]s LIMIT $4),
				end_of AS (SELECT key FROM page ORDER BY key DESC LIMIT 1),
				changed AS (UPDATE peal.%[1]s x SET exchange = NULL WHERE x.%[2]s >= $1 AND x.%[2]s <= (SELECT key FROM end_of) AND x.%[2]s < $2 AND x.exchange IS NOT NULL AND %[3]s RETURNING 1)
				SELECT (SELECT key FROM end_of), (SELECT count(*) FROM changed)`, table, key, young), func(rows pgx.Rows) error {
				return rows.Scan(&last, &dropped)
			}, uuid(*from), uuid(until), uuid(until), purgeRows)
		})
		if err != nil || last == nil {
			return false, err
		}
		*from = following(*last)
		if dropped > 0 {
			purged.Records = dropped
			return true, nil
		}
	}
}
