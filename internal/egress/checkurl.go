package egress

import (
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/pealhq/peal"
)

// CheckURL refuses what no attempt could reach: http where it is not allowed, a
// port, a name or a written-out address that is not. Where names lead is checked
// when they are dialled; [Client.Warn] looks ahead. The error has code
// [peal.Invalid] and the field "url".
func (c *Client) CheckURL(text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return peal.Invalidf("url", "is no URL: write it as https://host/path")
	}
	return c.rules.Load().guard.checkURL(u)
}

func (g *guard) checkURL(u *url.URL) error {
	if g.isInside(u) {
		return nil
	}
	switch u.Scheme {
	case "https":
	case "http":
		if !g.allowHTTP {
			return peal.Invalidf("url", "must begin with https:// here; the operator can allow http with egress.allow_http")
		}
	default:
		return peal.Invalidf("url", "must begin with https://")
	}
	if u.Hostname() == "" {
		return peal.Invalidf("url", "names no host: write it as https://host/path")
	}
	port, ok := portOf(u)
	if !ok {
		return peal.Invalidf("url", "has a port outside 1 to 65535")
	}
	host := canonicalHost(u.Hostname())
	if host == "" || strings.ContainsAny(host, "[]") {
		return peal.Invalidf("url", "names no host: write it as https://host/path")
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
		refused.addr = netip.Addr{} // it stands in the URL, or is known to be loopback
		return peal.Invalidf("url", "cannot be reached: %s", refused.text(u.Host))
	}
	return nil
}

// portOf gives the port of a URL, its scheme's own where it names none.
func portOf(u *url.URL) (uint16, bool) {
	text := u.Port()
	switch {
	case text == "" && u.Scheme == "http":
		return 80, true
	case text == "":
		return 443, true
	}
	n, err := strconv.ParseUint(text, 10, 16)
	return uint16(n), err == nil && n > 0
}

// isLocalhost reports whether a canonical host is loopback by definition (RFC 6761,
// section 6.3).
func isLocalhost(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
