package postgres

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
)

// purgeRows is how many rows a batch of a purge takes.
const purgeRows = 2000

// purge is where the pass over what may go stands.
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
	(*Store).purgeStats,
}

// Purge implements [peal.PurgeStore]. A day of which there is much goes as a whole,
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

// size is what the schema takes on disk, in bytes.
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
