package egress_test

import (
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
	"testing"

	"github.com/pealhq/peal"
)

// TestStatus has a verdict for every status that an endpoint can answer with.
func TestStatus(t *testing.T) {
	verdicts := []struct {
		from, to int
		reason   peal.Reason
		final    int // the status on record, 0 for the one sent
		says     string
	}{
		{0, 99, peal.ReasonStatus, 0, "answered"},
		{100, 100, "", 204, ""},                 // informational: the answer follows
		{101, 101, peal.ReasonStatus, 0, "101"}, // nothing was offered to switch to
		{102, 199, "", 204, ""},
		{200, 299, "", 0, ""},
		{300, 399, peal.ReasonRedirect, 0, "https://elsewhere.test/new"},
		{400, 999, peal.ReasonStatus, 0, "answered"},
	}
	r := receive(t, func(c *conn) {
		for {
			request := c.read()
			if request == nil {
				return
			}
			status, _ := strconv.Atoi(path.Base(request.URL.Path))
			text := fmt.Sprintf("HTTP/1.1 %03d Some Words\r\nLocation: https://elsewhere.test/new\r\n", status)
			if status < 100 || status > 199 {
				text += "Content-Length: 0\r\n"
			}
			text += "\r\n"
			if status >= 100 && status <= 199 && status != 101 {
				text += accepted
			}
			if c.write(text) != nil {
				return
			}
		}
	})
	client := newClient(t, nil)
	for _, v := range verdicts {
		for status := v.from; status <= v.to; status++ {
			a := post(t, client, fmt.Sprint(r.url, "/", status), ample)
			want(t, a, v.reason, v.says)
			final := v.final
			if final == 0 {
				final = status
			}
			if a.StatusCode != final {
				t.Errorf("status %d is on record as %d", status, a.StatusCode)
			}
			if name := http.StatusText(status); v.reason != "" && !strings.Contains(a.Error, fmt.Sprint(status)+" "+name) && name != "" {
				t.Errorf("status %d: Error is %q", status, a.Error)
			}
			if t.Failed() {
				t.Fatalf("at status %d", status)
			}
		}
	}
}

func TestRedirect(t *testing.T) {
	for name, c := range map[string]struct{ location, says string }{
		"absolute":     {"https://elsewhere.test/new", "; redirects are not followed, it points to https://elsewhere.test/new"},
		"relative":     {"/new", "it points to /new"},
		"none":         {"", "302 Found; redirects are not followed"},
		"control":      {"/a\xc2\x9bb", "it points to /a b"},
		"long":         {"/" + strings.Repeat("ü", 1000), "ü…"},
		"not UTF-8":    {"/\xff", "it points to /\uFFFD"},
		"turned round": {"/\u202egnp.exe", "it points to /\uFFFDgnp.exe"},
	} {
		t.Run(name, func(t *testing.T) {
			text := "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n"
			if c.location != "" {
				text += "Location: " + c.location + "\r\n"
			}
			r := receive(t, answering(text+"\r\n"))
			a := post(t, newClient(t, nil), r.url, ample)
			want(t, a, peal.ReasonRedirect, c.says)
			if _, requests := r.counts(); requests != 1 {
				t.Errorf("made %d requests", requests)
			}
		})
	}
}

// A connection that an endpoint switches to another protocol is no body: reading
// it would last as long as the endpoint likes.
func TestSwitchingProtocols(t *testing.T) {
	r := receive(t, func(c *conn) {
		c.read()
		c.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: evil\r\n\r\n")
		c.hang()
	})
	a := post(t, newClient(t, nil), r.url, ample)
	want(t, a, peal.ReasonStatus, "answered 101")
}
