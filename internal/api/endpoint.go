package api

import (
	"github.com/pealhq/peal"
)

type clientCertificateInput struct {
	Certificate given[string] `json:"certificate" maxLength:"32768" doc:"The certificate in PEM, followed by those between it and its authority."`
	Key         given[string] `json:"key" maxLength:"32768" writeOnly:"true" doc:"Its private key in PEM, without a password; never shown again. \"[set]\" keeps the one there is."`
}

type clientCertificateShape struct {
	Certificate string  `json:"certificate"`
	Key         string  `json:"key" enum:"[set]" doc:"[set]: it is never shown."`
	ExpiresAt   *string `json:"expires_at" format:"date-time"`
}

type oauth2Input struct {
	TokenURL     given[string] `json:"token_url" format:"endpoint-url" doc:"Where tokens are got, under the same rules as url."`
	ClientID     given[string] `json:"client_id" minLength:"1" maxLength:"4096" pattern:"^[ -~]+$"`
	ClientSecret given[string] `json:"client_secret" minLength:"1" maxLength:"4096" pattern:"^[ -~]+$" writeOnly:"true" doc:"Never shown again. \"[set]\" keeps the one there is."`
	Scopes       given[scopes] `json:"scopes,omitempty" doc:"Those that are asked for; the server's own choice otherwise."`
}

type oauth2Shape struct {
	TokenURL     string   `json:"token_url" format:"uri"`
	ClientID     string   `json:"client_id"`
	ClientSecret string   `json:"client_secret" enum:"[set]" doc:"[set]: it is never shown."`
	Scopes       []string `json:"scopes" nullable:"false"`
}

// applyEndpoint sets what the webhook and its endpoint know each other by.
func (in *WebhookInput) applyEndpoint(w *peal.Webhook) {
	if in.ClientCertificate.Given {
		w.ClientCertificate = nil
		if c := in.ClientCertificate.Value; c != nil {
			w.ClientCertificate = &peal.ClientCertificate{Certificate: c.Certificate.Value, Key: peal.Secret{Value: c.Key.Value}}
		}
	}
	if in.Pins.Given {
		w.Pins = in.Pins.orZero()
	}
	if in.OAuth2.Given {
		w.OAuth2 = nil
		if o := in.OAuth2.Value; o != nil {
			w.OAuth2 = &peal.OAuth2{
				TokenURL: o.TokenURL.Value, ClientID: o.ClientID.Value, ClientSecret: peal.Secret{Value: o.ClientSecret.Value}, Scopes: o.Scopes.Value,
			}
		}
	}
}

// showEndpoint shows what the webhook and its endpoint know each other by, without secrets.
func (shape *WebhookShape) showEndpoint(w *peal.Webhook, maySee bool) {
	shape.Pins = append([]string{}, w.Pins...)
	if c := w.ClientCertificate; c != nil {
		shape.ClientCertificate = some(clientCertificateShape{Certificate: c.Certificate, Key: secretSet, ExpiresAt: timeOrNil(c.ExpiresAt())})
	}
	if o := w.OAuth2; o != nil {
		tokenURL := o.TokenURL
		if !maySee {
			tokenURL = peal.RedactURL(tokenURL)
		}
		shape.OAuth2 = some(oauth2Shape{TokenURL: tokenURL, ClientID: o.ClientID, ClientSecret: secretSet, Scopes: append([]string{}, o.Scopes...)})
	}
}
