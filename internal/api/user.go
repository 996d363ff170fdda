package api

import (
	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
	managing "github.com/pealhq/peal/internal/manage"
)

type userShape struct {
	ID          peal.UserID `json:"id"`
	Name        string      `json:"name" doc:"The name with which the user signs in."`
	Tenant      *string     `json:"tenant" doc:"The only tenant that the user sees; null for every tenant."`
	Role        string      `json:"role" enum:"owner,editor,viewer"`
	HasPassword bool        `json:"has_password" doc:"Whether the user signs in with a password."`
	HasOpenID   bool        `json:"has_openid" doc:"Whether the user signs in with an OpenID provider."`
	CreatedAt   string      `json:"created_at" format:"date-time"`
	UpdatedAt   string      `json:"updated_at" format:"date-time"`
}

type userCreateInput struct {
	Name     given[string] `json:"name" minLength:"1" maxLength:"254" doc:"The name with which the user signs in, such as an e-mail address; case is ignored."`
	Password given[string] `json:"password,omitempty" minLength:"12" maxLength:"256" doc:"At least 12 characters. Without one, the user can only sign in with an OpenID provider."`
	Role     given[string] `json:"role" enum:"owner,editor,viewer" doc:"What the user may do."`
	Operator given[bool]   `json:"operator,omitempty" doc:"Creates a user who sees every tenant; for operators only."`
}

type userInput struct {
	Password given[string] `json:"password,omitempty" minLength:"12" maxLength:"256" doc:"The new password."`
	Role     given[string] `json:"role,omitempty" enum:"owner,editor,viewer"`
}

type revokedShape struct {
	Revoked int `json:"revoked" doc:"The number of sessions that ended."`
}

func userOf(u *peal.User) userShape {
	return userShape{
		ID: u.ID, Name: u.Name, Tenant: textOrNil(u.Tenant), Role: string(u.Role), HasPassword: u.Password != "",
		HasOpenID: u.Subject != "",
		CreatedAt: timeText(u.CreatedAt()), UpdatedAt: timeText(u.UpdatedAt),
	}
}

func (a *API) listUsers(c *call) error {
	q := c.query()
	query, kind := list(q, orderedKinds{userList, oldUserList, namedUserList}, peal.ParseUserID)
	if err := q.err(); err != nil {
		return err
	}
	query.Tenant = c.tenantOrAll()
	rows, next, err := managing.FindUsers(c.context(), a.Store, a.Engine, query)
	if err != nil {
		return err
	}
	return c.json(200, found(kind, rows, next, userOf))
}

func (a *API) createUser(c *call) error {
	var in userCreateInput
	if err := c.read(&in); err != nil {
		return err
	}
	user := identity.NewUser{Name: in.Name.Value, Password: in.Password.Value, Tenant: c.tenant,
		Role: peal.Role(in.Role.Value), HasPassword: in.Password.Given}
	if in.Operator.Value {
		user.Tenant = ""
	}
	saved, err := a.users.Create(c.context(), c.actor(), user)
	if err != nil {
		return err
	}
	c.Header().Set("Location", "/v1/users/"+saved.ID.String())
	return c.revised(201, saved.Revision, userOf(&saved))
}

func (a *API) getUser(c *call) error {
	user, err := a.user(c)
	if err != nil {
		return err
	}
	return c.revised(200, user.Revision, userOf(&user))
}

func (a *API) updateUser(c *call) error {
	user, err := a.user(c)
	if err != nil {
		return err
	}
	var in userInput
	if err := c.read(&in); err != nil {
		return err
	}
	var change identity.ChangeUser
	if in.Password.Given {
		change.Password = &in.Password.Value
	}
	if in.Role.Given {
		change.Role = ptr(peal.Role(in.Role.Value))
	}
	saved, err := a.users.Change(c.context(), c.actor(), user.Tenant, user.ID, c.audit.detail,
		func(u *peal.User) (identity.ChangeUser, error) {
			return change, c.ifRevision("user", u.Revision)
		})
	if err != nil {
		return orMissing(err, "user")
	}
	return c.revised(200, saved.Revision, userOf(&saved))
}

func (a *API) deleteUser(c *call) error {
	user, err := a.user(c)
	if err != nil {
		return err
	}
	if err := a.users.Delete(c.context(), c.actor(), &user); err != nil {
		return orMissing(err, "user")
	}
	return c.empty()
}

func (a *API) revokeUserSessions(c *call) error {
	user, err := a.user(c)
	if err != nil {
		return err
	}
	n, err := a.Identity.RevokeAll(c.context(), user.ID)
	if err != nil {
		return err
	}
	return c.json(200, revokedShape{n})
}

type sessionShape struct {
	ID        peal.SessionID `json:"id"`
	Kind      string         `json:"kind" enum:"user,portal,first_run" doc:"The kind of person: a user, a guest with a portal link, or the operator of the first start."`
	UserID    *string        `json:"user_id" doc:"The user; null for other kinds."`
	LinkID    *string        `json:"portal_link_id" doc:"The portal link; null for other kinds."`
	Name      string         `json:"name" doc:"The name of the user or of the link."`
	Tenant    *string        `json:"tenant" doc:"The only tenant that it sees; null for every tenant."`
	Role      string         `json:"role" enum:"owner,editor,viewer"`
	Address   string         `json:"address" doc:"The IP address from which it started."`
	Agent     string         `json:"agent" doc:"The User-Agent of the browser."`
	CreatedAt string         `json:"created_at" format:"date-time"`
	ExpiresAt string         `json:"expires_at" format:"date-time" doc:"When it ends by itself."`
	RevokedAt *string        `json:"revoked_at" format:"date-time" doc:"When somebody ended it; null until then."`
}

func sessionOf(s *peal.Session) sessionShape {
	return sessionShape{
		ID: s.ID, Kind: string(s.Kind), UserID: textOrNil(s.UserID.String()), LinkID: textOrNil(s.PortalLinkID.String()),
		Name:   s.Name,
		Tenant: textOrNil(s.Tenant), Role: string(s.Role), Address: s.Address, Agent: s.Agent,
		CreatedAt: timeText(s.CreatedAt()), ExpiresAt: timeText(s.ExpiresAt), RevokedAt: timeOrNil(s.RevokedAt),
	}
}

func (a *API) listSessions(c *call) error {
	q := c.query()
	limit, cursor := q.limit(), q.cursor(sessionList)
	user := parsed(q, "user", peal.ParseUserID)
	if err := q.err(); err != nil {
		return err
	}
	before, err := idOrZero(cursor, peal.ParseSessionID)
	if err != nil {
		return err
	}
	rows, err := a.Store.Sessions(c.context(), peal.SessionQuery{Tenant: c.tenantOrAll(), UserID: user, Before: before,
		Limit: limit + 1})
	if err != nil {
		return err
	}
	return c.json(200, page(sessionList, rows, limit, sessionOf, func(s *peal.Session) string { return s.ID.String() }))
}

func (a *API) revokeSession(c *call) error {
	id, err := pathID(c, peal.ParseSessionID, "session")
	if err != nil {
		return err
	}
	if err := a.Identity.Revoke(c.context(), c.tenantOrAll(), id); err != nil {
		return orMissing(err, "session")
	}
	c.about(c.tenantOrAll(), id.String())
	return c.empty()
}
