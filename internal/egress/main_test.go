package egress_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/egress"
	"github.com/pealhq/peal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ample is a timeout that no passing test waits for, brief one that some do.
const (
	ample = time.Minute
	brief = 200 * time.Millisecond
)

func newOptions() egress.Options {
	options := egress.DefaultOptions()
	options.AllowHTTP = true
	options.Ports = nil
	options.Allow = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	return options
}

// newClient creates a client that may reach only 127.0.0.1, by http too.
func newClient(t testing.TB, change func(*egress.Options)) *egress.Client {
	t.Helper()
	options := newOptions()
	if change != nil {
		change(&options)
	}
	client, err := egress.New(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// post sends one attempt with a small body.
func post(t testing.TB, client *egress.Client, url string, timeout time.Duration) peal.Attempt {
	attempt, _ := send(t, client, request(url), timeout)
	return attempt
}

func request(url string) *wire.Request {
	return &wire.Request{URL: url, Header: http.Header{}, Body: []byte(`{"a":1}`)}
}

func send(t testing.TB, client *egress.Client, request *wire.Request, timeout time.Duration) (peal.Attempt, time.Duration) {
	var attempt peal.Attempt
	// Not t.Context(): a test's end must not pass for the attempt's.
	told := client.Do(context.Background(), request, timeout, &attempt)
	check(t, &attempt)
	return attempt, told.RetryAfter
}

// receiver is a server on a port of 127.0.0.1 that does to each connection what a
// test says, so that it can break every rule of HTTP.
type receiver struct {
	url   string
	addr  string
	serve func(c *conn)

	mu       sync.Mutex
	open     map[net.Conn]bool
	conns    int
	requests int
}

// conn is one connection to a receiver.
type conn struct {
	net.Conn
	reader   *bufio.Reader
	number   int // 1 for the receiver's first
	receiver *receiver
}

func receive(t testing.TB, serve func(c *conn)) *receiver {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	r := &receiver{url: "http://" + addr + "/hook", addr: addr, serve: serve, open: make(map[net.Conn]bool)}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			r.mu.Lock()
			r.conns++
			r.open[c] = true
			number := r.conns
			r.mu.Unlock()
			running.Go(func() {
				defer c.Close()
				serve(&conn{c, bufio.NewReader(c), number, r})
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		r.mu.Lock()
		for c := range r.open {
			c.Close()
		}
		r.mu.Unlock()
		running.Wait()
	})
	return r
}

// read reads one whole request; it returns nil if there is none.
func (c *conn) read() *http.Request {
	request, err := http.ReadRequest(c.reader)
	if err != nil {
		return nil
	}
	if _, err := io.Copy(io.Discard, request.Body); err != nil {
		return nil
	}
	c.receiver.mu.Lock()
	defer c.receiver.mu.Unlock()
	c.receiver.requests++
	return request
}

func (c *conn) write(text string) error {
	_, err := io.WriteString(c.Conn, text)
	return err
}

// hang waits for the other side to go away.
func (c *conn) hang() { io.Copy(io.Discard, c.reader) }

// reset ends a connection so that the other side gets an error, not an end.
func (c *conn) reset() {
	c.Conn.(*net.TCPConn).SetLinger(0)
	c.Close()
}

func (r *receiver) counts() (conns, requests int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.conns, r.requests
}

// answering returns a server that answers every request with the same bytes.
func answering(text string) func(*conn) {
	return func(c *conn) {
		for c.read() != nil {
			if c.write(text) != nil {
				return
			}
		}
	}
}

const accepted = "HTTP/1.1 204 No Content\r\n\r\n"
