package egress_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pealhq/peal/internal/egress"
	"github.com/pealhq/peal/wire"
)

// overTLS serves a receiver's connections through TLS, without HTTP/2.
func overTLS(config *tls.Config, serve func(c *conn)) func(c *conn) {
	return func(c *conn) {
		secured := tls.Server(c.Conn, config)
		serve(&conn{secured, bufio.NewReader(secured), c.number, c.receiver})
	}
}

// eachWay runs a test against an endpoint over http, and over https with HTTP/1.1.
func eachWay(t *testing.T, serve func(c *conn), test func(t *testing.T, client *egress.Client, r *receiver, url string)) {
	t.Run("http", func(t *testing.T) {
		r := receive(t, serve)
		test(t, newClient(t, nil), r, r.url)
	})
	t.Run("https", func(t *testing.T) {
		known := newAuthority(t)
		r := receive(t, overTLS(&tls.Config{Certificates: []tls.Certificate{known.sign(t, leaf(nil))}}, serve))
		client := newClient(t, func(o *egress.Options) { o.RootCAs = known.pool() })
		test(t, client, r, "https://"+r.addr+"/hook")
	})
}

// An answer is one to the request that was sent before it: what an endpoint sends after an answer
// is never taken for the next one's, however soon that follows.
func TestUnaskedAnswers(t *testing.T) {
	const lie = "HTTP/1.1 500 Lie\r\nContent-Length: 0\r\n\r\n"
	const honest = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	for name, c := range map[string]struct{ answer, more string }{
		"a second answer":                      {honest + lie, ""},
		"a second answer, later":               {honest, lie},
		"a body of 204":                        {"HTTP/1.1 204 No Content\r\n\r\nhello", ""},
		"a body of 204, later":                 {"HTTP/1.1 204 No Content\r\n\r\n", "hello"},
		"a body beyond its length":             {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nhello", ""},
		"a line's end":                         {honest + "\r\n", ""},
		"a line's end, later":                  {honest, "\r\n"},
		"a timeout's answer":                   {honest, "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n"},
		"a second answer after the last chunk": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" + lie, ""},
	} {
		t.Run(name, func(t *testing.T) {
			done := make(chan struct{}, 1)
			eachWay(t, func(conn *conn) {
				for conn.read() != nil {
					conn.write(c.answer)
					if c.more != "" {
						conn.write(c.more)
					}
					done <- struct{}{}
				}
			}, func(t *testing.T, client *egress.Client, r *receiver, url string) {
				for i := range 20 {
					want(t, post(t, client, url, ample), "")
					<-done // all is on its way, and on loopback there
					if t.Failed() {
						t.Fatalf("at request %d", i)
					}
				}
				if conns, requests := r.counts(); conns != 20 || requests != 20 {
					t.Errorf("%d requests on %d connections", requests, conns)
				}
			})
		})
	}
}

// No tenant's request goes out on another's connection, and so nothing that one has an endpoint
// say can reach another.
func TestTenantsShareNoConnection(t *testing.T) {
	answer := answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	eachWay(t, answer, func(t *testing.T, client *egress.Client, r *receiver, url string) {
		tenants := []*egress.Client{client.With(egress.Terms{Tenant: "a"}), client.With(egress.Terms{Tenant: "b"})}
		for i := range 10 {
			a := post(t, tenants[i%2], url, ample)
			want(t, a, "")
			if a.Timing.Reused != (i >= 2) {
				t.Errorf("request %d: reused %v", i, a.Timing.Reused)
			}
		}
		if conns, _ := r.counts(); conns != 2 {
			t.Errorf("%d connections", conns)
		}
		if again := client.With(egress.Terms{Tenant: "a"}); !again.Shares(tenants[0]) || again.Shares(tenants[1]) {
			t.Error("the clients of a tenant do not share connections with each other alone")
		}
	})
}

// Two tenants' HTTP/2 requests share no connection either.
func TestTenantsShareNoHTTP2(t *testing.T) {
	known := newAuthority(t)
	r := streams(t, known, func(s *stream) bool { return s.accept() })
	client := newClient(t, func(o *egress.Options) { o.RootCAs = known.pool() })
	for i := range 6 {
		tenant := client.With(egress.Terms{Tenant: fmt.Sprint("tenant", i%2)})
		want(t, post(t, tenant, "https://"+r.addr, ample), "")
	}
	if conns, requests := r.counts(); conns != 2 || requests != 6 {
		t.Errorf("%d requests on %d connections", requests, conns)
	}
}

// An answer to a request that was not read completely is its answer, but the connection ends.
func TestAnswerToHalfARequest(t *testing.T) {
	eachWay(t, func(c *conn) {
		if _, err := http.ReadRequest(c.reader); err != nil {
			return
		}
		c.write("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
		if c.number%2 == 1 {
			c.hang()
		}
	}, func(t *testing.T, client *egress.Client, r *receiver, url string) {
		for range 4 {
			a, _ := send(t, client, &wire.Request{URL: url, Body: make([]byte, 16<<20)}, ample)
			if a.StatusCode != 413 && a.Reason != "connection" { // reset before the answer was read
				t.Errorf("got %d, %s: %s", a.StatusCode, a.Reason, a.Error)
			}
			if a.Timing.Reused {
				t.Error("a connection with half a request on it was used again")
			}
		}
	})
}

// Steady traffic does not keep a connection for good, so that a name that leads elsewhere is noticed.
func TestConnectionsAge(t *testing.T) {
	for name, protocol := range map[string]string{"HTTP/1.1 over http": "", "HTTP/1.1 over https": "http/1.1", "HTTP/2": "h2"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				known := newAuthority(t)
				var made []time.Time
				client := newClient(t, func(o *egress.Options) {
					o.RootCAs, o.MaxConnectionAge = known.pool(), 3*time.Minute
					o.Dial = func(context.Context, string, string) (net.Conn, error) {
						made = append(made, time.Now())
						ours, theirs := net.Pipe()
						go serveProtocol(theirs, protocol, &tls.Config{Certificates: []tls.Certificate{known.sign(t, leaf(nil))}, NextProtos: []string{protocol}})
						return ours, nil
					}
				})
				url := "https://receiver.test/"
				if protocol == "" {
					url = "http://receiver.test/"
				}
				for range 12 * 60 {
					want(t, post(t, client, url, ample), "")
					time.Sleep(time.Second)
				}
				if len(made) < 12/3 || len(made) > 12/2+1 {
					t.Errorf("%d connections in 12 minutes", len(made))
				}
				for i := range made[1:] {
					if age := made[i+1].Sub(made[i]); age < 2*time.Minute || age > 3*time.Minute+2*time.Second {
						t.Errorf("a connection was used for %v", age)
					}
				}
				client.Close()
			})
		})
	}
}

// serveProtocol accepts every request on one connection.
func serveProtocol(c net.Conn, protocol string, config *tls.Config) {
	defer c.Close()
	if protocol == "h2" {
		secured := tls.Server(patient(c), config)
		defer secured.Close()
		speak(secured, 1, func(s *stream) bool { time.Sleep(time.Millisecond); return s.accept() })
		return
	}
	if protocol != "" {
		c = tls.Server(c, config)
	}
	reader := bufio.NewReader(c)
	for {
		request, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		io.Copy(io.Discard, request.Body)
		time.Sleep(time.Millisecond) // no answer takes no time
		io.WriteString(c, accepted)
	}
}

// New rules hold at once, for connections that were made under the old ones too.
func TestReload(t *testing.T) {
	allowed := func(o *egress.Options) {}
	denied := func(o *egress.Options) { o.Deny = append(o.Deny, o.Allow...) }
	reload := func(t *testing.T, client *egress.Client, change func(*egress.Options)) {
		options := egress.DefaultOptions()
		options.AllowHTTP, options.Ports, options.Allow = true, nil, newOptions().Allow
		change(&options)
		if err := client.Reload(options); err != nil {
			t.Fatal(err)
		}
	}
	test := func(t *testing.T, client *egress.Client, r *receiver, url string) {
		tenant := client.With(egress.Terms{Tenant: "a"})
		want(t, post(t, tenant, url, ample), "")
		reload(t, client, denied)
		want(t, post(t, tenant, url, ample), "blocked", "egress.deny")
		reload(t, client, allowed)
		a := post(t, tenant, url, ample)
		want(t, a, "")
		if a.Timing.Reused {
			t.Error("a connection from before is still used")
		}
		if err := client.Reload(egress.Options{Proxy: "nonsense"}); err == nil {
			t.Error("options that are not valid were taken")
		}
		want(t, post(t, tenant, url, ample), "")
	}
	eachWay(t, answering(accepted), test)
	t.Run("HTTP/2", func(t *testing.T) {
		known := newAuthority(t)
		r := streams(t, known, func(s *stream) bool { return s.accept() })
		test(t, newClient(t, func(o *egress.Options) { o.RootCAs = known.pool() }), r, "https://"+r.addr)
	})
}

// A request that was under way when the rules changed ends as it would have, and its connection
// with it.
func TestReloadUnderWay(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	r := receive(t, func(c *conn) {
		for c.read() != nil {
			arrived <- struct{}{}
			<-release
			c.write(accepted)
		}
	})
	client := newClient(t, nil)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		want(t, post(t, client, r.url, ample), "")
	}()
	<-arrived
	options := newOptions()
	options.DenyHosts = []string{"other.test"}
	if err := client.Reload(options); err != nil {
		t.Fatal(err)
	}
	release <- struct{}{}
	<-ended
	go func() { <-arrived; release <- struct{}{} }()
	if a := post(t, client, r.url, ample); a.Timing.Reused {
		t.Error("its connection is still used")
	}
}

// CloseIdle closes what is kept on one webhook's terms and nothing else.
func TestCloseIdle(t *testing.T) {
	r := receive(t, answering(accepted))
	client := newClient(t, nil)
	a, b := client.With(egress.Terms{Tenant: "a"}), client.With(egress.Terms{Tenant: "b"})
	want(t, post(t, a, r.url, ample), "")
	want(t, post(t, b, r.url, ample), "")
	a.CloseIdle()
	if post(t, a, r.url, ample).Timing.Reused || !post(t, b, r.url, ample).Timing.Reused {
		t.Error("the wrong connections were closed")
	}
}

// Requests of any size are written completely and in order, over both protocols.
func TestLargeRequests(t *testing.T) {
	eachWay(t, func(c *conn) {
		for {
			request, err := http.ReadRequest(c.reader)
			if err != nil {
				return
			}
			body, err := io.ReadAll(request.Body)
			if err != nil || !bytes.Equal(body, bytes.Repeat([]byte("0123456789abcdef"), len(body)/16)) {
				c.write("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
				continue
			}
			c.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Length: " + fmt.Sprint(len(body)) + "\r\n\r\n")
		}
	}, func(t *testing.T, client *egress.Client, r *receiver, url string) {
		for _, size := range []int{0, 16, 15 << 10, 16 << 10, 17 << 10, 1 << 20} {
			a, _ := send(t, client, &wire.Request{URL: url, Body: bytes.Repeat([]byte("0123456789abcdef"), size/16)}, ample)
			want(t, a, "")
			if !strings.Contains(string(a.ResponseHead), fmt.Sprintf("X-Length: %d\n", size)) {
				t.Errorf("of %d bytes came %q", size, a.ResponseHead)
			}
		}
	})
}

// The rest of an answer that comes with the next request is no answer to that: the request goes out
// once more on a new connection, and from then on no connection to this endpoint is kept.
func TestStrayRest(t *testing.T) {
	for name, c := range map[string]struct {
		first, later string
		conns        int // for four requests
	}{
		"a body of 204":             {accepted, "hello", 4},
		"a line's end":              {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "\r\n", 4},
		"a body that was foretold":  {"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", "hello", 4},
		"chunks that were foretold": {"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", 4},
	} {
		t.Run(name, func(t *testing.T) {
			eachWay(t, func(conn *conn) {
				for n := 0; conn.read() != nil; n++ {
					if n > 0 {
						conn.write(c.later + "HTTP/1.1 500 Lie\r\nContent-Length: 0\r\n\r\n")
						continue
					}
					conn.write(c.first)
				}
			}, func(t *testing.T, client *egress.Client, r *receiver, url string) {
				for range 4 {
					want(t, post(t, client, url, ample), "")
				}
				if conns, requests := r.counts(); conns != c.conns || requests > 5 {
					t.Errorf("%d requests on %d connections", requests, conns)
				}
			})
		})
	}
}

// A timeout's answer on an idle connection is how some servers close it, and no reason for distrust.
func TestIdleTimeoutAnswers(t *testing.T) {
	done := make(chan struct{}, 1)
	r := receive(t, func(conn *conn) {
		for conn.read() != nil {
			conn.write(accepted)
			if conn.number == 1 {
				conn.write("HTTP/1.0 408 Request Time-out\r\nConnection: close\r\n\r\n")
				conn.Close()
			}
			done <- struct{}{}
		}
	})
	client := newClient(t, nil)
	for i := range 4 {
		a := post(t, client, r.url, ample)
		want(t, a, "")
		<-done
		if a.Timing.Reused != (i > 1) {
			t.Errorf("request %d: reused %v", i, a.Timing.Reused)
		}
	}
}
