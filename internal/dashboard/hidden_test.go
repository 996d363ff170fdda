package dashboard_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/pealhq/peal"
)

// TestHiddenPartsInOtherPages looks for what is hidden in the pages of what is not.
func TestHiddenPartsInOtherPages(t *testing.T) {
	d := newDoorway(t)
	acme := d.furnish("acme")
	if _, err := d.store.PutEventType(t.Context(), peal.EventType{Name: "hush.type", Description: "described-here", Example: []byte(`{"given":"as an example"}`)}); err != nil {
		t.Fatal(err)
	}
	guest := d.guest("carla", "acme", false)
	hook, event, delivery := "/portal/webhooks/"+acme.webhook.ID.String(), "/portal/events/"+acme.event.String(), acme.delivery.String()
	see := func(path string) string {
		t.Helper()
		p := d.ask(guest, http.MethodGet, path, nil)
		d.shows(p, 200)
		return p.body
	}
	for _, c := range []struct {
		part        peal.PortalPart
		page, shows string
	}{
		{peal.PartDeliveries, hook, delivery}, {peal.PartDeliveries, event, delivery},
		{peal.PartReplays, hook, acme.replay.String()},
		{peal.PartTests, hook, hook + "/test"}, {peal.PartSecrets, hook, hook + "/secret"}, {peal.PartSecrets, hook + "/edit", `name="secret"`},
		{peal.PartEvents, "/portal/deliveries/" + delivery, event}, {peal.PartCatalogue, "/portal/webhooks/new", "described-here"},
		{peal.PartCatalogue, hook + "/test", "as an example"},
	} {
		d.theme("acme")
		if !strings.Contains(see(c.page), c.shows) {
			t.Errorf("%s does not show %q where nothing is hidden", c.page, c.shows)
		}
		d.theme("acme", c.part)
		if body := see(c.page); strings.Contains(body, c.shows) {
			t.Errorf("with %s hidden, %s shows %q: %s", c.part, c.page, c.shows, body)
		}
	}
	d.theme("acme", peal.PartSecrets)
	d.shows(d.ask(guest, http.MethodPost, hook+"/edit", url.Values{"secret": {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}}), 404)
	d.theme("acme", peal.PartReplays)
	d.shows(d.ask(guest, http.MethodPost, "/portal/deliveries/retry", url.Values{"status": {"failed"}}), 404)
}

// theme hides parts from a tenant's portal.
func (d *doorway) theme(tenant string, hidden ...peal.PortalPart) {
	d.Helper()
	theme, err := d.store.Theme(d.Context(), tenant)
	if err != nil && peal.CodeOf(err) != peal.NotFound {
		d.Fatal(err)
	}
	theme.Hidden = hidden
	if err := d.store.PutTheme(d.Context(), tenant, theme); err != nil {
		d.Fatal(err)
	}
}
