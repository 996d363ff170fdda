package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/pealhq/peal"
)

// Telemetry configures the export of traces. The zero value exports none.
type Telemetry struct {
	// Endpoint is the URL of an OpenTelemetry collector that speaks OTLP over HTTP, such
	// as http://127.0.0.1:4318; /v1/traces is appended unless the path ends with it. ""
	// traces nothing. Certificates, time limits, compression and the sampler may be set
	// by the standard OTEL_ variables of the process.
	Endpoint string
	// Headers are sent with every export, to authenticate at the collector. They are secrets.
	Headers map[string]string
	// Service is the name of this deployment; "" stands for the variables OTEL_SERVICE_NAME and
	// OTEL_RESOURCE_ATTRIBUTES, or else "peal".
	Service string
	// SampleRatio is the part of the traces that is kept, above 0 and up to 1, unless the caller's
	// trace context decides. With 0, OTEL_TRACES_SAMPLER decides; without it all are kept.
	SampleRatio float64
	// Traceparent forwards the trace context to endpoints.
	Traceparent bool
}

// Validate checks the options. The error has code [peal.Invalid] and names the field.
func (t Telemetry) Validate() error {
	if t.SampleRatio < 0 || t.SampleRatio > 1 {
		return peal.Invalidf("telemetry.sample_ratio", "must be from 0 to 1")
	}
	if t.Endpoint == "" {
		return nil
	}
	u, err := url.Parse(t.Endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" ||
		u.Fragment != "" {
		return peal.Invalidf("telemetry.otlp_endpoint", "must be an http or https URL without credentials and query, such as http://127.0.0.1:4318")
	}
	return nil
}

// traceTime limits the time for exporting remaining traces when the server stops.
const traceTime = 5 * time.Second

// openTraces returns the provider of spans; nil if traces are off.
func (s *Server) openTraces(ctx context.Context) (*trace.TracerProvider, error) {
	o := s.options.Telemetry
	if o.Endpoint == "" {
		return nil, nil
	}
	endpoint := strings.TrimSuffix(o.Endpoint, "/")
	if !strings.HasSuffix(endpoint, "/v1/traces") {
		endpoint += "/v1/traces"
	}
	options := []otlptracehttp.Option{otlptracehttp.WithEndpointURL(endpoint)}
	if len(o.Headers) > 0 {
		options = append(options, otlptracehttp.WithHeaders(o.Headers))
	}
	exporter, err := otlptracehttp.New(ctx, options...)
	if err != nil {
		return nil, peal.Invalidf("telemetry.otlp_endpoint", "cannot be used: %s", err)
	}
	attributes, err := resource.New(ctx, resource.WithAttributes(semconv.ServiceName("peal"),
		semconv.ServiceVersion(s.options.Version)), resource.WithFromEnv(), resource.WithTelemetrySDK())
	if err != nil {
		return nil, peal.Invalidf("OTEL_RESOURCE_ATTRIBUTES", "cannot be read: %s", err)
	}
	if o.Service != "" {
		if attributes, err = resource.Merge(attributes, resource.NewSchemaless(semconv.ServiceName(o.Service))); err != nil {
			return nil, peal.Invalidf("telemetry.service", "cannot be used: %s", err)
		}
	}
	settings := []trace.TracerProviderOption{trace.WithBatcher(&loggedExporter{SpanExporter: exporter, log: s.log}),
		trace.WithResource(attributes)}
	if o.SampleRatio > 0 {
		settings = append(settings, trace.WithSampler(trace.ParentBased(trace.TraceIDRatioBased(o.SampleRatio))))
	}
	provider := trace.NewTracerProvider(settings...)
	s.onStop("traces", func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, traceTime)
		defer cancel()
		if err := provider.Shutdown(ctx); err != nil {
			s.log.Warn("the last traces were not exported", "error", exportTrouble(err))
		}
		return nil
	})
	return provider, nil
}

// loggedExporter logs when exports start to fail and when they succeed again, in place of
// OpenTelemetry's global handler.
type loggedExporter struct {
	trace.SpanExporter
	log     *slog.Logger
	failing atomic.Bool
}

// ExportSpans exports spans. Spans are lost if that fails.
func (e *loggedExporter) ExportSpans(ctx context.Context, spans []trace.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	if failing := err != nil; e.failing.Swap(failing) != failing {
		if failing {
			e.log.Warn("traces cannot be exported; they are lost until exports succeed again", "error", exportTrouble(err))
		} else {
			e.log.Info("traces are exported again")
		}
	}
	return nil
}

// exportTrouble returns the text of an error without the collector's response and the URL.
func exportTrouble(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err.Error()
	}
	text, _, _ := strings.Cut(err.Error(), "body:")
	return strings.TrimRight(text, " (:")
}

// followTraces adds the caller's trace context (W3C Trace Context) to the context of the request.
func followTraces(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("traceparent") != "" {
			r = r.WithContext(propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header)))
		}
		next.ServeHTTP(w, r)
	})
}
