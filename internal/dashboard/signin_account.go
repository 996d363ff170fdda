package dashboard

import (
	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
)

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
