// Package egress is the only code of Peal that dials out. It turns one request
// into one attempt: it checks every address at dial time, bounds what is read, and
// says in plain words why an attempt failed.
package egress

import (
	"context"
	"net"
	"net/netip"
	"time"

	"github.com/pealhq/peal"
)

// Options say where requests may go and what a client keeps.
type Options struct {
	// AllowHTTP allows http:// URLs; otherwise every webhook's URL must be https://.
	AllowHTTP bool
	// Allow are address ranges that may be reached although they are private,
	// loopback or otherwise special.
	Allow []netip.Prefix
	// Deny are address ranges that may never be reached; Deny wins over Allow.
	Deny []netip.Prefix
	// Ports are the ports that may be reached; nil for every port.
	Ports []uint16
	// Dial replaces the guarded dialer; nil for that. It is for networks that are no
	// networks, such as a test's: whoever sets it answers for where requests go.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// MaxIdlePerHost is how many idle connections to one host are kept, at least as
	// many as requests to it are in flight at once.
	MaxIdlePerHost int
	// MaxIdle is how many idle connections are kept in all.
	MaxIdle int
	// IdleTimeout is how long an idle connection is kept.
	IdleTimeout time.Duration
}

// DefaultOptions allow https to public addresses on the usual ports.
func DefaultOptions() Options {
	return Options{
		Ports:          []uint16{80, 443, 8080, 8443},
		MaxIdlePerHost: 64,
		MaxIdle:        1024,
		IdleTimeout:    90 * time.Second,
	}
}

// Development gives the options with http, every port and loopback, private and
// link-local addresses allowed: for a developer's own machine only.
func (o Options) Development() Options {
	o.AllowHTTP = true
	o.Ports = nil
	for _, prefix := range []string{
		"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7",
	} {
		o.Allow = append(o.Allow, netip.MustParsePrefix(prefix))
	}
	return o
}

// Validate checks the ranges. The error has code [peal.Invalid].
func (o Options) Validate() error {
	if o.MaxIdlePerHost < 1 || o.MaxIdle < 1 {
		return peal.Invalidf("egress", "MaxIdlePerHost and MaxIdle must be at least 1")
	}
	if o.IdleTimeout <= 0 {
		return peal.Invalidf("egress", "IdleTimeout must be above 0")
	}
	return nil
}
