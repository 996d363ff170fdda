package egress

import (
	"context"
	"net"
	"net/netip"
	"time"
)

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// source returns the local address for connections; nil for any.
func source(options Options) net.Addr {
	if !options.SourceAddress.IsValid() {
		return nil
	}
	return &net.TCPAddr{IP: options.SourceAddress.AsSlice(), Zone: options.SourceAddress.Zone()}
}

// attemptDelay is the delay between connection attempts to two addresses of a name (RFC 8305,
// section 5). The first established connection is used.
const attemptDelay = 250 * time.Millisecond

// maxAddresses is the maximum number of addresses tried for a name.
const maxAddresses = 16

// guarded returns a dialFunc that connects only to allowed addresses. It tries the addresses of a
// name alternating between families, attemptDelay apart or as soon as one fails. Each address is
// checked when it is dialled.
func guarded(options Options, guard *guard, resolver *net.Resolver) dialFunc {
	dialer := &net.Dialer{ControlContext: guard.control, Resolver: options.Resolver, LocalAddr: source(options)}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, err := splitAddress(address)
		if err != nil {
			return nil, refusal{why: numeric}
		}
		if err := guard.checkName(host, port); err != nil { // before the look-up, which may be unnecessary
			return nil, err
		}
		ctx = context.WithValue(ctx, hostKey{}, host)
		name, _, _ := net.SplitHostPort(address)
		if _, err := netip.ParseAddr(name); err == nil {
			return dialer.DialContext(traceConnect(ctx), network, address)
		}
		addrs, err := resolver.LookupNetIP(traceLookup(ctx), "ip", name)
		if err != nil {
			return nil, err
		}
		return race(ctx, interleave(suitable(addrs, options.SourceAddress)), func(ctx context.Context, addr netip.Addr) (net.Conn, error) {
			return dialer.DialContext(traceConnect(ctx), network, netip.AddrPortFrom(addr, port).String())
		})
	}
}

// suitable returns the addresses of the same family as the source. If there are none, it returns
// the first address, so that dialling fails with its error.
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

// interleave orders addresses for race: alternating between the two families, starting with the
// family of the first (RFC 8305, section 4).
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

// race returns the first established connection and cancels the other attempts. Its error is the
// first one, unless that is a refusal of the guard and another address was tried.
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
			case conn != nil: // a second one at the same time
				o.conn.Close()
			default:
				conn = o.conn
				cancel() // end the others; the loop waits for them
			}
		}
	}
	if conn != nil {
		return conn, nil
	}
	return nil, first
}
