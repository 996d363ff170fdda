package egress

import (
	"net/http"
	"slices"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/gate"
	"github.com/pealhq/peal/wire"
)

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
	return head(request.Header, func(name string) bool { return isSecret(request, name) }, nil, 0)
}

// isSecret reports whether a header of a request holds a secret.
func isSecret(request *wire.Request, name string) bool {
	return secretHeader(name) || slices.ContainsFunc(request.Secret, func(secret string) bool {
		return strings.EqualFold(secret, name)
	})
}

func responseHead(header http.Header, g *gate.Gate) peal.Head {
	return head(header, func(name string) bool { return name == "Set-Cookie" }, g, peal.MaxResponseHead)
}

// head writes headers as lines, sorted by name, through a gate. With a limit above 0, lines that
// do not fit are left out.
func head(header http.Header, hide func(name string) bool, g *gate.Gate, limit int) peal.Head {
	names := make([]string, 0, 16)
	size := 0
	for name, values := range header {
		names = append(names, name)
		for _, value := range values {
			size += len(name) + max(len(value), len(gate.Redacted)) + 3
		}
	}
	if limit > 0 {
		size = min(size, limit)
	}
	slices.Sort(names)
	var text strings.Builder
	text.Grow(size)
	for _, key := range names {
		name, hidden := gate.Harmless(g.Hide(key)), hide(key)
		for _, value := range header[key] {
			if hidden {
				value = gate.Redacted
			}
			value = gate.Harmless(g.Hide(value))
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

// maxPlain is how much of a part of a URL an error names, in bytes.
const maxPlain = 500

// plain makes a part of a webhook's own settings fit for an error's text. What an endpoint wrote
// passes a gate.
func plain(text string) string {
	if len(text) > maxPlain {
		text = strings.ToValidUTF8(text[:maxPlain], "") + "…"
	}
	return gate.Harmless(text)
}
