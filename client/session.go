package client

import (
	"context"
	"iter"
	"net/url"
	"time"
)

// Session is a browser that is or was signed in.
type Session struct {
	ID           string    `json:"id"`
	Kind         string    `json:"kind"` // user, portal or first_run
	UserID       string    `json:"user_id"`
	PortalLinkID string    `json:"portal_link_id"`
	Name         string    `json:"name"`
	Tenant       string    `json:"tenant"` // "" for every tenant
	Role         string    `json:"role"`
	Address      string    `json:"address"`
	Agent        string    `json:"agent"`
	CreatedAt    time.Time `json:"created_at"`
	ExpiresAt    time.Time `json:"expires_at"`
	RevokedAt    time.Time `json:"revoked_at"` // zero until somebody ends it
}

// SessionQuery chooses sessions, newest first, ended ones included.
type SessionQuery struct {
	PageQuery
	User string // only this user's; "" for all
}

func (q SessionQuery) values() url.Values {
	v := q.PageQuery.values()
	setText(v, "user", q.User)
	return v
}

// Sessions gets a page of sessions.
func (c *Client) Sessions(ctx context.Context, query SessionQuery) (Page[Session], error) {
	return list[Session](ctx, c, "/v1/sessions", query.values())
}

// AllSessions walks over all sessions that the query chooses.
func (c *Client) AllSessions(ctx context.Context, query SessionQuery) iter.Seq2[Session, error] {
	return all[Session](ctx, c, "/v1/sessions", query.values())
}

// RevokeSession ends a session.
func (c *Client) RevokeSession(ctx context.Context, id string) error {
	return c.remove(ctx, "/v1/sessions/"+url.PathEscape(id))
}
