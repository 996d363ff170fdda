package preset_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/internal/preset"
	"github.com/pealhq/peal/internal/testkit"
	"github.com/pealhq/peal/wire"
)

// settings of a webhook as each system has them; the rest comes from the preset.
var settings = map[string]client.WebhookRequest{
	"vikunja":          {Secret: new("s3cr3t")},
	"wireguard-portal": {Authorization: new("Bearer s3cr3t-token")},
	"dejacode":         {UUID: new("22c9203f-e90b-4135-a142-583ef4f41e72"), Authorization: new("Token abc")},
	"workspace":        {},
}

// TestDeliveries applies each preset to a server, publishes each of its examples
// and holds what a receiver gets to testdata, which the pages of docs/systems show.
func TestDeliveries(t *testing.T) {
	for _, p := range preset.All() {
		t.Run(p.Name, func(t *testing.T) {
			c, _ := startServer(t)
			if _, err := p.Apply(t.Context(), c, preset.ApplyOptions{Tenant: "acme"}); err != nil {
				t.Fatal(err)
			}
			c = c.ForTenant("acme")
			receiver := startReceiver(t)
			hook := createWebhook(t, c, p, receiver)
			if hook.Format != p.Format {
				t.Errorf("the webhook's format is %s, want the tenant's default %s", hook.Format, p.Format)
			}
			if diff := cmp.Diff(p.RetryPolicy, hook.RetryPolicy); diff != "" {
				t.Errorf("the webhook's retry policy is not the preset's (-want +got):\n%s", diff)
			}
			if _, err := c.Publish(t.Context(), client.NewEvent{Type: p.Events[0].Type, Data: []byte(`7`)}); client.StatusOf(err) != 422 {
				t.Errorf("data against its schema gave %v, want it refused", err)
			}
			for i, e := range p.Events {
				published, err := c.Publish(t.Context(), client.NewEvent{
					Type: e.Type, ID: fmt.Sprintf("example-%d", i), Subject: e.Subject, Time: e.Time, Data: e.Example,
				})
				if err != nil {
					t.Fatalf("publish %s: %v", e.Type, err)
				}
				if len(published.Webhooks) != 1 {
					t.Fatalf("%s goes to %v", e.Type, published.Webhooks)
				}
				got := receiver.next(t)
				verify(t, p, hook, got)
				testkit.Golden(t, filepath.Join("testdata", p.Name, e.Type+".http"), string(document(p, hook, got)))
			}
		})
	}
}

func createWebhook(t *testing.T, c *client.Client, p *preset.Preset, receiver *receiver) client.CreatedWebhook {
	t.Helper()
	webhook := settings[p.Name]
	webhook.URL = new(receiver.url())
	webhook.Events = []string{"*"}
	created, err := c.CreateWebhook(t.Context(), webhook)
	if err != nil {
		t.Fatal(err)
	}
	return created
}

// verify checks a request as a receiver does: its signature, or its Authorization
// where the format does not sign.
func verify(t *testing.T, p *preset.Preset, hook client.CreatedWebhook, a *arrival) {
	t.Helper()
	secret := hook.Secret
	if given := settings[p.Name]; given.Secret != nil {
		secret = *given.Secret
	} else if given.Authorization != nil {
		secret = *given.Authorization
	}
	if err := wire.Verify(p.Format, a.canonical(), a.Body, secret); err != nil {
		t.Errorf("verify: %v", err)
	}
	spoiled := bytes.Clone(a.Body)
	spoiled[len(spoiled)/2] ^= 1
	format, _ := wire.Lookup(p.Format)
	if format.SignatureHeader != "" && wire.Verify(p.Format, a.canonical(), spoiled, secret) == nil {
		t.Error("a spoiled body is verified")
	}
	if wire.Verify(p.Format, a.canonical(), a.Body, "another secret") == nil {
		t.Error("another secret is accepted")
	}
}

// transportHeaders are not the format's and not compared.
var transportHeaders = []string{"Host", "Content-Length", "Accept-Encoding", "Connection"}

var deliveryID = regexp.MustCompile(`delivery_[0-9a-z]{26}`)

// document writes a request down: every byte of it but for what differs each time,
// which is named in double braces.
func document(p *preset.Preset, hook client.CreatedWebhook, a *arrival) []byte {
	format, _ := wire.Lookup(p.Format)
	var b strings.Builder
	fmt.Fprintln(&b, a.Line)
	for _, field := range a.Header {
		name, value := field[0], field[1]
		switch {
		case contains(transportHeaders, name):
			continue
		case name == format.SignatureHeader:
			value = regexp.MustCompile(`[0-9a-f]{64}$`).ReplaceAllString(value, "{{signature}}")
		case name == "X-Webhook-Timestamp":
			value = regexp.MustCompile(`^[0-9]{10}$`).ReplaceAllString(value, "{{unix seconds}}")
		}
		fmt.Fprintf(&b, "%s: %s\n", name, value)
	}
	fmt.Fprintf(&b, "\n%s\n", a.Body)
	text := strings.ReplaceAll(b.String(), hook.URL, "{{url}}")
	text = strings.ReplaceAll(text, hook.ID, "{{webhook id}}")
	return []byte(deliveryID.ReplaceAllString(text, "{{delivery id}}"))
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}
