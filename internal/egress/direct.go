package egress

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/pealhq/peal/wire"
)

// maxDirect is the largest request, head and body, that is sent directly. It goes
// into the connection's buffers at once whatever the endpoint does, so that an
// answer that comes early is found although nobody reads while the request is written.
const maxDirect = 16 << 10

// direct speaks HTTP/1.1 (RFC 9112) over plain connections, in the attempt's own
// goroutine: one write for the request, and the answer read where it is waited for.
// net/http's transport has two goroutines a connection for the same, which costs a
// sender of small requests a third of its CPU. What is not small and plain is left to it.
type direct struct {
	dial dialFunc
	pool *pool
}

// destination is where a URL's requests go, and how they begin; nil for URLs that
// are left to net/http.
type destination struct {
	address string // host:port
	line    string // "POST /path HTTP/1.1" and the Host header
}

// newDestination gives nil for what needs more than plain HTTP/1.1: TLS, and names
// and paths that net/http would write in another way than they stand.
func newDestination(u *url.URL) *destination {
	if u.Scheme != "http" || u.Opaque != "" || !isPlainHost(u.Host) {
		return nil
	}
	port := u.Port()
	if port == "" {
		port = "80"
	}
	path := u.RequestURI()
	if !strings.HasPrefix(path, "/") || strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return nil
	}
	return &destination{
		address: net.JoinHostPort(u.Hostname(), port),
		line:    "POST " + path + " HTTP/1.1\r\nHost: " + u.Host + "\r\n",
	}
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

// fits reports whether a request is small enough, whatever its head's exact form.
func fits(request *wire.Request, to *destination) bool {
	size := len(to.line) + len(request.Body) + len("Content-Length: 12345\r\n\r\n")
	for name, values := range request.Header {
		for _, value := range values {
			size += len(name) + len(value) + len(": \r\n")
		}
	}
	return size <= maxDirect
}

// appendRequest writes a request as net/http does: Host, User-Agent, Content-Length,
// and then the other headers by name. The error begins as net/http's do.
func appendRequest(b []byte, to *destination, request *wire.Request) ([]byte, error) {
	b = append(b, to.line...)
	names := make([]string, 0, 16)
	for name, values := range request.Header {
		if !httpguts.ValidHeaderFieldName(name) {
			return b, errors.New("net/http: invalid header field name " + strconv.Quote(name))
		}
		for _, value := range values {
			if !httpguts.ValidHeaderFieldValue(value) {
				return b, errors.New("net/http: invalid header field value for " + strconv.Quote(name)) // the value may be a secret
			}
		}
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
	b = append(b, "\r\n"...)
	return append(b, request.Body...), nil
}

func appendField(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, textproto.TrimString(value)...)
	return append(b, "\r\n"...)
}

// do sends a request and gives the answer's head. The answer's body must be closed,
// before ctx's end or after.
func (d *direct) do(ctx context.Context, watch *watch, to *destination, request *wire.Request) (*http.Response, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	buffer := requests.Get().(*[]byte)
	defer requests.Put(buffer)
	var err error
	if *buffer, err = appendRequest((*buffer)[:0], to, request); err != nil {
		return nil, err
	}
	link := d.pool.take(to.address)
	if link == nil {
		conn, err := d.dial(context.WithValue(ctx, watchKey{}, watch), "tcp", to.address)
		if err != nil {
			return nil, err
		}
		link = newLink(conn, to.address)
	}
	watch.use(link.remote, link.used)
	// The end of the attempt ends whatever the connection waits for.
	release := context.AfterFunc(ctx, func() { _ = link.conn.SetDeadline(time.Unix(1, 0)) })
	response, err := link.exchange(*buffer, watch)
	if err != nil {
		release()
		link.conn.Close()
		return nil, err
	}
	response.Body = &answerBody{body: response.Body, link: link, pool: d.pool, release: release,
		ended: response.Body == http.NoBody,
		keep:  !response.Close && response.StatusCode != http.StatusSwitchingProtocols}
	return response, nil
}

// link is a connection that is kept.
type link struct {
	conn    net.Conn
	reader  *bufio.Reader
	address string // what it was made for
	remote  string // what it leads to
	used    bool
	unread  int // how many bytes may still be read
	idle    idleState
}

func newLink(conn net.Conn, address string) *link {
	l := &link{conn: conn, address: address, remote: remote(conn)}
	l.reader = bufio.NewReader(l)
	return l
}

// errHead is what a head that is too large ends with.
var errHead = fmt.Errorf("server response headers exceeded %d bytes", maxHeadBytes)

// Read bounds what is read for the head of an answer.
func (l *link) Read(p []byte) (int, error) {
	if l.unread <= 0 {
		return 0, errHead
	}
	if len(p) > l.unread {
		p = p[:l.unread]
	}
	n, err := l.conn.Read(p)
	l.unread -= n
	return n, err
}

// posted tells the reading of answers what they answer.
var posted = &http.Request{Method: http.MethodPost}

func (l *link) exchange(request []byte, watch *watch) (*http.Response, error) {
	l.unread = maxHeadBytes
	if _, err := l.conn.Write(request); err != nil {
		// An endpoint may answer and close before it has read everything.
		if _, early := l.reader.Peek(1); early != nil {
			return nil, err
		}
	} else {
		watch.sent()
	}
	if _, err := l.reader.Peek(1); err != nil {
		return nil, err
	}
	watch.answered()
	for { // past informational answers (RFC 9110, section 15.2), which count as a part of the head
		response, err := http.ReadResponse(l.reader, posted)
		if err != nil {
			return nil, err
		}
		if response.StatusCode < 100 || response.StatusCode > 199 || response.StatusCode == http.StatusSwitchingProtocols {
			l.unread = math.MaxInt
			return response, nil
		}
	}
}

// answerBody gives the connection back once the body's end was read.
type answerBody struct {
	body    io.ReadCloser
	link    *link
	pool    *pool
	release func() bool
	ended   bool
	keep    bool
}

func (b *answerBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	if err == io.EOF {
		b.ended = true
	}
	return n, err
}

func (b *answerBody) Close() error {
	if b.link == nil {
		return nil
	}
	link := b.link
	b.link = nil
	// Where the end of the attempt came first, its deadline is on the connection.
	if !b.release() || !b.ended || !b.keep || link.reader.Buffered() > 0 {
		return link.conn.Close()
	}
	link.used = true
	b.pool.put(link)
	return nil
}
