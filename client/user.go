package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// User is a person who signs in to the dashboard.
type User struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Tenant string `json:"tenant"` // "" for every tenant
	Role   string `json:"role"`   // owner, editor or viewer
	// HasPassword and HasOpenID say how the user signs in.
	HasPassword bool      `json:"has_password"`
	HasOpenID   bool      `json:"has_openid"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

// NewUser is a user to make.
type NewUser struct {
	Name     string `json:"name"`
	Password string `json:"password,omitempty"` // "" for one who signs in with OpenID only
	Role     string `json:"role"`
	Operator bool   `json:"operator,omitempty"` // sees every tenant
}

// UserChange is what changes of a user; "" stays.
type UserChange struct {
	Password string `json:"password,omitempty"`
	Role     string `json:"role,omitempty"`
}

// Users gets a page of users, newest first.
func (c *Client) Users(ctx context.Context, query PageQuery) (Page[User], error) {
	return list[User](ctx, c, "/v1/users", query.values())
}

// AllUsers walks over all users.
func (c *Client) AllUsers(ctx context.Context, query PageQuery) iter.Seq2[User, error] {
	return all[User](ctx, c, "/v1/users", query.values())
}

// User gets one user.
func (c *Client) User(ctx context.Context, id string) (User, error) {
	return get[User](ctx, c, "/v1/users/"+url.PathEscape(id), nil)
}

// CreateUser makes a user.
func (c *Client) CreateUser(ctx context.Context, user NewUser) (User, error) {
	return post[User](ctx, c, "/v1/users", user)
}

// UpdateUser changes a user and ends its sessions.
func (c *Client) UpdateUser(ctx context.Context, id string, change UserChange) (User, error) {
	var user User
	err := c.do(ctx, call{method: http.MethodPatch, path: "/v1/users/" + url.PathEscape(id), body: change}, &user)
	return user, err
}

// DeleteUser deletes a user and ends its sessions.
func (c *Client) DeleteUser(ctx context.Context, id string) error {
	return c.remove(ctx, "/v1/users/"+url.PathEscape(id))
}

// RevokeUserSessions ends all sessions of a user and says how many they were.
func (c *Client) RevokeUserSessions(ctx context.Context, id string) (int, error) {
	var answer struct {
		Revoked int `json:"revoked"`
	}
	err := c.do(ctx, call{method: http.MethodDelete, path: "/v1/users/" + url.PathEscape(id) + "/sessions"}, &answer)
	return answer.Revoked, err
}
