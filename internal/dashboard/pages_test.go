package dashboard_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// maxPage is the most that a page may weigh, in bytes.
const maxPage = 150 << 10

// pagesOf are all pages, by a name for their pictures.
func pagesOf(s seeded) map[string]string {
	failing, well := "/webhooks/"+s.webhooks[4].ID.String(), "/webhooks/"+s.webhooks[2].ID.String()
	return map[string]string{
		"overview": "/", "overview-30d": "/?range=30d", "webhooks": "/webhooks", "webhook": failing, "webhook-well": well, "webhook-new": "/webhooks/new", "webhook-edit": well + "/edit",
		"webhook-test": well + "/test", "webhook-secret": well + "/secret", "webhook-code": well + "/code?language=Python", "webhook-replay": failing + "/replay",
		"webhook-delete": well + "/delete", "deliveries": "/deliveries", "deliveries-failed": "/deliveries?status=failed", "delivery": "/deliveries/" + s.pending.String(),
		"delivery-hostile": "/deliveries/" + s.pending.String() + "?attempt=1", "delivery-failed": "/deliveries/" + s.failed.String(), "delivery-delivered": "/deliveries/" + s.delivered.String(),
		"events": "/events", "event": "/events/" + s.event.String(), "publish": "/publish", "catalogue": "/catalogue", "event-type": "/catalogue/task.created", "welcome": "/welcome/echo",
		"settings-tenants": "/tenants", "settings-tenant": "/tenants/default", "settings-keys": "/keys", "settings-users": "/users", "settings-sources": "/sources", "settings-source": "/sources/" + s.source.String(),
		"settings-presets": "/presets", "settings-audit": "/audit", "settings-nodes": "/nodes", "settings-server": "/server", "account": "/account",
	}
}

// Every page works without a complaint of the browser, is small, can be used by
// everybody, and fits a phone.
func TestPages(t *testing.T) {
	s := startServer(t)
	data := seed(t, s)
	b := openBrowser(t, s)
	for name, path := range pagesOf(data) {
		if slices.Contains([]string{"overview-30d", "webhook-well", "deliveries-failed", "delivery-delivered", "delivery-failed"}, name) {
			continue // nothing in them that the others have not
		}
		t.Run(name, func(t *testing.T) {
			b.t = t
			b.complained()
			b.open(path)
			size, title := get[int](b, `performance.getEntriesByType("navigation")[0].decodedBodySize`), get[string](b, `document.title`)
			if size > maxPage {
				t.Errorf("the page has %d bytes, at most %d are allowed", size, maxPage)
			}
			if !strings.HasSuffix(title, "· Peal") {
				t.Errorf("the title is %q", title)
			}
			for _, one := range b.axe() {
				t.Errorf("axe-core: %s", one)
			}
			b.run(chromedp.EmulateViewport(360, 740))
			wide := get[int](b, `document.documentElement.scrollWidth`)
			if wide > 360 {
				t.Errorf("the page is %d wide on a screen of 360: %s", wide, get[string](b, `[...document.querySelectorAll("main *")].filter(e => e.getBoundingClientRect().right > 360 && !e.closest(".scroll,pre,svg")).map(e => e.tagName + "." + e.className).join(" ")`))
			}
			if aside := get[[]string](b, `[...document.querySelectorAll(".list")].filter(e => e.scrollWidth > e.clientWidth).map(e => e.innerText.slice(0, 200))`); len(aside) > 0 {
				t.Errorf("on a phone these lists go beyond the side: %q", aside)
			}
			b.run(chromedp.EmulateViewport(1320, 900))
			for _, one := range b.complained() {
				t.Errorf("the browser complains: %s", one)
			}
		})
	}
	b.t = t
}

// On a phone the menu is behind a button, and leads everywhere.
func TestPhoneMenu(t *testing.T) {
	s := startServer(t)
	b := openBrowser(t, s)
	b.run(chromedp.EmulateViewport(360, 740), chromedp.WaitNotVisible(`nav a[href="/t/default/audit"]`), chromedp.Click(`.burger`), chromedp.WaitVisible(`nav a[href="/t/default/audit"]`))
	for _, one := range b.axe() {
		t.Errorf("axe-core: %s", one)
	}
	b.run(chromedp.Click(`nav a[href="/t/default/audit"]`))
	b.sees("Audit log")
	b.run(chromedp.WaitNotVisible(`nav a[href="/t/default/audit"]`))
}
