package egress

import (
	"bytes"
	"context"
	"errors"
	"io"
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

// maxDirect is the maximum size of a request, head and body, that is written before its response is
// read. Such a request always fits into the connection's buffers, so an early response is found
// although nothing is read during the write.
const maxDirect = 16 << 10

// requests pools the buffers for encoded requests.
var requests = sync.Pool{New: func() any { return new([]byte) }}

// maxKeptBuffer is the maximum capacity of a pooled buffer.
const maxKeptBuffer = 2 * maxDirect

// appendHead appends the head of a request in the order of net/http: Host, User-Agent,
// Content-Length, and then the other headers by name.
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

// checkFields returns an error for headers that cannot be written. The error starts like those of
// net/http.
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

// framing returns the name of a header that frames the message or is hop-by-hop (RFC 9110, section
// 7.6.1), in any case, or "". Settings with such headers are rejected when they are saved. This is
// the last check, because the transport would write any spelling but its own.
func framing(header http.Header) string {
	for name := range header {
		for _, taken := range framingNames[min(len(name), len(framingNames)-1)] {
			if strings.EqualFold(name, taken) {
				return name
			}
		}
	}
	return ""
}

// framingNames indexes the names by length, because every request is checked.
var framingNames = [21][]string{
	2: {"TE"}, 4: {"Host"}, 6: {"Expect"}, 7: {"Trailer", "Upgrade"}, 10: {"Connection", "Keep-Alive"},
	14: {"Content-Length", "HTTP2-Settings"}, 16: {"Proxy-Connection"}, 17: {"Transfer-Encoding"},
	18: {"Proxy-Authenticate"}, 19: {"Proxy-Authorization"},
}

func newRequest(ctx context.Context, method string, u *url.URL, request *wire.Request) *http.Request {
	header := request.Header
	if header == nil {
		header = make(http.Header)
	}
	if _, ok := header["User-Agent"]; !ok {
		header["User-Agent"] = nil // else net/http adds its own beside a "user-agent"
	}
	made := (&http.Request{
		Method: method, URL: u, Host: u.Host, Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: int64(len(request.Body)),
		Body:          io.NopCloser(bytes.NewReader(request.Body)),
	}).WithContext(ctx)
	if len(request.Body) == 0 {
		made.Body = http.NoBody // else its length is unknown and it is sent in chunks
	}
	return made
}
