package dashboard

import (
	"net/http"
	"net/url"
	"strings"
)

// portalPlace is the cookie with the page at which a visit ended, for the next link of the same
// tenant.
const portalPlace = "peal_portal_place"

// place is the content of that cookie.
type place struct{ Tenant, Page string }

// placeOf returns the place in the cookie; Tenant is "" without one.
func placeOf(r *http.Request) place {
	cookie, err := r.Cookie(portalPlace)
	if err != nil {
		return place{}
	}
	kept, err := url.ParseQuery(cookie.Value)
	if err != nil {
		return place{}
	}
	return place{kept.Get("tenant"), portalPage(kept.Get("page"))}
}

// keepPlace sets the cookie with the place of a visit.
func (d *Dashboard) keepPlace(w http.ResponseWriter, r *http.Request, p place) {
	d.identity.KeepInPortal(w, r, portalPlace, url.Values{"tenant": {p.Tenant}, "page": {p.Page}}.Encode())
}

// placeAsked returns the page of a request or, for a form, the page that contains it.
func placeAsked(r *http.Request) string {
	switch {
	case r.Header.Get("HX-Request") == "true":
		return portalPage(pathOf(r.Header.Get("HX-Current-URL")))
	case r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html"): // no style sheet, no stream
		return portalPage(r.URL.RequestURI())
	case r.Method == http.MethodGet:
		return ""
	default:
		return portalPage(pathOf(r.Referer()))
	}
}

// portalPage returns page if it is the path of a portal page to which a visit may return; ""
// otherwise.
func portalPage(page string) string {
	const longest = 1000 // bytes: browsers keep cookies of 4 KiB
	page = localPath(page)
	inside := strings.HasPrefix(page, portalPath+"/") && !strings.HasPrefix(page, portalPath+"/enter/") && !strings.HasPrefix(page, portalPath+"/leave")
	if !inside || len(page) > longest {
		return ""
	}
	return page
}
