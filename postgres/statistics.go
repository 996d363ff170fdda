package postgres

import (
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/refusals"
)

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

// register gives the metrics to whom shows them; nil for nobody.
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

// poolUse tells how the pool's connections are used, read when somebody asks.
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
