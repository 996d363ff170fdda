package sqlite

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/refusals"
)

// statistics count what the writer did.
type statistics struct {
	commits  atomic.Int64 // transactions that changed something or were asked to
	refusals *refusals.Counter
	size     prometheus.Histogram
	seconds  prometheus.Histogram
}

func newStatistics(registerer prometheus.Registerer) (*statistics, error) {
	s := &statistics{
		size: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "peal", Subsystem: "store", Name: "batch_size", Help: "Changes committed in one transaction.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 10),
		}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "peal", Subsystem: "store", Name: "transaction_seconds", Help: "Time of one transaction that writes, with its fsync.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 2, 16), // to 3.3 s
		}),
	}
	var err error
	if s.refusals, err = refusals.New(registerer); err != nil {
		return nil, &peal.Error{Code: peal.Invalid, Field: "metrics", Message: "takes no metrics of quotas", Err: err}
	}
	if registerer == nil {
		return s, nil
	}
	for _, c := range []prometheus.Collector{s.size, s.seconds} {
		if err := registerer.Register(c); err != nil {
			return nil, &peal.Error{Code: peal.Invalid, Field: "metrics", Message: "takes no metrics of a store", Err: err}
		}
	}
	return s, nil
}

func (s *statistics) committed(changes int, took time.Duration) {
	s.commits.Add(1)
	s.size.Observe(float64(changes))
	s.seconds.Observe(took.Seconds())
}
