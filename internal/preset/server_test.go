package preset_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/internal/preset"
	"github.com/pealhq/peal/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is the longest time that a test waits for a condition.
const patience = 30 * time.Second

const operatorKey = "the-operator-key-of-the-preset-tests"

// startServer runs a whole server that checks data against the catalogue's schemas.
func startServer(t *testing.T) (*client.Client, string) {
	t.Helper()
	options := server.DefaultOptions()
	options.Listen = "127.0.0.1:0"
	options.Data = t.TempDir()
	options.Dev = true
	options.CheckSchemas = true
	options.OperatorKey = operatorKey
	s, err := server.New(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Errorf("stop the server: %v", err)
		}
	})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	address := "http://" + s.Addr()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	settings := client.DefaultOptions()
	settings.HTTPClient = &http.Client{Transport: transport}
	c, err := client.New(address, operatorKey, settings)
	if err != nil {
		t.Fatal(err)
	}
	return c, address
}

func policyOf(p *preset.Preset) peal.RetryPolicy {
	policy := peal.RetryPolicy{
		Jitter:                p.RetryPolicy.Jitter,
		DisableAfterExhausted: p.RetryPolicy.DisableAfterExhausted,
		DisableAfterFailing:   seconds(p.RetryPolicy.DisableAfterSeconds),
	}
	for _, delay := range p.RetryPolicy.DelaysSeconds {
		policy.Delays = append(policy.Delays, seconds(delay))
	}
	return policy
}

func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }

// arrival is a request as its bytes came, the header in its own spelling and order.
type arrival struct {
	Line   string
	Header [][2]string
	Body   []byte
}

// canonical returns the header as a Go receiver would have it.
func (a *arrival) canonical() http.Header {
	header := make(http.Header)
	for _, field := range a.Header {
		header.Add(field[0], field[1])
	}
	return header
}

// receiver answers 204 to every request and keeps its bytes. It speaks HTTP by
// itself, since net/http would rewrite the names of headers.
type receiver struct {
	listener net.Listener
	arrivals chan *arrival
	wait     sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
}

func startReceiver(t *testing.T) *receiver {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{listener: listener, arrivals: make(chan *arrival, 100)}
	r.wait.Go(r.accept)
	t.Cleanup(func() {
		listener.Close()
		r.mu.Lock()
		for _, conn := range r.conns {
			conn.Close()
		}
		r.mu.Unlock()
		r.wait.Wait()
	})
	return r
}

func (r *receiver) url() string { return "http://" + r.listener.Addr().String() + "/hook" }

func (r *receiver) accept() {
	for {
		conn, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.mu.Lock()
		r.conns = append(r.conns, conn)
		r.mu.Unlock()
		r.wait.Go(func() {
			in := bufio.NewReader(conn)
			for {
				request, err := readRequest(in)
				if err != nil {
					return
				}
				r.arrivals <- request
				if _, err := io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n"); err != nil {
					return
				}
			}
		})
	}
}

func readRequest(in *bufio.Reader) (*arrival, error) {
	var head bytes.Buffer
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil, err
		}
		head.WriteString(line)
		if line == "\r\n" {
			break
		}
	}
	request, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head.Bytes())))
	if err != nil {
		return nil, err
	}
	a := &arrival{Body: make([]byte, request.ContentLength)}
	if _, err := io.ReadFull(in, a.Body); err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimRight(head.String(), "\r\n"), "\r\n")
	a.Line = lines[0]
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		a.Header = append(a.Header, [2]string{name, value})
	}
	return a, nil
}

// next waits for the next request.
func (r *receiver) next(t *testing.T) *arrival {
	t.Helper()
	select {
	case a := <-r.arrivals:
		return a
	case <-time.After(patience):
		t.Fatal("no request came")
		return nil
	}
}
