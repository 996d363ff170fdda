package sqlite

import (
	"context"
	"time"

	"github.com/pealhq/peal"
)

// cancelBatch is how many deliveries of a deleted webhook are canceled in one
// transaction.
const cancelBatch = 1000

// DeleteWebhook implements [peal.ConfigStore]. The webhook is gone at once. So are
// its pending deliveries, unless they are more than a thousand: then the rest
// follows batch by batch, also after a restart, and nobody can claim them meanwhile.
func (s *Store) DeleteWebhook(ctx context.Context, tenant string, id peal.WebhookID) error {
	now := time.Now()
	err := s.queue.submit(&change{ctx: ctx, rows: cancelBatch, run: func(w *writer) error {
		num, _, _, err := w.liveWebhook(tenant, id)
		if err != nil {
			return err
		}
		revision, err := w.bumpRoutes()
		if err != nil {
			return err
		}
		if _, err := w.conn.exec(`UPDATE webhooks SET deleted = 1, revision = ?, settings = NULL, confidential = NULL, sealed = 0, updated = ? WHERE num = ?`,
			revision, micros(now), num); err != nil {
			return err
		}
		delete(w.names.webhooks, id)
		more, err := w.cancelSome(num, now)
		if more {
			w.after = append(w.after, func() { s.sweeper.signal() })
		}
		return err
	}})
	return translate("delete a webhook", err)
}

// cancelSome cancels a batch of a webhook's pending deliveries, and says whether
// there may be more.
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

// sweeper cancels what deleted webhooks have left pending.
type sweeper struct {
	wake chan struct{}
	done chan struct{}
}

func newSweeper() *sweeper {
	return &sweeper{wake: make(chan struct{}, 1), done: make(chan struct{})}
}

func (s *sweeper) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// run sweeps when it is woken, until the context ends. It tries again after a
// failure: the store may be full for a while.
func (s *sweeper) run(ctx context.Context, sweep func(context.Context) (more bool, err error)) {
	defer close(s.done)
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

// sweep cancels one batch. It looks for it among the readers, so that the writer
// is not troubled when there is nothing to do.
func (s *Store) sweep(ctx context.Context) (more bool, err error) {
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
