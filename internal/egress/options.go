// Package egress is the only code of Peal that dials out. It turns one request
// into one attempt: it checks every address at dial time, bounds what is read, and
// says in plain words why an attempt failed.
package egress

import (
	"context"
	"crypto/x509"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/pealhq/peal"
)

// Options say where requests may go and what a client keeps. Begin with
// [DefaultOptions].
type Options struct {
	// AllowHTTP allows http:// URLs; otherwise every webhook's URL must be https://.
	AllowHTTP bool
	// Allow are address ranges that may be reached although they are private,
	// loopback or otherwise special. An address that stands for an IPv4 address
	// (NAT64, 6to4) is reached only when that one may be reached too.
	Allow []netip.Prefix
	// Deny are address ranges that may never be reached; Deny wins over Allow.
	Deny []netip.Prefix
	// AllowHosts are names whose addresses may be reached although they are private or
	// loopback: hooks.example.com, or *.example.com for all below it. Link-local and
	// metadata addresses are not among them; those need Allow.
	AllowHosts []string
	// DenyHosts are names that may never be reached, wherever they lead.
	DenyHosts []string
	// Ports are the ports that may be reached; nil for every port.
	Ports []PortRange
	// Proxy is the URL of a proxy that all requests go through, with its credentials:
	// http:// or https:// (HTTP CONNECT, and plain forwarding of http), socks5:// (names
	// are looked up here) or socks5h:// (names are looked up by the proxy); "" for none.
	// The proxy itself may have any address.
	Proxy string
	// NoProxy are exceptions to Proxy: host names, *.example.com for all names below one, and
	// addresses or networks, which are compared with addresses in URLs, not with those that names
	// lead to.
	NoProxy []string
	// SourceAddress is the address of this machine that connections are made from; zero
	// for any. Only endpoints of its kind, IPv4 or IPv6, are reached then.
	SourceAddress netip.Addr
	// Resolver looks names up; nil for the system's way.
	Resolver *net.Resolver
	// RootCAs are the authorities whose certificates are trusted; nil for the
	// system's.
	RootCAs *x509.CertPool
	// CAFile is a PEM file of authorities that are trusted beside RootCAs; "" for none.
	CAFile string
	// Dial replaces the guarded dialer; nil for that. It is for networks that are no
	// networks, such as a test's: whoever sets it answers for where requests go.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// ConnectTimeout is how long looking up a name and connecting may take together,
	// and how long securing the connection may take after that. A shorter timeout of
	// the attempt ends them first.
	ConnectTimeout time.Duration
	// Inside are receivers inside the process, by host in lower case: a request for
	// http://HOST/ on port 80 goes to one in memory, through no network and past every
	// rule for those; nothing else can be reached so.
	Inside map[string]func(ctx context.Context) (net.Conn, error)
	// MaxIdlePerHost is how many idle connections to one host are kept, at least as
	// many as requests to it are in flight at once.
	MaxIdlePerHost int
	// MaxIdle is how many idle connections are kept in all.
	MaxIdle int
	// IdleTimeout is how long an idle connection is kept.
	IdleTimeout time.Duration
	// MaxConnectionAge is the age from which a connection takes no more requests, so that a name
	// that leads elsewhere is noticed. Each connection has an age of its own, from two thirds of it.
	MaxConnectionAge time.Duration
}

// DefaultOptions allow https to public addresses on the usual ports.
func DefaultOptions() Options {
	return Options{
		Ports:          []PortRange{Port(80), Port(443), Port(8080), Port(8443)},
		ConnectTimeout: 10 * time.Second,
		MaxIdlePerHost: 512,
		MaxIdle:        1024,
		IdleTimeout:    90 * time.Second,

		MaxConnectionAge: 3 * time.Minute,
	}
}

// Development gives the options with http, every port and loopback and private
// addresses allowed: for a developer's own machine only.
func (o Options) Development() Options {
	o.AllowHTTP = true
	o.Ports = nil
	o.Allow = slices.Clip(o.Allow)
	for _, prefix := range []string{
		"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7",
	} {
		o.Allow = append(o.Allow, netip.MustParsePrefix(prefix))
	}
	return o
}

// rulesOnto returns other options with the rules of o: what [Client.Reload] changes.
func (o Options) rulesOnto(other Options) Options {
	other.AllowHTTP, other.Allow, other.Deny = o.AllowHTTP, o.Allow, o.Deny
	other.AllowHosts, other.DenyHosts, other.Ports = o.AllowHosts, o.DenyHosts, o.Ports
	other.Proxy, other.NoProxy = o.Proxy, o.NoProxy
	return other
}

// Validate checks the ranges. The error has code [peal.Invalid] and names the field.
func (o Options) Validate() error {
	if err := validatePrefixes("egress.allow", o.Allow); err != nil {
		return err
	}
	if err := validatePrefixes("egress.deny", o.Deny); err != nil {
		return err
	}
	if err := validateHosts("egress.allow_hosts", o.AllowHosts); err != nil {
		return err
	}
	if err := validateHosts("egress.deny_hosts", o.DenyHosts); err != nil {
		return err
	}
	if slices.ContainsFunc(o.Ports, func(r PortRange) bool { return !r.valid() }) || o.Ports != nil && len(o.Ports) == 0 {
		return peal.Invalidf("egress.ports", "must be ports from 1 to 65535, at least one, the lower end of a range first")
	}
	if _, err := parseProxy(o.Proxy, o.NoProxy); err != nil {
		return err
	}
	if o.MaxIdlePerHost < 1 || o.MaxIdle < 1 {
		return peal.Invalidf("egress", "MaxIdlePerHost and MaxIdle must be at least 1")
	}
	if o.IdleTimeout <= 0 || o.ConnectTimeout <= 0 {
		return peal.Invalidf("egress", "IdleTimeout and ConnectTimeout must be above 0")
	}
	if o.MaxConnectionAge < time.Second {
		return peal.Invalidf("egress.max_connection_age", "must be at least 1s")
	}
	return nil
}

// validatePrefixes refuses what would silently match nothing: addresses are judged
// as IPv4 when they are IPv4 in IPv6's clothes.
func validatePrefixes(field string, prefixes []netip.Prefix) error {
	for _, p := range prefixes {
		if !p.IsValid() {
			return peal.Invalidf(field, "holds a network that is none: write 10.1.0.0/16 or fd00::/8")
		}
		if p.Addr().Is4In6() {
			return peal.Invalidf(field, "holds %s: write IPv4 networks as IPv4, such as 10.1.0.0/16", p)
		}
	}
	return nil
}
