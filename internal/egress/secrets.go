package egress

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/gate"
	"github.com/pealhq/peal/wire"
)

// secretEndings lists endings of the names of headers with secret values.
var secretEndings = []string{"authorization", "cookie", "token", "secret", "password", "api-key", "apikey", "subscription-key"}

func secretHeader(name string) bool {
	for _, ending := range secretEndings {
		if len(name) >= len(ending) && strings.EqualFold(name[len(name)-len(ending):], ending) {
			return true
		}
	}
	return false
}

// RequestHead returns the headers of a request for the record of an attempt: sorted by name,
// secrets redacted.
func RequestHead(request *wire.Request) peal.HeaderLines {
	return head(request.Header, func(name string) bool { return isSecret(request, name) }, nil, 0)
}

// isSecret reports whether the value of a request header is secret.
func isSecret(request *wire.Request, name string) bool {
	return secretHeader(name) || slices.ContainsFunc(request.Secret, func(secret string) bool {
		return strings.EqualFold(secret, name)
	})
}

func responseHead(header http.Header, g *gate.Gate) peal.HeaderLines {
	return head(header, func(name string) bool { return name == "Set-Cookie" }, g, peal.MaxResponseHead)
}

// head returns headers as lines, sorted by name, passed through a gate. With a limit above 0, lines
// that do not fit are omitted.
func head(header http.Header, hide func(name string) bool, g *gate.Gate, limit int) peal.HeaderLines {
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
	return peal.HeaderLines(text.String())
}

// maxPlain is the maximum length of a part of a URL in an error, in bytes.
const maxPlain = 500

// plain prepares a part of a webhook's own settings for the text of an error. Text written by an
// endpoint must pass a gate instead.
func plain(text string) string {
	if len(text) > maxPlain {
		text = strings.ToValidUTF8(text[:maxPlain], "") + "…"
	}
	return gate.Harmless(text)
}

// gateFor returns the gate for the response to a request: the webhook's own gate, extended with
// secrets of this request, such as a token. requestHead is the result of [RequestHead].
func gateFor(own *gate.Gate, request *wire.Request, requestHead peal.HeaderLines) *gate.Gate {
	g := own
	if g == nil && strings.Contains(request.URL, "?") {
		g = gate.New(querySecrets(request.URL)...)
	}
	if !strings.Contains(string(requestHead), gate.Redacted) {
		return g // no header holds a secret
	}
	var more []string
	for name, values := range request.Header {
		if !isSecret(request, name) || isUsual(name) {
			continue
		}
		for _, value := range values {
			if !g.Knows(value) {
				more = append(more, value)
			}
		}
	}
	if len(more) == 0 {
		return g
	}
	return g.And(more...)
}

// querySecrets returns the values of a URL's query, both encoded and decoded.
func querySecrets(text string) (secrets []string) {
	_, query, _ := strings.Cut(text, "?")
	query, _, _ = strings.Cut(query, "#")
	if query != "" {
		secrets = append(secrets, query)
	}
	for _, pair := range strings.Split(query, "&") {
		_, value, named := strings.Cut(pair, "=")
		if !named {
			value = pair
		}
		secrets = append(secrets, value)
		if plain, err := url.QueryUnescape(value); err == nil {
			secrets = append(secrets, plain)
		}
	}
	return secrets
}

// usual lists headers with values that are common in responses and not secret.
var usual = []string{"Accept", "Accept-Charset", "Accept-Encoding", "Accept-Language", "Content-Type", "User-Agent"}

func isUsual(name string) bool { return slices.Contains(usual, http.CanonicalHeaderKey(name)) }

var variableName = regexp.MustCompile(`{{ *([A-Za-z0-9_]+) *}}`)

// Secrets returns the secrets in a webhook's settings, for [Terms]: values in the query of its URL
// and in its headers, values of the variables in them, its authorization, its signing secrets, and
// its client secret for tokens.
func Secrets(w *peal.Webhook, variable func(name string) (string, bool)) []string {
	secrets := append(querySecrets(w.URL), w.Authorization)
	for name, value := range w.Headers {
		if isUsual(name) {
			continue
		}
		secrets = append(secrets, value)
		for _, found := range variableName.FindAllStringSubmatch(value, -1) {
			if value, ok := variable(found[1]); ok {
				secrets = append(secrets, value)
			}
		}
	}
	for _, secret := range w.Secrets {
		secrets = append(secrets, secret.Value)
	}
	if w.OAuth2 != nil {
		secrets = append(secrets, w.OAuth2.ClientSecret.Value)
		secrets = append(secrets, querySecrets(w.OAuth2.TokenURL)...)
	}
	return secrets
}
