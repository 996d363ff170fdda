// Package maintenance does the work that one node does for all: it deletes history by age and
// size, deletes tenants with all their data, and keeps the search index up to date.
package maintenance

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Store is the part of the store that maintenance needs.
type Store interface {
	purgeStore
	searchStore
	tenantStore
}

// Options configure maintenance.
type Options struct {
	Retention Retention
	// Search turns the search index on.
	Search bool
	// IsFirst reports whether this node is the one that works for all.
	IsFirst func() bool
	// Refresh applies what a deletion has changed about webhooks and tenants.
	Refresh func(ctx context.Context) error
	// Tenants receives when a tenant may have been marked for deletion, and when this node became
	// the first one. Nil for never: then tenants are deleted every [Retention.Every].
	Tenants <-chan struct{}
	// Now is the clock by which history ages.
	Now     func() time.Time
	Log     *slog.Logger
	Metrics prometheus.Registerer // nil for none
}

// Maintenance runs the duties of one node. Create it with [New].
type Maintenance struct {
	options Options
	purger  *purger
	indexer *indexer
	tenants *tenantDeleter
}

// New creates the maintenance of a store. The error is that of registering the metrics.
func New(store Store, options Options) (*Maintenance, error) {
	metrics := newMetrics()
	return &Maintenance{
		options: options,
		purger:  &purger{store: store, retention: options.Retention, now: options.Now, log: options.Log, metrics: metrics},
		indexer: &indexer{store: store, on: options.Search, indexed: metrics.indexed},
		tenants: &tenantDeleter{store: store, refresh: options.Refresh, log: options.Log},
	}, metrics.register(options.Metrics)
}

// Kept returns the size of the store when this node last measured it, which it does every
// [Retention.Every]. It is zero before that, and on a node that leaves retention to another.
func (m *Maintenance) Kept() Kept {
	if kept := m.purger.size.Load(); kept != nil {
		return *kept
	}
	return Kept{}
}

// searchRetry is the time from a failed pass of the indexer to the next.
const searchRetry = time.Second

// searchEvery is the time between two passes of the indexer. Events and answers that come in it are
// indexed together.
const searchEvery = time.Second

// deletionRetry is the time to the next look for tenants to delete after an error, and where a
// step waits for another one's work.
const deletionRetry = time.Second

// Run works until ctx ends.
func (m *Maintenance) Run(ctx context.Context) {
	search := searchEvery
	if !m.options.Search {
		search = m.options.Retention.Every // all there is to do is to turn it off
	}
	var duties sync.WaitGroup
	duties.Go(func() {
		m.repeat(ctx, m.options.Retention.Every, m.options.Retention.Every, "cannot delete old history; trying again later", func() error {
			if !m.options.IsFirst() {
				return nil
			}
			return m.purger.pass(ctx)
		})
	})
	duties.Go(func() {
		m.repeat(ctx, search, searchRetry, "cannot keep the search index up to date; trying again", func() error {
			return m.indexer.pass(ctx, m.options.IsFirst())
		})
	})
	duties.Go(func() {
		m.deleteTenants(ctx)
	})
	duties.Wait()
}

// deleteTenants deletes tenants at once when one is marked, so that nothing has to be asked of the
// store meanwhile, and looks every [Retention.Every] as well, in case a message was lost.
func (m *Maintenance) deleteTenants(ctx context.Context) {
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		case <-m.options.Tenants:
		}
		wait := m.options.Retention.Every
		if m.options.IsFirst() {
			waiting, err := m.tenants.pass(ctx)
			if err != nil && ctx.Err() == nil {
				m.options.Log.Warn("cannot delete a tenant; trying again", "error", err)
			}
			if err != nil || waiting {
				wait = min(wait, deletionRetry)
			}
		}
		next.Reset(wait)
	}
}

// repeat calls a duty at once and then at intervals, until ctx ends.
func (m *Maintenance) repeat(ctx context.Context, every, retry time.Duration, complaint string, duty func() error) {
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		wait := every
		if err := duty(); err != nil && ctx.Err() == nil {
			m.options.Log.Warn(complaint, "error", err)
			wait = retry
		}
		next.Reset(wait)
	}
}
