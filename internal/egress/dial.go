package egress

import (
	"context"
	"net"
	"net/http/httptrace"
	"strconv"
)

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// newDial gives what the transport makes connections with. The transport lets a
// connection outlive the attempt that wanted it and takes that attempt's deadline
// off ctx, so connecting has a timeout of its own: nothing may wait for ever.
func newDial(options Options, guard *guard, proxy *proxy, resolver *net.Resolver) dialFunc {
	dial := options.Dial
	if dial == nil {
		dial = guarded(options, guard)
	}
	if proxy != nil {
		dial = proxy.dial(options, guard, resolver)
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, options.ConnectTimeout)
		defer cancel()
		if w, ok := ctx.Value(watchKey{}).(*watch); ok && proxy == nil {
			ctx = httptrace.WithClientTrace(ctx, w.dialTrace())
		}
		if inside := insideOf(options, address); inside != nil {
			return inside(ctx)
		}
		return dial(ctx, network, address)
	}
}

// insideOf gives the receiver inside the process that an address means; nil for none.
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

// guarded dials what the guard lets through.
func guarded(options Options, guard *guard) dialFunc {
	dialer := net.Dialer{ControlContext: guard.control, Resolver: options.Resolver, LocalAddr: source(options)}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, err := splitAddress(address)
		if err != nil {
			return nil, refusal{why: numeric}
		}
		if err := guard.checkName(host, port); err != nil { // without a look-up where that is enough
			return nil, err
		}
		return dialer.DialContext(context.WithValue(ctx, hostKey{}, host), network, address)
	}
}

// splitAddress gives the canonical host and the port of what is to be dialled.
func splitAddress(address string) (string, uint16, error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	port, err := strconv.ParseUint(text, 10, 16)
	return canonicalHost(host), uint16(port), err
}

// source is the local address of connections; nil for any.
func source(options Options) net.Addr {
	if !options.SourceAddress.IsValid() {
		return nil
	}
	return &net.TCPAddr{IP: options.SourceAddress.AsSlice(), Zone: options.SourceAddress.Zone()}
}
