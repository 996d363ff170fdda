package wire_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal/wire"
)

// sentHead returns the lines of the request's head as net/http writes them.
func sentHead(t *testing.T, header http.Header, body []byte) []string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	heads := make(chan []string, 1)
	go func() {
		defer close(heads)
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		defer connection.Close()
		var lines []string
		length := 0
		reader := bufio.NewReader(connection)
		for {
			line, err := reader.ReadString('\n')
			if line = strings.TrimRight(line, "\r\n"); err != nil || line == "" {
				break
			}
			if text, ok := strings.CutPrefix(line, "Content-Length: "); ok {
				length, _ = strconv.Atoi(text)
			}
			lines = append(lines, line)
		}
		io.CopyN(io.Discard, reader, int64(length))
		io.WriteString(connection, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
		heads <- lines
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+listener.Addr().String(), bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	answer, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return <-heads
}

// Header names arrive as documented, each once.
func TestHeadersArriveAsSpelled(t *testing.T) {
	in, _ := signedInput(t, format(t, "standard"), `{}`)
	in.Webhook.Authorization = "Basic dTpwOnc="
	in.Webhook.Headers = map[string]string{
		"user-agent": "custom/1", "CONTENT-TYPE": "application/vnd.x+json", "accept-encoding": "identity",
		"authorization": "Bearer {{TOKEN}}", "x-lower": "a", "Webhook-ID": "mine",
	}
	in.Variables = func(name string) (string, bool) { return "t0ken", name == "TOKEN" }
	r := request(t, in)
	head := sentHead(t, r.Header, r.Body)
	for _, want := range []string{
		"User-Agent: custom/1", "CONTENT-TYPE: application/vnd.x+json", "Accept-Encoding: identity", "authorization: Bearer t0ken",
		"x-lower: a", "Webhook-ID: mine", "webhook-timestamp: " + strconv.FormatInt(in.Time.Unix(), 10),
	} {
		if !slices.Contains(head, want) {
			t.Errorf("no line %q in %q", want, head)
		}
	}
	seen := make(map[string]bool)
	for _, line := range head[1:] {
		name, _, _ := strings.Cut(strings.ToLower(line), ":")
		if seen[name] {
			t.Errorf("the header %s stands twice: %q", name, head)
		}
		seen[name] = true
	}

	in, _ = signedInput(t, format(t, "x-webhook"), `{}`)
	r = request(t, in)
	head = sentHead(t, r.Header, r.Body)
	for _, name := range append(format(t, "x-webhook").Headers, "User-Agent") {
		if !slices.ContainsFunc(head, func(line string) bool { return strings.HasPrefix(line, name+": ") }) {
			t.Errorf("no header %s in %q", name, head)
		}
	}
}

// A format sends the headers that its documentation lists.
func TestHeadersAreListed(t *testing.T) {
	for _, f := range wire.Formats() {
		in, _ := signedInput(t, f, `{"a":1}`)
		in.Event.Subject = "s"
		in.Webhook.Authorization = ""
		r := request(t, in)
		for _, header := range f.Headers {
			if r.Header[header] == nil {
				t.Errorf("%s does not send %s", f.Name, header)
			}
		}
		if len(r.Header) != len(f.Headers)+1 {
			t.Errorf("%s sends %v beside User-Agent, and lists %v", f.Name, r.Header, f.Headers)
		}
		if f.SignatureHeader != "" && !slices.Contains(f.Headers, f.SignatureHeader) {
			t.Errorf("%s does not list its signature", f.Name)
		}
	}
}
