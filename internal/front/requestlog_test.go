package front_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pealhq/peal/internal/front"
)

// TestRequestLog reads the lines of requests: each names its request, its caller and its
// status, and none a token.
func TestRequestLog(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/first-run/{token}", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNotFound) })
	mux.HandleFunc("/v1/events", func(w http.ResponseWriter, r *http.Request) {
		front.NameRequest(w, r)
		front.NoteCaller(r.Context(), "key", "key_1")
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		w.Write([]byte("ok"))
	})
	var out bytes.Buffer
	serve := front.LogRequests(slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})), mux)
	for path, want := range map[string]map[string]any{
		"/v1/events?secret=s3cret":  {"method": "GET", "path": "/v1/events", "status": 200.0, "caller_kind": "key", "caller": "key_1", "request_id": "mine"},
		"/first-run/s3cret":         {"path": "/first-run/[redacted]", "status": 404.0, "caller": ""},
		"/first-run/s3cret/more":    {"path": "/first-run/[redacted]", "status": 404.0},
		"/portal/enter/s3cret/more": {"path": "/portal/enter/[redacted]", "status": 404.0},
	} {
		out.Reset()
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("X-Request-Id", "mine")
		serve.ServeHTTP(httptest.NewRecorder(), r)
		got := map[string]any{}
		if err := json.Unmarshal(out.Bytes(), &got); err != nil || strings.Contains(out.String(), "s3cret") {
			t.Errorf("%s is logged as %s: %v", path, &out, err)
		}
		if _, ok := got["duration_ms"].(float64); !ok {
			t.Errorf("%s has no duration: %s", path, &out)
		}
		for name, value := range want {
			if got[name] != value {
				t.Errorf("%s has the %s %v, want %v", path, name, got[name], value)
			}
		}
	}
	out.Reset()
	quiet := front.LogRequests(slog.New(slog.NewJSONHandler(&out, nil)), mux)
	quiet.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/v1/events", nil))
	if out.Len() > 0 {
		t.Errorf("at info there is %s", &out)
	}
}
