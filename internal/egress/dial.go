package egress

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strconv"
)

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// rules decide where connections may lead and how they are made. They are replaced as a whole.
type rules struct {
	guard      *guard
	proxy      *proxy // nil for none
	direct     dialFunc
	proxied    dialFunc // nil without a proxy
	generation uint64
}

// newRules creates rules from valid options.
func newRules(options Options, resolver *net.Resolver, generation uint64) (*rules, error) {
	proxy, err := parseProxy(options.Proxy, options.NoProxy)
	if err != nil {
		return nil, err
	}
	guard := newGuard(options)
	direct := options.Dial
	if direct == nil {
		direct = guarded(options, guard, resolver)
	}
	r := &rules{guard: guard, proxy: proxy, direct: bounded(options, direct), generation: generation}
	if proxy != nil {
		r.proxied = bounded(options, proxy.dial(options, guard, resolver))
	}
	return r, nil
}

// bounded returns a dialFunc with a timeout of its own, which reaches the receivers inside the
// process too.
func bounded(options Options, dial dialFunc) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, options.ConnectTimeout)
		defer cancel()
		if inside := insideOf(options, address); inside != nil {
			return inside(ctx)
		}
		return dial(ctx, network, address)
	}
}

// connect makes a connection to a target and secures it where its scheme is https.
func (c *Client) connect(ctx context.Context, watch *watch, to *target) (*link, error) {
	r := c.rules.Load()
	conn, err := r.reach(ctx, to, c.options)
	if err != nil {
		return nil, err
	}
	if !to.secure {
		l := newLink(conn)
		c.pool.admit(l, place{c.scope, to.origin}, r.generation)
		return l, nil
	}
	secure, err := c.secure(ctx, watch, to, conn)
	if err != nil {
		return nil, err
	}
	l := newLink(secure)
	c.pool.admit(l, place{c.scope, to.origin}, r.generation)
	if l.state.NegotiatedProtocol == "h2" {
		return c.speakHTTP2(ctx, l, to)
	}
	return l, nil
}

// reach makes the connection that requests to a target, or TLS, go through.
func (r *rules) reach(ctx context.Context, to *target, options Options) (net.Conn, error) {
	via := r.via(to)
	if via == nil {
		return r.direct(ctx, "tcp", to.address)
	}
	conn, err := r.proxied(ctx, "tcp", to.address)
	if err != nil || via.isSOCKS() || !to.secure || r.guard.isInside(to.URL) {
		return conn, err
	}
	ctx, cancel := context.WithTimeout(ctx, options.ConnectTimeout)
	defer cancel()
	if err := via.tunnel(ctx, conn, to.address); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// secure agrees upon TLS with an endpoint. No session is kept: one tenant's must never be resumed
// by another.
func (c *Client) secure(ctx context.Context, watch *watch, to *target, conn net.Conn) (*tls.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.options.ConnectTimeout)
	defer cancel()
	config := c.tls.Clone()
	config.ServerName = to.host
	watch.begin(securing, &watch.secure, "")
	secure := tls.Client(conn, config)
	err := secure.HandshakeContext(ctx)
	watch.end(&watch.timing.TLS, &watch.secure)
	watch.distrust(err)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}

// securedKey is the context key of a connection that HTTP/2 is to be spoken on.
type securedKey struct{}

// newHTTP2 returns the maker of HTTP/2 connections. It makes none by itself and keeps none.
func newHTTP2() *http.Transport {
	return &http.Transport{
		DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return ctx.Value(securedKey{}).(net.Conn), nil
		},
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout, MaxReceiveBufferPerStream: streamBuffer},
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeadBytes,
	}
}

// speakHTTP2 makes an HTTP/2 connection of a secured one, with a place on it for a request.
func (c *Client) speakHTTP2(ctx context.Context, l *link, to *target) (*link, error) {
	shared, err := c.http2.NewClientConn(context.WithValue(context.WithoutCancel(ctx), securedKey{}, l.conn), "https", to.address)
	if err != nil {
		l.close()
		return nil, err
	}
	l.shared, l.reader = shared, nil
	return c.pool.share(l), nil
}

// insideOf returns the receiver inside the process that an address means; nil for none.
func insideOf(options Options, address string) func(context.Context) (net.Conn, error) {
	if len(options.Inside) == 0 {
		return nil
	}
	host, port, err := splitAddress(address)
	if err != nil || port != insidePort {
		return nil
	}
	return options.Inside[host]
}

// splitAddress returns the canonical host and the port of an address to dial.
func splitAddress(address string) (string, uint16, error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	port, err := strconv.ParseUint(text, 10, 16)
	return canonicalHost(host), uint16(port), err
}

// source returns the local address of connections; nil for any.
func source(options Options) net.Addr {
	if !options.SourceAddress.IsValid() {
		return nil
	}
	return &net.TCPAddr{IP: options.SourceAddress.AsSlice(), Zone: options.SourceAddress.Zone()}
}
