package egress_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/egress"
	"github.com/pealhq/peal/wire"
)

// Requests just below and above the size up to which they are sent directly arrive
// alike, byte for byte.
func TestEdgeOfDirect(t *testing.T) {
	bodies := make(chan []byte, 1)
	r := receive(t, func(c *conn) {
		for {
			request, err := http.ReadRequest(c.reader)
			if err != nil {
				return
			}
			body, err := io.ReadAll(request.Body)
			if err != nil {
				return
			}
			bodies <- body
			c.write(accepted)
		}
	})
	client := newClient(t, nil)
	for size := 16<<10 - 300; size < 16<<10+50; size += 7 {
		body := bytes.Repeat([]byte("x"), size)
		a, _ := send(t, client, &wire.Request{URL: r.url, Header: http.Header{"A": {"b"}}, Body: body}, ample)
		want(t, a, "")
		if got := <-bodies; !bytes.Equal(got, body) {
			t.Fatalf("%d bytes arrived of %d", len(got), size)
		}
	}
}

// A connection on which more came than was asked for is not used again: what came
// would be taken for the next request's answer.
func TestAnswersTwice(t *testing.T) {
	r := receive(t, answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"))
	client := newClient(t, nil)
	for range 5 {
		a := post(t, client, r.url, ample)
		want(t, a, "")
		if a.Timing.Reused {
			t.Fatal("the connection was used again")
		}
	}
}

func TestIdleConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var open atomic.Int32
		client := newClient(t, func(o *egress.Options) {
			o.MaxIdlePerHost, o.MaxIdle, o.IdleTimeout = 2, 3, time.Minute
			o.Dial = func(context.Context, string, string) (net.Conn, error) {
				near, far := net.Pipe()
				open.Add(1)
				go func() {
					reader := bufio.NewReader(far)
					for {
						request, err := http.ReadRequest(reader)
						if err != nil {
							break
						}
						io.Copy(io.Discard, request.Body)
						time.Sleep(time.Millisecond) // of the test's own time
						io.WriteString(far, accepted)
					}
					far.Close()
					open.Add(-1)
				}()
				return near, nil
			}
		})
		reused := func(host string) bool {
			t.Helper()
			a := post(t, client, "http://"+host+"/", ample)
			want(t, a, "")
			synctest.Wait()
			return a.Timing.Reused
		}
		for _, host := range []string{"a.test", "b.test", "c.test", "d.test"} {
			if reused(host) {
				t.Errorf("a first connection to %s is no first one", host)
			}
		}
		if open.Load() != 3 {
			t.Errorf("%d connections are kept, want 3", open.Load())
		}
		if !reused("d.test") || !reused("b.test") || reused("a.test") {
			t.Error("what was used last was not kept")
		}
		time.Sleep(59 * time.Second)
		if !reused("a.test") {
			t.Error("the connection ended before its time")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if open.Load() != 1 {
			t.Errorf("%d connections are left after the timeout, want 1", open.Load())
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if open.Load() != 0 {
			t.Errorf("%d connections are left", open.Load())
		}
	})
}

// Headers that would make a request something else are not sent.
func TestDirectHeaders(t *testing.T) {
	r := receive(t, answering(accepted))
	client := newClient(t, nil)
	for _, header := range []http.Header{
		{"A": {"b\r\nX: y"}}, {"A": {"b\nX: y"}}, {"A": {"b\x00"}}, {"A\r\nX": {"y"}}, {"A ": {"b"}}, {"": {"b"}}, {"A:": {"b"}},
	} {
		a, _ := send(t, client, &wire.Request{URL: r.url, Header: header, Body: []byte("x")}, ample)
		want(t, a, peal.ReasonEncode, "invalid header field")
	}
	if _, requests := r.counts(); requests != 0 {
		t.Errorf("%d requests were sent", requests)
	}
}
