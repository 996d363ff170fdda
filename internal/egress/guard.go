package egress

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"code.dny.dev/ssrf"

	"github.com/pealhq/peal"
)

// guard decides which addresses may be dialled. It is asked with the address that
// the connection is really made to, after the name was looked up, so that a name
// cannot change its answer between the check and the dial.
type guard struct {
	public    *ssrf.Guardian // refuses every special-purpose range
	allowHTTP bool
	allow     []netip.Prefix
	deny      []netip.Prefix
	ports     []uint16
}

func newGuard(o Options) *guard {
	return &guard{
		public:    ssrf.New(ssrf.WithAnyPort(), ssrf.WithDeniedV4Prefixes(hostAgent)),
		allowHTTP: o.AllowHTTP, allow: o.Allow, deny: o.Deny, ports: o.Ports,
	}
}

// hostAgent is Azure's: a public address that leads from a machine there to its
// own management (168.63.129.16 in Azure's virtual network documentation).
var hostAgent = netip.MustParsePrefix("168.63.129.16/32")

// control is a net.Dialer's Control.
func (g *guard) control(_, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return refusedSpecial
	}
	return g.check(target.Addr(), target.Port())
}

// check returns nil or a refusal.
func (g *guard) check(addr netip.Addr, port uint16) error {
	if g.ports != nil && !slices.Contains(g.ports, port) {
		return refusedPort
	}
	addr = addr.Unmap().WithZone("")
	if err := g.checkAddr(addr); err != nil {
		return err
	}
	if inner, ok := embedded(addr); ok {
		return g.checkAddr(inner)
	}
	return nil
}

func (g *guard) checkAddr(addr netip.Addr) error {
	switch {
	case contains(g.deny, addr):
		return refusedDenied
	case contains(g.allow, addr):
		return nil
	case g.public.SafeAddr(addr) != nil:
		return refusedSpecial
	}
	return nil
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
	}
	return netip.Addr{}, false
}

// checkURL refuses a URL that can never be reached: http where it is not allowed,
// a port that is not, or an address, written out, that is not.
func (g *guard) checkURL(u *url.URL) error {
	port := uint16(443)
	switch u.Scheme {
	case "https":
	case "http":
		if !g.allowHTTP {
			return peal.Invalidf("url", "must begin with https:// here; the operator can allow http with egress.allow_http")
		}
		port = 80
	default:
		return peal.Invalidf("url", "must begin with https://")
	}
	host := u.Hostname()
	if host == "" {
		return peal.Invalidf("url", "names no host: write it as https://host/path")
	}
	if text := u.Port(); text != "" {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil || n == 0 {
			return peal.Invalidf("url", "has a port outside 1 to 65535")
		}
		port = uint16(n)
	}
	var err error
	if addr, parseErr := netip.ParseAddr(host); parseErr == nil {
		err = g.check(addr, port)
	} else if isLocalhost(host) {
		if err = g.check(netip.IPv6Loopback(), port); err != nil {
			err = g.check(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)
		}
	} else if g.ports != nil && !slices.Contains(g.ports, port) {
		err = refusedPort // for the rest of a name only the dial can tell
	}
	if refused, ok := err.(refusal); ok {
		return peal.Invalidf("url", "cannot be reached: %s", refused.text(u.Host))
	}
	return nil
}

// isLocalhost reports whether a name is loopback by definition (RFC 6761, section 6.3).
func isLocalhost(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// refusal is why something is not dialled.
type refusal string

const (
	refusedHTTP    refusal = "http is not allowed here, only https; the operator can allow it with egress.allow_http"
	refusedPort    refusal = "its port is not allowed here; the operator can allow it with egress.ports"
	refusedDenied  refusal = "its address is one that the operator denies with egress.deny"
	refusedSpecial refusal = "its address is private or special; the operator can allow it with egress.allow"
)

func (r refusal) Error() string { return string(r) }

// text says what is refused. It tells the host as the URL has it and never the
// address that a name led to, which would map the operator's network.
func (r refusal) text(host string) string { return plain(host) + ": " + string(r) }
