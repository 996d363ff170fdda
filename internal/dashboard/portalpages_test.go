package dashboard_test

import (
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/pealhq/peal"
)

// Every page of the portal, themed, in German, light and dark, on a desk and on a phone, is
// accessible and causes no complaints of the browser. Only colours and longer words differ from
// TestPages: a few pages are enough for those; all are checked if PEAL_PORTAL_PAGES is all.
func TestPortalPages(t *testing.T) {
	s := startServer(t)
	data := seed(t, s)
	theme := peal.Theme{
		Name: "Acme", Logo: []byte(`<svg xmlns="http://www.w3.org/2000/svg" width="28" height="28"><circle cx="14" cy="14" r="14" fill="#005f73"/></svg>`), Language: "de",
		Light: peal.ThemePalette{Brand: "#005f73", Background: "#fafafa", Surface: "#ffffff", Text: "#1a1a1a"}, Dark: peal.ThemePalette{Brand: "#94d2bd"},
	}
	if err := s.Store().PutTheme(t.Context(), peal.DefaultTenant, theme); err != nil {
		t.Fatal(err)
	}
	b := startBrowser(t, "http://"+s.Addr())
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	link := newLink(t, &http.Client{Transport: transport}, b.base, peal.DefaultTenant)
	b.run(chromedp.Navigate(link.URL), chromedp.WaitReady(`main`))
	paths := pagesOf(data)
	for _, name := range slices.Sorted(maps.Keys(paths)) {
		path := paths[name]
		of := func(prefix string) bool { return strings.HasPrefix(path, prefix) }
		few := []string{"overview", "webhook", "webhook-edit", "webhook-secret", "deliveries", "delivery-hostile"}
		if os.Getenv("PEAL_PORTAL_PAGES") != "all" && !slices.Contains(few, name) || path != "/" && !slices.ContainsFunc([]string{"/webhooks", "/deliveries", "/events", "/catalogue"}, of) {
			continue // no page of the portal
		}
		t.Run(name, func(t *testing.T) {
			b.t = t
			b.complained()
			b.open("/portal" + path)
			if language := get[string](b, `document.documentElement.lang`); language != "de" {
				t.Errorf("the page is in %q", language)
			}
			for _, one := range b.axe() {
				t.Errorf("axe-core, light: %s", one)
			}
			b.run(chromedp.EmulateViewport(360, 740), chromedp.Evaluate[chromedp.Void](`document.documentElement.dataset.theme = "dark"`))
			if wide := get[int](b, `document.documentElement.scrollWidth`); wide > 360 {
				t.Errorf("the page is %d wide on a screen of 360", wide)
				t.Log(get[string](b, `[...document.querySelectorAll("main *")].filter(e => e.getBoundingClientRect().right > 361).map(e => e.tagName + "." + e.className + ": " + e.textContent.slice(0, 60)).slice(0, 12).join("\n")`))
			}
			for _, one := range b.axe() {
				t.Errorf("axe-core, dark, on a phone: %s", one)
			}
			b.run(chromedp.EmulateViewport(1320, 900))
			for _, one := range b.complained() {
				t.Errorf("the browser complains: %s", one)
			}
		})
	}
	b.t = t
}
