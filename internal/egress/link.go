package egress

import (
	"bufio"
	"container/list"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"
)

// maxHeadBytes is the largest response head that is read; a larger one fails the attempt.
const maxHeadBytes = 64 << 10

// link is a reusable connection. It carries one request at a time over HTTP/1.1, and many over
// HTTP/2.
type link struct {
	conn    net.Conn // carries the requests: a socket, or TLS over it
	socket  net.Conn // the innermost connection
	layered bool     // conn has TLS, to the endpoint or to a proxy
	state   *tls.ConnectionState
	remote  string // the remote address
	used    bool   // has carried a request

	shared *http.ClientConn // nil for HTTP/1.1

	// HTTP/1.1 only.
	reader *bufio.Reader
	unread int // remaining bytes that may be read
	raw    syscall.RawConn
	look   func(fd uintptr) bool
	quiet  bool // results of look: nothing has arrived,
	data   bool // or data has, with its start in peeked
	peeked [len(timeoutAnswer)]byte

	pooled // owned by the pool
}

// pooled is the part of a link that the pool owns. The pool's mutex guards all fields except place,
// until and generation, which are constant.
type pooled struct {
	place      place
	until      time.Time // accepts no request from this time on
	generation uint64
	busy       int           // active requests of an HTTP/2 connection
	element    *list.Element // in the list of idle connections; nil while busy
	since      time.Time     // idle since
	retired    bool          // closes after its last request
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

// innermost returns the connection below all layers of TLS and proxies, and whether one of them is
// TLS.
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

// close closes the connection at once, without TLS's close_notify, which could block.
func (l *link) close() {
	if l.shared != nil {
		_ = l.shared.Close()
		return
	}
	_ = l.socket.Close()
}

// isQuiet reports whether nothing has arrived on an idle connection: neither its end nor
// unsolicited data (RFC 9112, sections 6.3 and 9.3). unasked reports whether data arrived. isQuiet
// does not wait for anything to arrive.
func (l *link) isQuiet() (quiet, unasked bool) {
	quiet = l.isSocketQuiet()
	switch {
	case !l.layered:
		return quiet, l.data
	case quiet:
		return hasNothing(l.conn, time.Unix(1, 0)) // data read together with the response
	}
	// This may be data of TLS itself: a session ticket, or close_notify.
	if quiet, unasked = hasNothing(l.conn, time.Now().Add(layersTime)); quiet {
		quiet = l.isSocketQuiet()
	}
	return quiet, unasked
}

// timeoutAnswer is the start of the response that some servers send when they close an idle
// connection; x is any version.
const timeoutAnswer = "HTTP/1.x 408"

func isTimeout(begun []byte) bool {
	return len(begun) == len(timeoutAnswer) && string(begun[:7]) == timeoutAnswer[:7] && string(begun[8:]) == timeoutAnswer[8:]
}

// layersTime is the deadline for reading data that has already arrived.
const layersTime = 10 * time.Millisecond

// hasNothing reports whether a connection has nothing to read until a deadline. unasked reports
// whether it has data.
func hasNothing(conn net.Conn, deadline time.Time) (quiet, unasked bool) {
	var one [1]byte
	if conn.SetReadDeadline(deadline) != nil {
		return false, false
	}
	n, err := conn.Read(one[:])
	return n == 0 && errors.Is(err, os.ErrDeadlineExceeded) && conn.SetReadDeadline(time.Time{}) == nil, n > 0
}

// errHead is the error for a head that is too large.
var errHead = fmt.Errorf("server response headers exceeded %d bytes", maxHeadBytes)

// Read reads from the connection up to the limit for the head of a response.
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

// place identifies connections that are interchangeable: those of one tenant, with the same terms,
// to the same scheme, host and port.
type place struct{ scope, origin string }
