package manage

import (
	"maps"
	"slices"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/canonical"
	"github.com/pealhq/peal/internal/message"
)

// hide returns a copy of a webhook with the values hidden that the actor may not read.
// Authorization, the key of the client certificate and the OAuth2 client's secret are hidden from
// everybody.
func hide(actor Actor, w *peal.Webhook) peal.Webhook {
	shown := *w
	if w.Authorization != "" {
		shown.Authorization = peal.HiddenSecret
	}
	if c := w.ClientCertificate; c != nil {
		shown.ClientCertificate = &peal.ClientCertificate{Certificate: c.Certificate,
			Key: peal.Secret{Value: peal.HiddenSecret}}
	}
	if o := w.OAuth2; o != nil {
		client := *o
		client.ClientSecret = peal.Secret{Value: peal.HiddenSecret}
		shown.OAuth2 = &client
	}
	if w.Headers != nil {
		shown.Headers = make(map[string]string, len(w.Headers))
		for name, value := range w.Headers {
			if !actor.Reveal {
				value = peal.HiddenSecret
			}
			shown.Headers[name] = value
		}
	}
	if !actor.Reveal {
		shown.URL = peal.RedactURL(w.URL)
		if shown.OAuth2 != nil {
			shown.OAuth2.TokenURL = peal.RedactURL(shown.OAuth2.TokenURL)
		}
	}
	return shown
}

// keep restores the hidden values of a changed webhook. A placeholder without a stored value
// remains, and the checks of the webhook refuse it. The error names each field that must be set
// again because its value would be sent to another place.
func keep(before, w *peal.Webhook) error {
	if w.URL == peal.RedactURL(before.URL) {
		w.URL = before.URL
	}
	moved := moves(before.URL, w.URL)
	var faults []error
	again := func(field, what string) {
		faults = append(faults, peal.Fault(field, message.SetAgain, what))
	}
	if peal.IsHiddenSecret(w.Authorization) && before.Authorization != "" {
		if moved {
			again("authorization", "the URL")
		}
		w.Authorization = before.Authorization
	}
	for _, name := range sortedNames(w.Headers) {
		value, found := headerOf(before.Headers, name)
		if !peal.IsHiddenSecret(w.Headers[name]) || !found {
			continue
		}
		if moved {
			again("headers."+name, "the URL")
		}
		w.Headers[name] = value
	}
	if c := w.ClientCertificate; c != nil && peal.IsHiddenSecret(c.Key.Value) && before.ClientCertificate != nil {
		if moved {
			again("client_certificate.key", "the URL")
		}
		c.Key = before.ClientCertificate.Key
	}
	if o := w.OAuth2; o != nil && before.OAuth2 != nil {
		if o.TokenURL == peal.RedactURL(before.OAuth2.TokenURL) {
			o.TokenURL = before.OAuth2.TokenURL
		}
		if peal.IsHiddenSecret(o.ClientSecret.Value) {
			switch {
			case moved:
				again("oauth2.client_secret", "the URL")
			case !canonical.Same(o.TokenURL, before.OAuth2.TokenURL):
				again("oauth2.client_secret", "token_url")
			}
			o.ClientSecret = before.OAuth2.ClientSecret
		}
	}
	if len(w.Secrets) == 1 && peal.IsHiddenSecret(w.Secrets[0].Value) && len(before.Secrets) > 0 {
		w.Secrets = before.Secrets // they sign, and are never sent
	}
	return peal.JoinFaults(faults...)
}

// moves reports whether two URLs differ in host, port or scheme. An invalid one is refused anyway.
func moves(from, to string) bool {
	a, b := canonical.Origin(from), canonical.Origin(to)
	return a != b && a != "" && b != ""
}

// headerOf finds a header in any spelling of its name.
func headerOf(headers map[string]string, name string) (string, bool) {
	for other, value := range headers {
		if strings.EqualFold(other, name) {
			return value, true
		}
	}
	return "", false
}

func sortedNames(headers map[string]string) []string { return slices.Sorted(maps.Keys(headers)) }
