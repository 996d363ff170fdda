package server_test

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pealhq/peal/server"
)

// TestSlowClients holds connections in every way that costs the holder nothing: each is
// cut in its time, and somebody a little quicker is served.
func TestSlowClients(t *testing.T) {
	const whole, part, rest = "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n", "\r\n"
	for name, c := range map[string]struct {
		send  []string      // each after a wait
		wait  time.Duration // between them
		want  int           // answers
		alive time.Duration // of the connection, at most
	}{
		"a head in time":          {[]string{part, rest}, 9 * time.Second, 1, 3 * time.Minute},
		"a head that is too late": {[]string{part, rest}, 11 * time.Second, 0, 12 * time.Second},
		"a head byte by byte":     {strings.Split(whole, ""), time.Second, 0, 12 * time.Second},
		"a second in time":        {[]string{whole, whole}, 119 * time.Second, 2, 5 * time.Minute},
		"a second too late":       {[]string{whole, whole}, 121 * time.Second, 1, 122 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, connection := net.Pipe()
				listener := &oneConnection{connection: connection, closed: make(chan struct{})}
				s := server.NewHTTPServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }), slog.New(slog.DiscardHandler))
				ended := make(chan error, 1)
				go func() { ended <- s.Serve(listener) }()
				begun := time.Now()
				sent := make(chan struct{})
				go func() {
					defer close(sent)
					for i, text := range c.send {
						if i > 0 {
							time.Sleep(c.wait)
						}
						if _, err := io.WriteString(client, text); err != nil {
							return // cut off
						}
					}
				}()
				all, _ := io.ReadAll(client)
				lived := time.Since(begun)
				if got := strings.Count(string(all), "HTTP/1.1 204 No Content\r\n"); got != c.want || lived > c.alive {
					t.Errorf("%d answers in %v: %s", got, lived, all)
				}
				client.Close()
				<-sent
				if err := s.Close(); err != nil {
					t.Error(err)
				}
				<-ended
			})
		})
	}
}

// TestSlowReaders asks for much and reads none of it.
func TestSlowReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, connection := net.Pipe()
		listener := &oneConnection{connection: connection, closed: make(chan struct{})}
		failed := make(chan time.Duration, 1)
		begun := time.Now()
		s := server.NewHTTPServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					failed <- time.Since(begun)
					return
				}
			}
		}), slog.New(slog.DiscardHandler))
		ended := make(chan error, 1)
		go func() { ended <- s.Serve(listener) }()
		io.WriteString(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		if after := <-failed; after != 3*time.Minute {
			t.Errorf("the answer is given up after %v", after)
		}
		client.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		<-ended
	})
}
