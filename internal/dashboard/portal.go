package dashboard

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/front"
	"github.com/pealhq/peal/internal/identity"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/internal/theme"
)

// portalPath is the path of the portal. Its pages are those of the dashboard for one tenant;
// [linksInto] moves their links below this path.
const portalPath = "/portal"

// portalPaths are the prefixes of the paths of pages that the portal has.
var portalPaths = []string{"/{$}", "/overview", "/webhooks", "/deliveries", "/events", "/catalogue", "/quotas", "/zone"}

type portalKey struct{}

// portal holds the data of a request to the portal, apart from the caller.
type portal struct {
	theme peal.Theme
	home  string // the link of its name and logo
}

// portalRoutes serves the pages of the portal.
func (d *Dashboard) portalRoutes() {
	for _, rt := range d.routes() {
		of := func(prefix string) bool { return rt.path == prefix || strings.HasPrefix(rt.path, prefix+"/") }
		if slices.ContainsFunc(portalPaths, of) {
			d.handle(rt.method+" "+portalPath+rt.path, d.inPortal(d.serve(rt)))
		}
	}
	d.handle("GET "+portalPath, d.inPortal(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, portalOf(r).home, http.StatusSeeOther)
	}))
	d.handle("GET "+portalPath+"/enter/{token}", d.enterPortal)
	d.handle("POST "+portalPath+"/leave", d.open(d.leavePortal))
	d.handle("GET "+portalPath+"/theme.css", d.inPortal(d.themeSheet))
	d.handle("GET "+portalPath+"/logo", d.inPortal(d.themeLogo))
}

// portalOf returns the portal of a request; nil for the dashboard.
func portalOf(r *http.Request) *portal {
	p, _ := r.Context().Value(portalKey{}).(*portal)
	return p
}

// protectPortal lets the pages of the allowed origins show the portal in a frame.
func (d *Dashboard) protectPortal(w http.ResponseWriter) {
	w.Header().Del("X-Frame-Options")
	front.ProtectPage(w.Header(), d.identity.FrameAncestors()...)
}

// inPortal serves a page to portal sessions.
func (d *Dashboard) inPortal(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		d.protectPortal(w)
		who, err := d.identity.PortalCaller(r)
		if err != nil {
			d.portalEnded(w, r, err)
			return
		}
		p := &portal{home: portalPath + "/"}
		if p.theme, err = d.identity.Theme(r.Context(), who.Tenant); err != nil {
			d.fail(w, r, err)
			return
		}
		if !who.Sees(peal.PartOverview) {
			p.home = portalPath + "/webhooks"
		}
		next(w, r.WithContext(context.WithValue(identity.With(r.Context(), who), portalKey{}, p)))
	}
}

// enterPortal starts a session for a portal link, and redirects to the page at which an earlier
// visit ended. The parameter lang sets the language of the pages.
func (d *Dashboard) enterPortal(w http.ResponseWriter, r *http.Request) {
	d.protectPortal(w)
	who, err := d.identity.RedeemPortalLink(w, r, r.PathValue("token"))
	if err != nil {
		d.portalEnded(w, r, err)
		return
	}
	if language := r.URL.Query().Get("lang"); d.pages.texts[language] != nil {
		d.identity.KeepInPortal(w, r, portalLanguage, language)
	}
	page, was := portalPath, placeOf(r)
	if was.Tenant == who.Tenant && was.Page != "" {
		page = was.Page
	}
	d.keepPlace(w, r, place{Tenant: who.Tenant})
	http.Redirect(w, r, page, http.StatusSeeOther)
}

// leavePortal ends the session.
func (d *Dashboard) leavePortal(w http.ResponseWriter, r *http.Request) {
	d.protectPortal(w)
	if err := d.identity.LeavePortal(w, r); err != nil {
		d.fail(w, r, err)
		return
	}
	d.keepPlace(w, r, place{}) // after signing out, the next visit starts at the home page
	d.showEnded(w, r, peal.Fail(peal.Unauthorized, message.SessionOver), false)
}

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

// portalEnded shows a guest without a session how to get one, and remembers the page. If htmx
// requested a part of a page, it leaves the part with its typed text as it is, and the page is
// loaded again.
func (d *Dashboard) portalEnded(w http.ResponseWriter, r *http.Request, err error) {
	was := placeOf(r)
	if page := placeAsked(r); !d.identity.FromElsewhere(r) && was.Tenant != "" && page != "" {
		d.keepPlace(w, r, place{was.Tenant, page})
	}
	if r.Header.Get("HX-Request") == "true" && peal.CodeOf(err) == peal.Unauthorized {
		w.Header().Set("HX-Refresh", "true")
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	d.showEnded(w, r, err, was.Tenant != "")
}

// showEnded shows that a visit has ended. It asks the embedding page for a new link only if a visit
// had started: with a browser that keeps no cookies it would ask forever.
func (d *Dashboard) showEnded(w http.ResponseWriter, r *http.Request, err error, ask bool) {
	c := &call{w: w, r: r, d: d, now: d.Now().UTC(), texts: d.pages.language(r, languageOfPortal(r))}
	key := "portal.ended"
	switch peal.CodeOf(err) {
	case peal.Unauthorized:
	case peal.NotFound:
		key = "portal.used"
	default:
		d.fail(w, r, err)
		return
	}
	status, _ := d.explain(w, r, c.texts, err)
	c.showPlain(status, "portal_ended", &frame{Title: c.texts.get(key), Language: c.texts.language, Ended: ask}, failure{Message: c.texts.get("portal.again")})
}

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
