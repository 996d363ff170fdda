package dispatch

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/lanes"
	"github.com/pealhq/peal/internal/refusals"
	"github.com/pealhq/peal/wire"
)

// metrics counts what the engine does. No label holds a URL, a tenant or a webhook, so that the
// number of series does not grow with the deployment.
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

	refusals *refusals.Counter // by quota
}

// From 0.5 ms to 68 s in steps of 2: the timeouts of attempts end at 60 s.
var secondsBuckets = prometheus.ExponentialBuckets(0.0005, 2, 18)

func newMetrics() *metrics {
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
	m.startAtZero()
	return m
}

// collectors returns all of them.
func (m *metrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.published, m.refused, m.matched, m.deliveries, m.attempts, m.commit, m.wait, m.attempt, m.arrival, m.settleSize, m.settleTime}
}

// startAtZero creates the series of every label: one that appears with its first event hides that
// event from rates.
func (m *metrics) startAtZero() {
	for _, reason := range peal.Reasons() {
		m.attempts.WithLabelValues(string(reason))
	}
	m.deliveries.WithLabelValues(string(peal.Failed))
	for _, code := range []peal.ErrorCode{peal.Invalid, peal.TooLarge, peal.Conflict, peal.Forbidden, peal.Unavailable, peal.Internal} {
		m.refused.WithLabelValues(string(code))
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

// laneGauges returns gauges of the lanes, which counts reads.
func laneGauges(counts func() lanes.Counts) []prometheus.Collector {
	gauge := func(name, help string, labels prometheus.Labels, read func(*lanes.Counts) int64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "peal", Name: name, Help: help, ConstLabels: labels}, func() float64 {
			c := counts()
			return float64(read(&c))
		})
	}
	in := func(state string, read func(*lanes.Counts) int) prometheus.Collector {
		return gauge("lanes", "Lanes by state; a lane can be in several.", prometheus.Labels{"state": state}, func(c *lanes.Counts) int64 { return int64(read(c)) })
	}
	inFlight := func(pace string, read func(*lanes.Counts) int) prometheus.Collector {
		const help = "Requests in flight, by what is known of their endpoints: they answer within a second, do so with failures, take longer, or nothing yet."
		return gauge("requests_in_flight", help, prometheus.Labels{"pace": pace}, func(c *lanes.Counts) int64 { return int64(read(c)) })
	}
	return []prometheus.Collector{
		inFlight("fast", func(c *lanes.Counts) int { return c.Fast }),
		inFlight("fresh", func(c *lanes.Counts) int { return c.Fresh }),
		inFlight("erring", func(c *lanes.Counts) int { return c.Erring }),
		inFlight("slow", func(c *lanes.Counts) int { return c.Slow }),
		gauge("memory_bytes", "The cost of the deliveries in memory, in bytes.", nil, func(c *lanes.Counts) int64 { return c.Memory }),
		in("known", func(c *lanes.Counts) int { return c.Known }),
		in("ready", func(c *lanes.Counts) int { return c.Ready }),
		in("spilled", func(c *lanes.Counts) int { return c.Spilled }),
		in("open", func(c *lanes.Counts) int { return c.Open }),
		in("slow", func(c *lanes.Counts) int { return c.Slowed }),
	}
}

// backlogTime bounds how long a scrape waits for the store.
const backlogTime = 2 * time.Second

type backlogStore interface {
	Backlog(ctx context.Context, tenant string) (peal.DeliveryBacklog, error)
}

// backlogCollector reads from the store how much is pending. While the store cannot be read, the
// metrics are missing.
type backlogCollector struct {
	store                 backlogStore
	pending, held, oldest *prometheus.Desc
}

func newBacklogCollector(store backlogStore) *backlogCollector {
	describe := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("peal_backlog_"+name, help, nil, nil)
	}
	return &backlogCollector{
		store:   store,
		pending: describe("deliveries", "Deliveries without a final status, of all nodes; counted up to 100000."),
		held:    describe("held_deliveries", "Deliveries without a final status of paused and disabled webhooks; counted up to 100000."),
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

// TraceOptions configure tracing. The zero value traces nothing.
type TraceOptions struct {
	// Provider creates the spans: one for each publish call, a child of the span of its
	// context, and below it one for each attempt of a delivery that stayed in memory.
	// Attempts of deliveries that come from the store (spilled, late retries, after a
	// restart) start a trace of their own; peal.event.id finds it. Nil traces nothing.
	Provider trace.TracerProvider
	// Traceparent sends the attempt's trace context to endpoints, in the header
	// traceparent (W3C Trace Context). Formats do not sign it.
	Traceparent bool
}

// tracer creates the engine's spans. Spans name tenants, webhooks and events, and contain neither
// URLs nor contents, which may be secret.
type tracer struct {
	trace.Tracer
	traceparent bool
}

func newTracer(options TraceOptions) *tracer {
	if options.Provider == nil {
		return nil
	}
	return &tracer{options.Provider.Tracer("github.com/pealhq/peal/dispatch"), options.Traceparent}
}

// publish starts the span of a publish call, to which the spans of its attempts belong.
func (t *tracer) publish(ctx context.Context, tenant string, events []peal.Event) (context.Context, trace.Span) {
	attributes := []attribute.KeyValue{attribute.String("peal.tenant", tenant), attribute.Int("peal.events", len(events))}
	if len(events) == 1 {
		attributes = append(attributes, attribute.String("peal.event.type", events[0].Type))
	}
	return t.Start(ctx, "publish", trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(attributes...))
}

// published ends the span of a publish call; event is its only event, nil when it has several.
func (t *tracer) published(span trace.Span, event *peal.Event, duplicate bool, err error) {
	if err != nil {
		failSpan(span, string(peal.CodeOf(err)))
	}
	if event != nil {
		span.SetAttributes(attribute.String("peal.event.id", event.ID), attribute.Bool("peal.duplicate", duplicate))
	}
	span.End()
}

// originOf returns the context of the span that publishes; nil when nothing is traced.
func originOf(ctx context.Context) *trace.SpanContext {
	origin := trace.SpanContextFromContext(ctx)
	if !origin.IsValid() {
		return nil
	}
	return &origin
}

// attempt starts the span of an attempt.
func (tr *tracer) attempt(ctx context.Context, j *lanes.Job, t *target, attempt *peal.Attempt) (context.Context, trace.Span) {
	if j.Origin != nil {
		ctx = trace.ContextWithSpanContext(ctx, *j.Origin)
	}
	attributes := []attribute.KeyValue{
		attribute.String("peal.tenant", j.Event.Tenant),
		attribute.String("peal.event.id", j.Event.ID),
		attribute.String("peal.event.type", j.Event.Type),
		attribute.String("peal.webt.id", t.ID.String()),
		attribute.String("peal.delivery.id", attempt.DeliveryID.String()),
		attribute.Int("peal.attempt.number", attempt.Number),
		attribute.Float64("peal.queue_wait_ms", float64(attempt.Timing.Wait.Microseconds())/1000),
	}
	if u, err := url.Parse(t.URL); err == nil {
		attributes = append(attributes, attribute.String("server.address", u.Hostname()))
	}
	return tr.Start(ctx, "attempt", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...))
}

// attempted ends it.
func (t *tracer) attempted(span trace.Span, attempt *peal.Attempt) {
	if attempt.StatusCode != 0 {
		span.SetAttributes(attribute.Int("http.response.status_code", attempt.StatusCode))
	}
	if !attempt.Succeeded() {
		failSpan(span, string(attempt.Reason))
	}
	span.End()
}

// failSpan sets the reason, a word of a closed list: the whole text may contain an address.
func failSpan(span trace.Span, reason string) {
	span.SetStatus(codes.Error, reason)
	span.SetAttributes(attribute.String("error.type", reason))
}

// inject adds the header traceparent, unless the webhook has one of its own.
func (t *tracer) inject(ctx context.Context, request *wire.Request) {
	if !t.traceparent {
		return
	}
	for name := range request.Header {
		if strings.EqualFold(name, "traceparent") {
			return
		}
	}
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	if value := carrier.Get("traceparent"); value != "" {
		// tracestate is not sent: it is for the deployment's own systems.
		request.Header["traceparent"] = []string{value}
	}
}
