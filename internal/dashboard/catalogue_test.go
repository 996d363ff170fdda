package dashboard_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
)

// TestPortalShowsTheTenantsCatalogue looks for the types of one product on every page of a
// visitor of another product's tenant.
func TestPortalShowsTheTenantsCatalogue(t *testing.T) {
	d := newDoorway(t, framed)
	for tenant, catalogue := range map[string]string{"acme": "crm", "other": "shop"} {
		if err := d.store.CreateTenant(t.Context(), peal.Tenant{Name: tenant, Catalogue: catalogue}); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"order.created", catalogue + ".closed"} {
			if _, err := d.store.PutEventType(t.Context(), peal.EventType{
				Catalogue: catalogue, Name: name, Description: "of the " + catalogue, Example: []byte(`{"from":"` + catalogue + `"}`),
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	hook := d.hook("acme").ID.String()
	d.follow(identity.NewPortalLink{Tenant: "acme", Name: "carla"}, "")
	d.shows(d.get("/portal/catalogue"), 200, "order.created", "crm.closed", "of the crm")
	d.shows(d.get("/portal/catalogue/order.created"), 200, "of the crm")
	d.shows(d.get("/portal/catalogue/shop.closed"), 404)
	for _, path := range []string{"", "/catalogue", "/catalogue/order.created", "/webhooks/new", "/webhooks/" + hook + "/edit", "/webhooks/" + hook + "/test", "/webhooks/" + hook} {
		page := d.get("/portal" + path)
		if strings.Contains(page.body, "shop.closed") || strings.Contains(page.body, "of the shop") {
			t.Errorf("%s shows the other product's types", path)
		}
	}
	d.shows(d.get("/portal/webhooks/"+hook+"/test"), 200, "crm.closed")
}

func TestCatalogueOfTenant(t *testing.T) {
	d := signedIn(t)
	if _, err := d.store.PutEventType(t.Context(), peal.EventType{Catalogue: "crm", Name: "deal.closed"}); err != nil {
		t.Fatal(err)
	}
	page := d.get("/tenants/acme")
	d.shows(page, 200, `name="catalogue"`, `value="default"`, `<option value="crm">`)
	was := wasField.FindStringSubmatch(page.body)[1]
	d.shows(d.post("/tenants/acme", url.Values{"was": {was}, "catalogue": {"no/name"}}), 422, `value="no/name"`)
	d.leads(d.post("/tenants/acme", url.Values{"was": {was}, "catalogue": {"crm"}}), "/tenants/acme?done=tenant_saved")
	tenant, err := d.store.Tenant(t.Context(), "acme")
	if err != nil || tenant.Catalogue != "crm" {
		t.Errorf("the tenant is %+v: %v", tenant, err)
	}
}
