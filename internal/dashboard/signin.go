package dashboard

import (
	"net/http"
	"time"
)

func (d *Dashboard) signInRoutes() {
	d.handle("GET /login", d.showLogIn)
	d.handle("POST /login", d.open(d.logIn))
	d.handle("POST /logout", d.open(d.logOut))
	d.openIDRoutes()
	d.handle("GET /first-run/{token}", d.enterFirstRun)
	d.handle("GET /first-user", d.signedIn(d.showFirstUser))
	d.handle("POST /first-user", d.open(d.signedIn(d.createFirstUser)))
}

// signInPage is the form for name and password.
type signInPage struct {
	Next    string // the page to show afterwards
	Name    string // as it was typed
	Message string // why signing in failed
	OpenID  string // the name of an OpenID provider to use instead; "" for none
}

func (d *Dashboard) showLogIn(w http.ResponseWriter, r *http.Request) {
	next := localPath(r.URL.Query().Get("next"))
	if _, err := d.identity.Caller(r); err == nil {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return
	}
	d.plain(w, r, http.StatusOK, "signin", "signin.title", signInPage{Next: next, OpenID: d.identity.OIDCName()})
}

func (d *Dashboard) logIn(w http.ResponseWriter, r *http.Request) {
	p := signInPage{Next: localPath(r.PostForm.Get("next")), Name: r.PostForm.Get("name")}
	_, err := d.identity.LogIn(w, r, p.Name, r.PostForm.Get("password"))
	if err == nil {
		http.Redirect(w, r, p.Next, http.StatusSeeOther)
		return
	}
	d.refuseLogIn(w, r, p, err)
}

// refuseLogIn shows the sign-in page again, with the error.
func (d *Dashboard) refuseLogIn(w http.ResponseWriter, r *http.Request, p signInPage, err error) {
	p.OpenID = d.identity.OIDCName()
	t := d.pages.language(r, "")
	var status int
	status, p.Message = d.explain(w, r, t, err)
	if wait := retryAfter(err); wait > 0 {
		p.Message = t.get("signin.wait", "message", p.Message, "time", t.duration(wait.Round(time.Second)))
	}
	d.plain(w, r, status, "signin", "signin.title", p)
}

func (d *Dashboard) logOut(w http.ResponseWriter, r *http.Request) {
	if err := d.identity.LogOut(w, r); err != nil {
		d.fail(w, r, err)
		return
	}
	lead(w, r, "/login")
}
