package dispatch

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pealhq/peal"
)

// metrics are what the engine counts. No label holds a URL, a tenant or a webhook,
// so that their number does not grow with the deployment.
type metrics struct {
	published  *prometheus.CounterVec // by result: accepted, duplicate
	refused    *prometheus.CounterVec // by code of the error
	matched    prometheus.Counter
	deliveries *prometheus.CounterVec // by final status
	attempts   *prometheus.CounterVec // by reason; "" became "success"

	commit  prometheus.Histogram
	wait    prometheus.Histogram
	attempt prometheus.Histogram
	arrival prometheus.Histogram

	settleSize prometheus.Histogram
	settleTime prometheus.Histogram

	// The counters of the happy path, looked up once.
	accepted, duplicate, success, succeeded prometheus.Counter
}

// From 0.5 ms to 68 s in steps of 2: the timeouts of attempts end at 60 s.
var secondsBuckets = prometheus.ExponentialBuckets(0.0005, 2, 18)

func newMetrics(s *scheduler, registerer prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "peal", Name: name, Help: help}, labels)
	}
	seconds := func(name, help string) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "peal", Name: name, Help: help, Buckets: secondsBuckets})
	}
	m := &metrics{
		published:  counter("events_published_total", "Events taken from publishers, by result: accepted or duplicate.", "result"),
		refused:    counter("publishes_refused_total", "Publish calls that were refused, by code of the error.", "code"),
		deliveries: counter("deliveries_settled_total", "Deliveries that became final, by status.", "status"),
		attempts:   counter("attempts_total", "Attempts made, by reason of failure; success for those that succeeded.", "reason"),
		matched: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "peal", Name: "deliveries_created_total", Help: "Deliveries made by matching events with webhooks.",
		}),
		commit:  seconds("commit_seconds", "Time to make a publish call durable."),
		wait:    seconds("queue_wait_seconds", "Time from due to the start of an attempt."),
		attempt: seconds("attempt_seconds", "Time of one attempt, from dialling to the end of the answer."),
		arrival: seconds("delivery_seconds", "Time from accepting an event to the end of the attempt that delivered it."),
		settleSize: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "peal", Name: "settle_batch_size", Help: "Results of attempts written at once.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 10),
		}),
		settleTime: seconds("settle_seconds", "Time to write a batch of results."),
	}
	m.accepted, m.duplicate = m.published.WithLabelValues("accepted"), m.published.WithLabelValues("duplicate")
	m.success = m.attempts.WithLabelValues("success")
	m.succeeded = m.deliveries.WithLabelValues(string(peal.Success))
	if registerer == nil {
		return m, nil
	}
	m.beginAtZero()
	for _, collector := range append(s.gauges(),
		m.published, m.refused, m.matched, m.deliveries, m.attempts, m.commit, m.wait, m.attempt, m.arrival, m.settleSize, m.settleTime) {
		if err := registerer.Register(collector); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// beginAtZero makes the series of every label: one that appears with its first event
// hides that event from rates.
func (m *metrics) beginAtZero() {
	for _, reason := range peal.Reasons() {
		m.attempts.WithLabelValues(string(reason))
	}
	m.deliveries.WithLabelValues(string(peal.Failed))
	for _, code := range []peal.Code{peal.Invalid, peal.TooLarge, peal.Conflict, peal.Forbidden, peal.Unavailable, peal.Internal} {
		m.refused.WithLabelValues(string(code))
	}
}

// gauges tell how the scheduler stands when they are asked.
func (s *scheduler) gauges() []prometheus.Collector {
	gauge := func(name, help string, labels prometheus.Labels, read func() int64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "peal", Name: name, Help: help, ConstLabels: labels}, func() float64 {
			s.mu.Lock()
			defer s.mu.Unlock()
			return float64(read())
		})
	}
	lanes := func(state string, is func(*lane) bool) prometheus.Collector {
		return gauge("lanes", "Lanes by state; a lane can be in several.", prometheus.Labels{"state": state}, func() (n int64) {
			for _, l := range s.lanes {
				if is(l) {
					n++
				}
			}
			return n
		})
	}
	inFlight := func(pace string, k kind) prometheus.Collector {
		const help = "Requests in flight, by what is known of their endpoints: they answer within a second, do so with failures, take longer, or nothing yet."
		return gauge("requests_in_flight", help, prometheus.Labels{"pace": pace}, func() int64 { return int64(s.inFlight[k]) })
	}
	return []prometheus.Collector{
		inFlight("fast", fast), inFlight("fresh", fresh), inFlight("erring", erring), inFlight("slow", slow),
		gauge("memory_bytes", "What the deliveries in memory cost, in bytes.", nil, func() int64 { return s.memory }),
		lanes("known", func(*lane) bool { return true }),
		lanes("ready", func(l *lane) bool { return l.ready }),
		lanes("spilled", func(l *lane) bool { return l.spilled }),
		lanes("open", func(l *lane) bool { return l.breaker.state() != Closed }),
		lanes("slow", func(l *lane) bool { return l.pace.kind == slow }),
	}
}

// ended counts an attempt and what it made of its delivery.
func (m *metrics) ended(event *peal.Event, attempt *peal.Attempt, status peal.DeliveryStatus) {
	m.wait.Observe(attempt.Timing.Wait.Seconds())
	m.attempt.Observe(attempt.Timing.Total.Seconds())
	switch {
	case attempt.Succeeded():
		m.success.Inc()
		m.succeeded.Inc()
		m.arrival.Observe(time.Since(event.AcceptedAt()).Seconds())
		return
	case status == peal.Failed:
		m.deliveries.WithLabelValues(string(status)).Inc()
	}
	m.attempts.WithLabelValues(string(attempt.Reason)).Inc()
}
