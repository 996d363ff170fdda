package egress

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"

	"code.dny.dev/ssrf"
	"golang.org/x/net/idna"
)

// guard decides which addresses may be dialled. It is asked with the address that
// the connection is really made to, after the name was looked up, so that a name
// cannot change its answer between the check and the dial.
type guard struct {
	public     *ssrf.Guardian // refuses every special-purpose range
	allowHTTP  bool
	allow      []netip.Prefix
	deny       []netip.Prefix
	allowHosts []string
	denyHosts  []string
	ports      []PortRange
	inside     map[string]func(context.Context) (net.Conn, error)
}

// insidePort is that of http, the only one that a receiver inside the process has.
const insidePort = 80

// isInside reports whether a URL leads to a receiver inside the process.
func (g *guard) isInside(u *url.URL) bool {
	if len(g.inside) == 0 || u.Scheme != "http" {
		return false
	}
	port, ok := portOf(u)
	return ok && port == insidePort && g.inside[canonicalHost(u.Hostname())] != nil
}

func newGuard(o Options) *guard {
	return &guard{
		public:    ssrf.New(ssrf.WithAnyPort(), ssrf.WithDeniedV4Prefixes(hostAgent)),
		allowHTTP: o.AllowHTTP, allow: o.Allow, deny: o.Deny,
		allowHosts: o.AllowHosts, denyHosts: o.DenyHosts, ports: o.Ports, inside: o.Inside,
	}
}

// hostAgent is Azure's: a public address that leads from a machine there to its
// own management (168.63.129.16 in Azure's virtual network documentation).
var hostAgent = netip.MustParsePrefix("168.63.129.16/32")

// never are special ranges that an allowed host name does not open, only a network
// in [Options.Allow]: they lead to the machine's own cloud or to nobody in particular.
var never = []netip.Prefix{
	hostAgent,
	netip.MustParsePrefix("169.254.0.0/16"),     // link-local, and most clouds' metadata (RFC 3927)
	netip.MustParsePrefix("fe80::/10"),          // link-local (RFC 4291)
	netip.MustParsePrefix("fd00:ec2::/32"),      // AWS's own services
	netip.MustParsePrefix("fd20:ce::/32"),       // Google Cloud's own services
	netip.MustParsePrefix("100.100.100.200/32"), // Alibaba Cloud's metadata
	netip.MustParsePrefix("192.0.0.0/24"),       // protocol assignments (RFC 6890), Oracle's metadata
	netip.MustParsePrefix("0.0.0.0/8"),          // this host (RFC 1122), which is loopback to Linux
	netip.MustParsePrefix("::/128"),
	netip.MustParsePrefix("224.0.0.0/3"), // multicast, reserved and broadcast
	netip.MustParsePrefix("ff00::/8"),
}

// hostKey is the context key of the host that a connection is made for.
type hostKey struct{}

// control is a net.Dialer's ControlContext.
func (g *guard) control(ctx context.Context, _, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return refusal{why: special}
	}
	host, _ := ctx.Value(hostKey{}).(string)
	return g.check(host, target.Addr(), target.Port())
}

// check returns nil or a refusal. host is the name that led to the address, or "".
func (g *guard) check(host string, addr netip.Addr, port uint16) error {
	if err := g.checkName(host, port); err != nil {
		return err
	}
	plain := addr.Unmap().WithZone("")
	why := g.checkAddr(host, plain)
	if inner, ok := embedded(plain); ok && why == "" {
		why = g.checkAddr(host, inner)
	}
	if why != "" {
		return refusal{why: why, addr: addr.Unmap()}
	}
	return nil
}

// checkName judges what can be told without an address.
func (g *guard) checkName(host string, port uint16) error {
	switch {
	case !g.allowsPort(port):
		return refusal{why: badPort}
	case matchHost(g.denyHosts, host):
		return refusal{why: deniedHost}
	case isNumeric(host):
		return refusal{why: numeric}
	}
	return nil
}

func (g *guard) allowsPort(port uint16) bool {
	return g.ports == nil || slices.ContainsFunc(g.ports, func(r PortRange) bool { return r.First <= port && port <= r.Last })
}

// checkAddr gives why an address is refused; "" when it is not.
func (g *guard) checkAddr(host string, addr netip.Addr) string {
	switch {
	case contains(g.deny, addr):
		return denied
	case contains(g.allow, addr):
		return ""
	case g.public.SafeAddr(addr) == nil:
		return ""
	case matchHost(g.allowHosts, host) && !contains(never, addr):
		return ""
	}
	return special
}

func contains(prefixes []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// The IPv6 ranges whose addresses stand for IPv4 addresses, which a gateway then
// connects to.
var (
	nat64      = netip.MustParsePrefix("64:ff9b::/96")   // RFC 6052
	nat64Local = netip.MustParsePrefix("64:ff9b:1::/48") // RFC 8215
	sixToFour  = netip.MustParsePrefix("2002::/16")      // RFC 3056
	teredo     = netip.MustParsePrefix("2001::/32")      // RFC 4380
)

// embedded gives the IPv4 address that an IPv6 address stands for. In the local
// NAT64 range its place depends on the network; it is taken to be the last, which
// with any other place is zero or part of it and so refused.
func embedded(addr netip.Addr) (netip.Addr, bool) {
	b := addr.As16()
	switch {
	case nat64.Contains(addr), nat64Local.Contains(addr):
		return netip.AddrFrom4([4]byte(b[12:])), true
	case sixToFour.Contains(addr):
		return netip.AddrFrom4([4]byte(b[2:])), true
	case teredo.Contains(addr): // the client's address, each bit turned around
		return netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]}), true
	}
	return netip.Addr{}, false
}

// canonicalHost gives a host as the transport looks it up: in ASCII, in lower case,
// without the root's dot, and an IPv6 address without brackets. What IDNA does not
// know stays as it is; such a name does not resolve.
func canonicalHost(host string) string {
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if ascii, err := idna.Lookup.ToASCII(host); err == nil {
		host = ascii
	}
	return strings.TrimSuffix(strings.ToLower(host), ".")
}

// isNumeric reports whether a host is no IP address but may be read as one: some
// resolvers take 2130706433, 0x7f.1 and 0177.0.0.1 for 127.0.0.1. No name's last
// label is a number (RFC 3696, section 2).
func isNumeric(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return false
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}
