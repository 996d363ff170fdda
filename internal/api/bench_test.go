package api_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/internal/api"
	"github.com/pealhq/peal/internal/intake"
)

// instant is an engine that takes events at once, to measure the handler alone.
type instant struct{ *dispatch.Engine }

func (instant) Publish(_ context.Context, tenant string, events ...peal.Event) ([]dispatch.Published, error) {
	published := make([]dispatch.Published, len(events))
	for i := range events {
		events[i].Key = peal.NewEventKey()
		events[i].ID = events[i].Key.String()
		events[i].Time = peal.TimestampOf(time.Unix(1, 0).UTC())
		published[i] = dispatch.Published{Event: &events[i], Webhooks: []peal.WebhookID{peal.NewWebhookID()}}
	}
	return published, nil
}

type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(int)             {}
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }

// BenchmarkPublish is one event of 1 KiB through the handler, without network and store.
func BenchmarkPublish(b *testing.B) {
	bench := newBench(b)
	handler, err := api.New(api.Options{Store: bench.store, Engine: instant{bench.engine}, Intake: intake.New(bench.store, bench.engine, nil), Identity: bench.identity, OperatorKey: operatorKey, MaxData: 64 << 10})
	if err != nil {
		b.Fatal(err)
	}
	body := []byte(`{"type":"task.created","data":{"text":"` + strings.Repeat("x", 1<<10) + `"}}`)
	for name, key := range map[string]string{"operator": operatorKey, "tenant": bench.newKey("acme", peal.ScopePublish)} {
		b.Run(name, func(b *testing.B) {
			header := http.Header{"Authorization": {"Bearer " + key}, "Content-Type": {"application/json"}}
			reader := bytes.NewReader(body)
			template := httptest.NewRequest("POST", "/v1/events", nil)
			template.Header, template.ContentLength, template.Body = header, int64(len(body)), io.NopCloser(reader)
			w := &discard{header: http.Header{}}
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				reader.Reset(body)
				request := *template
				clear(w.header)
				handler.ServeHTTP(w, &request)
			}
		})
	}
}

// BenchmarkPublishOverHTTP is the same through a server, on the real engine and store.
func BenchmarkPublishOverHTTP(b *testing.B) {
	bench := newBench(b)
	body := `{"type":"task.created","data":{"text":"` + strings.Repeat("x", 1<<10) + `"}}`
	bench.client.Transport.(*http.Transport).MaxIdleConnsPerHost = 256
	b.SetParallelism(32)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if got := bench.do(request{method: "POST", path: "/v1/events", body: body}); got.StatusCode != 202 {
				b.Errorf("answered %d: %s", got.StatusCode, got.body)
				return
			}
		}
	})
}
