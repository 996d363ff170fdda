package sqlite

import (
	"context"
	"sync"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/crashpoint"
)

// workTime is after how long a batch of a purge ends its work by itself.
const workTime = 5 * time.Millisecond

// purge is where the pass over what may go stands. It looks for rows among the
// readers, so that the writer is troubled only when there is something to do.
type purge struct {
	mu   sync.Mutex // one batch at a time
	step int        // of purgeSteps
	// after is the key of the row that the step has come to.
	after int64
	batchSize
	// drops remember over the passes how far the records of attempts have been dropped.
	drops drops
}

func newPurge() *purge { return &purge{batchSize: newBatchSize()} }

// purgeStep does one batch of a kind of work; did is false when none is left.
type purgeStep func(s *Store, ctx context.Context, params *peal.PurgeParams, purged *peal.PurgeResult) (did bool, err error)

var purgeSteps = [...]purgeStep{
	(*Store).cancelHeldBack, (*Store).purgeAged, (*Store).purgeExcess, (*Store).dropLast, (*Store).dropEarlier,
	(*Store).purgeTombstones, (*Store).purgeReplays, (*Store).purgeStats, (*Store).giveBack,
}

// Purge implements [peal.PurgeStore].
func (s *Store) Purge(ctx context.Context, params peal.PurgeParams) (peal.PurgeResult, error) {
	p := s.purge
	p.mu.Lock()
	defer p.mu.Unlock()
	var purged peal.PurgeResult
	for p.step < len(purgeSteps) && !purged.More {
		did, err := purgeSteps[p.step](s, ctx, &params, &purged)
		if err != nil {
			return purged, translate("purge", err)
		}
		if purged.More = did; !did {
			p.step, p.after = p.step+1, 0
		}
	}
	if !purged.More {
		p.step = 0
	}
	size, err := s.size(ctx)
	purged.Bytes, purged.Used = size.bytes(), size.used()
	return purged, translate("purge", err)
}

// batch runs a change of a purge in the writer and learns from the time it took.
// Others may be in its transaction; that only makes the next batch smaller.
func (s *Store) batch(ctx context.Context, purged *peal.PurgeResult, run func(w *writer) error) error {
	p := s.purge
	var took time.Duration
	err := s.queue.submit(&change{ctx: ctx, rows: p.rows, run: func(w *writer) error {
		begun := time.Now()
		w.after = append(w.after, func() { took = time.Since(begun) })
		err := run(w)
		crashpoint.Reach(crashpoint.PurgeWritten)
		return err
	}})
	if err != nil {
		return err
	}
	purged.Held += took
	p.took(took)
	return nil
}

// cancelHeldBack cancels deliveries that a paused or disabled webhook has held back
// for as long as history is kept.
func (s *Store) cancelHeldBack(ctx context.Context, params *peal.PurgeParams, purged *peal.PurgeResult) (bool, error) {
	if params.History.IsZero() {
		return false, nil
	}
	until := seqFloor(params.History)
	const heldBack = `NOT deleted AND settings ->> '$.status' IN ('paused', 'disabled')
		AND EXISTS (SELECT 1 FROM waiting WHERE webhook = num AND seq < ?1)`
	var webhook int64
	if err := s.query(ctx, `SELECT num FROM webhooks WHERE `+heldBack+` LIMIT 1`, func(r row) error {
		webhook = r.int(0)
		return nil
	}, until); err != nil || webhook == 0 {
		return false, err
	}
	rows := int64(max(s.purge.rows/4, 1)) // each moves between tables, which is four rows' work
	return true, s.batch(ctx, purged, func(w *writer) error {
		purged.Canceled = 0
		if _, still, err := w.conn.number(`SELECT 1 FROM webhooks WHERE num = ?2 AND `+heldBack, until, webhook); err != nil || !still {
			return err
		}
		var places []place
		if err := w.conn.query(placeWaiting+` WHERE webhook = ? AND seq < ? ORDER BY seq LIMIT +?`, func(r row) error {
			places = append(places, scanPlace(r))
			return nil
		}, webhook, until, rows); err != nil {
			return err
		}
		for i := range places {
			if err := w.moveToSettled(&places[i], statusNumbers[peal.Canceled], params.Canceled); err != nil {
				return err
			}
		}
		purged.Canceled = len(places)
		return nil
	})
}

// purgeTombstones forgets deleted webhooks without deliveries, and revoked keys.
func (s *Store) purgeTombstones(ctx context.Context, params *peal.PurgeParams, purged *peal.PurgeResult) (bool, error) {
	if params.History.IsZero() {
		return false, nil
	}
	const webhooks = ` FROM webhooks WHERE deleted AND updated < ?
		AND num NOT IN (SELECT webhook FROM held)
		AND NOT EXISTS (SELECT 1 FROM waiting WHERE webhook = num) AND NOT EXISTS (SELECT 1 FROM settled WHERE webhook = num)`
	const keys = ` FROM keys WHERE revoked < ?`
	before, found := micros(params.History), false
	if err := s.query(ctx, `SELECT EXISTS (SELECT 1`+webhooks+`) OR EXISTS (SELECT 1`+keys+`)`, func(r row) error {
		found = r.int(0) != 0
		return nil
	}, before, before); err != nil || !found {
		return false, err
	}
	limit := int64(s.purge.rows)
	return true, s.batch(ctx, purged, func(w *writer) error {
		var ids []peal.WebhookID
		if err := w.conn.query(`SELECT id`+webhooks+` LIMIT +?`, func(r row) error {
			ids = append(ids, peal.WebhookID(r.blob(0)))
			return nil
		}, before, limit); err != nil {
			return err
		}
		for _, id := range ids {
			if _, err := w.conn.exec(`DELETE FROM webhooks WHERE id = ?`, id[:]); err != nil {
				return err
			}
			delete(w.names.webhooks, id)
		}
		n, err := w.conn.exec(`DELETE FROM keys WHERE id IN (SELECT id`+keys+` LIMIT +?)`, before, limit)
		purged.Webhooks, purged.Keys = len(ids), int(n)
		return err
	})
}

// purgeReplays forgets replays that have ended.
func (s *Store) purgeReplays(ctx context.Context, params *peal.PurgeParams, purged *peal.PurgeResult) (bool, error) {
	if params.History.IsZero() {
		return false, nil
	}
	const ended = ` FROM replays WHERE status <> 'running' AND ended < ?`
	before, found := micros(params.History), false
	if err := s.query(ctx, `SELECT 1`+ended+` LIMIT 1`, func(row) error {
		found = true
		return nil
	}, before); err != nil || !found {
		return false, err
	}
	limit := int64(s.purge.rows)
	return true, s.batch(ctx, purged, func(w *writer) error {
		n, err := w.conn.exec(`DELETE FROM replays WHERE id IN (SELECT id`+ended+` LIMIT +?)`, before, limit)
		purged.Replays = int(n)
		return err
	})
}
