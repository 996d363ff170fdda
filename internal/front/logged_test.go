package front_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pealhq/peal/internal/front"
)

// TestLogsHideTokens asks for the path that a log would have of requests.
func TestLogsHideTokens(t *testing.T) {
	var got string
	mux := http.NewServeMux()
	handle := func(_ http.ResponseWriter, r *http.Request) { got = front.LoggedPath(r) }
	mux.HandleFunc("/enter/{token}", handle)
	mux.HandleFunc("/webhooks/{id}", handle)
	for path, want := range map[string]string{"/enter/s3cret?x=1": "/enter/[redacted]", "/webhooks/webhook_1?q=2": "/webhooks/webhook_1"} {
		mux.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil))
		if got != want {
			t.Errorf("%s is logged as %s", path, got)
		}
	}
}

// TestLogsOfPanics panics as Go does, and as careless code does.
func TestLogsOfPanics(t *testing.T) {
	caught := func(f func()) (text string) {
		defer func() { text = front.LoggedPanic(recover()) }()
		f()
		return ""
	}
	var none []int
	if text := caught(func() { none[len(none)]++ }); !strings.Contains(text, "index out of range") {
		t.Errorf("a panic of the runtime is logged as %q", text)
	}
	for _, cause := range []any{"s3cret", errors.New("s3cret"), map[string]string{"a": "s3cret"}} {
		if text := caught(func() { panic(cause) }); strings.Contains(text, "s3cret") || !strings.HasPrefix(text, "a value of type ") {
			t.Errorf("a panic is logged as %q", text)
		}
	}
}
