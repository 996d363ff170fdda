package identity_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pealhq/peal/internal/identity"
)

// TestGuardCuts has a request write without end, wait for its body and wait for something
// else, and takes its caller's right away: each ends.
func TestGuardCuts(t *testing.T) {
	for name, work := range map[string]func(http.ResponseWriter, *http.Request){
		"writes without end": func(w http.ResponseWriter, r *http.Request) {
			page := []byte(strings.Repeat("x", 1<<20))
			for {
				if _, err := w.Write(page); err != nil {
					return
				}
			}
		},
		"waits for its body":      func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) },
		"waits for what it began": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	} {
		t.Run(name, func(t *testing.T) {
			var out atomic.Bool
			ended := make(chan struct{})
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer close(ended)
				guarded, stop := identity.Guard(w, r, func(context.Context) bool { return !out.Load() })
				defer stop()
				out.Store(true)
				work(w, guarded)
			}))
			defer server.Close()
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			select {
			case <-ended:
			case <-time.After(time.Minute):
				t.Error("it goes on")
			}
		})
	}
}

// TestGuardLetsGo serves a request that outlives several looks at its caller.
func TestGuardLetsGo(t *testing.T) {
	var asked atomic.Int64
	enough := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		guarded, stop := identity.Guard(w, r, func(context.Context) bool {
			if asked.Add(1) == 2 {
				close(enough)
			}
			return true
		})
		defer stop()
		<-enough
		if err := guarded.Context().Err(); err != nil {
			t.Errorf("the request has ended: %v", err)
		}
		io.WriteString(w, "done")
	}))
	defer server.Close()
	response, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != "done" {
		t.Errorf("answered %q: %v", body, err)
	}
}
