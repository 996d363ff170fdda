package maintenance

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/crashpoint"
)

// Retention is the time for which history is kept.
type Retention struct {
	// History is the time for which events, their deliveries and attempts are kept after all
	// deliveries of an event have become final; at least a minute, or 0 for no end.
	// Deliveries that a paused or disabled webhook has held back for so long are canceled;
	// replays are kept for as long after their end.
	History time.Duration
	// Attempts is the time for which attempts keep the heads and the body of request and answer; at
	// least a minute, or 0 for as long as History.
	Attempts time.Duration
	// MaxBytes bounds the store's size: when it is larger, the oldest history is deleted
	// regardless of its age. At least 1 MiB, or 0 for no bound.
	MaxBytes int64
	// Every is the time between two passes.
	Every time.Duration
}

// DefaultRetention keeps history for 30 days.
func DefaultRetention() Retention {
	return Retention{History: 30 * 24 * time.Hour, Every: 10 * time.Minute}
}

// Validate checks the ranges. The error has code [peal.Invalid] and names the field.
func (r Retention) Validate() error {
	const atLeast = "must be at least 1m, or 0s"
	switch {
	case r.History != 0 && r.History < time.Minute:
		return peal.Invalidf("retention.history", atLeast)
	case r.Attempts != 0 && r.Attempts < time.Minute:
		return peal.Invalidf("retention.attempts", atLeast)
	case r.MaxBytes != 0 && r.MaxBytes < 1<<20:
		return peal.Invalidf("retention.max_bytes", "must be at least 1MiB, or 0")
	case r.Every <= 0:
		return peal.Invalidf("retention.every", "must be above 0")
	}
	return nil
}

// keepEnded is how long sessions and portal links are kept after their end.
const keepEnded = 30 * 24 * time.Hour

// params returns the bounds of a pass that starts now.
func (r Retention) params(now time.Time) peal.PurgeParams {
	p := peal.PurgeParams{
		Canceled: now.UTC().Truncate(time.Microsecond), Ended: now.Add(-keepEnded), Stats: now, MaxBytes: r.MaxBytes,
	}
	if r.History > 0 {
		p.History = now.Add(-r.History)
	}
	if r.Attempts > 0 && (r.History == 0 || r.Attempts < r.History) {
		p.Attempts = now.Add(-r.Attempts)
	}
	return p
}

// Kept is the size of the store at the end of retention's latest pass.
type Kept struct {
	At time.Time
	// Bytes is the size on disk, Used the part of it that holds something.
	Bytes, Used int64
}

// purgeStore is the part of the store that retention needs.
type purgeStore interface {
	Purge(ctx context.Context, params peal.PurgeParams) (peal.PurgeResult, error)
}

// purger deletes history that has been kept for long enough.
type purger struct {
	store     purgeStore
	retention Retention
	now       func() time.Time // the clock by which history ages
	log       *slog.Logger
	metrics   *metrics
	size      atomic.Pointer[Kept]
	wasOver   bool // the store was too large after the latest pass
}

// breather is the pause after a batch, as a multiple of the time for which it kept the store busy.
const breather = 2

// pause waits, or returns early when ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// pass deletes batch after batch until nothing is left to delete.
func (p *purger) pass(ctx context.Context) error {
	params := p.retention.params(p.now())
	for ctx.Err() == nil {
		var purged peal.PurgeResult
		if err := inTurn(ctx, func() (err error) {
			purged, err = p.store.Purge(ctx, params)
			return err
		}); err != nil {
			return err
		}
		if purged.More {
			crashpoint.Reach(crashpoint.PurgeDone)
		}
		p.metrics.count(&purged)
		if !purged.More {
			p.size.Store(&Kept{At: time.Now(), Bytes: purged.Bytes, Used: purged.Used})
			p.warn(&purged)
			return nil
		}
		pause(ctx, breather*purged.Held)
	}
	return ctx.Err()
}

// warn logs once that what is left does not fit.
func (p *purger) warn(purged *peal.PurgeResult) {
	most := p.retention.MaxBytes
	isOver := most > 0 && purged.Used > most
	if isOver && !p.wasOver {
		p.log.Warn("the database is larger than retention.max_bytes, and all that is left is pending or settings",
			"bytes", purged.Used, "max_bytes", most)
	}
	p.wasOver = isOver
}
