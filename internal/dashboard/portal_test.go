package dashboard_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
)

// follow comes to the portal of a tenant by a link.
func (d *doorway) follow(in identity.NewPortalLink, query string) {
	d.Helper()
	_, token, err := d.identity.CreatePortalLink(d.Context(), in)
	if err != nil {
		d.Fatal(err)
	}
	d.leads(d.get(identity.PortalPath(token)+query), "/portal")
}

// hook adds a webhook to a tenant.
func (d *doorway) hook(tenant string) peal.Webhook {
	d.Helper()
	saved, err := d.store.CreateWebhook(d.Context(), peal.Webhook{
		ID: peal.NewWebhookID(), Tenant: tenant, URL: "https://" + tenant + ".example/hook", Events: []string{"*"}, Format: peal.DefaultFormat,
		Timeout: peal.DefaultTimeout, Status: peal.Active,
	})
	if err != nil {
		d.Fatal(err)
	}
	return saved
}

func framed(o *identity.Options) { o.FrameAncestors = []string{"https://app.example.com"} }

// TestPortalHasOneTenant looks for another tenant's things by every way there is.
func TestPortalHasOneTenant(t *testing.T) {
	d := newDoorway(t, framed)
	own, other := d.hook("acme"), d.hook("other")
	d.follow(identity.NewPortalLink{Tenant: "acme", Name: "carla"}, "")
	list := d.get("/portal/webhooks")
	d.shows(list, 200, "acme.example", `href="/portal/webhooks/`+own.ID.String())
	if strings.Contains(list.body, "other.example") || strings.Contains(list.body, `href="/webhooks`) || strings.Contains(list.body, `href="/keys"`) {
		t.Errorf("the list leads out of the portal: %s", list.body)
	}
	if list.Header.Get("X-Frame-Options") != "" || !strings.HasSuffix(list.Header.Get("Content-Security-Policy"), "frame-ancestors https://app.example.com") {
		t.Errorf("it cannot be framed: %v", list.Header)
	}
	d.shows(d.get("/portal/webhooks/"+own.ID.String()), 200, "acme.example")
	for _, path := range []string{"", "/edit", "/test", "/secret", "/code", "/replay", "/delete"} {
		d.shows(d.get("/portal/webhooks/"+other.ID.String()+path), 404)
	}
	d.shows(d.post("/portal/webhooks/"+other.ID.String()+"/status", url.Values{"status": {"paused"}}), 404)
	d.shows(d.get("/portal/webhooks?tenant=other"), 200, "acme.example")
	for _, path := range append(settingsPaths, "/publish", "/tenant") {
		d.shows(d.get("/portal"+path), 404)
	}
	d.leads(d.get("/webhooks"), "/login?next=%2Fwebhooks")
	d.leads(d.post("/portal/webhooks/"+own.ID.String()+"/status", url.Values{"status": {"paused"}}), "/portal/webhooks/"+own.ID.String()+"?done=paused")
	d.shows(d.post("/portal/leave", nil), 401, "Your visit has ended")
	d.shows(d.get("/portal/webhooks"), 401, "Your visit has ended")
}

// TestPortalReadOnly tries every form of the webhook's pages.
func TestPortalReadOnly(t *testing.T) {
	d := newDoorway(t, framed)
	own := d.hook("acme")
	d.follow(identity.NewPortalLink{Tenant: "acme", Name: "carla", ReadOnly: true}, "")
	d.shows(d.get("/portal/webhooks/"+own.ID.String()), 200, "read-only")
	for _, path := range []string{"/status", "/edit", "/test", "/secret/reveal", "/secret/rotate", "/replay", "/delete"} {
		d.shows(d.post("/portal/webhooks/"+own.ID.String()+path, url.Values{"status": {"paused"}}), 403)
	}
	d.shows(d.post("/portal/webhooks", url.Values{"url": {"https://new.example"}}), 403)
	if now, err := d.store.Webhook(t.Context(), "acme", own.ID); err != nil || now.Revision != own.Revision {
		t.Errorf("it has changed: %+v %v", now, err)
	}
}

func TestPortalTheme(t *testing.T) {
	d := newDoorway(t, framed)
	own := d.hook("acme")
	theme := peal.Theme{
		Name: "Acme hooks", Logo: []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), Mode: peal.ThemeDark, Language: "de",
		Light: peal.ThemePalette{Brand: "#005f73"}, Hidden: []peal.PortalPart{peal.PartOverview, peal.PartEvents, peal.PartTests},
	}
	if err := d.store.PutTheme(t.Context(), "acme", theme); err != nil {
		t.Fatal(err)
	}
	d.follow(identity.NewPortalLink{Tenant: "acme", Name: "carla"}, "")
	d.leads(d.get("/portal"), "/portal/webhooks")
	d.shows(d.get("/portal/webhooks"), 200, "Acme hooks", `lang="de"`, `data-theme="dark"`, "/portal/logo", "/portal/theme.css", "Neuer Webhook")
	d.shows(d.get("/portal/theme.css"), 200, "--brand: #005f73", `[href^="/portal/events"]`)
	logo := d.get("/portal/logo")
	if logo.Header.Get("Content-Type") != "image/svg+xml" || !strings.Contains(logo.Header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("the logo is served with %v", logo.Header)
	}
	for _, path := range []string{"/", "/events", "/webhooks/" + own.ID.String() + "/test"} {
		d.shows(d.get("/portal"+path), 404, "Diese Seite gibt es hier nicht")
	}
	d.shows(d.get("/portal/deliveries"), 200)
	// The link's language goes before the theme's.
	d.follow(identity.NewPortalLink{Tenant: "acme", Name: "carla"}, "?lang=en")
	d.shows(d.get("/portal/webhooks"), 200, `lang="en"`, "New webhook")
}

// TestPortalLinkEnds opens links that were used, have expired or were revoked, and outstays a
// visit: each page explains how to continue, in the language of the link.
func TestPortalLinkEnds(t *testing.T) {
	now := time.Now()
	d := newDoorway(t, framed, func(o *identity.Options) { o.Now = func() time.Time { return now } })
	own := d.hook("acme")
	make := func(life time.Duration) (peal.PortalLink, string) {
		t.Helper()
		link, token, err := d.identity.CreatePortalLink(t.Context(), identity.NewPortalLink{Tenant: "acme", Name: "carla", Life: life, SessionLife: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		return link, identity.PortalPath(token) + "?lang=de"
	}
	_, expired := make(time.Minute)
	taken, takenPath := make(time.Hour)
	if err := d.store.RevokePortalLink(t.Context(), "acme", taken.ID, now); err != nil {
		t.Fatal(err)
	}
	_, used := make(time.Hour)
	d.leads(d.get(used), "/portal")
	now = now.Add(2 * time.Minute)
	for name, path := range map[string]string{"used": used, "expired": expired, "taken back": takenPath} {
		got := d.get(path, "Accept", "text/html")
		d.shows(got, 404, "Dieser Link gilt nicht mehr", "öffnen Sie diese Seite von dort neu")
		if strings.Contains(got.body, "acme") {
			t.Errorf("a link that was %s tells of the tenant: %s", name, got.body)
		}
	}
	page := "/portal/webhooks/" + own.ID.String()
	d.shows(d.get(page, "Accept", "text/html"), 401, "Ihr Besuch ist zu Ende", "data-ended")
	if part := d.get(page, "HX-Request", "true"); part.StatusCode != 401 || part.Header.Get("HX-Refresh") != "true" {
		t.Errorf("a part of a page is answered %d, %v", part.StatusCode, part.Header)
	}
	_, next := make(time.Hour)
	d.leads(d.get(next), page)
	d.leads(d.get("/portal"), "/portal/")
	// Who leaves is not led back, nor is the page around asked for a link.
	if left := d.post("/portal/leave", nil, "Referer", d.url+page); strings.Contains(left.body, "data-ended") {
		t.Errorf("leaving asks for a new link: %s", left.body)
	}
	_, next = make(time.Hour)
	d.leads(d.get(next), "/portal")
}
