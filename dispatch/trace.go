package dispatch

import (
	"context"
	"net/url"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/wire"
)

// TraceOptions say what is traced. The zero value traces nothing.
type TraceOptions struct {
	// Provider makes the spans: one for each publish call, a child of the span of its
	// context, and below it one for each attempt that memory keeps the way of. Attempts
	// of deliveries that come back from the store (spilled, late retries, after a restart)
	// begin a trace of their own; peal.event.id finds it. Nil traces nothing.
	Provider trace.TracerProvider
	// Traceparent sends the attempt's trace context to endpoints, in the header
	// traceparent (W3C Trace Context). It is no part of what formats sign.
	Traceparent bool
}

// tracer makes the engine's spans; nil makes none and costs nothing. Spans name
// tenants, webhooks and events, and hold neither URLs nor contents, which may be secret.
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

// publish begins the span of a publish call. Its origin is where attempts belong to.
func (t *tracer) publish(ctx context.Context, tenant string, events []peal.Event) (context.Context, trace.Span) {
	attributes := []attribute.KeyValue{attribute.String("peal.tenant", tenant), attribute.Int("peal.events", len(events))}
	if len(events) == 1 {
		attributes = append(attributes, attribute.String("peal.event.type", events[0].Type))
	}
	return t.Start(ctx, "publish", trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(attributes...))
}

// published ends it.
func (t *tracer) published(span trace.Span, published []Published, err error) {
	if err != nil {
		failSpan(span, string(peal.CodeOf(err)))
	}
	if len(published) == 1 {
		span.SetAttributes(attribute.String("peal.event.id", published[0].Event.ID), attribute.Bool("peal.duplicate", published[0].Duplicate))
	}
	span.End()
}

// originOf gives what attempts remember of the span that published their event.
func originOf(ctx context.Context) *trace.SpanContext {
	origin := trace.SpanContextFromContext(ctx)
	if !origin.IsValid() {
		return nil
	}
	return &origin
}

// attempt begins the span of an attempt.
func (t *tracer) attempt(ctx context.Context, j *job, hook *hook, attempt *peal.Attempt) (context.Context, trace.Span) {
	if j.origin != nil {
		ctx = trace.ContextWithSpanContext(ctx, *j.origin)
	}
	attributes := []attribute.KeyValue{
		attribute.String("peal.tenant", j.event.Tenant),
		attribute.String("peal.event.id", j.event.ID),
		attribute.String("peal.event.type", j.event.Type),
		attribute.String("peal.webhook.id", hook.ID.String()),
		attribute.String("peal.delivery.id", attempt.DeliveryID.String()),
		attribute.Int("peal.attempt.number", attempt.Number),
		attribute.Float64("peal.queue_wait_ms", float64(attempt.Timing.Wait.Microseconds())/1000),
	}
	if u, err := url.Parse(hook.URL); err == nil {
		attributes = append(attributes, attribute.String("server.address", u.Hostname()))
	}
	return t.Start(ctx, "attempt", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...))
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

// failSpan says why, by a word of a closed list: the whole text may hold an address.
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
		// tracestate stays inside: it is what our own systems tell each other.
		request.Header["traceparent"] = []string{value}
	}
}
