package api_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
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

func TestUnknownRoutesAndMethods(t *testing.T) {
	b := newBench(t)
	for _, path := range []string{"/", "/v1", "/v1/", "/v1/nope", "/v1//events", "/v1/webhooks/", "/v1/webhooks/x/y", "/v2/events", "/v1/events/../webhooks", "/docs/"} {
		b.refused(404, "not-found", request{method: "GET", path: path})
	}
	got := b.do(request{method: "PUT", path: "/v1/webhooks"})
	if got.StatusCode != 405 || got.Header.Get("Allow") != "GET, HEAD, POST" {
		t.Errorf("PUT answered %d, Allow %q", got.StatusCode, got.Header.Get("Allow"))
	}
	b.refused(405, "method-not-allowed", request{method: "PUT", path: "/v1/webhooks"})
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	b := newBench(t)
	for _, r := range []request{
		{method: "GET", path: "/healthz", key: "none"}, {method: "GET", path: "/nope"}, {method: "POST", path: "/v1/events", body: `{"type":"t","data":1}`},
		{method: "GET", path: "/v1/events", key: "none"}, {method: "GET", path: "/docs", key: "none"},
	} {
		got := b.do(r)
		if got.Header.Get("X-Request-Id") == "" || got.Header.Get("X-Content-Type-Options") != "nosniff" || got.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s %s: %v", r.method, r.path, got.Header)
		}
		r.header = map[string]string{"X-Request-Id": "mine-1"}
		if id := b.do(r).Header.Get("X-Request-Id"); id != "mine-1" {
			t.Errorf("%s %s changed the request id to %q", r.method, r.path, id)
		}
		r.header = map[string]string{"X-Request-Id": strings.Repeat("x", 129)}
		if id := b.do(r).Header.Get("X-Request-Id"); len(id) != 16 {
			t.Errorf("%s %s took the request id %q", r.method, r.path, id)
		}
	}
}

func TestHead(t *testing.T) {
	b := newBench(t)
	for _, path := range []string{"/v1/events", "/healthz", "/docs", "/v1/openapi.json"} {
		head, get := b.do(request{method: "HEAD", path: path}), b.do(request{method: "GET", path: path})
		if head.StatusCode != 200 || len(head.body) != 0 || head.ContentLength != int64(len(get.body)) {
			t.Errorf("HEAD %s answered %d with %d bytes, length %d", path, head.StatusCode, len(head.body), head.ContentLength)
		}
	}
}

func TestProbes(t *testing.T) {
	b := newBench(t)
	b.want(200, request{method: "GET", path: "/healthz", key: "none"})
	for b.do(request{method: "GET", path: "/readyz", key: "none"}).StatusCode != 200 {
		if err := b.Context().Err(); err != nil {
			t.Fatal(err)
		}
	}
	b.log.Reset() // not ready yet is logged
	version := b.want(200, request{method: "GET", path: "/version", key: "none"})
	if version["version"] != "1.2.3" || version["commit"] != "abc" || !strings.HasPrefix(version["go"].(string), "go1.") {
		t.Errorf("the version is %v", version)
	}
}

// TestBodiesOnTheWire sends bodies that a well-behaved client does not.
func TestBodiesOnTheWire(t *testing.T) {
	b := newBench(t)
	event := `{"type":"t","data":1}`
	tests := []struct {
		name, head, body string
		status           string
		closes           bool // the client stops sending after the body
	}{
		{"chunked", "Transfer-Encoding: chunked\r\n", fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(event), event), "202", false},
		{"chunked and too large", "Transfer-Encoding: chunked\r\n", fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", 100<<10, strings.Repeat(" ", 100<<10)), "413", false},
		{"shorter than its length", fmt.Sprintf("Content-Length: %d\r\n", len(event)+1), event, "400", true},
		{"chunks broken off", "Transfer-Encoding: chunked\r\n", fmt.Sprintf("%x\r\n%s", len(event)+1, event), "400", true},
		{"a length that promises too much", "Content-Length: 99999999999\r\n", event, "413", false},
		{"nothing", "Content-Length: 0\r\n", "", "400", false},
	}
	before := len(b.want(200, request{method: "GET", path: "/v1/events"})["data"].([]any))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", b.server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprintf(conn, "POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n%s\r\n%s", operatorKey, test.head, test.body)
			if test.closes {
				conn.(*net.TCPConn).CloseWrite()
			}
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			text, _ := io.ReadAll(response.Body)
			if !strings.HasPrefix(response.Status, test.status) {
				t.Errorf("answered %s: %s", response.Status, text)
			}
		})
	}
	if after := len(b.want(200, request{method: "GET", path: "/v1/events"})["data"].([]any)); after != before+1 {
		t.Errorf("%d events were written, not 1", after-before)
	}
}

// broken is an engine that fails in a chosen way.
type broken struct {
	*dispatch.Engine
	fail func(context.Context) error
}

func (e broken) PublishOwned(ctx context.Context, _ string, _ []peal.Event) ([]dispatch.Published, error) {
	return nil, e.fail(ctx)
}

// TestOurFailures looks at the answers and the log when it is the server that fails.
func TestOurFailures(t *testing.T) {
	b := newBench(t)
	tests := []struct {
		name       string
		fail       func(context.Context) error
		status     int
		kind       string
		retryAfter string
		logged     string
	}{
		{"a panic", func(context.Context) error { panic(`it has {"data":"hush"} and ` + operatorKey) }, 500, "internal", "", "a value of type string"},
		{"a panic of the runtime", func(context.Context) error { return errors.New((*peal.Error)(nil).Message) }, 500, "internal", "", "nil pointer dereference"},
		{"an unknown error", func(context.Context) error { return errors.New("disk on fire") }, 500, "internal", "", "disk on fire"},
		{"an internal error", func(context.Context) error {
			return &peal.Error{Code: peal.Internal, Message: "secret place", Err: errors.New("root-of-it")}
		}, 500, "internal", "", "root-of-it"},
		{"unavailable", func(context.Context) error {
			return &peal.Error{Code: peal.Unavailable, Message: "full", RetryAfter: 1500 * time.Millisecond}
		}, 503, "unavailable", "2", "full"},
		{"unavailable for nobody knows how long", func(context.Context) error { return peal.Errorf(peal.Unavailable, "full") }, 503, "unavailable", "1", "full"},
		{"rate limited", func(context.Context) error {
			return &peal.Error{Code: peal.RateLimited, Message: "slow down", RetryAfter: 7 * time.Second}
		}, 429, "rate-limited", "7", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var log strings.Builder
			handler, err := api.New(api.Options{
				Store: b.store, Engine: broken{b.engine, test.fail}, Intake: intake.New(b.store, b.engine, nil), Identity: b.identity, Log: slog.New(slog.NewTextHandler(&log, nil)), OperatorKey: operatorKey, MaxData: 1 << 10,
			})
			if err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(handler)
			defer server.Close()
			copied := b.in(t)
			copied.server = server
			r := request{method: "POST", path: "/v1/events", body: `{"type":"t","data":"hush"}`}
			copied.refused(test.status, test.kind, r)
			got := copied.do(r)
			if after := got.Header.Get("Retry-After"); after != test.retryAfter {
				t.Errorf("Retry-After is %q, not %q", after, test.retryAfter)
			}
			if test.status == 500 && (strings.Contains(string(got.body), test.logged) || strings.Contains(string(got.body), "secret place")) {
				t.Errorf("the answer tells what only the log should: %s", got.body)
			}
			if test.logged == "" && log.Len() > 0 || !strings.Contains(log.String(), test.logged) || strings.Contains(log.String(), "hush") || strings.Contains(log.String(), operatorKey) {
				t.Errorf("the log says %q", log.String())
			}
		})
	}
}

// TestGoneCaller cancels a request: nothing of it is our failure.
func TestGoneCaller(t *testing.T) {
	b := newBench(t)
	var log strings.Builder
	entered := make(chan struct{})
	handler, err := api.New(api.Options{
		Store: b.store, Intake: intake.New(b.store, b.engine, nil), Identity: b.identity, Log: slog.New(slog.NewTextHandler(&log, nil)), OperatorKey: operatorKey, MaxData: 1 << 10,
		Engine: broken{b.engine, func(ctx context.Context) error { close(entered); <-ctx.Done(); return ctx.Err() }},
	})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(served)
		handler.ServeHTTP(w, r)
	}))
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "POST", server.URL+"/v1/events", strings.NewReader(`{"type":"t","data":1}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+operatorKey)
	req.Header.Set("Content-Type", "application/json")
	ended := make(chan error, 1)
	go func() {
		_, err := server.Client().Do(req)
		ended <- err
	}()
	<-entered
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatalf("the call ended with %v", err)
	}
	<-served
	if log.Len() > 0 {
		t.Errorf("the log says %q", log.String())
	}
}

func TestOptions(t *testing.T) {
	b := newBench(t)
	good := api.Options{Store: b.store, Engine: b.engine, Intake: intake.New(b.store, b.engine, nil), Identity: b.identity, MaxData: 1}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*api.Options){
		"no store":       func(o *api.Options) { o.Store = nil },
		"no engine":      func(o *api.Options) { o.Engine = nil },
		"no intake":      func(o *api.Options) { o.Intake = nil },
		"a short key":    func(o *api.Options) { o.OperatorKey = strings.Repeat("x", 31) },
		"no data":        func(o *api.Options) { o.MaxData = 0 },
		"too large data": func(o *api.Options) { o.MaxData = 1<<20 + 1 },
	} {
		bad := good
		change(&bad)
		if _, err := api.New(bad); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
