package dashboard_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
)

// An operator sees what a tenant has and may have on its page, and changes it there.
func TestQuotasOfTenant(t *testing.T) {
	d := signedIn(t)
	d.hook("acme")
	d.shows(d.get("/tenants/acme"), 200, "Quotas", `name="quotas.webhooks"`, "no limit")
	d.leads(d.post("/tenants/acme/quotas", url.Values{"quotas.webhooks": {"1"}, "quotas.sources": {"0"}, "quotas.keys": {" "}}), "/tenants/acme?done=tenant_saved")
	tenant, err := d.store.Tenant(t.Context(), "acme")
	if err != nil || len(tenant.Quotas) != 2 || tenant.Quotas[peal.QuotaWebhooks] != 1 {
		t.Errorf("the tenant has %v: %v", tenant.Quotas, err)
	}
	d.shows(d.get("/tenants/acme"), 200, `name="quotas.webhooks" inputmode="numeric" value="1"`)
	if _, err := d.store.CreateWebhook(t.Context(), peal.Webhook{ID: peal.NewWebhookID(), Tenant: "acme", URL: "https://example.com/", Events: []string{"*"}, Format: "standard", Status: peal.Active}); peal.CodeOf(err) != peal.Invalid {
		t.Errorf("a second webhook: %v", err)
	}
	for value, says := range map[string]string{"x": "must be a whole number", "-1": "must be from 0 (no limit) to", "10001": "must be at most limits.max_deliveries"} {
		d.shows(d.post("/tenants/acme/quotas", url.Values{"quotas.webhooks": {value}}), 422, says, `value="`+value+`"`)
	}
	if again, err := d.store.Tenant(t.Context(), "acme"); err != nil || len(again.Quotas) != 2 {
		t.Errorf("what was refused has changed %v: %v", again.Quotas, err)
	}
}

// A tenant sees what bounds it, and a visitor of its portal only what bounds its webhooks.
func TestQuotasOfOnesOwn(t *testing.T) {
	d := newDoorway(t, framed)
	if err := d.store.CreateTenant(t.Context(), peal.Tenant{Name: "acme", Quotas: peal.Quotas{peal.QuotaWebhooks: 1, peal.QuotaSources: 7}}); err != nil {
		t.Fatal(err)
	}
	d.hook("acme")
	d.follow(identity.NewPortalLink{Tenant: "acme", Name: "carla"}, "")
	page := d.get("/portal/quotas")
	d.shows(page, 200, "Webhooks", "Pending deliveries", "nearly used up", ">1</td>")
	for _, hidden := range []string{"Keys</b>", "Users</b>", "Sources</b>", `name="quotas.`} {
		if strings.Contains(page.body, hidden) {
			t.Errorf("the portal shows %s", hidden)
		}
	}
}
