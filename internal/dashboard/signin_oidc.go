package dashboard

import (
	"net/http"
	"net/url"

	"github.com/pealhq/peal/internal/identity"
)

func (d *Dashboard) openIDRoutes() {
	d.handle("GET /login/oidc", d.beginOpenID)
	d.handle("GET "+identity.OIDCCallback, d.finishOpenID)
}

// beginOpenID sends the browser to the OpenID provider. It is a link, not a form: the
// pages' policy lets no form lead to another site.
func (d *Dashboard) beginOpenID(w http.ResponseWriter, r *http.Request) {
	next := localPath(r.URL.Query().Get("next"))
	if d.identity.FromElsewhere(r) { // another site's link signs nobody in: people press the button
		lead(w, r, "/login?next="+url.QueryEscape(next))
		return
	}
	target, err := d.identity.BeginOIDC(w, r, next)
	if err != nil {
		d.refuseLogIn(w, r, signInPage{Next: next}, err)
		return
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
}

// finishOpenID signs in who comes back from there.
func (d *Dashboard) finishOpenID(w http.ResponseWriter, r *http.Request) {
	next, err := d.identity.FinishOIDC(w, r)
	next = localPath(next)
	if err != nil {
		d.refuseLogIn(w, r, signInPage{Next: next}, err)
		return
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}
