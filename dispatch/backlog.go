package dispatch

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pealhq/peal"
)

// backlogTime bounds how long a scrape waits for the store.
const backlogTime = 2 * time.Second

// backlogCollector asks the store how much is pending when it is asked itself. When
// the store cannot say, the metrics are missing for that moment.
type backlogCollector struct {
	store                 peal.StatsStore
	pending, held, oldest *prometheus.Desc
}

func newBacklogCollector(store peal.StatsStore) *backlogCollector {
	describe := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("peal_backlog_"+name, help, nil, nil)
	}
	return &backlogCollector{
		store:   store,
		pending: describe("deliveries", "Deliveries without a final status, of all nodes; counted up to 100000."),
		held:    describe("held_deliveries", "Those of them whose webhook is paused or disabled; counted up to 100000."),
		oldest:  describe("oldest_seconds", "Age of the oldest delivery without a final status; 0 without any."),
	}
}

// Describe implements [prometheus.Collector].
func (c *backlogCollector) Describe(to chan<- *prometheus.Desc) {
	to <- c.pending
	to <- c.held
	to <- c.oldest
}

// Collect implements [prometheus.Collector].
func (c *backlogCollector) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), backlogTime)
	defer cancel()
	backlog, err := c.store.Backlog(ctx, "")
	if err != nil {
		return
	}
	age := 0.0
	if !backlog.Oldest.IsZero() {
		age = max(0, time.Since(backlog.Oldest).Seconds())
	}
	to <- prometheus.MustNewConstMetric(c.pending, prometheus.GaugeValue, float64(backlog.Pending))
	to <- prometheus.MustNewConstMetric(c.held, prometheus.GaugeValue, float64(backlog.Held))
	to <- prometheus.MustNewConstMetric(c.oldest, prometheus.GaugeValue, age)
}
