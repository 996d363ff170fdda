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

// gateFor returns the gate for what comes back of a request: the webhook's own, with what only
// this request knows, such as a token. requestHead is as [RequestHead] returns it.
func (c *Client) gateFor(request *wire.Request, requestHead peal.Head) *gate.Gate {
	g := c.gate
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

// querySecrets returns the values of a URL's query, as they are sent and as an endpoint reads them.
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

// usual are headers with values that stand in many answers and are no secrets there.
var usual = []string{"Accept", "Accept-Charset", "Accept-Encoding", "Accept-Language", "Content-Type", "User-Agent"}

func isUsual(name string) bool { return slices.Contains(usual, http.CanonicalHeaderKey(name)) }

var variableName = regexp.MustCompile(`{{ *([A-Za-z0-9_]+) *}}`)

// Secrets returns what a webhook's settings keep secret, for [Terms]: values of its URL's query and
// its headers, with the variables in them, its authorization, what it signs with, and what it gets
// tokens with.
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
