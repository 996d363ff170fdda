package maintenance

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pealhq/peal"
)

// metrics counts what maintenance does.
type metrics struct {
	purged  *prometheus.CounterVec // by kind
	held    prometheus.Histogram
	bytes   prometheus.Gauge
	used    prometheus.Gauge
	indexed prometheus.Counter
}

func newMetrics() *metrics {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "peal", Name: name, Help: help})
	}
	m := &metrics{
		purged: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "peal", Name: "retention_purged_total",
			Help: "What retention has deleted, by kind: event, delivery, attempt, record (heads and body of an attempt), bucket (of counts), webhook, key, replay, session, portal_link; canceled counts deliveries held back too long.",
		}, []string{"kind"}),
		held: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "peal", Name: "retention_batch_seconds", Help: "Time that a batch of retention kept other changes waiting.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 18),
		}),
		bytes: gauge("database_bytes", "Size of the database, when it was last measured."),
		used:  gauge("database_used_bytes", "The part of the database that holds something, when it was last measured."),
		indexed: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "peal", Name: "search_indexed_total", Help: "Events that were added to the search index or updated in it.",
		}),
	}
	m.count(&peal.PurgeResult{}) // every series starts at zero
	return m
}

func (m *metrics) register(registerer prometheus.Registerer) error {
	if registerer == nil {
		return nil
	}
	for _, c := range []prometheus.Collector{m.purged, m.held, m.bytes, m.used, m.indexed} {
		if err := registerer.Register(c); err != nil {
			return err
		}
	}
	return nil
}

func (m *metrics) count(p *peal.PurgeResult) {
	for kind, n := range map[string]int{
		"event": p.Events, "delivery": p.Deliveries, "attempt": p.Attempts, "record": p.Records,
		"canceled": p.Canceled, "bucket": p.Buckets, "webhook": p.Webhooks, "key": p.Keys, "replay": p.Replays,
		"session": p.Sessions, "portal_link": p.PortalLinks,
	} {
		m.purged.WithLabelValues(kind).Add(float64(n))
	}
	if p.Held > 0 {
		m.held.Observe(p.Held.Seconds())
	}
	m.bytes.Set(float64(p.Bytes))
	m.used.Set(float64(p.Used))
}
