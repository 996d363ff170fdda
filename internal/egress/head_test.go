package egress_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/wire"
)

func TestRequestHead(t *testing.T) {
	r := receive(t, answering(accepted))
	a, _ := send(t, newClient(t, nil), &wire.Request{
		URL: r.url,
		Header: http.Header{
			"webhook-id":        {"event_1"},
			"webhook-signature": {"v1,abc"},
			"User-Agent":        {"Peal/1"},
			"Authorization":     {"Bearer hunter2"},
			"x-authorization":   {"Basic hunter2"},
			"COOKIE":            {"a=hunter2"},
			"X-Api-Key":         {"hunter2"},
			"X-Gitlab-Token":    {"hunter2"},
			"x-client-secret":   {"hunter2"},
			"X-Filled":          {"prefix hunter2"},
			"X-Two":             {"one", "two"},
			"Idempotency-Key":   {"k"},
			"X-Latin":           {"caf\xe9 \u009b31m"},
		},
		Secret: []string{"x-filled"},
	}, ample)
	want(t, a, "")
	const head = `Authorization: [redacted]
COOKIE: [redacted]
Idempotency-Key: k
User-Agent: Peal/1
X-Api-Key: [redacted]
X-Filled: [redacted]
X-Gitlab-Token: [redacted]
X-Latin: caf` + "\uFFFD" + `  31m
X-Two: one
X-Two: two
webhook-id: event_1
webhook-signature: v1,abc
x-authorization: [redacted]
x-client-secret: [redacted]
`
	if string(a.RequestHead) != head {
		t.Errorf("kept\n%s\nwant\n%s", a.RequestHead, head)
	}
}

func TestResponseHead(t *testing.T) {
	r := receive(t, answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"+
		"set-cookie: session=hunter2\r\nSet-Cookie: b=hunter2\r\n"+
		"Server: x\r\nX-Empty:\r\nX-Latin: caf\xe9\r\nX-Control: a\xc2\x9b31mb\tc\r\nX-Turned: \u202egnp.exe\r\n"+
		"X-Folded: one\r\n two\r\nx-lower: ü\r\n\r\n"))
	a := post(t, newClient(t, nil), r.url, ample)
	want(t, a, "")
	const head = `Content-Length: 0
Server: x
Set-Cookie: [redacted]
Set-Cookie: [redacted]
X-Control: a 31mb c
X-Empty: 
X-Folded: one two
X-Latin: caf` + "\uFFFD" + `
X-Lower: ü
X-Turned: ` + "\uFFFD" + `gnp.exe
`
	if string(a.ResponseHead) != head {
		t.Errorf("kept\n%s\nwant\n%s", a.ResponseHead, head)
	}
}

// Of a head that is too large, the lines that fit are kept.
func TestLargeResponseHead(t *testing.T) {
	const fits = "X-Fits: "
	for name, c := range map[string]struct {
		lines []string
		kept  int
	}{
		"to the byte":    {[]string{fits + strings.Repeat("a", peal.MaxResponseHead-len(fits)-1)}, peal.MaxResponseHead},
		"a byte more":    {[]string{fits + strings.Repeat("a", peal.MaxResponseHead-len(fits))}, 0},
		"one too large":  {[]string{"X-A: " + strings.Repeat("a", 9000), "X-B: b"}, len("X-B: b\n")},
		"many":           {strings.Fields(strings.Repeat("X-A:aaaaaa ", 2000)), 8184},
		"grows on paper": {[]string{fits + strings.Repeat("\xff", 3000)}, 0}, // three bytes for each
	} {
		t.Run(name, func(t *testing.T) {
			text := "HTTP/1.1 204 No Content\r\n"
			for _, line := range c.lines {
				text += line + "\r\n"
			}
			r := receive(t, answering(text+"\r\n"))
			a := post(t, newClient(t, nil), r.url, ample)
			want(t, a, "")
			if len(a.ResponseHead) != c.kept {
				t.Errorf("kept %d bytes, want %d", len(a.ResponseHead), c.kept)
			}
		})
	}
}

// More URLs than are remembered at once.
func TestManyURLs(t *testing.T) {
	seen := make(chan string, 1)
	r := receive(t, func(c *conn) {
		for {
			request := c.read()
			if request == nil {
				return
			}
			seen <- request.RequestURI
			c.write(accepted)
		}
	})
	client := newClient(t, nil)
	for i := range 10_100 {
		path := fmt.Sprintf("/%d", i%10_050)
		var a peal.Attempt
		client.Do(t.Context(), &wire.Request{URL: "http://" + r.addr + path}, ample, &a)
		if got := <-seen; a.Reason != "" || got != path {
			t.Fatalf("went to %s, want %s: %s", got, path, a.Error)
		}
	}
}
