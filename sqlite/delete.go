package sqlite

import (
	"context"
	"slices"
	"sync"
	"time"

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
	err := s.queue.submit(&change{ctx: ctx, rows: cancelBatch, run: func(w *writer) error {
		live, err := configstore.FindLive(configTx{w}, tenant, id)
		if err != nil {
			return refuseAnswer(err)
		}
		revision, err := w.bumpRoutes()
		if err != nil {
			return err
		}
		if _, err := w.conn.exec(`UPDATE webhooks SET deleted = 1, revision = ?, name = '', settings = NULL, confidential = NULL, sealed = 0, updated = ? WHERE num = ?`,
			revision, micros(now), live.Num); err != nil {
			return err
		}
		delete(w.names.webhooks, id)
		more, err := w.cancelSome(live.Num, now)
		if more {
			w.after = append(w.after, func() { s.sweeper.signal() })
		}
		return err
	}})
	return translate("delete a webhook", err)
}

// cancelSome cancels a batch of a webhook's pending deliveries. More is true if there may be others.
func (w *writer) cancelSome(webhook int64, at time.Time) (more bool, err error) {
	var places []place
	collect := func(r row) error {
		places = append(places, scanPlace(r))
		return nil
	}
	if err := w.conn.query(placeHeld+` WHERE webhook = ? LIMIT +?`, collect, webhook, int64(cancelBatch)); err != nil {
		return false, err
	}
	if err := w.conn.query(placeWaiting+` WHERE webhook = ? LIMIT +?`, collect, webhook, int64(cancelBatch-len(places))); err != nil {
		return false, err
	}
	for i := range places {
		if err := w.moveToSettled(&places[i], statusNumbers[peal.Canceled], at); err != nil {
			return false, err
		}
	}
	return len(places) == cancelBatch, nil
}

// sweeper finishes what is done in parts: it cancels what deleted webhooks have left
// pending, and makes rows of the deliveries of large inserts.
type sweeper struct {
	wake  wake.Signal
	ended chan struct{}
	mu    sync.Mutex        // guards parts
	parts []peal.DeliveryID // of large inserts that this process started
}

func newSweeper() *sweeper {
	return &sweeper{wake: wake.New(), ended: make(chan struct{})}
}

// adopt leaves a part of a large insert to the sweeper.
func (s *sweeper) adopt(part peal.DeliveryID) {
	s.mu.Lock()
	s.parts = append(s.parts, part)
	s.mu.Unlock()
	s.signal()
}

// adopted returns a part that is left to the sweeper.
func (s *sweeper) adopted() (part peal.DeliveryID, found bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.parts) == 0 {
		return part, false
	}
	return s.parts[0], true
}

// done forgets a part.
func (s *sweeper) done(part peal.DeliveryID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parts = slices.DeleteFunc(s.parts, func(id peal.DeliveryID) bool { return id == part })
}

func (s *sweeper) signal() {
	s.wake.Send()
}

// run sweeps when it is woken, until the context ends. It tries again after a
// failure: the store may be full for a while.
func (s *sweeper) run(ctx context.Context, sweep func(context.Context) (more bool, err error)) {
	defer close(s.ended)
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
			if err != nil {
				select {
				case <-time.After(retryAfter):
				case <-ctx.Done():
					return
				}
			}
		}
	}
}

// sweep does one part of what is left. It looks for it among the readers, so that the
// writer is not troubled when there is nothing to do.
func (s *Store) sweep(ctx context.Context) (more bool, err error) {
	if did, err := s.sweepSpread(ctx); did || err != nil {
		return did, err
	}
	var webhook int64
	if err := s.query(ctx, `SELECT num FROM webhooks WHERE deleted AND (
		EXISTS (SELECT 1 FROM waiting WHERE webhook = num) OR num IN (SELECT webhook FROM held)) LIMIT 1`, func(r row) error {
		webhook, more = r.int(0), true
		return nil
	}); err != nil || !more {
		return false, err
	}
	return true, s.queue.submit(&change{ctx: ctx, rows: cancelBatch, run: func(w *writer) error {
		_, err := w.cancelSome(webhook, time.Now())
		return err
	}})
}
