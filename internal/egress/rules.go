package egress

import (
	"context"
	"net"
	"net/url"
)

// rules decide where connections may lead and how they are made. They are immutable and replaced as
// a whole.
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

// bounded returns a dialFunc with [Options.ConnectTimeout] that also reaches the receivers inside
// the process.
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

// insideOf returns the receiver inside the process for an address, or nil.
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

// via returns the proxy for requests to a target, or nil.
func (r *rules) via(to *target) *proxy {
	if r.proxy == nil || r.guard.isInside(to.URL) || r.proxy.bypassedBy(canonicalHost(to.host)) {
		return nil
	}
	return r.proxy
}

// forwards reports whether a proxy forwards the request itself, as HTTP proxies do for http.
func (r *rules) forwards(to *target) bool {
	if to.secure {
		return false
	}
	via := r.via(to)
	return via != nil && !via.isSOCKS()
}

// precheck checks a target before a proxy is asked for it: the port, the name, and its addresses as
// resolved here. A name that does not resolve here is left to the proxy, which may resolve more. A
// proxy that resolves names must itself refuse private addresses, because a name can resolve
// differently between this check and the proxy's.
func (r *rules) precheck(ctx context.Context, via *proxy, u *url.URL, resolver *net.Resolver) error {
	if via.url.Scheme == "socks5" {
		return nil // checked when it is dialled
	}
	port, ok := portOf(u)
	host := canonicalHost(u.Hostname())
	if !ok {
		return refusal{why: badPort}
	}
	if err := r.guard.checkName(host, port); err != nil {
		return err
	}
	addrs, err := lookUp(ctx, resolver, host)
	if err != nil {
		return nil // the proxy reports what is wrong with the name
	}
	return r.guard.checkAll(host, addrs, port)
}

// reach opens the connection that carries requests to a target, or TLS.
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
