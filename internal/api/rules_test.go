package api_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pealhq/peal"
)

// TestRulesAreThoseOfTheDomain compares the rules of the document with the functions that
// enforce them, on generated values of both sides.
func TestRulesAreThoseOfTheDomain(t *testing.T) {
	check := newChecker(t, readDocument(t, newBench(t)))
	webhook := func(change func(*peal.Webhook)) error {
		w := peal.Webhook{
			ID: peal.NewWebhookID(), Tenant: "t", URL: "https://example.test/", Events: []string{"*"}, Format: "standard",
			Timeout: peal.DefaultTimeout, Status: peal.Active,
		}
		change(&w)
		return w.Validate()
	}
	for _, rule := range []struct {
		name, place string
		like        string // generates what is mostly allowed
		most        int    // bytes
		check       func(string) error
	}{
		{"type", "EventRequest/properties/type", `[a-z0-9]+(\.[A-Z_-]+)*`, peal.MaxTypeLength, peal.ValidateType},
		{"id", "EventRequest/properties/id", `[!-~]+`, peal.MaxEventIDLength, func(text string) error {
			if text == "" {
				return peal.Invalidf("id", "is empty")
			}
			e := peal.Event{ID: text, Type: "a", Data: []byte("1")}
			return e.Validate(1)
		}},
		{"tenant", "TenantCreateRequest/properties/name", `[a-z0-9][a-z._:@-]*`, peal.MaxTenantLength, peal.ValidateTenant},
		{"catalogue", "TenantRequest/properties/catalogue", `[a-z0-9][a-z._-]*`, peal.MaxCatalogueLength, peal.ValidateCatalogue},
		{"pattern", "WebhookRequest/properties/events/oneOf/1", `[a-z0-9]+(\.[A-Z_-]+)*(\.\*)?`, peal.MaxTypeLength, func(text string) error { return peal.ValidatePatterns([]string{text}) }},
		{"pin", "WebhookRequest/properties/pins/items", `sha256/[A-Za-z0-9+/]{43}=`, 51, func(text string) error { _, err := peal.ParsePin(text); return err }},
		{"authorization", "WebhookRequest/properties/authorization", `[ -~]*`, peal.MaxHeaderValue, func(text string) error { return webhook(func(w *peal.Webhook) { w.Authorization = text }) }},
		{"a header's value", "WebhookRequest/properties/headers/additionalProperties", `[ -~]*`, 4000, func(text string) error {
			return webhook(func(w *peal.Webhook) { w.Headers = map[string]string{"X": text} })
		}},
		{"a header's name", "WebhookRequest/properties/headers/propertyNames", `[A-Za-z!|~-]+`, 4000, func(text string) error {
			return webhook(func(w *peal.Webhook) { w.Headers = map[string]string{text: ""} })
		}},
		{"a scope", "Oauth2Request/properties/scopes/items", `[!-~]+`, 4000, func(text string) error {
			return webhook(func(w *peal.Webhook) {
				w.OAuth2 = &peal.OAuth2{TokenURL: w.URL, ClientID: "c", ClientSecret: peal.Secret{Value: "s"}, Scopes: []string{text}}
			})
		}},
		{"a client's id", "Oauth2Request/properties/client_id", `[ -~]+`, peal.MaxOAuth2Text, func(text string) error {
			return webhook(func(w *peal.Webhook) {
				w.OAuth2 = &peal.OAuth2{TokenURL: w.URL, ClientID: text, ClientSecret: peal.Secret{Value: "s"}}
			})
		}},
	} {
		t.Run(rule.name, func(t *testing.T) {
			schema := check.schema("/components/schemas/" + rule.place)
			rapid.Check(t, func(rt *rapid.T) {
				text := rapid.OneOf(
					rapid.StringMatching(rule.like), rapid.String(), rapid.StringN(0, 3, -1),
					rapid.StringOfN(rapid.RuneFrom([]rune("aZ09._-:@*/ \t\n\u00A0\"\\[]~!")), 0, 6, -1),
					rapid.Custom(func(rt *rapid.T) string { // at both sides of the longest
						return strings.Repeat("a", rule.most+rapid.IntRange(-1, 1).Draw(rt, "beyond")) + rapid.SampledFrom([]string{"", ".*"}).Draw(rt, "end")
					}),
				).Draw(rt, "text")
				allowed, err := schema.Validate(text) == nil, rule.check(text)
				if (err == nil) != allowed {
					rt.Fatalf("the document allows %q: %v; the domain: %v", text, allowed, err)
				}
			})
		})
	}
}
