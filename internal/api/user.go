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
	user := identity.NewUser{Name: in.Name.Value, Password: in.Password.Value, Tenant: c.tenant, Role: peal.Role(in.Role.Value)}
	if in.Operator.Value {
		if !c.caller.IsOperator() {
			return refuse(forbidden, "only an operator may create a user who sees every tenant")
		}
		user.Tenant = ""
	}
	if in.Password.Given && user.Password == "" {
		return identity.CheckPassword(user.Name, "")
	}
	saved, err := a.Identity.CreateUser(c.context(), user)
	if peal.CodeOf(err) == peal.Conflict {
		return refuse(conflict, "there is a user of this name already")
	}
	if err != nil {
		return err
	}
	c.about(saved.Tenant, saved.ID.String())
	c.audit.detail = string(saved.Role)
	c.Header().Set("Location", "/v1/users/"+saved.ID.String())
	return c.json(201, userOf(&saved))
}

func (a *API) getUser(c *call) error {
	user, err := a.user(c)
	if err != nil {
		return err
	}
	return c.json(200, userOf(&user))
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
	if user, err = a.Identity.UpdateUser(c.context(), user.Tenant, user.ID, change); err != nil {
		return err
	}
	return c.json(200, userOf(&user))
}

func (a *API) deleteUser(c *call) error {
	user, err := a.user(c)
	if err != nil {
		return err
	}
	c.audit.detail = user.Name
	if err := a.Identity.DeleteUser(c.context(), user.Tenant, user.ID); err != nil {
		return err
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
