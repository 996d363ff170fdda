package dashboard

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/front"
	"github.com/pealhq/peal/internal/identity"
	"github.com/pealhq/peal/internal/message"
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
