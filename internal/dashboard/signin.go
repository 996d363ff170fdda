package dashboard

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
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

// accountPage is the page of the user's own account.
type accountPage struct {
	Who         identity.Principal
	Sessions    []accountSession
	CanChange   bool // whether the user may change the password
	Message     string
	MinPassword int
}

type accountSession struct {
	peal.Session
	Current bool
}

// shownSessions is the number of the user's latest sessions on the page.
const shownSessions = 50

func (d *Dashboard) showAccount(c *call) error { return c.account(200, "") }

func (c *call) account(status int, message string) error {
	p := accountPage{Who: c.who, Message: message, MinPassword: identity.MinPassword, CanChange: c.who.Kind == identity.KindUser}
	if c.who.Kind == identity.KindUser {
		sessions, err := c.d.identity.OpenSessions(c.ctx(), c.who, shownSessions)
		if err != nil {
			return err
		}
		for _, session := range sessions {
			p.Sessions = append(p.Sessions, accountSession{session, session.ID == c.who.SessionID})
		}
	}
	return c.answer(status, "account", c.texts.get("account.title"), &p)
}

// changePassword changes the user's password, which ends all sessions, and starts a new one for
// this browser.
func (d *Dashboard) changePassword(c *call) error {
	err := d.identity.ChangeOwnPassword(c.w, c.r, c.who, c.r.PostFormValue("current"), c.r.PostFormValue("password"))
	if err != nil {
		status, message := d.explain(c.w, c.r, c.texts, err)
		return c.account(status, message)
	}
	return c.redirect("/account?done=password_changed")
}

// endOwnSession ends another session of the user.
func (d *Dashboard) endOwnSession(c *call) error {
	id, err := c.sessionID()
	if err != nil {
		return err
	}
	if err := d.identity.RevokeOwnSession(c.r, c.who, id); err != nil {
		return c.orGone(err, "error.gone")
	}
	return c.redirect("/account?done=session_revoked")
}

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

// signedIn serves a page to signed-in users, with the user in identity.FromContext. It redirects
// others to the sign-in page, which returns to the same page.
func (d *Dashboard) signedIn(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who, err := d.identity.Caller(r)
		switch {
		case err == nil:
			next(w, r.WithContext(identity.With(r.Context(), who)))
		case peal.CodeOf(err) == peal.Unauthorized:
			d.askToSignIn(w, r)
		default:
			d.fail(w, r, err)
		}
	}
}

// askToSignIn redirects a browser to the sign-in page. For htmx it uses a header, which replaces
// the whole page.
func (d *Dashboard) askToSignIn(w http.ResponseWriter, r *http.Request) {
	page := "/"
	switch {
	case r.Header.Get("HX-Request") == "true":
		page = pathOf(r.Header.Get("HX-Current-URL"))
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		page = r.URL.RequestURI()
	default:
		page = pathOf(r.Referer())
	}
	target := "/login"
	if page = localPath(page); page != "/" {
		target += "?next=" + url.QueryEscape(page)
	}
	if r.Header.Get("HX-Request") == "true" {
		w.Header().Set("HX-Redirect", target)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
}

// pathOf returns the path and query of a URL from a browser.
func pathOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "/"
	}
	return u.RequestURI()
}

// localPath returns next if it is a path on this server, and "/" for anything that might lead
// elsewhere: browsers take //host and /\host for other servers, and ignore control characters.
func localPath(next string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsFunc(next, func(r rune) bool { return r <= 0x20 || r == 0x7f || r == '\\' }) {
		return "/"
	}
	u, err := url.Parse(next)
	if err != nil || u.Host != "" || u.Scheme != "" || u.Path == "/login" || strings.HasPrefix(u.Path, "/login/") || u.Path == "/logout" {
		return "/"
	}
	return next
}

// retryAfter returns the time to wait according to an error.
func retryAfter(err error) time.Duration {
	var e *peal.Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}
