package server_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pealhq/peal/server"
)

// A body that does not arrive ends the request, so that idle senders hold nothing.
func TestSlowBodyIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got error
		response := exchange(t, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\npart", func(w http.ResponseWriter, r *http.Request) {
			_, got = io.ReadAll(r.Body)
		})
		if response.StatusCode != http.StatusOK || !errors.Is(got, os.ErrDeadlineExceeded) {
			t.Errorf("reading the body gives %v, status %d", got, response.StatusCode)
		}
	})
}

// TestBodyRate sends bodies at steady rates: those that arrive too slowly are cut off after
// their grace, and none takes longer than a minute.
func TestBodyRate(t *testing.T) {
	for name, c := range map[string]struct {
		piece, pieces int
		every         time.Duration
		cut           time.Duration // when; 0 for never
	}{
		"a byte a second":               {1, 100, time.Second, 5 * time.Second},
		"half the rate":                 {512, 100, time.Second, 10 * time.Second},
		"just the rate":                 {1 << 10, 40, time.Second, 0},
		"twice the rate, in two pieces": {10 << 10, 2, 4 * time.Second, 0},
		"much, then nothing":            {16 << 10, 2, time.Hour, 21 * time.Second},
		"fast, but for over a minute":   {4 << 10, 100, time.Second, time.Minute},
		"all at once":                   {64 << 10, 1, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got error
				var after time.Duration
				client, connection := net.Pipe()
				listener := &oneConnection{connection: connection, closed: make(chan struct{})}
				s := &http.Server{Handler: server.LimitBodyTime(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					begun := time.Now()
					_, got = io.Copy(io.Discard, r.Body)
					after = time.Since(begun)
				}))}
				ended := make(chan error, 1)
				go func() { ended <- s.Serve(listener) }()
				sent := make(chan struct{})
				go func() {
					defer close(sent)
					fmt.Fprintf(client, "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n", c.piece*c.pieces)
					for i := range c.pieces {
						if i > 0 {
							time.Sleep(c.every)
						}
						if _, err := client.Write(make([]byte, c.piece)); err != nil {
							return // cut off
						}
					}
				}()
				io.Copy(io.Discard, client)
				client.Close()
				switch {
				case c.cut == 0 && got != nil:
					t.Errorf("cut off after %v: %v", after, got)
				case c.cut > 0 && (!errors.Is(got, os.ErrDeadlineExceeded) || after < c.cut-time.Second || after > c.cut+time.Second):
					t.Errorf("after %v: %v, want it cut off after %v", after, got, c.cut)
				}
				<-sent
				s.Close()
				<-ended
			})
		})
	}
}

// TestUnreadBodyIsCutOff announces a body to a handler that reads none, and sends none.
func TestUnreadBodyIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		response := exchange(t, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
		})
		if waited := time.Since(begun); response.StatusCode != http.StatusUnauthorized || waited > 6*time.Second {
			t.Errorf("answered %d after %v", response.StatusCode, waited)
		}
	})
}

// A handler may work for longer than a body may take to arrive.
func TestLongWorkIsNotCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got error
		exchange(t, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody", func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.ReadAll(r.Body); err != nil {
				t.Error(err)
			}
			select {
			case <-r.Context().Done():
				got = r.Context().Err()
			case <-time.After(2 * time.Minute):
			}
		})
		if got != nil {
			t.Errorf("the handler's context ended: %v", got)
		}
	})
}

// exchange sends a request over an in-memory connection and returns the answer.
func exchange(t *testing.T, request string, handle http.HandlerFunc) *http.Response {
	t.Helper()
	client, connection := net.Pipe()
	listener := &oneConnection{connection: connection, closed: make(chan struct{})}
	s := &http.Server{Handler: server.LimitBodyTime(handle)}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(listener) }()
	go io.WriteString(client, request)
	response, err := http.ReadResponse(bufio.NewReader(client), nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	client.Close()
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	<-ended
	return response
}

// oneConnection is a listener that accepts one connection and then none.
type oneConnection struct {
	connection net.Conn
	closed     chan struct{}
}

// Accept returns the connection the first time.
func (l *oneConnection) Accept() (net.Conn, error) {
	if c := l.connection; c != nil {
		l.connection = nil
		return c, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}

// Close ends the waiting for another one.
func (l *oneConnection) Close() error {
	close(l.closed)
	return nil
}

// Addr is where nobody can dial to.
func (l *oneConnection) Addr() net.Addr { return &net.TCPAddr{} }

func TestLongHeadIsRefused(t *testing.T) {
	s := start(t, options(t))
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	for size, want := range map[int]int{31 << 10: http.StatusOK, 48 << 10: http.StatusRequestHeaderFieldsTooLarge} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Addr()+"/healthz", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-Long", strings.Repeat("x", size))
		response, err := transport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%d bytes answer %d, not %d", size, response.StatusCode, want)
		}
	}
}
