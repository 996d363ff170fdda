package egress_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/wire"
)

// framings are the ways in which HTTP/1 says where a body ends.
var framings = map[string]func(body string) string{
	"length": func(body string) string {
		return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	},
	"chunked": func(body string) string {
		var text strings.Builder
		text.WriteString("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		for rest := body; rest != ""; {
			n := min(len(rest), 1000)
			fmt.Fprintf(&text, "%x\r\n%s\r\n", n, rest[:n])
			rest = rest[n:]
		}
		return text.String() + "0\r\n\r\n"
	},
	"close": func(body string) string { return "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body },
}

func TestBody(t *testing.T) {
	for name, frame := range framings {
		for _, size := range []int{0, 1, 511, 512, 513, 5000, 16383, 16384, 16385, 100_000, 272 << 10, 300 << 10} {
			t.Run(fmt.Sprintf("%s/%d", name, size), func(t *testing.T) {
				body := strings.Repeat("0123456789abcdef", size/16+1)[:size]
				r := receive(t, func(c *conn) {
					for c.read() != nil {
						c.write(frame(body))
						if name == "close" {
							return
						}
					}
				})
				client := newClient(t, nil)
				for range 2 {
					a := post(t, client, r.url, ample)
					want(t, a, "")
					if kept := body[:min(size, peal.MaxResponseBody)]; string(a.ResponseBody) != kept {
						t.Fatalf("kept %d bytes of %d, or others", len(a.ResponseBody), size)
					}
					if a.ResponseTruncated != (size > peal.MaxResponseBody) {
						t.Errorf("ResponseTruncated is %v", a.ResponseTruncated)
					}
				}
				// Up to what is drained, a body does not cost the connection.
				if conns, _ := r.counts(); name != "close" && size < 272<<10 && conns != 1 {
					t.Errorf("made %d connections for 2 requests", conns)
				}
			})
		}
	}
}

func TestEndlessBody(t *testing.T) {
	written := make(chan int, 1)
	r := receive(t, func(c *conn) {
		c.read()
		c.write("HTTP/1.1 200 OK\r\n\r\n")
		block, n := bytes.Repeat([]byte("x"), 64<<10), 0
		for {
			m, err := c.Write(block)
			if n += m; err != nil {
				written <- n
				return
			}
		}
	})
	a := post(t, newClient(t, nil), r.url, ample)
	want(t, a, "")
	if len(a.ResponseBody) != peal.MaxResponseBody || !a.ResponseTruncated {
		t.Errorf("kept %d bytes, truncated: %v", len(a.ResponseBody), a.ResponseTruncated)
	}
	if n := <-written; n > 64<<20 { // what the kernel's buffers take comes on top
		t.Errorf("took %d bytes", n)
	}
}

// The part of an interrupted body that arrived is kept; a 2xx stays a success.
func TestBrokenBody(t *testing.T) {
	for name, c := range map[string]struct {
		status string
		reason peal.Reason
		says   string
	}{
		"accepted": {"202 Accepted", "", ""},
		"refused":  {"400 Bad Request", peal.ReasonStatus, "answered 400 Bad Request; its body broke off"},
		"redirect": {"302 Found", peal.ReasonRedirect, "its body broke off"},
	} {
		t.Run(name, func(t *testing.T) {
			r := receive(t, func(conn *conn) {
				conn.read()
				conn.write("HTTP/1.1 " + c.status + "\r\nContent-Length: 100\r\nRetry-After: 7\r\n\r\nhalf")
			})
			a, asked := send(t, newClient(t, nil), &wire.Request{URL: r.url}, ample)
			want(t, a, c.reason, c.says)
			if string(a.ResponseBody) != "half" || !a.ResponseTruncated {
				t.Errorf("kept %q, truncated: %v", a.ResponseBody, a.ResponseTruncated)
			}
			if asked != 7*time.Second {
				t.Errorf("asked for %v", asked)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	date := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
	for value, c := range map[string]struct{ least, most time.Duration }{
		"":                               {0, 0},
		"0":                              {0, 0},
		"120":                            {2 * time.Minute, 2 * time.Minute},
		" 120 ":                          {2 * time.Minute, 2 * time.Minute},
		"000000000000120":                {2 * time.Minute, 2 * time.Minute},
		"86400":                          {24 * time.Hour, 24 * time.Hour},
		"2147483647":                     {peal.MaxRetryAfter, 2147483647 * time.Second},
		"4294967296":                     {peal.MaxRetryAfter, peal.MaxRetryAfter},
		"99999999999999999999999999":     {peal.MaxRetryAfter, peal.MaxRetryAfter},
		"-1":                             {0, 0},
		"+5":                             {0, 0},
		"1.5":                            {0, 0},
		"5s":                             {0, 0},
		"soon":                           {0, 0},
		"1e3":                            {0, 0},
		date(time.Hour):                  {59 * time.Minute, time.Hour},
		date(-time.Hour):                 {0, 0},
		"Fri, 31 Dec 9999 23:59:59 GMT":  {peal.MaxRetryAfter, 1<<63 - 1},
		"Friday, 31-Dec-99 23:59:59 GMT": {0, 0}, // 1999
		"Sun Nov  6 08:49:37 1994":       {0, 0},
		"2030-01-01T00:00:00Z":           {0, 0},
	} {
		t.Run(value, func(t *testing.T) {
			r := receive(t, answering("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: "+value+"\r\n\r\n"))
			a, asked := send(t, newClient(t, nil), &wire.Request{URL: r.url}, ample)
			want(t, a, peal.ReasonStatus, "503")
			if asked < c.least || asked > c.most {
				t.Errorf("gives %v, want %v to %v", asked, c.least, c.most)
			}
		})
	}
}

// An answer may come before the request was read, and before it was asked for.
func TestAnswersEarly(t *testing.T) {
	large := bytes.Repeat([]byte("x"), 8<<20)
	for name, c := range map[string]struct {
		serve  func(c *conn)
		reason peal.Reason
	}{
		"after the head": {func(c *conn) {
			http.ReadRequest(c.reader)
			c.write("HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
			c.hang()
		}, ""},
		"refuses the size": {func(c *conn) {
			http.ReadRequest(c.reader)
			c.write("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			c.hang()
		}, peal.ReasonStatus},
		"after continue": {func(c *conn) {
			http.ReadRequest(c.reader)
			c.write("HTTP/1.1 100 Continue\r\n\r\n")
			c.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			c.hang()
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := receive(t, c.serve)
			a, _ := send(t, newClient(t, nil), &wire.Request{URL: r.url, Body: large}, ample)
			want(t, a, c.reason)
		})
	}
}
