package egress

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// attemptDelay is the time between the starts of connecting to two addresses of a name, of which
// the first to answer is used (RFC 8305, section 5).
const attemptDelay = 250 * time.Millisecond

// maxAddresses bounds the addresses of a name that are tried.
const maxAddresses = 16

// guarded dials what the guard lets through: the addresses of a name, both families in turn,
// attemptDelay apart or as soon as one has failed. Each is judged when it is dialled.
func guarded(options Options, guard *guard, resolver *net.Resolver) dialFunc {
	dialer := &net.Dialer{ControlContext: guard.control, Resolver: options.Resolver, LocalAddr: source(options)}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, err := splitAddress(address)
		if err != nil {
			return nil, refusal{why: numeric}
		}
		if err := guard.checkName(host, port); err != nil { // without a look-up where that is enough
			return nil, err
		}
		ctx = context.WithValue(ctx, hostKey{}, host)
		name, _, _ := net.SplitHostPort(address)
		if _, err := netip.ParseAddr(name); err == nil {
			return dialer.DialContext(connecting(ctx), network, address)
		}
		addrs, err := resolver.LookupNetIP(looking(ctx), "ip", name)
		if err != nil {
			return nil, err
		}
		return race(ctx, interleave(suitable(addrs, options.SourceAddress)), func(ctx context.Context, addr netip.Addr) (net.Conn, error) {
			return dialer.DialContext(connecting(ctx), network, netip.AddrPortFrom(addr, port).String())
		})
	}
}

// suitable returns the addresses that can be reached from a source, all where there are none, so
// that the first of them fails.
func suitable(addrs []netip.Addr, source netip.Addr) []netip.Addr {
	if !source.IsValid() {
		return addrs
	}
	var same []netip.Addr
	for _, addr := range addrs {
		if addr.Unmap().Is4() == source.Unmap().Is4() {
			same = append(same, addr)
		}
	}
	if len(same) == 0 {
		return addrs[:1]
	}
	return same
}

// interleave orders addresses for race: the two families in turn, beginning with that of the
// first (RFC 8305, section 4).
func interleave(addrs []netip.Addr) []netip.Addr {
	var families [2][]netip.Addr
	for _, addr := range addrs {
		addr = addr.Unmap()
		i := 0
		if addr.Is4() != addrs[0].Unmap().Is4() {
			i = 1
		}
		families[i] = append(families[i], addr)
	}
	ordered := make([]netip.Addr, 0, len(addrs))
	for i := 0; len(ordered) < min(len(addrs), maxAddresses); i++ {
		for _, family := range families {
			if i < len(family) {
				ordered = append(ordered, family[i])
			}
		}
	}
	return ordered
}

// race connects to the first address that answers, and ends the other tries. Its error is the
// first one, unless that was a refusal of the guard and another address was tried.
func race(ctx context.Context, addrs []netip.Addr, dial func(context.Context, netip.Addr) (net.Conn, error)) (net.Conn, error) {
	if len(addrs) == 1 {
		return dial(ctx, addrs[0])
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type outcome struct {
		conn net.Conn
		err  error
	}
	outcomes := make(chan outcome)
	timer := time.NewTimer(attemptDelay)
	defer timer.Stop()
	var first error
	var conn net.Conn
	started, ended := 0, 0
	start := func() {
		if conn != nil || started == len(addrs) {
			return
		}
		addr := addrs[started]
		started++
		timer.Reset(attemptDelay)
		go func() {
			conn, err := dial(ctx, addr)
			outcomes <- outcome{conn, err}
		}()
	}
	for start(); ended < started; {
		select {
		case <-timer.C:
			start()
		case o := <-outcomes:
			ended++
			switch {
			case o.err != nil:
				if first == nil || isRefusal(first) {
					first = o.err
				}
				if conn == nil && ctx.Err() == nil {
					start()
				}
			case conn != nil: // a second one at the same moment
				o.conn.Close()
			default:
				conn = o.conn
				cancel() // the others end, and are waited for
			}
		}
	}
	if conn != nil {
		return conn, nil
	}
	return nil, first
}
