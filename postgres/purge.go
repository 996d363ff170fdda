package postgres

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/configstore"
	"github.com/pealhq/peal/internal/crashpoint"
)

// purgeRows is the number of rows in a batch of a purge.
const purgeRows = 2000

// purge is the progress of the pass over rows that may be deleted.
type purge struct {
	mu   sync.Mutex // one batch at a time
	step int        // of purgeSteps
	// after is the key of the row that the step has come to.
	after [16]byte
	drops drops
}

func newPurge() *purge { return &purge{} }

// purgeStep does one batch of a kind of work; did is false when none is left.
type purgeStep func(s *Store, ctx context.Context, params *peal.PurgeParams, purged *peal.PurgeResult) (did bool, err error)

var purgeSteps = [...]purgeStep{
	(*Store).cancelHeldBack, (*Store).dropAged, (*Store).purgeAged, (*Store).dropExcess, (*Store).dropLast, (*Store).dropEarlier, (*Store).purgeTombstones,
	(*Store).purgeEnded, (*Store).purgeStats,
}

// Purge implements [storetest.PurgeStore]. A day of which there is much goes as a whole,
// once all of it may go; see [Options.DropBytes].
func (s *Store) Purge(ctx context.Context, params peal.PurgeParams) (peal.PurgeResult, error) {
	p := s.purge
	p.mu.Lock()
	defer p.mu.Unlock()
	var purged peal.PurgeResult
	for p.step < len(purgeSteps) && !purged.More {
		begun := time.Now()
		did, err := purgeSteps[p.step](s, ctx, &params, &purged)
		if err != nil {
			return purged, translate("purge", err)
		}
		if purged.More = did; did {
			purged.Held = time.Since(begun)
		} else {
			p.step, p.after = p.step+1, [16]byte{}
		}
	}
	if !purged.More {
		p.step = 0
	}
	size, err := s.size(ctx)
	purged.Bytes, purged.Used = size, size
	return purged, translate("purge", err)
}

// size returns the size of the schema on disk, in bytes.
func (s *Store) size(ctx context.Context) (bytes int64, err error) {
	_, err = s.one(ctx, s.pool, `SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relkind = 'r'`, []any{s.options.Schema}, &bytes)
	return bytes, err
}

// cancelHeldBack cancels deliveries that a paused or disabled webhook has held back
// for as long as history is kept.
func (s *Store) cancelHeldBack(ctx context.Context, params *peal.PurgeParams, purged *peal.PurgeResult) (bool, error) {
	if params.History.IsZero() {
		return false, nil
	}
	n, err := s.exec(ctx, fmt.Sprintf(moveCanceled, "waiting", `id IN (
		SELECT x.id FROM (SELECT num FROM peal.webhooks WHERE NOT deleted AND status IN ('paused', 'disabled')) w
		CROSS JOIN LATERAL (SELECT id FROM peal.waiting d WHERE d.webhook = w.num AND d.id < $1 ORDER BY id LIMIT 1000) x LIMIT 1000)`),
		uuid(floor(params.History)), micros(params.Canceled))
	purged.Canceled = int(n)
	return n > 0, err
}

// purgeEnded deletes sessions and portal links that ended long ago.
func (s *Store) purgeEnded(ctx context.Context, params *peal.PurgeParams, purged *peal.PurgeResult) (bool, error) {
	if params.Ended.IsZero() {
		return false, nil
	}
	return configstore.PurgeEnded(ctx, s.config, params.Ended, purged)
}

// purgeTombstones forgets deleted webhooks without deliveries, revoked keys and ended
// replays.
func (s *Store) purgeTombstones(ctx context.Context, params *peal.PurgeParams, purged *peal.PurgeResult) (bool, error) {
	if params.History.IsZero() {
		return false, nil
	}
	before := micros(params.History)
	keys, err := s.exec(ctx, `DELETE FROM peal.keys WHERE id IN (SELECT id FROM peal.keys WHERE revoked > 0 AND revoked < $1 LIMIT 1000)`, before)
	if err != nil {
		return false, err
	}
	replays, err := s.exec(ctx, `DELETE FROM peal.replays WHERE id IN (SELECT id FROM peal.replays WHERE status <> 'running' AND ended < $1 LIMIT 1000)`, before)
	if err != nil {
		return false, err
	}
	purged.Keys, purged.Replays = int(keys), int(replays)
	var nums []int32
	if err := s.query(ctx, `SELECT num FROM peal.webhooks w WHERE deleted AND updated < $1 AND num NOT IN (SELECT webhook FROM peal.held)
		AND NOT EXISTS (SELECT FROM peal.waiting d WHERE d.webhook = w.num) AND NOT EXISTS (SELECT FROM peal.settled d WHERE d.webhook = w.num) LIMIT 1000`, func(rows pgx.Rows) error {
		var num int32
		err := rows.Scan(&num)
		nums = append(nums, num)
		return err
	}, before); err != nil || len(nums) == 0 {
		return keys+replays > 0, err
	}
	// Deleted, they get no deliveries any more: what was seen stays so.
	webhooks, err := s.exec(ctx, `DELETE FROM peal.webhooks WHERE num = ANY ($1)`, nums)
	purged.Webhooks = int(webhooks)
	return true, err
}

// purgeAged deletes the events that may go from days of which there is little, and
// then their partitions.
func (s *Store) purgeAged(ctx context.Context, params *peal.PurgeParams, purged *peal.PurgeResult) (bool, error) {
	if params.History.IsZero() {
		return false, nil
	}
	until := floor(params.History)
	days, err := s.daySizes(ctx)
	if err != nil {
		return false, err
	}
	for _, day := range days {
		next := dayFloor(day.number + 1)
		if string(next[:]) <= string(s.purge.after[:]) || day.bytes >= s.options.DropBytes {
			continue
		}
		r := span{dayFloor(day.number), next}
		if string(r.from[:]) >= string(until[:]) {
			break
		}
		whole := string(next[:]) <= string(until[:])
		if !whole {
			r.until = until
		}
		if string(s.purge.after[:]) > string(r.from[:]) {
			r.from = s.purge.after
		}
		if did, err := s.purgeEvents(ctx, r, micros(params.History), purged); err != nil || did {
			return did, err
		}
		if whole {
			if err := s.dropEmpty(ctx, day.number); err != nil {
				return false, err
			}
		}
	}
	return false, nil
}

// purgeEvents deletes a batch of the events in a range of keys that have only deliveries that were final
// before a time, with these deliveries.
func (s *Store) purgeEvents(ctx context.Context, r span, before int64, purged *peal.PurgeResult) (did bool, err error) {
	for {
		var looked int
		var last [16]byte
		var gone peal.PurgeResult
		err := s.transact(ctx, func(t *tx) error {
			looked, gone = 0, peal.PurgeResult{}
			found, deliveries, err := t.candidates(r)
			if err != nil || len(found) == 0 {
				return err
			}
			looked, last = len(found), found[len(found)-1].key
			stays, err := t.staying(deliveries, before)
			if err != nil {
				return err
			}
			gone, err = t.purge(found, stays)
			crashpoint.Reach(crashpoint.PurgeWritten)
			return err
		})
		if err != nil || looked == 0 {
			return false, err
		}
		s.purge.after = following(last)
		r.from = s.purge.after
		if gone.Events > 0 {
			purged.Events, purged.Deliveries, purged.Attempts = gone.Events, gone.Deliveries, gone.Attempts
			return true, nil
		}
	}
}

// candidate is an event that may go.
type candidate struct {
	key        [16]byte
	deliveries []peal.DeliveryID
}

// candidates returns the first events of a range, with about purgeRows rows in all.
func (t *tx) candidates(r span) (found []candidate, deliveries []peal.DeliveryID, err error) {
	err = t.each(`SELECT key, deliveries FROM peal.events WHERE key >= $1 AND key < $2
		AND NOT EXISTS (SELECT FROM peal.spreads p WHERE key BETWEEN p.first AND p.last) ORDER BY key LIMIT $3`, func(rows pgx.Rows) error {
		var c candidate
		var list []byte
		if err := rows.Scan(&c.key, &list); err != nil || len(found) > 0 && len(deliveries) > purgeRows {
			return err
		}
		c.deliveries = idsIn[peal.DeliveryID](list)
		found, deliveries = append(found, c), append(deliveries, c.deliveries...)
		return nil
	}, uuid(r.from), uuid(r.until), purgeRows)
	return found, deliveries, err
}

// staying locks settled deliveries and returns those of a list that are pending or became final at or
// after a time.
func (t *tx) staying(deliveries []peal.DeliveryID, before int64) (map[peal.DeliveryID]bool, error) {
	stays := map[peal.DeliveryID]bool{}
	ids := uuids(deliveries...)
	note := func(rows pgx.Rows) error {
		var id [16]byte
		err := rows.Scan(&id)
		stays[id] = true
		return err
	}
	if err := t.each(`SELECT id FROM (SELECT id, at FROM peal.settled WHERE id = ANY ($1) ORDER BY id FOR UPDATE) s WHERE at >= $2`, note, ids, before); err != nil {
		return nil, err
	}
	err := t.each(`SELECT id FROM peal.held WHERE id = ANY ($1) UNION ALL SELECT id FROM peal.waiting WHERE id = ANY ($1)`, note, ids)
	return stays, err
}

// purge deletes the events without a delivery that stays.
func (t *tx) purge(found []candidate, stays map[peal.DeliveryID]bool) (gone peal.PurgeResult, err error) {
	var keys [][16]byte
	var deliveries []peal.DeliveryID
next:
	for i := range found {
		for _, id := range found[i].deliveries {
			if stays[id] {
				continue next
			}
		}
		keys, deliveries = append(keys, found[i].key), append(deliveries, found[i].deliveries...)
	}
	if len(keys) == 0 {
		return gone, nil
	}
	count := func(into *int, text string, ids any) {
		if err == nil {
			var n int64
			n, err = t.exec(text, ids)
			*into += int(n)
		}
	}
	var withAttempt, ids, words int
	if err := t.each(`SELECT count(facts) FROM peal.settled WHERE id = ANY ($1)`, func(rows pgx.Rows) error { return rows.Scan(&withAttempt) }, uuids(deliveries...)); err != nil {
		return gone, err
	}
	gone.Attempts = withAttempt
	count(&gone.Attempts, `DELETE FROM peal.attempts WHERE delivery = ANY ($1)`, uuids(deliveries...))
	count(&gone.Deliveries, `DELETE FROM peal.settled WHERE id = ANY ($1)`, uuids(deliveries...))
	count(&ids, `DELETE FROM peal.event_ids WHERE event = ANY ($1)`, uuids(keys...))
	count(&words, `DELETE FROM peal.search WHERE event = ANY ($1)`, uuids(keys...))
	count(&gone.Events, `DELETE FROM peal.events WHERE key = ANY ($1)`, uuids(keys...))
	return gone, err
}

// drops are the keys of the deliveries up to which requests and responses have been dropped: in settled
// and in attempts. The pass restarts once a day, because attempts can be newer than their delivery
// IDs suggest.
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

// drop continues from a delivery. It looks at all attempts of a delivery together.
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
