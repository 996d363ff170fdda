package egress

import (
	"bytes"
	"net/url"
	"slices"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/wire"
)

// leastEcho is the shortest secret that is looked for in an answer, in bytes: shorter
// ones stand there by chance.
const leastEcho = 6

// hideEcho takes out of an answer the secrets that the request brought: an endpoint may
// send them back, and the record of the attempt is shown to more people than they are.
func hideEcho(request *wire.Request, attempt *peal.Attempt) {
	asked := strings.Contains(request.URL, "?")
	if !asked && !strings.Contains(string(attempt.RequestHead), redacted) {
		return // as nearly always
	}
	for _, secret := range sentSecrets(request) {
		if strings.Contains(string(attempt.ResponseHead), secret) {
			attempt.ResponseHead = peal.Head(strings.ReplaceAll(string(attempt.ResponseHead), secret, redacted))
		}
		if bytes.Contains(attempt.ResponseBody, []byte(secret)) {
			body := bytes.ReplaceAll(attempt.ResponseBody, []byte(secret), []byte(redacted))
			attempt.ResponseBody = body[:min(len(body), peal.MaxResponseBody)]
		}
	}
}

// sentSecrets gives the values of secret headers and of the URL's query, the longest
// first, as they were sent and as an endpoint may have read them.
func sentSecrets(request *wire.Request) (secrets []string) {
	add := func(value string) {
		if len(value) >= leastEcho && !slices.Contains(secrets, value) {
			secrets = append(secrets, value)
		}
	}
	for name, values := range request.Header {
		if !isSecret(request, name) {
			continue
		}
		for _, value := range values {
			add(value)
			_, credentials, _ := strings.Cut(value, " ") // without the scheme (RFC 9110, section 11.4)
			add(credentials)
		}
	}
	if u, err := url.Parse(request.URL); err == nil {
		for _, pair := range strings.Split(u.RawQuery, "&") {
			_, value, named := strings.Cut(pair, "=")
			if !named {
				value = pair
			}
			add(value)
			if plain, err := url.QueryUnescape(value); err == nil {
				add(plain)
			}
		}
	}
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	return secrets
}
