package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/pealhq/peal/client"
)

// endpointFlags are the flags for what a webhook and its endpoint know each other by.
type endpointFlags struct {
	app *app

	certificate, key     string
	pins                 []string
	tokenURL, id, secret string
	scopes               []string
}

func (f *endpointFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.certificate, "client-cert", "", "certificate for the endpoint to know the sender by (mTLS), in PEM: @PATH or -")
	flags.StringVar(&f.key, "client-key", "", "private key of --client-cert, in PEM: @PATH or -")
	flags.StringSliceVar(&f.pins, "pin", nil, "public key that must stand in the endpoint's chain, as sha256/BASE64; can be given several times")
	flags.StringVar(&f.tokenURL, "oauth2-token-url", "", "where tokens for the Authorization header are got (client credentials)")
	flags.StringVar(&f.id, "oauth2-client-id", "", "id of the OAuth2 client")
	flags.StringVar(&f.secret, "oauth2-client-secret", "", "secret of the OAuth2 client: the text, @PATH or -")
	flags.StringSliceVar(&f.scopes, "oauth2-scopes", nil, "scopes to ask for, separated by commas")
}

// settings puts what the flags say on a webhook's settings.
func (f *endpointFlags) settings(cmd *cobra.Command, s *client.WebhookRequest) error {
	given := cmd.Flags().Changed
	if given("client-cert") != given("client-key") {
		return usagef(cmd, "--client-cert and --client-key belong together: give both")
	}
	if given("client-cert") {
		certificate, err := f.app.line(f.certificate)
		if err != nil {
			return err
		}
		key, err := f.app.line(f.key)
		if err != nil {
			return err
		}
		s.ClientCertificate = &client.ClientCertificateRequest{Certificate: certificate, Key: key}
	}
	s.Pins = f.pins
	if !given("oauth2-token-url") && !given("oauth2-client-id") && !given("oauth2-client-secret") && !given("oauth2-scopes") {
		return nil
	}
	if f.tokenURL == "" || f.id == "" || f.secret == "" {
		return usagef(cmd, "--oauth2-token-url, --oauth2-client-id and --oauth2-client-secret belong together: give all three")
	}
	secret, err := f.app.line(f.secret)
	if err != nil {
		return err
	}
	s.OAuth2 = &client.OAuth2Request{TokenURL: f.tokenURL, ClientID: f.id, ClientSecret: secret, Scopes: f.scopes}
	return nil
}

func certificateText(c *client.ClientCertificate) string {
	if c == nil {
		return ""
	}
	return "until " + exact(c.ExpiresAt)
}

func oauth2Text(o *client.OAuth2) string {
	if o == nil {
		return ""
	}
	return strings.TrimSpace(o.ClientID + " at " + o.TokenURL + " " + strings.Join(o.Scopes, " "))
}
