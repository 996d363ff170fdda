package egress

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"syscall"

	"code.dny.dev/ssrf"

	"github.com/pealhq/peal"
)

// guard decides which addresses may be dialled. It is asked with the address that
// the connection is really made to, after the name was looked up, so that a name
// cannot change its answer between the check and the dial.
type guard struct {
	public *ssrf.Guardian // refuses every special-purpose range
	allow  []netip.Prefix
	deny   []netip.Prefix
	ports  []uint16
}

var errPort = errors.New("port is not allowed")
var errDenied = errors.New("address is denied by the operator")

func newGuard(o Options) *guard {
	return &guard{
		public: ssrf.New(ssrf.WithAnyPort()),
		allow:  o.Allow, deny: o.Deny, ports: o.Ports,
	}
}

// control is a net.Dialer's Control.
func (g *guard) control(network, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return &blocked{address: address, cause: err}
	}
	if err := g.check(target.Addr(), target.Port()); err != nil {
		return &blocked{address: address, cause: err}
	}
	return nil
}

func (g *guard) check(addr netip.Addr, port uint16) error {
	if g.ports != nil && !slices.Contains(g.ports, port) {
		return errPort
	}
	addr = addr.Unmap().WithZone("")
	if contains(g.deny, addr) {
		return errDenied
	}
	if contains(g.allow, addr) {
		return nil
	}
	return g.public.SafeAddr(addr)
}

func contains(prefixes []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// checkURL refuses a URL that can never be reached: http where it is not allowed,
// a port that is not, or an address, written out, that is not.
func (g *guard) checkURL(u *url.URL, allowHTTP bool) error {
	if u.Scheme == "http" && !allowHTTP {
		return peal.Invalidf("url", "must begin with https:// here; the operator can allow http with egress.allow_http")
	}
	port := uint16(443)
	if u.Scheme == "http" {
		port = 80
	}
	if text := u.Port(); text != "" {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return peal.Invalidf("url", "has a port outside 1 to 65535")
		}
		port = uint16(n)
	}
	if g.ports != nil && !slices.Contains(g.ports, port) {
		return peal.Invalidf("url", "uses port %d, which is not allowed here; the operator can allow it with egress.ports", port)
	}
	addr, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		return nil // a name: only the dial can tell
	}
	if err := g.check(addr, port); err != nil {
		return peal.Invalidf("url", "has the address %s, which is private or special; the operator can allow it with egress.allow", addr)
	}
	return nil
}

// blocked is the refusal of an address.
type blocked struct {
	address string
	cause   error
}

func (b *blocked) Error() string {
	remedy := "egress.allow"
	if errors.Is(b.cause, errPort) {
		remedy = "egress.ports"
	} else if errors.Is(b.cause, errDenied) {
		remedy = "egress.deny"
	}
	return "the address " + b.address + " is not allowed (" + b.cause.Error() + "); the operator's setting " + remedy + " decides"
}

func (b *blocked) Unwrap() error { return b.cause }

func newDialer(g *guard) *net.Dialer { return &net.Dialer{Control: g.control} }
