package dashboard

import (
	"net/http"

	"github.com/pealhq/peal"
)

// portalEnded tells somebody without a session how to get one, and remembers where they
// were. A part of a page that htmx asks for stays as it is, with what was typed in it:
// the page is loaded again, and tells.
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

// showEnded shows that a visit has ended. A page around it is asked for a new link only
// where a visit had begun: one that keeps no cookies would be asked for ever.
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
