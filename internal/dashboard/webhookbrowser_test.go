package dashboard_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/storetest"
)

// tabTo moves the focus from field to field, as one who has no mouse, until it is on what a
// selector matches.
func (b *browser) tabTo(selector string) {
	b.t.Helper()
	for range 100 {
		if get[bool](b, fmt.Sprintf(`document.activeElement.matches(%q)`, selector)) {
			return
		}
		b.run(chromedp.KeyEvent(kb.Tab))
	}
	b.t.Fatalf("the focus never comes to %s", selector)
}

// lists waits until the list of webhooks starts with a name.
func (b *browser) lists(first string) {
	b.t.Helper()
	b.run(chromedp.WaitVisible(`//main//tbody/tr[1]//a[normalize-space()="` + first + `"]`))
}

// manyWebhooks adds so many webhooks: "Shop no-000", "Shop no-001" and so on, the newest being the first by name.
func manyWebhooks(t *testing.T, store storetest.Store, n int) {
	t.Helper()
	for i := range n {
		_, err := store.CreateWebhook(t.Context(), peal.Webhook{
			ID: peal.NewWebhookID(), Tenant: peal.DefaultTenant, Name: fmt.Sprintf("Shop no-%03d", n-1-i), URL: fmt.Sprintf("https://shop%d.example/hook", i), Events: []string{"order.*"},
			Format: peal.DefaultFormat, Timeout: peal.DefaultTimeout, Status: peal.Paused,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// 302 webhooks are searched, sorted and paged through with the keyboard alone.
func TestManyWebhooksByKeyboard(t *testing.T) {
	s := startServer(t)
	manyWebhooks(t, s.Store(), 302)
	b := openBrowser(t, s)
	b.open("/webhooks?order=oldest")
	b.lists("Shop no-301")
	b.settles()
	b.tabTo("#q")
	b.run(chromedp.KeyEvent("no-04" + kb.Enter))
	b.sees("10 webhooks")
	b.lists("Shop no-049")
	b.settles()
	b.tabTo("select[name=order]")
	b.run(chromedp.KeyEvent(kb.End)) // chooses the last order, and the page follows
	b.lists("Shop no-040")
	b.settles()
	b.holds("#q", "no-04")
	b.tabTo(`form[role=search] a[href$="/webhooks"]`)
	b.run(chromedp.KeyEvent(kb.Enter))
	b.lists("Shop no-000")
	b.settles()
	b.tabTo("a[rel=next]")
	b.run(chromedp.KeyEvent(kb.Enter))
	b.lists("Shop no-050")
	for _, one := range b.complained() {
		t.Errorf("the browser complains: %s", one)
	}
}

// The same without script, with the mouse.
func TestManyWebhooksWithoutScript(t *testing.T) {
	s := startServer(t)
	manyWebhooks(t, s.Store(), 302)
	b := openBrowser(t, s)
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	b.open("/webhooks?order=oldest")
	b.lists("Shop no-301")
	b.fill("#q", "no-04")
	b.press("Search")
	b.sees("10 webhooks")
	b.lists("Shop no-049")
	b.fill("select[name=order]", "name")
	b.press("Search")
	b.lists("Shop no-040")
	b.press("All webhooks")
	b.lists("Shop no-000")
	b.run(chromedp.Click("a[rel=next]"))
	b.lists("Shop no-050")
}

// Deleting a webhook needs its name, and refuses another one.
func TestDeleteByName(t *testing.T) {
	s := startServer(t)
	w := addWebhook(t, s, "Acme's “orders”", "https://shop.example/hook")
	b := openBrowser(t, s)
	b.open("/webhooks/" + w.ID.String())
	b.press("Delete")
	b.sees("Acme's “orders”")
	b.run(chromedp.Focus("#name"), chromedp.KeyEvent("https://shop.example/hook"+kb.Enter))
	b.run(chromedp.WaitVisible("#name-fault"))
	b.complained() // the browser reports the answer 422
	if _, err := s.Store().Webhook(t.Context(), w.Tenant, w.ID); err != nil {
		t.Fatalf("the webhook is gone with a name that is not its own: %v", err)
	}
	b.fill("#name", "Acme's “orders”")
	b.press("Delete")
	b.sees("No webhooks yet")
	if _, err := s.Store().Webhook(t.Context(), w.Tenant, w.ID); peal.CodeOf(err) != peal.NotFound {
		t.Errorf("the webhook is still there: %v", err)
	}
	for _, one := range b.complained() {
		t.Errorf("the browser complains: %s", one)
	}
}
