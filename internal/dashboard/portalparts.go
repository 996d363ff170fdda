package dashboard

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
	"github.com/pealhq/peal/internal/theme"
)

// partPaths are the paths of the pages of each part, as they begin, and the word that
// follows the webhook's id, where there is one.
var partPaths = map[peal.PortalPart]struct{ prefix, word string }{
	peal.PartDeliveries: {prefix: "/deliveries"},
	peal.PartEvents:     {prefix: "/events"},
	peal.PartCatalogue:  {prefix: "/catalogue"},
	peal.PartReplays:    {prefix: "/webhooks", word: "replay"},
	peal.PartTests:      {prefix: "/webhooks", word: "test"},
	peal.PartSecrets:    {prefix: "/webhooks", word: "secret"},
}

// partOf returns the part that a page, named by its path in the dashboard, belongs to; ""
// for none.
func partOf(path string) peal.PortalPart {
	if path == "/" || path == "/{$}" || path == "/overview/stream" {
		return peal.PartOverview
	}
	for _, part := range peal.PortalParts() {
		where, ok := partPaths[part]
		if !ok {
			continue
		}
		rest, under := strings.CutPrefix(path, where.prefix)
		if !under || rest != "" && rest[0] != '/' {
			continue
		}
		words := strings.Split(rest, "/") // "", id, word, …
		if where.word == "" || len(words) > 2 && strings.HasPrefix(words[2], where.word) {
			return part
		}
	}
	return ""
}

// themeSheet is the style sheet of the theme: a file of its own, so that no page needs
// styles in it. It also takes away the ways to what is hidden; the server does not
// serve that in any case.
func (d *Dashboard) themeSheet(w http.ResponseWriter, r *http.Request) {
	p := portalOf(r)
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "private, no-cache")
	fmt.Fprint(w, theme.Sheet(p.theme))
	who, _ := identity.FromContext(r.Context())
	for _, part := range who.Hidden {
		where, ok := partPaths[part]
		if !ok {
			continue
		}
		for _, attribute := range []string{"href", "action", "hx-get", "hx-post"} {
			selector := fmt.Sprintf("[%s^=%q]", attribute, portalPath+where.prefix)
			if where.word != "" {
				selector += fmt.Sprintf("[%s*=%q]", attribute, "/"+where.word)
			}
			fmt.Fprintf(w, "%s { display: none !important }\n", selector)
		}
	}
}

// themeLogo is the logo. Even a drawing with a script in it does nothing: it is shown as
// a picture, and on its own in a sandbox.
func (d *Dashboard) themeLogo(w http.ResponseWriter, r *http.Request) {
	logo := portalOf(r).theme.Logo
	media, err := theme.LogoType(logo)
	if len(logo) == 0 || err != nil {
		d.notFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	h.Set("Cache-Control", "private, no-cache")
	w.Write(logo)
}
