package egress

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/net/idna"

	"github.com/pealhq/peal/internal/gate"
)

// urlCache caches parsed URLs, because each attempt of a webhook uses the same URL. A full cache is
// emptied.
type urlCache struct {
	mu   sync.RWMutex
	urls map[string]*target
}

// target is a parsed URL. It is immutable.
type target struct {
	*url.URL
	secure  bool   // https
	host    string // as in a certificate
	address string // host:port to connect to; "" for an invalid port
	origin  string // scheme and address
	line    string // the start of a request, see lineOf
}

const maxCachedURLs = 10_000

// errSpace rejects characters that url.Parse accepts in a query but that would end the request
// line.
var errSpace = errors.New("spaces or control characters in the URL")

func (c *urlCache) parse(text string) (*target, error) {
	c.mu.RLock()
	t := c.urls[text]
	c.mu.RUnlock()
	if t != nil {
		return t, nil
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return nil, errSpace
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, err
	}
	t = newTarget(u)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.urls == nil || len(c.urls) >= maxCachedURLs {
		c.urls = make(map[string]*target)
	}
	c.urls[text] = t
	return t, nil
}

func newTarget(u *url.URL) *target {
	t := &target{URL: u, secure: u.Scheme == "https", host: asciiHost(u.Hostname()), line: lineOf(u)}
	if port, ok := portOf(u); ok {
		t.address = net.JoinHostPort(t.host, text(port))
		t.origin = u.Scheme + "://" + t.address
	}
	return t
}

// asciiHost returns a host as it is looked up. A name that IDNA rejects is returned unchanged; it
// does not resolve.
func asciiHost(host string) string {
	if gate.IsPrintable(host) {
		return host
	}
	if ascii, err := idna.Lookup.ToASCII(host); err == nil {
		return ascii
	}
	return host
}

// canonicalHost returns a host as the transport looks it up: ASCII, lower case, no trailing dot,
// and no brackets around an IPv6 address. A name that IDNA rejects is returned unchanged; it does
// not resolve.
func canonicalHost(host string) string {
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if ascii, err := idna.Lookup.ToASCII(host); err == nil {
		host = ascii
	}
	return strings.TrimSuffix(strings.ToLower(host), ".")
}

// isNumeric reports whether a host is not an IP address but may be parsed as one: some resolvers
// accept 2130706433, 0x7f.1 and 0177.0.0.1 as 127.0.0.1. The last label of a valid name is never a
// number (RFC 3696, section 2).
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

// matchHost reports whether a canonical host matches a pattern: a name, or *.name for all its
// subdomains.
func matchHost(patterns []string, host string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if below, ok := strings.CutPrefix(pattern, "*"); ok {
			return len(host) > len(below) && strings.HasSuffix(host, below)
		}
		return host == pattern
	})
}

// portOf returns the port of a URL, or the default port of its scheme.
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

// lineOf returns the start of an HTTP/1.1 request (RFC 9112): the request line and the Host header.
// It returns "" for hosts and paths that net/http would write in another form; net/http writes
// those requests.
func lineOf(u *url.URL) string {
	path := u.RequestURI()
	if u.Opaque != "" || !isPlainHost(u.Host) || !strings.HasPrefix(path, "/") ||
		strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return ""
	}
	return "POST " + path + " HTTP/1.1\r\nHost: " + u.Host + "\r\n"
}

// isPlainHost reports whether a host consists of letters, digits and the separators of names, IPv4
// addresses, and IPv6 addresses without a zone.
func isPlainHost(host string) bool {
	return host != "" && host[0] != ':' && !strings.HasSuffix(host, ":") && !strings.ContainsFunc(host, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._:[]", r)
	})
}

func text(port uint16) string { return strconv.Itoa(int(port)) }

// splitAddress returns the canonical host and the port of a dial address.
func splitAddress(address string) (string, uint16, error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	port, err := strconv.ParseUint(text, 10, 16)
	return canonicalHost(host), uint16(port), err
}

func contains(prefixes []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(addr) })
}
