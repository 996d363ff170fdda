package postgres

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/refusals"
)

// Store keeps Peal's state in a PostgreSQL database. It implements [peal.Store].
type Store struct {
	*config
	db      configDB // of config
	options Options
	pool    *pgxpool.Pool
	lockKey int32 // of the schema's advisory locks
	inserts *queue[*insertion]
	settles *queue[*settlement]
	doubts  *doubts
	vacuum  *vacuum
	sweeper *sweeper
	days    *days
	purge   *purge
	stats   *statistics
	stop    context.CancelFunc // ends the goroutines that wait for time or work
	running sync.WaitGroup     // all goroutines of the store
	closing sync.Once
	closed  chan struct{}
}

var _ peal.Store = (*Store)(nil)

// start starts the goroutines that Close ends.
func (s *Store) start(ctx context.Context) {
	ctx, s.stop = context.WithCancel(ctx)
	for range s.options.Writers {
		s.running.Go(func() { s.inserts.run(s.writeInserts) })
		s.running.Go(func() { s.settles.run(newSettler(s).write) })
	}
	s.running.Go(func() { s.sweeper.run(ctx, s.sweep) })
	s.running.Go(func() { s.watchDoubts(ctx) })
	s.running.Go(func() { s.vacuum.run(ctx, s.exec) })
	s.running.Go(func() { s.makeAhead(ctx) })
	s.sweeper.signal()
}

// Ping implements [peal.Store]: it writes a row and reads it.
func (s *Store) Ping(ctx context.Context) error {
	_, err := s.exec(ctx, `UPDATE peal.meta SET value = value WHERE name = 'routes'`)
	return translate("answer", err)
}

// Close implements [peal.Store]. What was accepted before is finished.
func (s *Store) Close() error {
	s.closing.Do(func() {
		close(s.closed)
		s.inserts.close()
		s.settles.close()
		s.stop()
		s.running.Wait()
		s.pool.Close()
	})
	return nil
}

// isClosed reports whether Close was called.
func (s *Store) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

// statistics are the store's metrics: what is written, and the use of the pool.
type statistics struct {
	refusals *refusals.Counter
	size     prometheus.Histogram
	seconds  prometheus.Histogram
}

func newStatistics() *statistics {
	return &statistics{
		size: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "peal", Subsystem: "store", Name: "batch_size", Help: "Changes committed in one transaction.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 10),
		}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "peal", Subsystem: "store", Name: "transaction_seconds", Help: "Time of one transaction that writes, with its fsync.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 2, 16), // to 3.3 s
		}),
	}
}

// register registers the metrics; a nil registerer is none.
func (s *statistics) register(registerer prometheus.Registerer, pool *pgxpool.Pool) error {
	var err error
	if s.refusals, err = refusals.New(registerer); err != nil {
		return &peal.Error{Code: peal.Invalid, Field: "metrics", Message: "takes no metrics of quotas", Err: err}
	}
	if registerer == nil {
		return nil
	}
	for _, c := range []prometheus.Collector{s.size, s.seconds, poolUse{pool}} {
		if err := registerer.Register(c); err != nil {
			return &peal.Error{Code: peal.Invalid, Field: "metrics", Message: "takes no metrics of a store", Err: err}
		}
	}
	return nil
}

func (s *statistics) committed(changes int, begun time.Time) {
	s.size.Observe(float64(changes))
	s.seconds.Observe(time.Since(begun).Seconds())
}

// poolUse collects the use of the pool's connections.
type poolUse struct{ pool *pgxpool.Pool }

var (
	connectionsMetric = prometheus.NewDesc("peal_store_connections",
		"Connections to the database: in use, idle, and being made.", []string{"state"}, nil)
	connectionsMostMetric = prometheus.NewDesc("peal_store_connections_most",
		"Connections to the database that there may be.", nil, nil)
	waitsMetric = prometheus.NewDesc("peal_store_connection_waits_total",
		"Times that all connections were in use, or none was open yet, when one was wanted.", nil, nil)
	waitedMetric = prometheus.NewDesc("peal_store_connection_wait_seconds_total",
		"Time spent waiting for a connection that way.", nil, nil)
)

// Describe implements [prometheus.Collector].
func (poolUse) Describe(to chan<- *prometheus.Desc) {
	for _, d := range [...]*prometheus.Desc{connectionsMetric, connectionsMostMetric, waitsMetric, waitedMetric} {
		to <- d
	}
}

// Collect implements [prometheus.Collector].
func (p poolUse) Collect(to chan<- prometheus.Metric) {
	stat := p.pool.Stat()
	for state, n := range map[string]int32{"used": stat.AcquiredConns(), "idle": stat.IdleConns(), "opening": stat.ConstructingConns()} {
		to <- prometheus.MustNewConstMetric(connectionsMetric, prometheus.GaugeValue, float64(n), state)
	}
	to <- prometheus.MustNewConstMetric(connectionsMostMetric, prometheus.GaugeValue, float64(stat.MaxConns()))
	to <- prometheus.MustNewConstMetric(waitsMetric, prometheus.CounterValue, float64(stat.EmptyAcquireCount()))
	to <- prometheus.MustNewConstMetric(waitedMetric, prometheus.CounterValue, stat.EmptyAcquireWaitTime().Seconds())
}
