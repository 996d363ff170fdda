package dashboard

import (
	"errors"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
	"github.com/pealhq/peal/internal/manage"
)

type usersPage struct {
	typed
	listChoice
	Users       []peal.User
	MinPassword int
}

type userPage struct {
	typed
	User     peal.User
	Self     bool
	Theirs   []difference
	Sessions []sessionRow
}

type sessionRow struct {
	peal.Session
	Open bool
}

// Role returns the chosen role, or else the user's current one.
func (p *userPage) Role() string {
	if role := p.Value("role"); role != "" {
		return role
	}
	return string(p.User.Role)
}

// listUsers shows the users that the caller may manage: those of its tenant, or all.
func (d *Dashboard) listUsers(c *call) error { return c.showUsers(200, typed{}) }

func (c *call) showUsers(status int, form typed) error {
	p := usersPage{typed: form, MinPassword: identity.MinPassword}
	query := readListChoice(c, &p.listChoice, peal.ParseUserID)
	query.Tenant = c.reach()
	users, next, err := manage.FindUsers(c.ctx(), c.d.Store, c.d.Engine, query)
	if err != nil {
		return err
	}
	p.Users = users
	p.continueAt("/users", next)
	return c.answer(status, "users", c.texts.get("menu.users"), &p)
}

func (d *Dashboard) createUser(c *call) error {
	form, err := c.readForm()
	if err != nil {
		return err
	}
	tenant, err := c.tenantOfNew(&form)
	if err != nil {
		return err
	}
	in := identity.NewUser{Name: form.Value("name"), Password: form.Value("password"), Tenant: tenant, Role: peal.Role(form.Value("role"))}
	user, err := d.users.Create(c.ctx(), c.actor(""), in)
	if err != nil {
		if form.refuse(c.texts, err, "name") {
			return c.showUsers(422, form)
		}
		return err
	}
	return c.redirect("/users/" + user.ID.String() + "?done=user_created")
}

func (d *Dashboard) showUser(c *call) error { return c.userPage(200, &userPage{}) }

func (c *call) userPage(status int, p *userPage) error {
	user, err := c.findUser()
	if err != nil {
		return err
	}
	p.User, p.Self = user, user.ID.String() == c.who.ID
	sessions, err := c.d.Store.Sessions(c.ctx(), peal.SessionQuery{UserID: user.ID, Limit: shownSessions})
	if err != nil {
		return err
	}
	for _, session := range sessions {
		p.Sessions = append(p.Sessions, sessionRow{session, session.RevokedAt.IsZero() && c.now.Before(session.ExpiresAt)})
	}
	return c.answer(status, "user", user.Name, p)
}

// saveUser changes the role or the password; either ends the user's sessions. If somebody else has
// changed the role meanwhile, it shows the difference instead.
func (d *Dashboard) saveUser(c *call) error {
	form, err := c.readForm()
	if err != nil {
		return err
	}
	user, err := c.findUser()
	if err != nil {
		return err
	}
	wanted, was, password := peal.Role(form.Value("role")), peal.Role(form.Value("was")), form.Value("password")
	if (wanted == "" || wanted == user.Role) && (was == "" || was == user.Role) && password == "" {
		return c.redirect("/users/" + user.ID.String())
	}
	var detail []string
	if wanted != "" && wanted != was {
		detail = append(detail, "role "+string(wanted))
	}
	if password != "" {
		detail = append(detail, "password")
	}
	_, err = d.users.Change(c.ctx(), c.actor(""), user.Tenant, user.ID, strings.Join(detail, " "), func(u *peal.User) (change identity.ChangeUser, err error) {
		if user = *u; was != "" && was != u.Role {
			return change, errChanged
		}
		if wanted != "" {
			change.Role = &wanted
		}
		if password != "" {
			change.Password = &password
		}
		return change, nil
	})
	if err == nil {
		return c.redirect("/users/" + user.ID.String() + "?done=user_saved")
	}
	if errors.Is(err, errChanged) {
		role := func(r peal.Role) string { return c.texts.get("role." + string(r)) }
		return c.userPage(409, &userPage{typed: form, Theirs: []difference{{c.texts.get("users.role"), role(user.Role), role(wanted)}}})
	}
	if form.refuse(c.texts, err, "") {
		return c.userPage(422, &userPage{typed: form})
	}
	return c.orGone(err, "error.gone")
}

func (d *Dashboard) deleteUser(c *call) error {
	user, err := c.findUser()
	if err != nil {
		return err
	}
	if user.ID.String() == c.who.ID {
		return peal.Errorf(peal.Conflict, "%s", c.texts.get("user.not_self"))
	}
	if err := d.users.Delete(c.ctx(), c.actor(""), &user); err != nil {
		return c.orGone(err, "error.gone")
	}
	return c.redirect("/users?done=user_deleted")
}

// revokeSession ends a session.
func (d *Dashboard) revokeSession(c *call) error {
	id, err := c.sessionID()
	if err != nil {
		return err
	}
	if err := d.identity.Revoke(c.ctx(), c.reach(), id); err != nil {
		return c.orGone(err, "error.gone")
	}
	if err := c.recordFor(c.reach(), "session.revoke", id.String(), ""); err != nil {
		return err
	}
	to := "/users"
	if user, err := peal.ParseUserID(c.r.PostFormValue("user")); err == nil {
		to += "/" + user.String()
	}
	return c.redirect(to + "?done=session_revoked")
}
