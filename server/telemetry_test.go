package server_test

import (
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	span "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/server"
)

// traces is an OpenTelemetry collector: OTLP over HTTP, in protobuf.
type traces struct {
	url   string
	spans chan *span.Span
	heads chan http.Header
	// service is that of the last export.
	service chan string
}

func collect(t *testing.T) *traces {
	t.Helper()
	c := &traces{spans: make(chan *span.Span, 1000), heads: make(chan http.Header, 1000), service: make(chan string, 1000)}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var export collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &export)
		}
		if err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
			t.Errorf("an export to %s is none: %v", r.URL, err)
		}
		c.heads <- r.Header
		for _, resource := range export.ResourceSpans {
			for _, a := range resource.Resource.Attributes {
				if a.Key == "service.name" {
					c.service <- a.Value.GetStringValue()
				}
			}
			for _, scope := range resource.ScopeSpans {
				for _, s := range scope.Spans {
					c.spans <- s
				}
			}
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(s.Close)
	c.url = s.URL
	return c
}

// all returns the received spans by name; the server must have stopped.
func (c *traces) all() map[string][]*span.Span {
	close(c.spans)
	byName := make(map[string][]*span.Span)
	for s := range c.spans {
		byName[s.Name] = append(byName[s.Name], s)
	}
	return byName
}

func attribute(s *span.Span, key string) string {
	for _, a := range s.Attributes {
		if a.Key == key {
			return a.Value.GetStringValue()
		}
	}
	return ""
}

// publishTraced publishes with a trace context of the caller's.
func publishTraced(t *testing.T, s *server.Server, traceparent string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.Addr()+"/v1/events", strings.NewReader(`{"type":"task.created","id":"traced","data":1}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+operatorKey)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("traceparent", traceparent)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusAccepted {
		t.Fatalf("published with status %d", response.StatusCode)
	}
}

const (
	callerTrace = "0af7651916cd43dd8448eb211c80319c"
	callerSpan  = "b7ad6b7169203331"
)

// One trace holds the publisher's span, the publish call, and every attempt to both
// endpoints, of which one fails at first.
func TestOneTraceFromPublishToEveryAttempt(t *testing.T) {
	to := collect(t)
	o := options(t)
	o.RetryPolicy.Delays = []time.Duration{time.Millisecond}
	o.Telemetry = server.Telemetry{Endpoint: to.url, Headers: map[string]string{"X-Who": "tests"}, Service: "events", Traceparent: true}
	s := start(t, o)
	c := connect(t, "http://"+s.Addr(), operatorKey)
	heads := make(chan string, 10)
	failed := false
	flaky := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		heads <- r.Header.Get("traceparent")
		if !failed {
			failed = true
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer flaky.Close()
	url, arrivals := endpoint(t)
	for _, target := range []string{url, flaky.URL + "/?token=query-secret"} {
		if _, err := c.CreateWebhook(t.Context(), client.WebhookRequest{URL: &target, Events: []string{"*"}}); err != nil {
			t.Fatal(err)
		}
	}
	publishTraced(t, s, "00-"+callerTrace+"-"+callerSpan+"-01")
	sent := []string{next(t, arrivals).header.Get("traceparent")}
	for range 2 {
		select {
		case head := <-heads:
			sent = append(sent, head)
		case <-time.After(patience):
			t.Fatal("no retry has come")
		}
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}

	spans := to.all()
	if len(spans["publish"]) != 1 || len(spans["attempt"]) != 3 {
		t.Fatalf("%d publish calls and %d attempts were traced, want 1 and 3", len(spans["publish"]), len(spans["attempt"]))
	}
	publish := spans["publish"][0]
	if hex.EncodeToString(publish.TraceId) != callerTrace || hex.EncodeToString(publish.ParentSpanId) != callerSpan || attribute(publish, "peal.event.id") == "" {
		t.Errorf("the publish call is no child of the publisher's span: %v", publish)
	}
	errors := 0
	for _, a := range spans["attempt"] {
		if string(a.TraceId) != string(publish.TraceId) || string(a.ParentSpanId) != string(publish.SpanId) {
			t.Errorf("an attempt is no child of the publish call: %v", a)
		}
		if a.Status.GetCode() == span.Status_STATUS_CODE_ERROR {
			errors++
			if a.Status.Message != string(peal.ReasonStatus) {
				t.Errorf("it failed because of %q", a.Status.Message)
			}
		}
		if strings.Contains(a.String(), "query-secret") {
			t.Error("a span shows a URL's query")
		}
		found := false
		for _, head := range sent {
			found = found || head == "00-"+callerTrace+"-"+hex.EncodeToString(a.SpanId)+"-01"
		}
		if !found {
			t.Errorf("no endpoint got the context of attempt %x: %q", a.SpanId, sent)
		}
	}
	if errors != 1 {
		t.Errorf("%d attempts are marked as failed, want 1", errors)
	}
	if head := <-to.heads; head.Get("X-Who") != "tests" {
		t.Errorf("the collector got the headers %v", head)
	}
	if got := <-to.service; got != "events" {
		t.Errorf("the service is %q", got)
	}
}

// A delivery that comes from the store has a separate trace with the event's id; endpoints get no
// trace context unless the operator turns that on.
func TestTraceOfWhatComesBackFromTheStore(t *testing.T) {
	onEachStore(t, testTraceOfWhatComesBackFromTheStore)
}

func testTraceOfWhatComesBackFromTheStore(t *testing.T, o server.Options) {
	to := collect(t)
	s := start(t, o)
	c := connect(t, "http://"+s.Addr(), operatorKey)
	url, arrivals := endpoint(t)
	paused := "paused"
	webhook, err := c.CreateWebhook(t.Context(), client.WebhookRequest{URL: &url, Events: []string{"*"}, Status: &paused})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Publish(t.Context(), client.NewEvent{Type: "t", ID: "mine", Data: []byte(`1`)}); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.Telemetry.Endpoint = to.url + "/v1/traces"
	s = start(t, o)
	active := "active"
	if _, err := connect(t, "http://"+s.Addr(), operatorKey).UpdateWebhook(t.Context(), webhook.ID, client.WebhookRequest{Status: &active}); err != nil {
		t.Fatal(err)
	}
	if head := next(t, arrivals).header; head.Get("traceparent") != "" {
		t.Errorf("the endpoint got traceparent: %v", head)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	spans := to.all()
	if len(spans["attempt"]) != 1 || len(spans["attempt"][0].ParentSpanId) != 0 || attribute(spans["attempt"][0], "peal.event.id") == "" {
		t.Errorf("the spans are %v", spans)
	}
}

// A collector that refuses costs only the traces, and is logged once.
func TestRefusingCollector(t *testing.T) {
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "answer-of-the-collector", http.StatusForbidden)
	}))
	defer refusing.Close()
	var log journal
	o := options(t)
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	o.Telemetry.Endpoint = refusing.URL
	s := start(t, o)
	c := connect(t, "http://"+s.Addr(), operatorKey)
	for range 3 {
		if _, err := c.Publish(t.Context(), client.NewEvent{Type: "t", Data: []byte(`1`)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if text := log.String(); strings.Count(text, "traces cannot be exported") != 1 || strings.Contains(text, "answer-of-the-collector") {
		t.Errorf("the log says\n%s", text)
	}
}

func TestTelemetryRefused(t *testing.T) {
	for field, telemetry := range map[string]server.Telemetry{
		"telemetry.otlp_endpoint": {Endpoint: "127.0.0.1:4318"},
		"telemetry.sample_ratio":  {SampleRatio: 1.1},
	} {
		o := options(t)
		o.Telemetry = telemetry
		if err := o.Validate(); err == nil || !regexp.MustCompile("^"+regexp.QuoteMeta(field)).MatchString(err.Error()) {
			t.Errorf("%s: %v", field, err)
		}
	}
	for _, endpoint := range []string{"http://user:password@host", "http://host?token=x", "ftp://host", "http://"} {
		o := options(t)
		o.Telemetry.Endpoint = endpoint
		if o.Validate() == nil {
			t.Errorf("%s is taken", endpoint)
		}
	}
}
