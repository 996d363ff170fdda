package peal

import (
	"maps"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
)

func itoa(n int) string { return strconv.Itoa(n) }

// The names that no webhook may set: they frame the message or belong to the hop
// (RFC 9110, sections 7.6.1 and 8.6), or tell the receiver who connects.
var forbiddenHeaders = map[string]bool{
	"Host": true, "Content-Length": true, "Transfer-Encoding": true, "Connection": true,
	"Keep-Alive": true, "Proxy-Authenticate": true, "Proxy-Authorization": true,
	"Proxy-Connection": true, "Te": true, "Trailer": true, "Upgrade": true, "Expect": true,
	"Http2-Settings": true, "Content-Encoding": true,
}

// ValidateHeaders checks headers that are added to requests: their number, names and
// values. The error has code [Invalid] and the field "headers" or "headers.NAME", in the
// order of the names.
func ValidateHeaders(headers map[string]string) error {
	if len(headers) > MaxHeaders {
		return Invalidf("headers", "has %d headers, at most %d are allowed", len(headers), MaxHeaders)
	}
	var faults []error
	seen := make(map[string]bool, len(headers))
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		faults = append(faults, validateHeader(name, canonical, headers[name], seen[canonical]))
		seen[canonical] = true
	}
	return Faults(faults...)
}

func validateHeader(name, canonical, value string, seen bool) error {
	field := "headers." + name
	switch {
	case !isToken(name):
		return Invalidf("headers", "holds a name that is no HTTP token: use letters, digits and -")
	case forbiddenHeaders[canonical]:
		return Invalidf(field, "may not be set: it belongs to the connection")
	case seen:
		return Invalidf(field, "stands twice, in different case")
	case len(name)+len(value) > MaxHeaderValue:
		return Invalidf(field, "is %d bytes with its name, at most %d are allowed", len(name)+len(value), MaxHeaderValue)
	}
	return validateHeaderValue(field, value)
}

func validateHeaderValue(field, value string) error {
	if len(value) > MaxHeaderValue {
		return Invalidf(field, "is %d bytes, at most %d are allowed", len(value), MaxHeaderValue)
	}
	for i := range len(value) {
		if c := value[i]; c < 0x20 && c != '\t' || c == 0x7f {
			return Invalidf(field, "must not hold line breaks or control characters")
		}
	}
	if err := refuseHidden(field, value); err != nil {
		return err
	}
	if strings.TrimSpace(value) != value {
		return Invalidf(field, "must not begin or end with white space: it would not arrive")
	}
	return nil
}

// isToken reports whether s is a token of RFC 9110, section 5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c|0x20-'a' > 25 && c-'0' > 9 && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return s != ""
}
