package peal

import (
	"net/textproto"
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
// values. The error has code [Invalid] and the field "headers" or "headers.NAME".
func ValidateHeaders(headers map[string]string) error {
	if len(headers) > MaxHeaders {
		return Invalidf("headers", "has %d headers, at most %d are allowed", len(headers), MaxHeaders)
	}
	seen := make(map[string]bool, len(headers))
	for name, value := range headers {
		field := "headers." + name
		if !isToken(name) {
			return Invalidf("headers", "holds a name that is no HTTP token: use letters, digits and -")
		}
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		if forbiddenHeaders[canonical] {
			return Invalidf(field, "may not be set: it belongs to the connection")
		}
		if seen[canonical] {
			return Invalidf(field, "stands twice, in different case")
		}
		seen[canonical] = true
		if len(name)+len(value) > MaxHeaderValue {
			return Invalidf(field, "is %d bytes with its name, at most %d are allowed", len(name)+len(value), MaxHeaderValue)
		}
		if err := validateHeaderValue(field, value); err != nil {
			return err
		}
	}
	return nil
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
