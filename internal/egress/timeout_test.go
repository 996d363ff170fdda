package egress_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/egress"
	"github.com/pealhq/peal/wire"
)

// inMemory creates a client with in-memory connections to serve, in a bubble with a fake clock.
func inMemory(t *testing.T, serve func(c net.Conn)) *egress.Client {
	return newClient(t, func(o *egress.Options) {
		o.Dial = func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go func() {
				defer theirs.Close()
				serve(theirs)
			}()
			return ours, nil
		}
	})
}

func readRequest(c net.Conn) {
	if request, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
		io.Copy(io.Discard, request.Body)
	}
}

// drip writes a byte a second, forever.
func drip(c net.Conn) {
	for {
		if _, err := c.Write([]byte("x")); err != nil {
			return
		}
		time.Sleep(time.Second)
	}
}

// Endpoints take all the time they get: the attempt ends exactly at its timeout in every case.
func TestTimeout(t *testing.T) {
	const begun = "HTTP/1.1 200 OK\r\nX-A: "
	for name, c := range map[string]struct {
		url    string
		serve  func(c net.Conn)
		reason peal.Reason
		says   string
	}{
		"takes nothing": {"http://a.test/", func(c net.Conn) { time.Sleep(time.Hour) },
			peal.ReasonTimeout, "connected, but the request was not taken in time"},
		"answers nothing": {"http://a.test/", func(c net.Conn) { readRequest(c); time.Sleep(time.Hour) },
			peal.ReasonTimeout, "the request was sent, but no answer came in time"},
		"drips the head": {"http://a.test/", func(c net.Conn) { readRequest(c); io.WriteString(c, begun); drip(c) },
			peal.ReasonTimeout, "the answer started, but its head did not end in time"},
		"drips informational answers": {"http://a.test/", func(c net.Conn) {
			readRequest(c)
			for {
				if _, err := io.WriteString(c, "HTTP/1.1 102 Processing\r\n\r\n"); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}, peal.ReasonTimeout, "the answer started"},
		"drips a success's body": {"http://a.test/", func(c net.Conn) { readRequest(c); io.WriteString(c, begun+"\r\n\r\n"); drip(c) },
			"", ""},
		"drips a failure's body": {"http://a.test/", func(c net.Conn) {
			readRequest(c)
			io.WriteString(c, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 99\r\n\r\n")
			drip(c)
		}, peal.ReasonStatus, "answered 503 Service Unavailable; its body did not end in time"},
		"secures nothing": {"https://a.test/", func(c net.Conn) { io.Copy(io.Discard, c) },
			peal.ReasonTimeout, "no secure connection was agreed upon in time"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const timeout = 7*time.Second + 500*time.Millisecond
				client := inMemory(t, c.serve)
				// More than the transport holds back before it writes.
				a, _ := send(t, client, &wire.Request{URL: c.url, Body: make([]byte, 10_000)}, timeout)
				want(t, a, c.reason, c.says)
				if a.Timing.Total != timeout {
					t.Errorf("took %v", a.Timing.Total)
				}
				if a.StatusCode != 0 && (len(a.ResponseBody) != 8 || !a.ResponseTruncated) {
					t.Errorf("kept %q, truncated: %v", a.ResponseBody, a.ResponseTruncated)
				}
				client.Close()
				time.Sleep(2 * time.Hour) // for the endpoint to end
			})
		})
	}
}

// Making a connection ends with the attempt or at its own timeout.
func TestConnectTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan time.Time, 1)
		client := newClient(t, func(o *egress.Options) {
			o.ConnectTimeout = 20 * time.Second
			o.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				ended <- time.Now()
				return nil, ctx.Err()
			}
		})
		for _, c := range []struct {
			url                  string
			timeout, took, ended time.Duration
		}{
			{"https://a.test/", time.Second, time.Second, time.Second},
			{"https://a.test/", time.Minute, 20 * time.Second, 20 * time.Second},
			{"http://a.test/", time.Second, time.Second, time.Second},
			{"http://a.test/", time.Minute, 20 * time.Second, 20 * time.Second},
		} {
			start := time.Now()
			a := post(t, client, c.url, c.timeout)
			want(t, a, peal.ReasonTimeout, "no connection was made in time")
			if a.Timing.Total != c.took {
				t.Errorf("%s with a timeout of %v: took %v", c.url, c.timeout, a.Timing.Total)
			}
			if at := <-ended; at.Sub(start) != c.ended {
				t.Errorf("%s: connecting ended after %v", c.url, at.Sub(start))
			}
		}
	})
}

// Securing a connection ends at its own timeout too.
func TestHandshakeTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan time.Time, 1)
		client := inMemory(t, func(c net.Conn) {
			io.Copy(io.Discard, c)
			ended <- time.Now()
		})
		start := time.Now()
		want(t, post(t, client, "https://a.test/", time.Second), peal.ReasonTimeout)
		if at := <-ended; at.Sub(start) != time.Second {
			t.Errorf("securing ended after %v", at.Sub(start))
		}
		a := post(t, client, "https://a.test/", time.Minute)
		want(t, a, peal.ReasonTimeout, "no secure connection was agreed upon in time")
		if a.Timing.Total != egress.DefaultOptions().ConnectTimeout {
			t.Errorf("took %v", a.Timing.Total)
		}
	})
}

func TestCanceled(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		reason peal.Reason
		says   string
	}{
		"before an answer":    {"", peal.ReasonCanceled, "stopped before an answer came"},
		"in the head":         {"HTTP/1.1 200 OK\r\n", peal.ReasonCanceled, "stopped before an answer came"},
		"in a failure's body": {"HTTP/1.1 500 Oh\r\nContent-Length: 9\r\n\r\nhalf", peal.ReasonCanceled, "stopped while the answer was read"},
		"in a success's body": {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := inMemory(t, func(conn net.Conn) {
					readRequest(conn)
					io.WriteString(conn, c.answer)
					io.Copy(io.Discard, conn)
				})
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				go func() {
					time.Sleep(3 * time.Second)
					cancel()
				}()
				a := peal.Attempt{Timing: peal.AttemptTiming{Wait: time.Second}}
				client.Do(ctx, request("http://a.test/"), ample, &a)
				check(t, &a)
				want(t, a, c.reason, c.says)
				if a.Timing.Total != 3*time.Second || a.Timing.Wait != time.Second {
					t.Errorf("timing is %+v", a.Timing)
				}
			})
		})
	}
}

// An attempt without time left fails instead of hanging.
func TestNoTime(t *testing.T) {
	r := receive(t, answering(accepted))
	client := newClient(t, nil)
	want(t, post(t, client, r.url, 0), peal.ReasonTimeout)
	want(t, post(t, client, r.url, -time.Second), peal.ReasonTimeout)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var a peal.Attempt
	client.Do(ctx, request(r.url), ample, &a)
	want(t, a, peal.ReasonCanceled)
	if conns, requests := r.counts(); conns+requests != 0 {
		t.Errorf("%d connections, %d requests", conns, requests)
	}
}
