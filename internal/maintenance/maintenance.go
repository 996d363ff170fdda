// Package maintenance does the work that one node does for all: it deletes history by age and
// size, and keeps the search index up to date.
package maintenance

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pealhq/peal"
)

// Store is the part of the store that maintenance needs.
type Store interface {
	Purge(ctx context.Context, params peal.PurgeParams) (peal.Purged, error)
	SetSearch(ctx context.Context, on bool) error
	Index(ctx context.Context) (peal.Indexed, error)
}

// Options are what maintenance does, and for whom.
type Options struct {
	Retention Retention
	// Search turns the search index on.
	Search bool
	// IsFirst reports whether this node is the one that works for all.
	IsFirst func() bool
	// Now is the clock by which history ages.
	Now     func() time.Time
	Log     *slog.Logger
	Metrics prometheus.Registerer // nil for none
}

// Maintenance runs the duties of one node. Create it with [New].
type Maintenance struct {
	store   Store
	options Options
	log     *slog.Logger
	metrics *metrics

	size       atomic.Pointer[Kept]
	wasOver    bool // the store was too large after the latest pass; for retention's goroutine alone
	isSwitched bool // the index is on or off as Options.Search asks; for the indexer's goroutine alone
}

// New creates the maintenance of a store. The error is that of registering the metrics.
func New(store Store, options Options) (*Maintenance, error) {
	m := &Maintenance{store: store, options: options, log: options.Log, metrics: newMetrics()}
	return m, m.metrics.register(options.Metrics)
}

// breather is how many times as long as a batch has kept the store busy the others then have it
// for themselves.
const breather = 2

// searchRetry is the time from a failed pass of the indexer to the next.
const searchRetry = time.Second

// searchEvery is the time between two passes of the indexer. Events and answers that come in it are
// indexed together.
const searchEvery = time.Second

// Run works until ctx ends.
func (m *Maintenance) Run(ctx context.Context) {
	search := searchEvery
	if !m.options.Search {
		search = m.options.Retention.Every // all there is to do is to turn it off
	}
	var duties sync.WaitGroup
	duties.Go(func() {
		m.repeat(ctx, m.options.Retention.Every, m.options.Retention.Every, m.purge, "cannot delete old history; trying again later")
	})
	duties.Go(func() {
		m.repeat(ctx, search, searchRetry, m.index, "cannot keep the search index up to date; trying again")
	})
	duties.Wait()
}

// repeat calls a duty at once and then at intervals, until ctx ends. A duty knows itself what it does
// on a node that is not the first.
func (m *Maintenance) repeat(ctx context.Context, every, retry time.Duration, duty func(context.Context) error, complaint string) {
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		wait := every
		if err := duty(ctx); err != nil && ctx.Err() == nil {
			m.log.Warn(complaint, "error", err)
			wait = retry
		}
		next.Reset(wait)
	}
}

// pause waits, or returns early when ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
