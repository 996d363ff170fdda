package postgres

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/configstore"
	"github.com/pealhq/peal/internal/wake"
)

// cancelBatch is the number of deliveries of a deleted webhook that one transaction cancels.
const cancelBatch = 250

// DeleteWebhook implements [peal.Store]. The webhook is gone at once. So are
// its pending deliveries, unless they are more than a batch: then the rest
// follows batch by batch, also after a restart, and nobody can claim them meanwhile.
func (s *Store) DeleteWebhook(ctx context.Context, tenant string, id peal.WebhookID) error {
	now := time.Now()
	more := false
	err := s.changeRoutes(ctx, func(t *tx, revision int64) error {
		live, err := configstore.FindLive(t.configTx(), tenant, id)
		if err != nil {
			return err
		}
		num := int32(live.Num)
		if _, err := t.exec(`UPDATE peal.webhooks SET deleted = true, revision = $2, name = '', status = '', settings = NULL, confidential = NULL, sealed = false, updated = $3 WHERE num = $1`,
			num, revision, micros(now)); err != nil {
			return err
		}
		more, err = t.cancelSome(num, now)
		return err
	})
	if more {
		s.sweeper.signal()
	}
	return translate("delete a webhook", err)
}

// cancelSome cancels a batch of a webhook's pending deliveries. More is true if there may be others.
func (t *tx) cancelSome(webhook int32, at time.Time) (more bool, err error) {
	for _, table := range [...]string{"held", "waiting"} {
		n, err := t.cancel(table, fmt.Sprintf(`id IN (SELECT id FROM peal.%s WHERE webhook = $1 ORDER BY id LIMIT %d FOR UPDATE)`, table, cancelBatch), webhook, at)
		if err != nil {
			return false, err
		}
		more = more || n == cancelBatch
	}
	return more, nil
}

// sweeper finishes what is done in parts: it cancels what deleted webhooks have left
// pending, and makes rows of the deliveries of large inserts.
type sweeper struct {
	wake  wake.Signal
	mu    sync.Mutex        // guards parts
	parts []peal.DeliveryID // of large inserts that this node started
}

// adopt leaves a part of a large insert to the sweeper.
func (s *sweeper) adopt(part peal.DeliveryID) {
	s.mu.Lock()
	s.parts = append(s.parts, part)
	s.mu.Unlock()
	s.signal()
}

// adopted returns the parts that are left to the sweeper.
func (s *sweeper) adopted() []peal.DeliveryID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.parts)
}

// done forgets a part.
func (s *sweeper) done(part peal.DeliveryID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parts = slices.DeleteFunc(s.parts, func(id peal.DeliveryID) bool { return id == part })
}

func newSweeper() *sweeper { return &sweeper{wake: wake.New()} }

func (s *sweeper) signal() {
	s.wake.Send()
}

// run sweeps when it is woken, until the context ends. It tries again after a
// failure: the database may be away for a while.
func (s *sweeper) run(ctx context.Context, sweep func(context.Context) (more bool, err error)) {
	for {
		select {
		case <-s.wake:
		case <-ctx.Done():
			return
		}
		for {
			more, err := sweep(ctx)
			if err == nil && !more {
				break
			}
			if err != nil && wait(ctx, retryAfter) != nil {
				return
			}
		}
	}
}

// sweep writes the rows of the remaining parts of large inserts, or cancels one batch of each deleted
// webhook with pending deliveries.
func (s *Store) sweep(ctx context.Context) (more bool, err error) {
	if did, err := s.sweepSpreads(ctx); did || err != nil {
		return did, err
	}
	var webhooks []int32
	if err := s.query(ctx, `SELECT w.num FROM peal.webhooks w WHERE w.deleted AND (
		EXISTS (SELECT FROM peal.waiting d WHERE d.webhook = w.num) OR w.num IN (SELECT h.webhook FROM peal.held h)) LIMIT 10`, func(rows pgx.Rows) error {
		var num int32
		err := rows.Scan(&num)
		webhooks = append(webhooks, num)
		return err
	}); err != nil {
		return false, err
	}
	for _, webhook := range webhooks {
		if err := s.transact(ctx, func(t *tx) error {
			_, err := t.cancelSome(webhook, time.Now())
			return err
		}); err != nil {
			return false, err
		}
	}
	return len(webhooks) > 0, nil
}

// vacuumEvery is after how many deliveries that have left held it is vacuumed.
const vacuumEvery = 20_000

// vacuum has held vacuumed while it is small. The server does it once a minute at
// most, unless its settings say otherwise, when at 10,000 deliveries a second the rows
// of 600,000 that are gone lie around in what should stay in memory.
type vacuum struct {
	gone atomic.Int64
	wake wake.Signal
}

func newVacuum() *vacuum { return &vacuum{wake: wake.New()} }

// left counts deliveries that have left held.
func (v *vacuum) left(n int) {
	if v.gone.Add(int64(n)) < vacuumEvery {
		return
	}
	v.gone.Store(0)
	v.wake.Send()
}

// run vacuums until the context ends. Of several nodes one does it at a time. What
// fails does no harm: the server comes to it in its own time.
func (v *vacuum) run(ctx context.Context, exec func(context.Context, string, ...any) (int64, error)) {
	for {
		select {
		case <-v.wake:
			_, _ = exec(ctx, `VACUUM (SKIP_LOCKED, INDEX_CLEANUP ON, TRUNCATE OFF, PARALLEL 0) peal.held`)
		case <-ctx.Done():
			return
		}
	}
}
