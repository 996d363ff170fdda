package egress

import (
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/wire"
)

// redacted stands in a record where a secret was sent.
const redacted = "[redacted]"

// secretEndings are what the names of headers that carry secrets end with.
var secretEndings = []string{"authorization", "cookie", "token", "secret", "password", "api-key", "apikey", "subscription-key"}

func secretHeader(name string) bool {
	for _, ending := range secretEndings {
		if len(name) >= len(ending) && strings.EqualFold(name[len(name)-len(ending):], ending) {
			return true
		}
	}
	return false
}

// RequestHead is a request's headers as a record of its attempt shows them: sorted by
// name, secrets redacted.
func RequestHead(request *wire.Request) peal.Head {
	return head(request.Header, func(name string) bool { return isSecret(request, name) }, 0)
}

// isSecret reports whether a header of a request holds a secret.
func isSecret(request *wire.Request, name string) bool {
	return secretHeader(name) || slices.ContainsFunc(request.Secret, func(secret string) bool {
		return strings.EqualFold(secret, name)
	})
}

func responseHead(header http.Header) peal.Head {
	return head(header, func(name string) bool { return name == "Set-Cookie" }, peal.MaxResponseHead)
}

// head writes headers as lines, sorted by name. With a limit above 0, lines that
// do not fit are left out.
func head(header http.Header, hide func(name string) bool, limit int) peal.Head {
	names := make([]string, 0, 16)
	size := 0
	for name, values := range header {
		names = append(names, name)
		for _, value := range values {
			size += len(name) + max(len(value), len(redacted)) + 3
		}
	}
	if limit > 0 {
		size = min(size, limit)
	}
	slices.Sort(names)
	var text strings.Builder
	text.Grow(size)
	for _, key := range names {
		name, hidden := harmless(key), hide(key)
		for _, value := range header[key] {
			if hidden {
				value = redacted
			}
			value = harmless(value)
			if limit > 0 && text.Len()+len(name)+len(value)+3 > limit {
				continue
			}
			text.WriteString(name)
			text.WriteString(": ")
			text.WriteString(value)
			text.WriteByte('\n')
		}
	}
	return peal.Head(text.String())
}

// maxErrorText is how much of an error's own words is kept, in bytes.
const maxErrorText = 500

// plain makes a text from outside fit for an error's text: harmless and not long.
func plain(text string) string {
	if len(text) > maxErrorText {
		text = strings.ToValidUTF8(text[:maxErrorText], "") + "…"
	}
	return harmless(text)
}

// harmless makes a text from outside safe to keep and to show: one line, valid
// UTF-8, nothing that a terminal obeys or that turns the reading around.
func harmless(text string) string {
	if isPrintable(text) {
		return text
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r < 0x20, r >= 0x7f && r < 0xa0: // C0, DEL and C1
			return ' '
		case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x2028, r == 0x2029:
			return utf8.RuneError // bidirectional overrides, line and paragraph separators
		}
		return r // RuneError for what is no UTF-8
	}, text)
}

// isPrintable reports whether a text is all printable ASCII, as nearly all are.
func isPrintable(text string) bool {
	for i := range len(text) {
		if text[i] < 0x20 || text[i] > 0x7e {
			return false
		}
	}
	return true
}
