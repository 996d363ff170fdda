package sqlite

import (
	"context"
	"sync"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/configstore"
	"github.com/pealhq/peal/internal/crashpoint"
	"github.com/pealhq/peal/internal/record"
)

// workTime is after how long a batch of a purge ends its work by itself.
const workTime = 5 * time.Millisecond

// purge is the progress of the pass over rows that may be deleted. The readers look for them, so that
// the writer works only when there is something to delete.
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
	(*Store).purgeTombstones, (*Store).purgeReplays, (*Store).purgeEnded, (*Store).purgeStats, (*Store).giveBack,
}

// Purge implements [storetest.PurgeStore].
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

// purgeEnded deletes sessions and portal links that ended long ago.
func (s *Store) purgeEnded(ctx context.Context, params *peal.PurgeParams, purged *peal.PurgeResult) (bool, error) {
	if params.Ended.IsZero() {
		return false, nil
	}
	begun := time.Now()
	did, err := configstore.PurgeEnded(ctx, s.config, params.Ended, purged)
	if did {
		purged.Held += time.Since(begun)
	}
	return did, err
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

// A batch should not hold the writer longer than holdTime with its commit.
const holdTime = 25 * time.Millisecond

// The rows of a batch are between these.
const (
	minBatchRows   = 16
	firstBatchRows = 128
	maxBatchRows   = 4000
)

// calmBatches is after how many batches that did not take long larger ones are tried
// again: a disk that is busy now will be busy in a moment.
const calmBatches = 8

// batchSize is the number of rows that a batch may have, learned from the times of earlier batches.
type batchSize struct {
	rows int
	calm int // batches to go before it may grow
}

func newBatchSize() batchSize { return batchSize{rows: firstBatchRows} }

// took learns from a batch. One that took too long makes the next one as much smaller,
// and half of that once more; one that took little makes it a quarter larger.
func (b *batchSize) took(time time.Duration) {
	switch {
	case time > holdTime:
		b.rows = max(int(int64(b.rows)*int64(holdTime)/int64(time))/2, minBatchRows)
		b.calm = calmBatches
	case b.calm > 0:
		b.calm--
	case time < holdTime/2:
		b.rows = min(b.rows+b.rows/4, maxBatchRows)
	}
}

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

// drops are the keys of the deliveries up to which the heads and bodies of attempts have been dropped:
// in settled and in attempts. The pass restarts once a day, because attempts can be newer than their
// delivery IDs suggest.
type drops struct {
	begun         time.Time
	last, earlier int64
}

const dropsAnew = 24 * time.Hour

// dropChunk is the number of rows that one query reads.
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

// drop continues after a delivery. The query look returns the delivery, the attempt and whether to
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
