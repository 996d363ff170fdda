package api

import (
	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
)

type userShape struct {
	ID          peal.UserID `json:"id"`
	Name        string      `json:"name" doc:"What the user signs in with."`
	Tenant      *string     `json:"tenant" doc:"The only tenant that the user sees; null for every tenant."`
	Role        string      `json:"role" enum:"owner,editor,viewer"`
	HasPassword bool        `json:"has_password" doc:"Whether the user signs in with a password."`
	HasOpenID   bool        `json:"has_openid" doc:"Whether the user signs in with an OpenID provider."`
	CreatedAt   string      `json:"created_at" format:"date-time"`
	UpdatedAt   string      `json:"updated_at" format:"date-time"`
}

type userCreateInput struct {
	Name     given[string] `json:"name" minLength:"1" maxLength:"254" doc:"What the user signs in with, such as an e-mail address; upper and lower case are the same."`
	Password given[string] `json:"password,omitempty" minLength:"12" maxLength:"256" doc:"At least 12 characters. Without one, the user can only sign in with an OpenID provider."`
	Role     given[string] `json:"role" enum:"owner,editor,viewer" doc:"What the user may do."`
	Operator given[bool]   `json:"operator,omitempty" doc:"Makes a user who sees every tenant; for operators only."`
}

type userInput struct {
	Password given[string] `json:"password,omitempty" minLength:"12" maxLength:"256" doc:"The new password."`
	Role     given[string] `json:"role,omitempty" enum:"owner,editor,viewer"`
}

type revokedShape struct {
	Revoked int `json:"revoked" doc:"How many sessions have ended."`
}

func userOf(u *peal.User) userShape {
	return userShape{
		ID: u.ID, Name: u.Name, Tenant: textOrNil(u.Tenant), Role: string(u.Role), HasPassword: u.Password != "", HasOpenID: u.Subject != "",
		CreatedAt: timeText(u.CreatedAt()), UpdatedAt: timeText(u.UpdatedAt),
	}
}

func (a *API) listUsers(c *call) error {
	q := c.query()
	limit, cursor := q.limit(), q.cursor(userList)
	if err := q.err(); err != nil {
		return err
	}
	before, err := idOrZero(cursor, peal.ParseUserID)
	if err != nil {
		return err
	}
	rows, err := a.Store.Users(c.context(), c.tenantOrAll(), before, limit+1)
	if err != nil {
		return err
	}
	return c.json(200, page(userList, rows, limit, userOf, func(u *peal.User) string { return u.ID.String() }))
}

func (a *API) createUser(c *call) error {
	var in userCreateInput
	if err := c.read(&in); err != nil {
		return err
	}
	user := identity.NewUser{Name: in.Name.Value, Password: in.Password.Value, Tenant: c.tenant, Role: peal.Role(in.Role.Value), HasPassword: in.Password.Given}
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
	saved, err := a.users.Change(c.context(), c.actor(), user.Tenant, user.ID, c.audit.detail, func(u *peal.User) (identity.ChangeUser, error) {
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
