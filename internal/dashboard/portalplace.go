package dashboard

import (
	"net/http"
	"net/url"
	"strings"
)

// portalPlace is the cookie that leads back, with a new link, to the page at which a
// visit of the same tenant ended.
const portalPlace = "peal_portal_place"

// place is what that cookie holds.
type place struct{ Tenant, Page string }

// placeOf reads where a visit was; Tenant is "" where the browser has kept nothing.
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

// keepPlace has the browser remember where a visit is.
func (d *Dashboard) keepPlace(w http.ResponseWriter, r *http.Request, p place) {
	d.identity.KeepInPortal(w, r, portalPlace, url.Values{"tenant": {p.Tenant}, "page": {p.Page}}.Encode())
}

// placeAsked is the page that a request is for or, of a form, the page that it is on.
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

// portalPage gives a path of a page of the portal that one may come back to; "" for
// anything else.
func portalPage(page string) string {
	const longest = 1000 // bytes: browsers keep cookies of 4 KiB
	page = localPath(page)
	inside := strings.HasPrefix(page, portalPath+"/") && !strings.HasPrefix(page, portalPath+"/enter/") && !strings.HasPrefix(page, portalPath+"/leave")
	if !inside || len(page) > longest {
		return ""
	}
	return page
}
