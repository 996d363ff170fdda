package dashboard

import (
	"net/http"

	"github.com/pealhq/peal/internal/identity"
)

// portalLanguage is the cookie with the language of a portal link.
const portalLanguage = "peal_portal_language"

// wishedLanguage returns the language of the portal's link or theme; "" leaves it to the browser.
func (c *call) wishedLanguage() string {
	if c.portal == nil {
		return ""
	}
	if language := languageOfPortal(c.r); c.d.pages.texts[language] != nil {
		return language
	}
	return c.portal.theme.Language
}

// languageOfPortal returns the language of a portal link; "" for none.
func languageOfPortal(r *http.Request) string {
	cookie, err := r.Cookie(portalLanguage)
	if err != nil {
		return ""
	}
	return cookie.Value
}

// placed returns a rendered page with links below the base of the call, and times in the reader's
// zone.
func (c *call) placed(rendered []byte) []byte {
	rendered = showTimes(rendered, c.zone, c.now)
	if c.base == "" {
		return rendered
	}
	return []byte(linksInto(c.base).Replace(string(rendered)))
}

// look sets the parts of the frame that differ in the portal.
func (p *portal) look(f *frame, who *identity.Principal) {
	f.InPortal, f.Home = true, p.home
	f.Brand, f.HasLogo = p.theme.Name, len(p.theme.Logo) > 0
	if f.Brand == "" {
		f.Brand = ownName
	}
	switch p.theme.Mode {
	case "light", "dark":
		f.Theme, f.ThemeFixed = string(p.theme.Mode), true
	}
	shown := f.Menu[:0]
	for _, item := range f.Menu {
		if who.Sees(partOf(item.Path)) {
			shown = append(shown, item)
		}
	}
	f.Menu = shown
}

// ownName is the name on the pages unless a theme has another.
const ownName = "Peal"
