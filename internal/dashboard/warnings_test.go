package dashboard_test

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/internal/dashboard"
	"github.com/pealhq/peal/internal/identity"
	"github.com/pealhq/peal/internal/testkit"
)

// run runs an engine until the test ends.
func run(t *testing.T, engine *dispatch.Engine) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error)
	go func() { ended <- engine.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	testkit.Eventually(t, func() error { return engine.Ready(ctx) })
}

// TestPagesWarn saves webhooks with requests that will not arrive: the page shows why, at once and
// later.
func TestPagesWarn(t *testing.T) {
	d := newDoorwayWith(t, func(o *dashboard.Options) { run(t, o.Engine) })
	d.user("carla")
	d.post("/login", url.Values{"name": {"carla"}, "password": {password}})
	form := url.Values{"url": {"https://nowhere.example/hook"}, "patterns": {"*"}, "format": {peal.DefaultFormat}, "active": {"on"}}
	created := d.post("/webhooks", form)
	path, found := strings.CutSuffix(created.Header.Get("Location"), "?done=created")
	if created.StatusCode != 303 || !found {
		t.Fatalf("created: %d %s %s", created.StatusCode, created.Header.Get("Location"), created.body)
	}
	const refused = "The URL cannot be reached now"
	d.shows(d.get(path+"?done=created"), 200, refused, "nowhere.example")
	d.shows(d.get(path), 200, refused)
	d.shows(d.post(path+"/test", url.Values{"type": {"task.created"}, "data": {`{}`}}), 200, refused)

	// A certificate that ends soon, as the last attempt saw it.
	id, err := peal.ParseWebhookID(strings.TrimPrefix(untenanted(path), "/webhooks/"))
	if err != nil {
		t.Fatal(err)
	}
	if page := d.get(path); strings.Contains(page.body, "certificate expires") {
		t.Errorf("it warns of a certificate that nobody has seen: %s", page.body)
	}
	health := peal.WebhookHealth{CertificateExpiresAt: time.Now().Add(24 * time.Hour)}
	if err := d.store.SetHealth(t.Context(), id, health); err != nil {
		t.Fatal(err)
	}
	d.shows(d.get(path), 200, "The endpoint&#39;s certificate")

	// The rules forbid what was once allowed.
	for target, why := range map[string]string{"https://127.0.0.1/hook": "egress.allow", "https://files.example:22/hook": "egress.ports"} {
		old := d.hook("default")
		old.URL = target
		if old, err = d.store.UpdateWebhook(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		d.shows(d.get("/webhooks/"+old.ID.String()), 200, refused, why)
	}
	good := d.hook("default")
	good.URL = "https://1.1.1.1/hook"
	if good, err = d.store.UpdateWebhook(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	if page := d.get("/webhooks/" + good.ID.String()); strings.Contains(page.body, refused) {
		t.Errorf("it warns of a good webhook: %s", page.body)
	}
}

// TestPagesTellRanges shows where requests come from to those who have firewalls.
func TestPagesTellRanges(t *testing.T) {
	ranges := []string{"192.0.2.0/28", "2001:db8::/64"}
	for _, given := range [][]string{ranges, nil} {
		d := newDoorwayWith(t, func(o *dashboard.Options) { o.Facts.Ranges = given }, framed)
		own := d.hook("acme")
		d.follow(identity.NewPortalLink{Tenant: "acme", Name: "carla", ReadOnly: true}, "")
		for _, path := range []string{"/portal/webhooks", "/portal/webhooks/" + own.ID.String()} {
			page := d.get(path)
			d.shows(page, 200, "acme.example")
			if shown := strings.Contains(page.body, strings.Join(ranges, ", ")); shown != (given != nil) {
				t.Errorf("%s with the ranges %v shows them: %t", path, given, shown)
			}
		}
	}
}
