package dashboard

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
	"github.com/pealhq/peal/internal/theme"
)

// partPaths are the prefixes of the paths of each part's pages, with the word that follows the
// webhook's id, if any.
var partPaths = map[peal.PortalPart]struct{ prefix, word string }{
	peal.PartDeliveries: {prefix: "/deliveries"},
	peal.PartEvents:     {prefix: "/events"},
	peal.PartCatalogue:  {prefix: "/catalogue"},
	peal.PartReplays:    {prefix: "/webhooks", word: "replay"},
	peal.PartTests:      {prefix: "/webhooks", word: "test"},
	peal.PartSecrets:    {prefix: "/webhooks", word: "secret"},
}

// partOf returns the part of a page, given its path in the dashboard; "" for none.
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

// themeSheet serves the style sheet of the theme as a separate file, so that pages need no inline
// styles. It also hides the links to hidden parts, which the server does not serve anyway.
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

// themeLogo serves the logo. A script in a drawing cannot run: it is shown as a picture, and in a
// sandbox if opened directly.
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
