package dashboard

import (
	"net/http"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
)

// accountPage is what a user sees of itself.
type accountPage struct {
	Who         identity.Principal
	Tenant      string // "every tenant" for an operator
	Sessions    []accountSession
	CanChange   bool // its password
	Message     string
	MinPassword int
}

type accountSession struct {
	peal.Session
	Current bool
}

// shownSessions is how many of its latest sessions a user sees.
const shownSessions = 50

func (d *Dashboard) showAccount(w http.ResponseWriter, r *http.Request) {
	d.account(w, r, http.StatusOK, "")
}

func (d *Dashboard) account(w http.ResponseWriter, r *http.Request, status int, message string) {
	who, _ := identity.FromContext(r.Context())
	p := accountPage{Who: who, Tenant: who.Tenant, Message: message, MinPassword: identity.MinPassword, CanChange: who.Kind == identity.KindUser}
	if p.Tenant == "" {
		p.Tenant = "every tenant"
	}
	if who.Kind == identity.KindUser {
		sessions, err := d.identity.OpenSessions(r.Context(), who, shownSessions)
		if err != nil {
			d.fail(w, r, err)
			return
		}
		for _, session := range sessions {
			p.Sessions = append(p.Sessions, accountSession{session, session.ID == who.SessionID})
		}
	}
	d.page(w, r, status, "account.html", p)
}

// changePassword gives the user another password, which ends all sessions, and begins a
// new one for this browser.
func (d *Dashboard) changePassword(w http.ResponseWriter, r *http.Request) {
	who, _ := identity.FromContext(r.Context())
	err := d.identity.ChangeOwnPassword(w, r, who, r.PostFormValue("current"), r.PostFormValue("password"))
	if err != nil {
		status, message := d.explain(w, r, err)
		d.account(w, r, status, message)
		return
	}
	http.Redirect(w, r, "/account", http.StatusSeeOther)
}

// endOwnSession signs the user out elsewhere.
func (d *Dashboard) endOwnSession(w http.ResponseWriter, r *http.Request) {
	who, _ := identity.FromContext(r.Context())
	id, err := peal.ParseSessionID(r.PathValue("id"))
	if err == nil {
		err = d.identity.RevokeOwnSession(r, who, id)
	}
	if err != nil {
		d.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/account", http.StatusSeeOther)
}
