package api_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
	"github.com/pealhq/peal/wire"
)

// TestLengthsAreCharacters compares the longest texts that the document allows with those that
// the domain accepts, where people type them: both count characters, not bytes.
func TestLengthsAreCharacters(t *testing.T) {
	check := newChecker(t, readDocument(t, newBench(t)))
	webhook := func(change func(*peal.Webhook, string)) func(string) error {
		return func(text string) error {
			w := peal.Webhook{
				ID: peal.NewWebhookID(), Tenant: "t", URL: "https://example.test/", Events: []string{"*"}, Format: wire.Standard,
				Timeout: peal.DefaultTimeout, Status: peal.Active,
			}
			change(&w, text)
			return w.Validate()
		}
	}
	for place, validate := range map[string]func(text string) error{
		"WebhookRequest/properties/name":        webhook(func(w *peal.Webhook, text string) { w.Name = text }),
		"WebhookRequest/properties/description": webhook(func(w *peal.Webhook, text string) { w.Description = text }),
		"WebhookRequest/properties/filter":      webhook(func(w *peal.Webhook, text string) { w.Filter = text }),
		"WebhookRequest/properties/transform":   webhook(func(w *peal.Webhook, text string) { w.Transform = text }),
		"WebhookRequest/properties/uuid":        webhook(func(w *peal.Webhook, text string) { w.UUID = text }),
		"KeyRequest/properties/name": func(text string) error {
			return (&peal.APIKey{Name: text}).Validate()
		},
		"PortalLinkRequest/properties/name": func(text string) error {
			id := peal.NewPortalLinkID()
			return (&peal.PortalLink{ID: id, Tenant: "t", Name: text, ExpiresAt: id.Time().Add(peal.DefaultPortalLife), SessionLife: peal.DefaultPortalSession}).Validate()
		},
		"UserCreateRequest/properties/name":     peal.ValidateUserName,
		"UserCreateRequest/properties/password": func(text string) error { return identity.CheckPassword("", text) },
		"SourceRequest/properties/description": func(text string) error {
			return (&peal.Source{ID: peal.NewSourceID(), Tenant: "t", Name: "s", Format: wire.Standard, Unverified: true, Dedup: peal.DedupID, Status: peal.Active, Description: text}).Validate()
		},
		"SourceRequest/properties/secret": func(text string) error {
			return (&peal.Source{ID: peal.NewSourceID(), Tenant: "t", Name: "s", Format: wire.Standard, Secrets: []peal.Secret{{Value: text}}, Dedup: peal.DedupID, Status: peal.Active}).Validate()
		},
		"TenantRequest/properties/description": func(text string) error {
			return (&peal.Tenant{Name: "t", Description: text}).Validate()
		},
		"EventTypeRequest/properties/description": func(text string) error {
			return (&peal.EventType{Name: "t", Description: text}).Validate()
		},
	} {
		schema := check.schema("/components/schemas/" + place)
		most := 0
		for schema.Validate(strings.Repeat("x", most+1)) == nil || most < 12 { // the least password
			most++
		}
		for _, character := range []string{"x", "é", "漢", "🔔"} {
			for length, allowed := range map[int]bool{most: true, most + 1: false} {
				text := strings.Repeat(character, length)
				if documented := schema.Validate(text) == nil; documented != allowed {
					t.Errorf("%s: the document allows %d times %s: %t", place, length, character, documented)
				}
				if err := validate(text); (err == nil) != allowed {
					t.Errorf("%s: the document allows %d times %s: %t, the domain: %v", place, length, character, allowed, err)
				}
			}
		}
	}
}

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
