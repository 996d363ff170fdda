package dashboard

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pealhq/peal"
)

// EchoHost is the host of the built-in receiver. It is not in any network: only this server's own
// requests reach it, in memory.
const EchoHost = "echo.peal.internal"

// Echo is a receiver that accepts every request and keeps the latest, so that a user without an
// endpoint sees an event arrive. Its memory is bounded.
type Echo struct {
	server *http.Server
	conns  chan net.Conn
	closed chan struct{}
	ended  chan struct{}
	once   sync.Once

	mu     sync.Mutex
	latest []Received // the newest last
}

// Received is a request to the built-in receiver.
type Received struct {
	At   time.Time
	Path string
	Head peal.HeaderLines
	Body []byte
}

// Bounds of the receiver's memory.
const (
	echoRequests = 50
	echoBody     = 16 << 10
)

// NewEcho starts the receiver; Close ends it.
func NewEcho() *Echo {
	e := &Echo{conns: make(chan net.Conn), closed: make(chan struct{}), ended: make(chan struct{})}
	e.server = &http.Server{Handler: e, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10, ErrorLog: log.New(io.Discard, "", 0)}
	go func() {
		defer close(e.ended)
		e.server.Serve(echoListener{e})
	}()
	return e
}

// EchoURL returns the address of the receiver for a tenant's webhook.
func EchoURL(tenant string) string { return "http://" + EchoHost + "/" + tenant }

// Dial returns a new connection to the receiver.
func (e *Echo) Dial(ctx context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case e.conns <- far:
		return near, nil
	case <-e.closed:
	case <-ctx.Done():
	}
	near.Close()
	far.Close()
	return nil, errors.New("the built-in receiver has stopped")
}

// echoListener accepts the connections of Dial.
type echoListener struct{ *Echo }

// Accept implements [net.Listener].
func (e echoListener) Accept() (net.Conn, error) {
	select {
	case c := <-e.conns:
		return c, nil
	case <-e.closed:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (e echoListener) Close() error { return nil }

// Addr implements [net.Listener].
func (e echoListener) Addr() net.Addr { return echoAddr{} }

type echoAddr struct{}

func (echoAddr) Network() string { return "memory" }
func (echoAddr) String() string  { return EchoHost }

// Close closes the receiver with all its connections, and waits for them to end.
func (e *Echo) Close() error {
	e.once.Do(func() { close(e.closed) })
	err := e.server.Close()
	<-e.ended
	return err
}

// ServeHTTP accepts and keeps a request.
func (e *Echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, echoBody)) // after an error, the part that arrived
	var head strings.Builder
	names := make([]string, 0, len(r.Header))
	for name := range r.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		head.WriteString(name + ": " + strings.Join(r.Header[name], ", ") + "\n")
	}
	e.mu.Lock()
	e.latest = append(e.latest, Received{time.Now().UTC(), r.URL.Path, peal.HeaderLines(head.String()), body})
	e.latest = e.latest[max(0, len(e.latest)-echoRequests):]
	e.mu.Unlock()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	io.WriteString(w, "The built-in receiver has taken it.\n")
}

// Received returns the requests for a tenant, newest first.
func (e *Echo) Received(tenant string) []Received {
	e.mu.Lock()
	defer e.mu.Unlock()
	var found []Received
	for _, one := range slices.Backward(e.latest) {
		if one.Path == "/"+tenant {
			found = append(found, one)
		}
	}
	return found
}
