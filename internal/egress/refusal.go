package egress

import (
	"errors"
	"net/netip"
	"net/url"
)

// refusal is why something is not dialled.
type refusal struct {
	why  string
	addr netip.Addr // what a name led to; zero when no address is at fault
}

// Why something is refused, with the setting that decides it.
const (
	plainHTTP  = "http is not allowed here, only https; the operator can allow it with egress.allow_http"
	badPort    = "its port is not allowed here; the operator can allow it with egress.ports"
	denied     = "its address is one that the operator denies with egress.deny"
	deniedHost = "its name is one that the operator denies with egress.deny_hosts"
	special    = "its address is private or special; the operator can allow it with egress.allow, or its name with egress.allow_hosts"
	numeric    = "it is no name and no IP address as they are written today: write an address as 192.0.2.1"
)

func (r refusal) Error() string { return r.why }

func isRefusal(err error) bool {
	var refused refusal
	return errors.As(err, &refused)
}

// public is text without the address that a name led to: where names lead inside is the
// operator's to see.
func (r refusal) public(host string) string { return plain(host) + ": " + r.why }

// text says what is refused: the host as the URL has it and, for a name, the
// address that it led to, which is what the operator has to allow.
func (r refusal) text(host string) string {
	name := (&url.URL{Host: host}).Hostname()
	if _, err := netip.ParseAddr(name); err != nil && r.addr.IsValid() {
		return plain(host) + " (" + plain(r.addr.String()) + "): " + r.why
	}
	return plain(host) + ": " + r.why
}
