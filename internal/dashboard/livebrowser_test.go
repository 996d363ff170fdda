package dashboard_test

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/server"
)

// until waits until an expression is true in the page.
func (b *browser) until(expression string) {
	b.t.Helper()
	b.run(chromedp.Poll[chromedp.Void](expression))
}

// stays marks the page that is open, and returns a check that it is still that page.
func (b *browser) stays() func() {
	b.t.Helper()
	get[bool](b, `window.stays = true`)
	return func() {
		b.t.Helper()
		if !get[bool](b, `window.stays === true`) {
			b.t.Error("the page was loaded again")
		}
	}
}

// addWebhook adds a webhook with deliveries that fail, if at all, with their first attempt.
func addWebhook(t *testing.T, s *server.Server, name, url string) peal.Webhook {
	t.Helper()
	w, err := s.Store().CreateWebhook(t.Context(), peal.Webhook{
		ID: peal.NewWebhookID(), Tenant: peal.DefaultTenant, Name: name, URL: url, Events: []string{"order.*"}, Format: peal.DefaultFormat,
		Timeout: peal.DefaultTimeout, Status: peal.Active, RetryPolicy: &peal.RetryPolicy{}, Secrets: []peal.Secret{{Value: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}},
	})
	if err == nil {
		err = s.Engine().Refresh(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func publish(t *testing.T, s *server.Server) {
	t.Helper()
	if _, err := s.Engine().Publish(t.Context(), peal.DefaultTenant, peal.Event{Type: "order.paid", Data: []byte(`1`)}); err != nil {
		t.Fatal(err)
	}
}

// rowsOf returns an expression that reports whether an element has n pills of a class.
func rowsOf(element, class string, n int) string {
	return `document.querySelectorAll(` + strconv.Quote(element+" .pill."+class) + `).length === ` + strconv.Itoa(n)
}

// The page of a webhook shows what fails and what arrives as it happens, and does not disturb its
// reader: the notice, and typed, marked, unfolded and focused parts stay.
func TestLiveWebhook(t *testing.T) {
	s := startServer(t)
	receiver := newEndpoint(t, http.StatusServiceUnavailable)
	w := addWebhook(t, s, "Orders", receiver.URL+"/hook")
	b := openBrowser(t, s)
	b.open("/webhooks/" + w.ID.String() + "?done=created")
	b.sees("The webhook is created.")
	b.sees("No deliveries")
	b.settles()
	stays := b.stays()

	b.run(chromedp.Click(`#webhook_chart summary`), chromedp.Click(`#zone`), chromedp.KeyEvent("Europe/Be"))
	publish(t, s)
	b.until(rowsOf("#webhook_deliveries", "bad", 1))
	b.sees("answers 503")
	b.run(chromedp.KeyEvent("rlin"))
	b.holds("#zone", "Europe/Berlin")
	if !get[bool](b, `document.activeElement.id === "zone" && document.querySelector("#webhook_chart details").open`) {
		t.Error("the field has lost the focus, or the table of the chart is folded")
	}
	b.sees("The webhook is created.")

	b.run(chromedp.Focus(`#webhook_deliveries header a`))
	publish(t, s)
	b.until(rowsOf("#webhook_deliveries", "bad", 2))
	if !get[bool](b, `document.activeElement === document.querySelector("#webhook_deliveries header a")`) {
		t.Error("the link has lost the focus")
	}

	marked := get[string](b, `getSelection().selectAllChildren(document.querySelector("#webhook_health .problem p")), getSelection().toString()`)
	get[bool](b, `window.health = document.querySelector("#webhook_health"), true`)
	publish(t, s)
	b.until(rowsOf("#webhook_deliveries", "bad", 3))
	if got := get[string](b, `getSelection().toString()`); got != marked || marked == "" {
		t.Errorf("of the marked text %q is left %q", marked, got)
	}
	get[bool](b, `getSelection().removeAllRanges(), true`)
	b.until(`!window.health.isConnected`)

	receiver.status.Store(http.StatusNoContent)
	publish(t, s)
	b.until(rowsOf("#webhook_deliveries", "ok", 1))
	stays()

	paused, err := s.Store().Webhook(t.Context(), w.Tenant, w.ID)
	if err != nil {
		t.Fatal(err)
	}
	paused.Status, paused.StatusReason = peal.Paused, "The orders move house."
	if _, err := s.Store().UpdateWebhook(t.Context(), paused); err != nil {
		t.Fatal(err)
	}
	b.sees("The orders move house.")
	stays()
	b.run(chromedp.WaitReady(`#webhook_actions form[hx-boost]`)) // the new form is one that keeps its page
	b.press("Resume")
	b.sees("The webhook is active.")

	stays = b.stays()
	publish(t, s)
	b.until(rowsOf("#webhook_deliveries", "ok", 2)) // the new page follows
	if err := s.Store().DeleteWebhook(t.Context(), w.Tenant, w.ID); err != nil {
		t.Fatal(err)
	}
	b.sees("There is no such webhook.")
	stays()
	for _, one := range b.complained() {
		t.Errorf("the browser complains: %s", one)
	}
}

// The overview shows what fails and what arrives as it happens.
func TestLiveOverview(t *testing.T) {
	s := startServer(t)
	receiver := newEndpoint(t, http.StatusServiceUnavailable)
	addWebhook(t, s, "Orders", receiver.URL+"/hook")
	b := openBrowser(t, s)
	b.open("/")
	b.sees("Orders")
	b.settles()
	stays := b.stays()
	b.run(chromedp.Click(`#tenant`), chromedp.KeyEvent("ac"))
	publish(t, s)
	b.sees("answers 503")
	b.run(chromedp.WaitVisible(`#overview_webhooks .pill.bad`), chromedp.KeyEvent("me"))
	b.holds("#tenant", "acme")
	receiver.status.Store(http.StatusNoContent)
	publish(t, s)
	b.run(chromedp.WaitVisible(`#overview_webhooks .pill.ok`))
	addWebhook(t, s, "Invoices", receiver.URL+"/invoices")
	b.sees("Invoices")
	b.holds("#tenant", "acme")
	stays()
	for _, one := range b.complained() {
		t.Errorf("the browser complains: %s", one)
	}
}
