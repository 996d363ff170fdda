package dashboard_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"

	"github.com/pealhq/peal"
)

// The portal in a frame of another site, in a browser that allows such frames only partitioned
// cookies: a tenant creates a webhook, tests it and sees the result.
func TestPortalInAFrame(t *testing.T) {
	a := startApplication(t)
	store := a.peal.Store()
	other, err := store.CreateWebhook(t.Context(), peal.Webhook{
		ID: peal.NewWebhookID(), Tenant: "other", URL: "https://other.example/hook", Events: []string{"*"}, Format: peal.DefaultFormat,
		Timeout: peal.DefaultTimeout, Status: peal.Active,
	})
	if err != nil {
		t.Fatal(err)
	}
	receiver := newEndpoint(t, http.StatusNoContent)
	b := startBrowser(t, a.at("localhost"), chromedp.IgnoreCertErrors, chromedp.Flag("test-third-party-cookie-phaseout", true))
	link := a.newLink("acme")
	frame := b.show(a, link.URL, "")

	frame.sees("No webhooks yet")
	frame.click(`//nav//a[@href="/portal/webhooks"]`)
	frame.run(chromedp.WaitVisible(`//main//h1[.="Webhooks"]`))
	if text := get[string](frame, `document.body.innerText`); strings.Contains(text, "other.example") {
		t.Errorf("the frame shows what another tenant has: %s", text)
	}
	if status := get[int](frame, `fetch("/portal/webhooks/`+other.ID.String()+`").then(r => r.status)`); status != http.StatusNotFound {
		t.Errorf("another tenant's webhook answers %d in the frame", status)
	}
	frame.press("New webhook")
	frame.run(chromedp.WaitVisible(`#url`))
	frame.fill(`#url`, receiver.URL+"/hook")
	frame.fill(`#patterns`, "*")
	frame.press("Create webhook")
	frame.sees("The webhook is created.")
	frame.press("Send a test")
	frame.sees("Send now")
	frame.press("Send now")
	frame.sees("Taken: answered 204")
	published := a.call(http.MethodPost, "/v1/events", "acme", `{"type": "task.created", "data": {"id": 7}}`)
	published.Body.Close()
	if published.StatusCode >= 300 {
		t.Errorf("publish: %s", published.Status)
	}
	frame.click(`//nav//a[@href="/portal/deliveries"]`)
	frame.run(chromedp.WaitVisible(`//main//tr[contains(., "task.created")]//*[@class="pill ok"]`))
	if at := get[string](b, `location.origin`); at != a.at("localhost") {
		t.Errorf("the page around the frame has moved to %s", at)
	}
	for _, one := range frame.complained() {
		if strings.Contains(one, other.ID.String()) {
			continue // the answer 404 that was wanted above
		}
		t.Errorf("the browser complains: %s", one)
	}
	b.keepsApart(a)
}

// keepsApart looks at the cookie of the portal's session.
func (b *browser) keepsApart(a *application) {
	b.t.Helper()
	cookies, err := chromedp.CallBrowser(b.ctx, storage.GetCookies, storage.GetCookiesParams{})
	if err != nil {
		b.t.Fatal(err)
	}
	for _, cookie := range cookies.Cookies {
		if cookie.Name != "__Host-peal_portal" {
			continue
		}
		if !cookie.Secure || !cookie.HTTPOnly || cookie.SameSite != "None" || cookie.PartitionKey == nil || cookie.PartitionKey.TopLevelSite != "https://localhost" {
			b.t.Errorf("the session's cookie is %+v", cookie)
		}
		return
	}
	b.t.Errorf("the browser keeps no cookie of the session, but %d others", len(cookies.Cookies))
}

// The page of an ended visit explains what to do; with a new link it continues at the same page,
// with the typed text.
func TestPortalVisitEnds(t *testing.T) {
	a := startApplication(t)
	w, err := a.peal.Store().CreateWebhook(t.Context(), peal.Webhook{
		ID: peal.NewWebhookID(), Tenant: "acme", URL: "https://acme.example/hook", Events: []string{"*"}, Format: peal.DefaultFormat,
		Timeout: peal.DefaultTimeout, Status: peal.Active, Secrets: []peal.Secret{{Value: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	b := startBrowser(t, a.at("localhost"), chromedp.IgnoreCertErrors, chromedp.Flag("test-third-party-cookie-phaseout", true), chromedp.Flag("host-resolver-rules", "MAP *.test 127.0.0.1"))
	end := func(link portalLink) {
		t.Helper()
		answer := a.call(http.MethodDelete, "/v1/portal-links/"+link.ID, "acme", "")
		answer.Body.Close()
		if answer.StatusCode != http.StatusNoContent {
			t.Errorf("take the link back: %s", answer.Status)
		}
	}
	first := a.newLink("acme")
	frame := b.show(a, first.URL, "")
	defer func() {
		if t.Failed() {
			t.Log("the page asked for", a.made.Load(), "links; the browser says", b.complained(), "and in the frame", frame.complained())
		}
	}()
	frame.sees("No attempts were made")
	frame.run(chromedp.Evaluate[chromedp.Void](`location.assign("/portal/webhooks/`+w.ID.String()+`/edit")`), chromedp.WaitVisible(`#description`))
	frame.settles()
	frame.run(chromedp.Evaluate[chromedp.Void](`document.querySelector("#description").value = "typed by hand"`)) // and no event, as before the scripts listen
	end(first)
	frame.press("Save")
	frame.sees("Your visit has ended")
	frame.sees("open this page again")
	for _, one := range frame.axe() {
		t.Errorf("axe-core, where a visit has ended: %s", one)
	}

	second := a.newLink("acme")
	frame = b.show(a, second.URL, "?renew")
	frame.run(chromedp.WaitVisible(`#kept`))
	frame.settles()
	frame.holds(`#description`, "typed by hand")
	frame.press("Save")
	frame.sees("The changes are saved")
	frame.complained()

	// The page around the frame can give the new link by itself.
	end(second)
	frame.click(`//nav//a[@href="/portal/deliveries"]`)
	frame.run(chromedp.WaitVisible(`//main//h1[.="Deliveries"]`))
	if n := a.made.Load(); n != 1 {
		t.Errorf("the page asked for %d links", n)
	}

	frame = b.show(a, second.URL, "")
	frame.sees("This link does not work any more")

	third := a.newLink("acme").URL
	a.link.Store(&third)
	b.complained()
	b.run(chromedp.Navigate(a.at("elsewhere.test") + "/"))
	for !find(b.complained(), "frame-ancestors https://localhost") {
		get[int](b, `1`)
	}
}
