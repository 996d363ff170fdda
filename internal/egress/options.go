// Package egress is the only package of Peal that opens outgoing connections. It turns one request
// into one attempt: it checks every address at dial time, bounds what is read, and explains in
// plain words why an attempt failed.
package egress

import (
	"context"
	"crypto/x509"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pealhq/peal"
)

// Options restrict where requests may go and how many connections a client keeps. Start with
// [DefaultOptions].
type Options struct {
	// AllowHTTP permits http:// URLs; otherwise the URL of every webhook must be https://.
	AllowHTTP bool
	// Allow lists private, loopback or otherwise special address ranges that may be reached. An
	// IPv6 address with an embedded IPv4 address (NAT64, 6to4) is allowed only if both addresses
	// are.
	Allow []netip.Prefix
	// Deny lists address ranges that must not be reached; Deny takes precedence over Allow.
	Deny []netip.Prefix
	// AllowHosts lists names that may resolve to private or loopback addresses: hooks.example.com,
	// or *.example.com for all subdomains. Link-local and metadata addresses need Allow.
	AllowHosts []string
	// DenyHosts lists names that must not be reached, with any address.
	DenyHosts []string
	// Ports lists the ports that may be reached; nil for every port.
	Ports []PortRange
	// Proxy is the URL, with credentials, of a proxy for all requests: http:// or https:// (HTTP
	// CONNECT, and plain forwarding of http), socks5:// (names are resolved here) or socks5h://
	// (names are resolved by the proxy); "" for none. The proxy itself may have any address.
	Proxy string
	// NoProxy lists exceptions to Proxy: host names, *.example.com for all subdomains, and
	// addresses or networks, which are compared with addresses in URLs, not with resolved
	// addresses.
	NoProxy []string
	// SourceAddress is the local address of connections; zero for any. With an IPv4 address only
	// IPv4 endpoints can be reached, with an IPv6 address only IPv6 endpoints.
	SourceAddress netip.Addr
	// Resolver resolves names; nil for the system's resolver.
	Resolver *net.Resolver
	// RootCAs are the trusted certificate authorities; nil for the system's.
	RootCAs *x509.CertPool
	// CAFile is a PEM file with authorities trusted in addition to RootCAs; "" for none.
	CAFile string
	// Dial replaces the guarded dialer; nil to use it. Dial is meant for virtual networks, such as
	// those of tests, and is responsible for where requests go.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// ConnectTimeout bounds resolving a name and connecting together, and then the TLS handshake. A
	// shorter timeout of the attempt takes precedence.
	ConnectTimeout time.Duration
	// Inside holds receivers inside the process by lower-case host: a request to http://HOST/ on
	// port 80 reaches one in memory, without a network and exempt from the rules for it. No other
	// target is reached this way.
	Inside map[string]func(ctx context.Context) (net.Conn, error)
	// MaxIdlePerHost is the maximum number of idle connections kept to one host. It should be at
	// least the number of concurrent requests to it.
	MaxIdlePerHost int
	// MaxIdle is the maximum number of idle connections kept in total.
	MaxIdle int
	// IdleTimeout is the time after which an idle connection closes.
	IdleTimeout time.Duration
	// MaxConnectionAge is the maximum age of a connection that accepts requests, so that changes of
	// DNS take effect. The limit of each connection is random, from two thirds of MaxConnectionAge.
	MaxConnectionAge time.Duration
}

// DefaultOptions returns options that allow https to public addresses on the usual ports.
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

// Development returns the options with http, every port, and loopback and private addresses
// allowed, for a developer's machine only.
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

// rulesOnto returns other with the rules of o, which [Client.Reload] changes.
func (o Options) rulesOnto(other Options) Options {
	other.AllowHTTP, other.Allow, other.Deny = o.AllowHTTP, o.Allow, o.Deny
	other.AllowHosts, other.DenyHosts, other.Ports = o.AllowHosts, o.DenyHosts, o.Ports
	other.Proxy, other.NoProxy = o.Proxy, o.NoProxy
	return other
}

// Validate checks the options. The error has code [peal.Invalid] and names the field.
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

// validatePrefixes rejects networks that would silently match nothing. IPv4-mapped IPv6 networks
// are such, because addresses are unmapped before they are compared.
func validatePrefixes(field string, prefixes []netip.Prefix) error {
	for _, p := range prefixes {
		if !p.IsValid() {
			return peal.Invalidf(field, "holds an invalid network; write 10.1.0.0/16 or fd00::/8")
		}
		if p.Addr().Is4In6() {
			return peal.Invalidf(field, "holds %s: write IPv4 networks as IPv4, such as 10.1.0.0/16", p)
		}
	}
	return nil
}

// PortRange is an inclusive range of ports.
type PortRange struct{ First, Last uint16 }

// Port returns a range of one port.
func Port(n uint16) PortRange { return PortRange{n, n} }

func (r PortRange) valid() bool { return r.First >= 1 && r.First <= r.Last }

// String returns the range in the form of the configuration: 443 or 1024-65535.
func (r PortRange) String() string {
	if r.First == r.Last {
		return strconv.Itoa(int(r.First))
	}
	return strconv.Itoa(int(r.First)) + "-" + strconv.Itoa(int(r.Last))
}

// authorities returns the trusted certificate authorities; nil for the system's.
func authorities(o Options) (*x509.CertPool, error) {
	if o.CAFile == "" {
		return o.RootCAs, nil
	}
	content, err := os.ReadFile(o.CAFile)
	if err != nil {
		return nil, &peal.Error{Code: peal.Invalid, Field: "egress.ca_file", Message: "cannot be read", Err: err}
	}
	pool := o.RootCAs
	if pool == nil {
		if pool, err = x509.SystemCertPool(); err != nil {
			return nil, &peal.Error{Code: peal.Invalid, Field: "egress.ca_file", Message: "cannot be added to the system's authorities", Err: err}
		}
	} else {
		pool = pool.Clone()
	}
	if !pool.AppendCertsFromPEM(content) {
		return nil, peal.Invalidf("egress.ca_file", "has no PEM certificate: %s", o.CAFile)
	}
	return pool, nil
}

// validateHosts rejects patterns that would silently match nothing.
func validateHosts(field string, patterns []string) error {
	for _, pattern := range patterns {
		name := strings.TrimPrefix(pattern, "*.")
		if len(name) > maxHost || isNumeric(name) || slices.ContainsFunc(strings.Split(name, "."), badLabel) {
			return peal.Invalidf(field, "holds %q: write host names in lower case, such as hooks.example.com, or *.example.com for all below it; networks belong in egress.%s",
				pattern, strings.TrimSuffix(strings.TrimPrefix(field, "egress."), "_hosts"))
		}
	}
	return nil
}

// maxHost is the maximum length of a DNS name (RFC 1035, section 2.3.4).
const maxHost = 253

func badLabel(label string) bool {
	return label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != ""
}
