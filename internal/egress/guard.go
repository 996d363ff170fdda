package egress

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"code.dny.dev/ssrf"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
)

// guard decides which addresses may be dialled. It checks the address of the connection itself,
// after the name was resolved, so that a name cannot resolve differently between check and dial.
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

// insidePort is the only port of receivers inside the process: that of http.
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

// hostAgent is the public address at which Azure's virtual machines reach their host's management
// service (168.63.129.16 in Azure's virtual network documentation).
var hostAgent = netip.MustParsePrefix("168.63.129.16/32")

// alwaysBlocked holds special ranges that only [Options.Allow] opens, not [Options.AllowHosts]:
// they lead to services of the machine's cloud or to no particular host.
var alwaysBlocked = []netip.Prefix{
	hostAgent,
	netip.MustParsePrefix("169.254.0.0/16"),     // link-local, and most clouds' metadata (RFC 3927)
	netip.MustParsePrefix("fe80::/10"),          // link-local (RFC 4291)
	netip.MustParsePrefix("fd00:ec2::/32"),      // AWS services
	netip.MustParsePrefix("fd20:ce::/32"),       // Google Cloud services
	netip.MustParsePrefix("100.100.100.200/32"), // Alibaba Cloud metadata
	netip.MustParsePrefix("192.0.0.0/24"),       // protocol assignments (RFC 6890), Oracle's metadata
	netip.MustParsePrefix("0.0.0.0/8"),          // this host (RFC 1122), which is loopback to Linux
	netip.MustParsePrefix("::/128"),
	netip.MustParsePrefix("224.0.0.0/3"), // multicast, reserved and broadcast
	netip.MustParsePrefix("ff00::/8"),
}

// hostKey is the context key for the host name of a connection.
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

// checkName checks what does not depend on an address: the port and the name.
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

// checkAddr returns the reason for refusing an address, or "".
func (g *guard) checkAddr(host string, addr netip.Addr) message.Message {
	switch {
	case contains(g.deny, addr):
		return denied
	case contains(g.allow, addr):
		return ""
	case g.public.SafeAddr(addr) == nil:
		return ""
	case matchHost(g.allowHosts, host) && !contains(alwaysBlocked, addr):
		return ""
	}
	return special
}

// The IPv6 ranges with embedded IPv4 addresses, to which a gateway connects.
var (
	nat64      = netip.MustParsePrefix("64:ff9b::/96")   // RFC 6052
	nat64Local = netip.MustParsePrefix("64:ff9b:1::/48") // RFC 8215
	sixToFour  = netip.MustParsePrefix("2002::/16")      // RFC 3056
	teredo     = netip.MustParsePrefix("2001::/32")      // RFC 4380
)

// embedded returns the IPv4 address in an IPv6 address. Its position in the local NAT64 range
// depends on the network. embedded uses the last 32 bits, which in any other layout are zero or a
// part of the address and therefore refused.
func embedded(addr netip.Addr) (netip.Addr, bool) {
	b := addr.As16()
	switch {
	case nat64.Contains(addr), nat64Local.Contains(addr):
		return netip.AddrFrom4([4]byte(b[12:])), true
	case sixToFour.Contains(addr):
		return netip.AddrFrom4([4]byte(b[2:])), true
	case teredo.Contains(addr): // the client's address, with inverted bits
		return netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]}), true
	}
	return netip.Addr{}, false
}

// refusal is the error for a target that must not be dialled.
type refusal struct {
	why  message.Message
	addr netip.Addr // the resolved address; zero if the address is not the reason
}

// The reasons for refusals, with the relevant setting.
const (
	plainHTTP  = message.HTTPNotAllowed
	badPort    = message.PortNotAllowed
	denied     = message.AddressDenied
	deniedHost = message.HostDenied
	special    = message.AddressSpecial
	numeric    = message.AddressNumeric
)

func (r refusal) Error() string { return r.why.English() }

func isRefusal(err error) bool {
	var refused refusal
	return errors.As(err, &refused)
}

// public returns the text without a resolved address: only the operator may see addresses of
// internal names.
func (r refusal) public(host string) message.Text {
	return message.TargetRefused.With(plain(host), r.why.With())
}

// text returns the full text: the host as in the URL and, for a name, the resolved address, which
// the operator would have to allow.
func (r refusal) text(host string) message.Text {
	name := (&url.URL{Host: host}).Hostname()
	if _, err := netip.ParseAddr(name); err != nil && r.addr.IsValid() {
		return message.TargetRefusedAt.With(plain(host), plain(r.addr.String()), r.why.With())
	}
	return r.public(host)
}

func (g *guard) checkURL(u *url.URL) error {
	if g.isInside(u) {
		return nil
	}
	switch u.Scheme {
	case "https":
	case "http":
		if !g.allowHTTP {
			return peal.Fault("url", message.SchemeNotAllowed)
		}
	default:
		return peal.Fault("url", message.SchemeHTTPS)
	}
	if u.Hostname() == "" {
		return peal.Fault("url", message.HostMissing)
	}
	port, ok := portOf(u)
	if !ok {
		return peal.Fault("url", message.PortRange)
	}
	host := canonicalHost(u.Hostname())
	if host == "" || strings.ContainsAny(host, "[]") {
		return peal.Fault("url", message.HostMissing)
	}
	err := g.checkName(host, port)
	if addr, parseErr := netip.ParseAddr(host); parseErr == nil {
		err = g.check("", addr, port)
	} else if err == nil && isLocalhost(host) {
		if err = g.check(host, netip.IPv6Loopback(), port); err != nil {
			err = g.check(host, netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)
		}
	}
	var refused refusal
	if errors.As(err, &refused) {
		refused.addr = netip.Addr{} // it is in the URL or is loopback
		return peal.Fault("url", message.AddressBlocked, refused.text(u.Host))
	}
	return nil
}

// checkAll checks all addresses of a name, because a proxy may choose any of them.
func (g *guard) checkAll(host string, addrs []netip.Addr, port uint16) error {
	for _, addr := range addrs {
		if err := g.check(host, addr, port); err != nil {
			return err
		}
	}
	return nil
}

func lookUp(ctx context.Context, resolver *net.Resolver, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	if isLocalhost(host) {
		return slices.Clone(loopbacks), nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookUpTime)
	defer cancel()
	return resolver.LookupNetIP(ctx, "ip", host)
}

// lookUpTime bounds looking a name up only to judge it.
const lookUpTime = 2 * time.Second

var loopbacks = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
