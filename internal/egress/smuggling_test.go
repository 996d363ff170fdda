package egress_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/wire"
)

// injections are values that would end a header, a head or a message if they were
// written as they are.
var injections = []string{
	"a\r\nX-Injected: 1", "a\nX-Injected: 1", "a\rX-Injected: 1", "a\r\n\r\nGET /injected HTTP/1.1\r\nHost: x\r\n\r\n", "a\n\nGET /injected HTTP/1.1\n\n",
	"a\r\n X-Folded: 1", "a\r\n\tfolded", "a\x00b", "\r\n", "\n", "a\r\n", "a\x0bX-Injected: 1", "a\x0cX-Injected: 1", "a\x85X-Injected: 1",
	"a\u2028X-Injected: 1", "a\u560d\u560aX-Injected: 1", "a%0d%0aX-Injected:%201", "a\\r\\nX-Injected: 1", "\x7f", "\x1b[2J", "chunked", "0\r\n\r\n", "5, 6", " a ", "",
}

// hostileNamesOfHeaders frame the message, belong to the hop, or are no names.
var hostileNamesOfHeaders = []string{
	"Host", "host", "HOST", "Content-Length", "content-length", "Transfer-Encoding", "transfer-encoding", "TRANSFER-ENCODING", "Connection", "connection",
	"Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "proxy-authorization", "Proxy-Authenticate", "TE", "te", "Trailer", "trailer", "Upgrade", "upgrade",
	"Expect", "expect", "HTTP2-Settings", "http2-settings", "Content-Length ", " Content-Length", "Transfer-Encoding\t", "Transfer_Encoding\r", "X-A\r\nX-Injected", "X-A: 1\r\nX-Injected",
	"X A", "X-A:", "", "X-\x00", "X-ü", "GET / HTTP/1.1\r\nX", "\r\nX", "X\n",
}

// recorded answers every request on a connection and keeps each byte that came.
type recorded struct {
	bytes.Buffer
	gone chan struct{}
}

func (r *recorded) serve(c *conn) {
	defer close(r.gone)
	c.reader.Reset(io.TeeReader(c.Conn, &r.Buffer))
	for c.read() != nil {
		if c.write("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n") != nil {
			break
		}
	}
	c.write("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n") // to what is none, so that nobody waits
	c.hang()
}

// sendRecorded sends one attempt on a new connection, and returns the attempt and all bytes that
// were sent, none without a connection.
func sendRecorded(t *testing.T, request *wire.Request) (peal.Attempt, string) {
	t.Helper()
	record := &recorded{gone: make(chan struct{})}
	r := receive(t, record.serve)
	request.URL = strings.ReplaceAll(request.URL, "http://HERE", "http://"+r.addr)
	client := newClient(t, nil)
	a, _ := send(t, client, request, ample)
	client.Close()
	if conns, _ := r.counts(); conns == 0 {
		return a, ""
	}
	<-record.gone
	return a, record.String()
}

// one checks that bytes hold exactly one request: the method, the path and the body
// that were meant, one Host and one length, and nothing behind it.
func one(t *testing.T, what string, a peal.Attempt, sent string, body []byte) {
	t.Helper()
	if sent == "" {
		if a.Reason != peal.ReasonEncode {
			t.Errorf("%s: nothing was sent, and it ended with %q: %s", what, a.Reason, a.Error)
		}
		return
	}
	head, rest, found := strings.Cut(sent, "\r\n\r\n")
	if !found || rest != string(body) {
		t.Fatalf("%s: the head is followed by %q", what, rest)
	}
	counts := make(map[string]int)
	for i, line := range strings.Split(head, "\r\n") {
		if i == 0 {
			if !strings.HasPrefix(line, "POST /hook") || !strings.HasSuffix(line, " HTTP/1.1") || strings.Count(line, " ") != 2 {
				t.Errorf("%s: request line %q", what, line)
			}
			continue
		}
		name, _, ok := strings.Cut(line, ":")
		if !ok || strings.TrimSpace(name) != name || strings.ContainsAny(line, "\r\n\x00") {
			t.Errorf("%s: header line %q", what, line)
		}
		counts[strings.ToLower(name)]++
	}
	if counts["host"] != 1 || counts["content-length"] != 1 {
		t.Errorf("%s: %d Host, %d Content-Length", what, counts["host"], counts["content-length"])
	}
	for _, name := range []string{"transfer-encoding", "x-injected", "te", "trailer", "upgrade", "expect", "connection", "proxy-authorization", "keep-alive"} {
		if counts[name] != 0 {
			t.Errorf("%s: sent %s", what, name)
		}
	}
	parsed, err := http.ReadRequest(bufio.NewReader(strings.NewReader(sent)))
	if err != nil || parsed.ContentLength != int64(len(body)) || parsed.Header.Get("X-Injected") != "" {
		t.Errorf("%s: a receiver reads %+v, %v", what, parsed, err)
	}
}

// TestSmuggling puts what could split a message into every place that a stranger
// fills, past the checks at saving, and looks at the bytes on the wire.
func TestSmuggling(t *testing.T) {
	body := []byte(`{"a":1}`)
	count := 0
	try := func(what string, url string, header http.Header) {
		count++
		a, sent := sendRecorded(t, &wire.Request{URL: url, Header: header, Body: body})
		one(t, what, a, sent, body)
	}
	for _, value := range injections {
		what := strconv.Quote(value)
		try("value "+what, "http://HERE/hook", http.Header{"X-A": {value}})
		try("authorization "+what, "http://HERE/hook", http.Header{"Authorization": {value}})
		try("user agent "+what, "http://HERE/hook", http.Header{"User-Agent": {value}})
		try("name "+what, "http://HERE/hook", http.Header{value: {"a"}})
		try("path "+what, "http://HERE/hook/"+value, nil)
		try("query "+what, "http://HERE/hook?"+value, nil)
	}
	for _, name := range hostileNamesOfHeaders {
		try("name "+strconv.Quote(name), "http://HERE/hook", http.Header{name: {"7"}})
		try("two of "+strconv.Quote(name), "http://HERE/hook", http.Header{name: {"7", "8"}})
	}
	t.Logf("%d requests", count)
}

// What a webhook's settings may hold is decided when they are saved, and again when
// they are filled: none of it reaches the wire as more than one request.
func TestSmugglingSettings(t *testing.T) {
	event := &peal.Event{ID: "event_1", Tenant: "default", Type: "task.created", Time: peal.TimestampOf(time.Now()), Data: []byte(`{"a":"\r\n\r\nGET /injected HTTP/1.1"}`)}
	standard, _ := wire.Lookup("standard")
	webhook := func(change func(*peal.Webhook)) *peal.Webhook {
		w := &peal.Webhook{
			ID: peal.NewWebhookID(), Tenant: "default", URL: "http://HERE/hook", Events: []string{"*"}, Format: "standard",
			Secrets: []peal.Secret{{Value: standard.NewSecret()}}, Timeout: time.Minute, Status: peal.Active,
		}
		change(w)
		return w
	}
	variable := ""
	try := func(what string, w *peal.Webhook) {
		request, err := standard.Request(&wire.Input{
			Event: event, Webhook: w, DeliveryID: peal.NewDeliveryID(), Time: time.Now(), Variables: func(string) (string, bool) { return variable, true },
		})
		if err != nil {
			return
		}
		body := bytes.Clone(request.Body)
		a, sent := sendRecorded(t, &request)
		one(t, what, a, sent, body)
	}
	for _, value := range injections {
		what := strconv.Quote(value)
		variable = value
		try("header "+what, webhook(func(w *peal.Webhook) { w.Headers = map[string]string{"X-A": value} }))
		try("variable "+what, webhook(func(w *peal.Webhook) { w.Headers = map[string]string{"X-A": "{{NAME}}"} }))
		try("authorization "+what, webhook(func(w *peal.Webhook) { w.Authorization = value }))
		try("url "+what, webhook(func(w *peal.Webhook) { w.URL += "?" + value }))
		if strings.ContainsAny(value, "\r\n\x00") {
			for setting, change := range map[string]func(*peal.Webhook){
				"headers":       func(w *peal.Webhook) { w.Headers = map[string]string{"X-A": value} },
				"header name":   func(w *peal.Webhook) { w.Headers = map[string]string{value: "a"} },
				"authorization": func(w *peal.Webhook) { w.Authorization = value },
				"url":           func(w *peal.Webhook) { w.URL += value },
			} {
				if err := webhook(change).Validate(); peal.CodeOf(err) != peal.Invalid {
					t.Errorf("%s %s may be saved: %v", setting, what, err)
				}
			}
		}
	}
	for _, name := range hostileNamesOfHeaders {
		w := webhook(func(w *peal.Webhook) { w.Headers = map[string]string{name: "7"} })
		if err := w.Validate(); peal.CodeOf(err) != peal.Invalid {
			t.Errorf("a header named %q may be saved: %v", name, err)
		}
		try("name "+strconv.Quote(name), w)
	}
}
