package server

import (
	"bytes"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/pealhq/peal/internal/bodies"
	"github.com/pealhq/peal/internal/front"
)

const (
	// headsBudget is the memory for the heads of all requests in flight, in bytes.
	headsBudget = 64 << 20
	// freeHead is the cost of a head up to which nothing is charged. It covers an ordinary
	// request together with a small body that arrives with it.
	freeHead = 4 << 10
	// headLine is the memory that net/http needs for each line of a head in addition to its bytes.
	headLine = 128
	// shortLine is the assumed length of a line under TLS, where lines cannot be counted.
	shortLine = 6
)

// connections limits the open connections of clients and the memory of the heads that they send.
// The share of an address depends on what the others leave: alone it has at most two thirds of the
// connections and a quarter of the memory.
type connections struct {
	net.Listener
	most    int
	proxies front.Proxies
	heads   *bodies.Budget
	log     *slog.Logger

	mu   sync.Mutex
	open int
	each map[netip.Prefix]int
}

func newConnections(listener net.Listener, most int, proxies front.Proxies, log *slog.Logger) *connections {
	return &connections{Listener: listener, most: min(most, openableFiles()/2), proxies: proxies,
		heads: bodies.New(headsBudget), log: log, each: make(map[netip.Prefix]int)}
}

// Accept returns the next connection within the limits, and closes others.
func (c *connections) Accept() (net.Conn, error) {
	for {
		accepted, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		address := c.proxies.Peer(accepted.RemoteAddr().String())
		if c.admit(address) {
			conn := &connection{Conn: accepted, of: c, address: address}
			conn.expectHead()
			return conn, nil
		}
		accepted.Close()
		c.log.Debug("a connection was refused because its address has too many", "address", address)
	}
}

// admit counts a connection of an address if it is within the limits. The zero Prefix, of trusted
// proxies and connections without an address, may have all connections.
func (c *connections) admit(address netip.Prefix) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	left := c.most - c.open
	if left <= 0 || address.IsValid() && c.each[address] >= 2*left {
		return false
	}
	c.open++
	if address.IsValid() {
		c.each[address]++
	}
	return true
}

func (c *connections) leave(address netip.Prefix) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open--
	if !address.IsValid() {
		return
	}
	if c.each[address]--; c.each[address] == 0 {
		delete(c.each, address)
	}
}

// account opens an account for the heads of an address.
func (c *connections) account(address netip.Prefix) bodies.Account {
	if !address.IsValid() {
		return c.heads.Known("", bodies.Holder{})
	}
	return c.heads.Known("", bodies.Holder{Kind: bodies.Address, Name: address.String()})
}

var errHeads = errors.New("the heads of requests in flight take too much memory")

// connection is an open connection of a client.
type connection struct {
	net.Conn
	of      *connections
	address netip.Prefix
	closed  atomic.Bool

	inHead atomic.Bool // the head of a request is expected or arriving
	tls    atomic.Bool
	// The reader owns the following fields; changed uses them between reads.
	record       record
	bytes, lines int64
	account      bodies.Account
	charged      int64
}

// record counts the bytes of application data in TLS records, without the handshake (RFC 8446,
// section 5.1).
type record struct {
	head [5]byte // type, version, length
	have int     // bytes of head read so far
	rest int     // bytes of the record not read yet
}

func (r *record) payload(p []byte) (bytes int64) {
	const applicationData = 23
	for len(p) > 0 {
		if r.rest == 0 {
			n := copy(r.head[r.have:], p)
			p = p[n:]
			if r.have += n; r.have == len(r.head) {
				r.have, r.rest = 0, int(r.head[3])<<8|int(r.head[4])
			}
			continue
		}
		n := min(r.rest, len(p))
		if r.head[0] == applicationData {
			bytes += int64(n)
		}
		r.rest -= n
		p = p[n:]
	}
	return bytes
}

// Read reads from the client, and charges the parts of heads to its address.
func (c *connection) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	arrived := int64(n)
	if c.tls.Load() {
		arrived = c.record.payload(p[:n])
	}
	if n > 0 && c.inHead.Load() {
		c.bytes += arrived
		c.lines += int64(bytes.Count(p[:n], []byte{'\n'}))
		if cost := c.cost(); cost > freeHead {
			return n, errors.Join(c.charge(cost), err)
		}
	}
	return n, err
}

// cost returns the memory that net/http needs for the part of the head that has arrived, in bytes.
func (c *connection) cost() int64 {
	lines := c.lines
	if c.tls.Load() {
		lines = c.bytes / shortLine
	}
	return c.bytes + lines*headLine
}

// charge raises the charge of the connection to its address to cost.
func (c *connection) charge(cost int64) error {
	if c.charged == 0 {
		c.account = c.of.account(c.address)
	}
	if err := c.account.Take(cost - c.charged); err != nil {
		return errHeads
	}
	c.charged = cost
	return nil
}

// expectHead releases the memory of the last head, and starts to charge the next one.
func (c *connection) expectHead() {
	if c.charged != 0 {
		c.account.Close()
	}
	c.bytes, c.lines, c.charged = 0, 0, 0
	c.inHead.Store(true)
}

// Close closes the connection and makes room for another.
func (c *connection) Close() error {
	err := c.Conn.Close()
	if !c.closed.Swap(true) {
		c.of.leave(c.address)
	}
	return err
}

// changed is the ConnState callback: a head is complete when the connection becomes active, and its
// request has ended when it becomes idle. The heads of HTTP/2 are charged one by one, see
// [connections.limitHeads].
func (c *connections) changed(conn net.Conn, state http.ConnState) {
	secure, isTLS := conn.(*tls.Conn)
	if isTLS {
		conn = secure.NetConn()
	}
	mine, ok := conn.(*connection)
	if !ok {
		return
	}
	switch state {
	case http.StateNew:
		mine.tls.Store(isTLS)
	case http.StateActive:
		mine.inHead.Store(false)
	case http.StateIdle:
		if mine.expectHead(); isTLS && secure.ConnectionState().NegotiatedProtocol == "h2" {
			mine.inHead.Store(false)
		}
	case http.StateClosed, http.StateHijacked:
		mine.inHead.Store(false)
		if mine.charged != 0 {
			mine.account.Close()
			mine.charged = 0
		}
	}
}

// limitHeads charges the heads of HTTP/2 requests, because a connection carries many at once.
func (c *connections) limitHeads(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor < 2 {
			next.ServeHTTP(w, r)
			return
		}
		cost := int64(len(r.RequestURI))
		for name, values := range r.Header {
			for _, value := range values {
				cost += int64(len(name)+len(value)) + headLine
			}
		}
		account := c.account(c.proxies.Peer(r.RemoteAddr))
		if account.Take(cost) != nil {
			w.Header().Set("Retry-After", "1")
			http.Error(w, errHeads.Error(), http.StatusServiceUnavailable)
			return
		}
		defer account.Close()
		next.ServeHTTP(w, r)
	})
}
