package egress

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/net/http/httpguts"

	"github.com/pealhq/peal/wire"
)

// maxDirect is the largest request, head and body, that is written before its answer is looked
// for. It goes into the connection's buffers at once whatever the endpoint does, so that an
// answer that comes early is found although nobody reads meanwhile.
const maxDirect = 16 << 10

// lineOf returns how a request over HTTP/1.1 (RFC 9112) begins: the request line and the Host
// header. It is "" for names and paths that net/http would write in another way than they stand,
// and those requests are written by it.
func lineOf(u *url.URL) string {
	path := u.RequestURI()
	if u.Opaque != "" || !isPlainHost(u.Host) || !strings.HasPrefix(path, "/") ||
		strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return ""
	}
	return "POST " + path + " HTTP/1.1\r\nHost: " + u.Host + "\r\n"
}

// isPlainHost allows letters, digits and what stands between them in names, IPv4
// addresses, and IPv6 addresses without a zone.
func isPlainHost(host string) bool {
	return host != "" && host[0] != ':' && !strings.HasSuffix(host, ":") && !strings.ContainsFunc(host, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._:[]", r)
	})
}

// requests are the buffers that requests are written from.
var requests = sync.Pool{New: func() any { return new([]byte) }}

// maxKeptBuffer bounds the buffers that are kept for the next request.
const maxKeptBuffer = 2 * maxDirect

// appendHead writes the head of a request as net/http does: Host, User-Agent, Content-Length, and
// then the other headers by name.
func appendHead(b []byte, line string, request *wire.Request) []byte {
	b = append(b, line...)
	names := make([]string, 0, 16)
	for name := range request.Header {
		switch name {
		case "Host", "User-Agent", "Content-Length", "Transfer-Encoding", "Trailer":
		default:
			names = append(names, name)
		}
	}
	if agent := request.Header["User-Agent"]; len(agent) > 0 && agent[0] != "" {
		b = appendField(b, "User-Agent", agent[0])
	}
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, int64(len(request.Body)), 10)
	b = append(b, "\r\n"...)
	slices.Sort(names)
	for _, name := range names {
		for _, value := range request.Header[name] {
			b = appendField(b, name, value)
		}
	}
	return append(b, "\r\n"...)
}

// checkFields refuses headers that cannot be written. The error begins as net/http's do.
func checkFields(header http.Header) error {
	for name, values := range header {
		if !httpguts.ValidHeaderFieldName(name) {
			return errors.New("net/http: invalid header field name " + strconv.Quote(name))
		}
		for _, value := range values {
			if !httpguts.ValidHeaderFieldValue(value) {
				return errors.New("net/http: invalid header field value for " + strconv.Quote(name)) // the value may be a secret
			}
		}
	}
	return nil
}

func appendField(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, textproto.TrimString(value)...)
	return append(b, "\r\n"...)
}

// do sends a request over HTTP/1.1.
func (c *Client) do(ctx context.Context, watch *watch, method string, to *target, request *wire.Request, l *link) (*http.Response, error) {
	if to.line == "" || method != http.MethodPost || c.rules.Load().forwards(to) {
		written, err := c.rewrite(method, to, request)
		if err != nil {
			l.close()
			return nil, err
		}
		if len(written) > maxDirect {
			return l.send(ctx, nil, written, c.pool, watch)
		}
		return l.send(ctx, written, nil, c.pool, watch)
	}
	buffer := requests.Get().(*[]byte)
	defer func() {
		if cap(*buffer) <= maxKeptBuffer {
			requests.Put(buffer)
		}
	}()
	*buffer = appendHead((*buffer)[:0], to.line, request)
	if len(*buffer)+len(request.Body) > maxDirect {
		return l.send(ctx, slices.Clone(*buffer), request.Body, c.pool, watch) // may be written until the answer is closed
	}
	*buffer = append(*buffer, request.Body...)
	return l.send(ctx, *buffer, nil, c.pool, watch)
}

// rewrite has net/http write a request: of other methods than POST, to unusual hosts, and to a
// proxy that forwards it.
func (c *Client) rewrite(method string, to *target, request *wire.Request) ([]byte, error) {
	made := newRequest(context.Background(), method, to.URL, request)
	var written bytes.Buffer
	if r := c.rules.Load(); r.forwards(to) {
		made.Header = made.Header.Clone()
		if credentials := r.proxy.credentials(); credentials != "" {
			made.Header.Set("Proxy-Authorization", credentials)
		}
		err := made.WriteProxy(&written)
		return written.Bytes(), err
	}
	err := made.Write(&written)
	return written.Bytes(), err
}
