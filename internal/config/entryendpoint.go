package config

import (
	"strings"

	"github.com/pealhq/peal"
)

// clientCertificate reads what the endpoint knows the sender by. The key comes from a
// file, a variable or the entry itself.
func (e *entry) clientCertificate(v place) error {
	c := &peal.ClientCertificate{}
	e.into.Settings.ClientCertificate = c
	certificate := func(e *entry, v place, text string) error {
		c.Certificate = text
		return e.once("client_certificate.certificate", v)
	}
	key := func(e *entry, v place, text string) error {
		c.Key.Value = text
		return e.once("client_certificate.key", v)
	}
	return e.mapping(v, "certificate or certificate_file, and key, key_file or key_env", map[string]func(place) error{
		"certificate":      func(v place) error { return e.confidential(v, certificate) }, // it may include the key
		"certificate_file": func(v place) error { return fromFile(certificate)(e, v) },
		"key":              func(v place) error { return e.confidential(v, key) },
		"key_file":         func(v place) error { return fromFile(key)(e, v) },
		"key_env":          func(v place) error { return fromEnvironment(key)(e, v) },
	})
}

// pins reads the pins of the endpoint's keys.
func (e *entry) pins(v place) error {
	values, err := e.list(v, "pins such as sha256/BASE64")
	if err != nil {
		return err
	}
	for _, value := range values {
		pin, err := e.text(value)
		if err != nil {
			return err
		}
		e.into.Settings.Pins = append(e.into.Settings.Pins, pin)
	}
	return nil
}

// oauth2 reads where tokens come from. The client's secret comes from a file, a
// variable or the entry itself.
func (e *entry) oauth2(v place) error {
	o := &peal.OAuth2{}
	e.into.Settings.OAuth2 = o
	set := func(e *entry, v place, secret string) error {
		o.ClientSecret.Value = secret
		return e.once("oauth2.client_secret", v)
	}
	return e.mapping(v, "token_url, client_id, scopes, and client_secret, client_secret_file or client_secret_env",
		map[string]func(place) error{
			"token_url":          func(v place) (err error) { o.TokenURL, err = e.text(v); return err },
			"client_id":          func(v place) (err error) { o.ClientID, err = e.text(v); return err },
			"client_secret":      func(v place) error { return e.confidential(v, set) },
			"client_secret_file": func(v place) error { return fromFile(set)(e, v) },
			"client_secret_env":  func(v place) error { return fromEnvironment(set)(e, v) },
			"scopes": func(v place) error {
				values, err := e.list(v, "scopes")
				if err != nil {
					return err
				}
				for _, value := range values {
					scope, err := e.text(value)
					if err != nil {
						return err
					}
					o.Scopes = append(o.Scopes, scope)
				}
				return nil
			},
		})
}

// confidential reads a secret in the entry, which config print hides.
func (e *entry) confidential(v place, set func(*entry, place, string) error) error {
	value, err := e.text(v)
	if err != nil {
		return err
	}
	e.hidden = append(e.hidden, v.name)
	return set(e, v, value)
}

// isAddress reports whether a row holds a URL, which has a secret query.
func isAddress(row *Setting) bool { return strings.HasSuffix(row.Name, "url") }
