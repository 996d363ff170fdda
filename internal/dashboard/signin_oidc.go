package dashboard

import (
	"net/http"
	"net/url"

	"github.com/pealhq/peal/internal/identity"
)

func (d *Dashboard) openIDRoutes() {
	d.handle("GET /login/oidc", d.startOpenID)
	d.handle("GET "+identity.OIDCCallback, d.finishOpenID)
}

// startOpenID redirects the browser to the OpenID provider. It is a link, not a form, because the
// policy of the pages allows no form to lead to another site.
func (d *Dashboard) startOpenID(w http.ResponseWriter, r *http.Request) {
	next := localPath(r.URL.Query().Get("next"))
	if d.identity.FromElsewhere(r) { // a link of another site must not sign in; the user presses the button
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

// finishOpenID signs in a user whom the provider has redirected back.
func (d *Dashboard) finishOpenID(w http.ResponseWriter, r *http.Request) {
	next, err := d.identity.FinishOIDC(w, r)
	next = localPath(next)
	if err != nil {
		d.refuseLogIn(w, r, signInPage{Next: next}, err)
		return
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}
