// Package canonical converts URLs to the form in which they are stored and sent. So the host names
// for DNS, for TLS and in the request are the same, and equivalent URLs are equal texts.
package canonical

import (
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/idna"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
)

// URL returns a URL with its scheme and host in lower case, an internationalized host in ASCII (UTS
// 46), without the default port of its scheme, and with characters that a request line must not
// contain percent-encoded; existing encoding stays unchanged. The URL must have passed
// [peal.ValidateURL]. The error has code [peal.Invalid] and the field "url".
func URL(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil {
		return "", peal.Fault("url", message.URLInvalid)
	}
	host, err := asciiHost(u.Hostname())
	if err != nil {
		return "", err
	}
	if strings.Contains(host, ":") {
		host = "[" + strings.ReplaceAll(host, "%", "%25") + "]"
	}
	if port := u.Port(); port != "" && port != ports[u.Scheme] {
		host += ":" + port
	}
	_, rest, _ := strings.Cut(text, "://")
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		rest = rest[end:]
	} else {
		rest = ""
	}
	return u.Scheme + "://" + host + encode(rest), nil
}

// ports maps schemes to their default ports.
var ports = map[string]string{"http": "80", "https": "443"}

// Same reports whether two texts are equivalent URLs.
func Same(a, b string) bool {
	if a == b {
		return true
	}
	first, errA := URL(a)
	second, errB := URL(b)
	return errA == nil && errB == nil && first == second
}

// Origin returns the scheme, host and port of a URL, always with a port, or "" for an invalid URL.
func Origin(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	port := u.Port()
	if port == "" {
		port = ports[u.Scheme]
	}
	return u.Scheme + "://" + Host(u.Hostname()) + ":" + port
}

// Host returns a host as it is looked up: ASCII, lower case, no trailing dot, and no brackets
// around an IPv6 address. An invalid name is returned unchanged.
func Host(host string) string {
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if ascii, err := asciiHost(host); err == nil {
		host = ascii
	}
	return strings.TrimSuffix(strings.ToLower(host), ".")
}

// asciiHost converts a host to ASCII (UTS 46). It only lowers the case of an ASCII host, because
// names with underscores exist.
func asciiHost(host string) (string, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.String(), nil
	}
	for i := range len(host) {
		if host[i] < 0x80 {
			continue
		}
		ascii, err := idna.Lookup.ToASCII(host)
		if err != nil || ascii == "" {
			return "", peal.Fault("url", message.HostInvalid)
		}
		return ascii, nil
	}
	return strings.ToLower(host), nil
}

// encode percent-encodes characters that RFC 3986 does not allow in a path or a query.
func encode(text string) string {
	const allowed = "-._~:/?[]@!$&'()*+,;=%"
	const digits = "0123456789ABCDEF"
	var encoded strings.Builder
	for i := range len(text) {
		c := text[i]
		if c|0x20-'a' <= 25 || c-'0' <= 9 || strings.IndexByte(allowed, c) >= 0 {
			encoded.WriteByte(c)
			continue
		}
		encoded.Write([]byte{'%', digits[c>>4], digits[c&15]})
	}
	return encoded.String()
}
