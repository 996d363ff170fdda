package maintenance

import (
	"context"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/crashpoint"
)

// Retention is how long history is kept.
type Retention struct {
	// History is how long events, their deliveries and the attempts are kept after all
	// deliveries of an event have become final; at least a minute, or 0 for no end.
	// Deliveries that a paused or disabled webhook has held back for so long are canceled;
	// replays are kept for as long after their end.
	History time.Duration
	// Attempts is how long attempts keep the heads and the body of request and answer; at
	// least a minute, or 0 for as long as History.
	Attempts time.Duration
	// MaxBytes bounds the store's size: when it is larger, the oldest history is deleted
	// whatever its age. At least 1 MiB, or 0 for no bound.
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

// params returns the bounds of a pass that starts now.
func (r Retention) params(now time.Time) peal.PurgeParams {
	p := peal.PurgeParams{Canceled: now.UTC().Truncate(time.Microsecond), Stats: now, MaxBytes: r.MaxBytes}
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

// Kept returns the size of the store when this node last measured it, which it does every
// [Retention.Every]. It is zero before that, and on a node that leaves retention to another.
func (m *Maintenance) Kept() Kept {
	if kept := m.size.Load(); kept != nil {
		return *kept
	}
	return Kept{}
}

// purge deletes batch after batch until nothing is left to delete.
func (m *Maintenance) purge(ctx context.Context) error {
	if !m.options.IsFirst() {
		return nil
	}
	params := m.options.Retention.params(m.options.Now())
	for ctx.Err() == nil {
		purged, err := m.store.Purge(ctx, params)
		if err != nil {
			return err
		}
		if purged.More {
			crashpoint.Reach(crashpoint.PurgeDone)
		}
		m.metrics.count(&purged)
		if !purged.More {
			m.size.Store(&Kept{At: time.Now(), Bytes: purged.Bytes, Used: purged.Used})
			m.warn(&purged)
			return nil
		}
		pause(ctx, breather*purged.Held)
	}
	return ctx.Err()
}

// warn logs once that what is left does not fit.
func (m *Maintenance) warn(purged *peal.Purged) {
	most := m.options.Retention.MaxBytes
	isOver := most > 0 && purged.Used > most
	if isOver && !m.wasOver {
		m.log.Warn("the database is larger than retention.max_bytes, and all that is left is pending or settings",
			"bytes", purged.Used, "max_bytes", most)
	}
	m.wasOver = isOver
}
