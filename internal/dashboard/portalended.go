package dashboard

import (
	"net/http"

	"github.com/pealhq/peal"
)

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
