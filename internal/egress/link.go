package egress

import (
	"bufio"
	"container/list"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"
)

// link is a connection that can be kept. Over HTTP/1.1 it carries one request at a time, over
// HTTP/2 many.
type link struct {
	conn    net.Conn // carries the requests: a socket, or TLS over it
	socket  net.Conn // the innermost connection
	layered bool     // TLS, to the endpoint or to a proxy, lies between the two
	state   *tls.ConnectionState
	remote  string // the address that it leads to
	used    bool   // an earlier request went out on it

	shared *http.ClientConn // nil for HTTP/1.1

	// HTTP/1.1 only.
	reader *bufio.Reader
	unread int // bytes that may still be read
	raw    syscall.RawConn
	look   func(fd uintptr) bool
	quiet  bool // the findings of look: nothing has arrived,
	data   bool // or data has, of which the beginning is peeked
	peeked [len(timeoutAnswer)]byte

	pooled // the pool's own part
}

// pooled is the part of a link that belongs to the pool. Its mutex guards everything but place,
// until and generation, which never change.
type pooled struct {
	place      place
	until      time.Time // takes no request from then on
	generation uint64
	busy       int           // requests that an HTTP/2 connection carries
	element    *list.Element // in the list of idle connections; nil while busy
	since      time.Time     // idle since
	retired    bool          // closes with its last request
}

func newLink(conn net.Conn) *link {
	l := &link{conn: conn, remote: remote(conn)}
	l.socket, l.layered = innermost(conn)
	if secure, ok := conn.(*tls.Conn); ok {
		state := secure.ConnectionState()
		l.state = &state
	}
	l.watchSocket()
	l.reader = bufio.NewReader(l)
	return l
}

// innermost returns the connection below all layers of TLS and proxies, and whether there is TLS.
func innermost(conn net.Conn) (socket net.Conn, secure bool) {
	for {
		switch outer := conn.(type) {
		case *tls.Conn:
			conn, secure = outer.NetConn(), true
		case *tunnel:
			conn = outer.Conn
		default:
			return conn, secure
		}
	}
}

// close closes the connection at once, without TLS's farewell, which could block.
func (l *link) close() {
	if l.shared != nil {
		_ = l.shared.Close()
		return
	}
	_ = l.socket.Close()
}

// isQuiet reports whether nothing has arrived on an idle connection: neither its end nor data
// that nobody asked for (RFC 9112, sections 6.3 and 9.3). spoke is true where it was data. It does
// not wait for anything to arrive.
func (l *link) isQuiet() (quiet, spoke bool) {
	quiet = l.isSocketQuiet()
	switch {
	case !l.layered:
		return quiet, l.data
	case quiet:
		return hasNothing(l.conn, time.Unix(1, 0)) // what was read along with the answer
	}
	// What has arrived may be TLS's own: a ticket, or its end.
	if quiet, spoke = hasNothing(l.conn, time.Now().Add(layersTime)); quiet {
		quiet = l.isSocketQuiet()
	}
	return quiet, spoke
}

// timeoutAnswer is the beginning of the answer that some servers close idle connections with, x being
// any version.
const timeoutAnswer = "HTTP/1.x 408"

func isTimeout(begun []byte) bool {
	return len(begun) == len(timeoutAnswer) && string(begun[:7]) == timeoutAnswer[:7] && string(begun[8:]) == timeoutAnswer[8:]
}

// layersTime bounds reading what has arrived already.
const layersTime = 10 * time.Millisecond

// hasNothing reports whether a connection has nothing to read until a deadline. spoke is true where
// it has data.
func hasNothing(conn net.Conn, deadline time.Time) (quiet, spoke bool) {
	var one [1]byte
	if conn.SetReadDeadline(deadline) != nil {
		return false, false
	}
	n, err := conn.Read(one[:])
	return n == 0 && errors.Is(err, os.ErrDeadlineExceeded) && conn.SetReadDeadline(time.Time{}) == nil, n > 0
}

// errHead is the end of a head that is too large.
var errHead = fmt.Errorf("server response headers exceeded %d bytes", maxHeadBytes)

// errUnasked is the error of a connection on which data came before the request was sent. Nothing
// of the request was sent on it.
var errUnasked = errors.New("data came before the request was sent")

// errStray is the error of a kept connection on which something that is no answer came once the
// request was sent: the rest of an earlier one.
var errStray = errors.New("what came is the rest of an earlier answer")

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

// posted is the request that answers are parsed for: any method with a body in its answer.
var posted = &http.Request{Method: http.MethodPost}

// send sends a request and reads the head of its answer. The answer's body must be closed, before
// the end of ctx or after. On an error the connection is closed.
func (l *link) send(ctx context.Context, head, body []byte, pool *pool, watch *watch) (*http.Response, error) {
	watch.use(l.remote, l.used)
	// The end of the attempt ends whatever the connection waits for.
	release := context.AfterFunc(ctx, func() { _ = l.conn.SetDeadline(time.Unix(1, 0)) })
	answer := &answerBody{link: l, pool: pool, release: release}
	response, err := l.exchange(head, body, answer, watch)
	if err != nil {
		release()
		answer.abort()
		return nil, err
	}
	response.TLS = l.state
	answer.body, answer.ended = response.Body, response.Body == http.NoBody
	answer.keep = answer.keep && !response.Close && response.StatusCode != http.StatusSwitchingProtocols
	response.Body = answer
	return response, nil
}

// beginning is the beginning of every answer.
const beginning = "HTTP/"

func (l *link) exchange(head, body []byte, answer *answerBody, watch *watch) (*http.Response, error) {
	l.unread = maxHeadBytes
	if !l.layered && !l.used && l.hasSpoken() { // a used one was looked at when it was taken
		return nil, errUnasked
	}
	if len(body) > 0 {
		answer.write(head, body, watch)
	} else if _, err := l.conn.Write(head); err == nil {
		answer.keep = true
		watch.sent()
	} else if _, early := l.reader.Peek(1); early != nil {
		// An endpoint may answer and close before it has read everything.
		return nil, err
	}
	if _, err := l.reader.Peek(1); err != nil {
		return nil, answer.because(err)
	}
	if l.used {
		if begun, err := l.reader.Peek(len(beginning)); err == nil && string(begun) != beginning {
			answer.pool.distrust(l.place)
			return nil, errStray
		}
	}
	watch.answered()
	for { // past informational answers (RFC 9110, section 15.2), which count as a part of the head
		response, err := http.ReadResponse(l.reader, posted)
		if err != nil {
			return nil, err
		}
		if response.StatusCode < 100 || response.StatusCode > 199 || response.StatusCode == http.StatusSwitchingProtocols {
			l.unread = math.MaxInt
			answer.keep = answer.keep || answer.isWritten() // an answer to half a request ends the connection
			answer.keep = answer.keep && !hasForbiddenBody(response)
			return response, nil
		}
	}
}

// hasForbiddenBody reports whether an answer announces a body that its status does not allow (RFC
// 9112, section 6.3). It may come, at any time.
func hasForbiddenBody(response *http.Response) bool {
	if response.StatusCode != http.StatusNoContent && response.StatusCode != http.StatusNotModified {
		return false
	}
	length := response.Header["Content-Length"]
	return len(response.TransferEncoding) > 0 || len(length) > 0 && length[0] != "0"
}

// answerBody is the body of an answer. It returns the connection to the pool once its end was read.
type answerBody struct {
	body    io.ReadCloser
	link    *link
	pool    *pool
	release func() bool
	ended   bool
	keep    bool
	writing chan error // gets the result of writing a large request; nil for a small one
}

// write writes a request that may not fit into the connection's buffers, while its answer is
// awaited.
func (b *answerBody) write(head, body []byte, watch *watch) {
	b.writing = make(chan error, 1)
	conn := b.link.conn
	go func() {
		parts := net.Buffers{head, body}
		_, err := parts.WriteTo(conn)
		if err == nil {
			watch.sent()
		}
		b.writing <- err
	}()
}

// isWritten reports whether a large request was written completely by now.
func (b *answerBody) isWritten() bool {
	select {
	case err := <-b.writing: // never ready where it is nil
		b.writing <- err
		return err == nil
	default:
		return false
	}
}

// because returns the error of writing the request where that came first, else the error of
// reading the answer.
func (b *answerBody) because(reading error) error {
	if b.writing == nil {
		return reading
	}
	_ = b.link.conn.SetWriteDeadline(time.Unix(1, 0)) // nobody reads it any more
	writing := <-b.writing
	b.writing <- writing
	if writing != nil && !errors.Is(writing, os.ErrDeadlineExceeded) {
		return writing
	}
	return reading
}

// abort closes the connection and waits for the writing of the request to end.
func (b *answerBody) abort() {
	b.link.close()
	if b.writing != nil {
		<-b.writing
	}
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
	if n := b.link.reader.Buffered(); b.ended && n > 0 {
		if rest, _ := b.link.reader.Peek(min(n, len(timeoutAnswer))); !isTimeout(rest) {
			b.pool.distrust(b.link.place)
		}
	}
	// Where the end of the attempt came first, its deadline is on the connection.
	if !b.release() || !b.ended || !b.keep || b.link.reader.Buffered() > 0 {
		b.abort()
	} else {
		b.link.used = true
		b.pool.put(b.link)
	}
	b.link = nil
	return nil
}
