package egress_test

import (
	"bytes"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/egress"
	"github.com/pealhq/peal/wire"
)

func TestOneConnection(t *testing.T) {
	r := receive(t, answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
	client := newClient(t, nil)
	for i := range 50 {
		a := post(t, client, r.url, ample)
		want(t, a, "")
		if a.Timing.Reused != (i > 0) || a.Address != r.addr {
			t.Fatalf("request %d: reused %v, address %q", i, a.Timing.Reused, a.Address)
		}
		if made := a.Timing.Connect > 0; made != (i == 0) {
			t.Errorf("request %d: connecting took %v", i, a.Timing.Connect)
		}
	}
	if conns, requests := r.counts(); conns != 1 || requests != 50 {
		t.Errorf("%d requests on %d connections", requests, conns)
	}
}

// As many connections are kept as requests were in flight at once.
func TestKeepsConnections(t *testing.T) {
	const inFlight = 100
	arrived, release := make(chan struct{}, inFlight), make(chan struct{}, inFlight)
	r := receive(t, func(c *conn) {
		for c.read() != nil {
			arrived <- struct{}{}
			<-release
			c.write(accepted)
		}
	})
	client := newClient(t, nil)
	for range 3 {
		var attempts sync.WaitGroup
		for range inFlight {
			attempts.Go(func() { want(t, post(t, client, r.url, ample), "") })
		}
		for range inFlight {
			<-arrived
		}
		for range inFlight {
			release <- struct{}{}
		}
		attempts.Wait()
	}
	if conns, requests := r.counts(); conns != inFlight || requests != 3*inFlight {
		t.Errorf("%d requests on %d connections", requests, conns)
	}
}

// A kept connection that the endpoint closes meanwhile costs no attempt.
func TestClosedMeanwhile(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789"), 10_000)
	for name, closing := range map[string]func(c *conn){
		"after the answer":          func(c *conn) {},
		"at the next request":       func(c *conn) { c.read() },
		"in the next request":       func(c *conn) { http.ReadRequest(c.reader) },
		"after the answer, reset":   func(c *conn) { c.reset() },
		"at the next request, too":  func(c *conn) { c.read(); c.reset() },
		"in the first line, really": func(c *conn) { c.reader.ReadByte(); c.reset() },
	} {
		t.Run(name, func(t *testing.T) {
			r := receive(t, func(c *conn) {
				if c.read() == nil {
					return
				}
				c.write(accepted)
				closing(c)
			})
			client := newClient(t, nil)
			for i := range 10 {
				a, _ := send(t, client, &wire.Request{URL: r.url, Body: body}, ample)
				want(t, a, "")
				if t.Failed() {
					t.Fatalf("at request %d", i)
				}
			}
		})
	}
}

// An endpoint that breaks down over a request is not fed it on every connection
// that is kept.
func TestPoison(t *testing.T) {
	const kept = 10
	arrived, release := make(chan struct{}, kept), make(chan struct{})
	r := receive(t, func(c *conn) {
		if c.read() == nil {
			return
		}
		if c.number > kept {
			return // it breaks down, as it will at every connection's second request
		}
		arrived <- struct{}{}
		<-release
		c.write(accepted)
		c.read()
	})
	client := newClient(t, nil)
	var attempts sync.WaitGroup
	for range kept {
		attempts.Go(func() { want(t, post(t, client, r.url, ample), "") })
	}
	for range kept {
		<-arrived
	}
	close(release)
	attempts.Wait()

	a := post(t, client, r.url, ample)
	want(t, a, peal.ReasonConnection, "the request was sent, but the connection was closed without an answer")
	if _, requests := r.counts(); requests != kept+2 {
		t.Errorf("one attempt sent its request %d times", requests-kept)
	}
}

// The request is sent as it is: no header is added but those of the transport, for any spelling of
// a name.
func TestSent(t *testing.T) {
	seen := make(chan http.Header, 1)
	r := receive(t, func(c *conn) {
		for {
			request := c.read()
			if request == nil {
				return
			}
			request.Header.Set("Host", request.Host)
			request.Header.Set("Line", request.Method+" "+request.RequestURI)
			seen <- request.Header
			c.write(accepted)
		}
	})
	client := newClient(t, nil)
	for name, c := range map[string]struct{ give, want http.Header }{
		"nothing":         {nil, http.Header{}},
		"plain":           {http.Header{"User-Agent": {"Peal/1"}, "webhook-id": {"x"}}, http.Header{"User-Agent": {"Peal/1"}, "Webhook-Id": {"x"}}},
		"another name":    {http.Header{"user-agent": {"Mine"}}, http.Header{"User-Agent": {"Mine"}}},
		"idempotency key": {http.Header{"X-Idempotency-Key": {"k"}}, http.Header{"X-Idempotency-Key": {"k"}}},
	} {
		t.Run(name, func(t *testing.T) {
			a, _ := send(t, client, &wire.Request{URL: r.url + "?q=%20a", Header: c.give, Body: []byte("body")}, ample)
			want(t, a, "")
			got := <-seen
			for name, value := range map[string]string{"Host": r.addr, "Line": "POST /hook?q=%20a", "Content-Length": "4"} {
				if got.Get(name) != value {
					t.Errorf("%s is %q, want %q", name, got.Get(name), value)
				}
				got.Del(name)
			}
			if len(got) != len(c.want) {
				t.Errorf("sent %v", got)
			}
			for name, values := range c.want {
				if !slices.Equal(got[name], values) {
					t.Errorf("%s is %q, want %q", name, got[name], values)
				}
			}
			if a.BodySize != 4 {
				t.Errorf("BodySize is %d", a.BodySize)
			}
		})
	}
}

// Close ends what is idle; an attempt after it works all the same.
func TestClose(t *testing.T) {
	ended := make(chan struct{}, 2)
	r := receive(t, func(c *conn) {
		answering(accepted)(c)
		ended <- struct{}{}
	})
	client := newClient(t, func(o *egress.Options) { o.MaxIdlePerHost = 1 })
	for range 2 {
		want(t, post(t, client, r.url, ample), "")
		client.Close()
		<-ended
	}
}
