package client

import (
	"context"
	"iter"
	"net/url"
	"time"
)

// PortalLink lets somebody see a tenant's webhooks.
type PortalLink struct {
	ID             string    `json:"id"`
	Tenant         string    `json:"tenant"`
	Name           string    `json:"name"`
	ReadOnly       bool      `json:"read_only"`
	SessionSeconds int       `json:"session_seconds"`
	CreatedAt      time.Time `json:"created_at"`
	ExpiresAt      time.Time `json:"expires_at"`
	UsedAt         time.Time `json:"used_at"`    // zero until somebody follows it
	RevokedAt      time.Time `json:"revoked_at"` // zero until it is taken back
	// URL is where it leads; only [Client.CreatePortalLink] gives it.
	URL string `json:"url"`
}

// NewPortalLink is a portal link to make.
type NewPortalLink struct {
	Name     string `json:"name"` // who it is for
	ReadOnly bool   `json:"read_only,omitempty"`
	// ExpiresSeconds is how long it can be followed, SessionSeconds how long the session
	// lasts that it gives; 0 for the server's choice.
	ExpiresSeconds int `json:"expires_seconds,omitempty"`
	SessionSeconds int `json:"session_seconds,omitempty"`
}

// PortalLinks gets a page of portal links, newest first.
func (c *Client) PortalLinks(ctx context.Context, query PageQuery) (Page[PortalLink], error) {
	return list[PortalLink](ctx, c, "/v1/portal-links", query.values())
}

// AllPortalLinks walks over all portal links.
func (c *Client) AllPortalLinks(ctx context.Context, query PageQuery) iter.Seq2[PortalLink, error] {
	return all[PortalLink](ctx, c, "/v1/portal-links", query.values())
}

// CreatePortalLink makes a link that works once. The answer holds its URL, this once.
func (c *Client) CreatePortalLink(ctx context.Context, link NewPortalLink) (PortalLink, error) {
	return post[PortalLink](ctx, c, "/v1/portal-links", link)
}

// RevokePortalLink takes a link back and ends the session that it gave.
func (c *Client) RevokePortalLink(ctx context.Context, id string) error {
	return c.remove(ctx, "/v1/portal-links/"+url.PathEscape(id))
}
