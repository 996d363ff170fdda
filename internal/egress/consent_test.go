package egress_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/egress"
)

func TestAsk(t *testing.T) {
	asked := make(chan *http.Request, 1)
	r := receive(t, func(c *conn) {
		for {
			request := c.read()
			if request == nil {
				return
			}
			asked <- request
			c.write("HTTP/1.1 200 OK\r\nWebHook-Allowed-Rate: 120\r\nContent-Length: 2\r\n\r\nok")
		}
	})
	client := newClient(t, nil)
	for range 2 {
		consent, err := client.Ask(context.Background(), r.url, http.Header{"WebHook-Request-Origin": {"peal.test"}}, ample)
		if err != nil {
			t.Fatal(err)
		}
		if consent.Status != http.StatusOK || consent.Show("WebHook-Allowed-Rate").String() != "120" {
			t.Errorf("consent is %+v", consent)
		}
		request := <-asked
		if request.Method != http.MethodOptions || request.URL.Path != "/hook" || request.Header.Get("WebHook-Request-Origin") != "peal.test" {
			t.Errorf("asked with %s %s %v", request.Method, request.URL, request.Header)
		}
	}
	if conns, _ := r.counts(); conns != 1 {
		t.Errorf("made %d connections", conns)
	}
}

func TestAskInVain(t *testing.T) {
	hangs := receive(t, func(c *conn) { c.read(); c.hang() })
	closes := receive(t, func(c *conn) { c.read() })
	for name, c := range map[string]struct {
		url    string
		change func(*egress.Options)
		says   string
	}{
		"blocked":  {closes.url, func(o *egress.Options) { o.Allow = nil }, "egress.allow"},
		"http":     {closes.url, func(o *egress.Options) { o.AllowHTTP = false }, "egress.allow_http"},
		"closed":   {closes.url, nil, "the connection was closed without an answer"},
		"too late": {hangs.url, nil, "no answer came in time"},
	} {
		t.Run(name, func(t *testing.T) {
			timeout := ample
			if c.url == hangs.url {
				timeout = brief
			}
			_, err := newClient(t, c.change).Ask(context.Background(), c.url, nil, timeout)
			var e *peal.Error
			if !errors.As(err, &e) || e.Code != peal.Unavailable || !strings.Contains(e.Message, c.says) {
				t.Errorf("error is %v, want one that says %q", err, c.says)
			}
		})
	}
}
