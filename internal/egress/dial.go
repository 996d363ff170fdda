package egress

import (
	"context"
	"net"
	"net/http/httptrace"
)

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// newDial gives what the transport makes connections with. The transport lets a
// connection outlive the attempt that wanted it and takes that attempt's deadline
// off ctx, so connecting has a timeout of its own: nothing may wait for ever.
func newDial(options Options, guard *guard) dialFunc {
	dial := options.Dial
	if dial == nil {
		dial = (&net.Dialer{Control: guard.control, Resolver: options.Resolver}).DialContext
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, options.ConnectTimeout)
		defer cancel()
		if w, ok := ctx.Value(watchKey{}).(*watch); ok {
			ctx = httptrace.WithClientTrace(ctx, w.dialTrace())
		}
		return dial(ctx, network, address)
	}
}
