package client

import (
	"context"
	"iter"
	"net/url"
	"time"
)

// Key lets a caller in.
type Key struct {
	ID     string   `json:"id"`
	Name   string   `json:"name"`
	Tenant string   `json:"tenant"` // "" for an operator's key
	Scopes []string `json:"scopes"` // of publish, manage and read
	// Hint is the last four characters of the key.
	Hint      string    `json:"hint"`
	CreatedAt time.Time `json:"created_at"`
	RevokedAt time.Time `json:"revoked_at"` // zero while it is good
	// Key is the key itself; only [Client.CreateKey] gives it.
	Key string `json:"key"`
}

// NewKey is a key to make.
type NewKey struct {
	Name   string   `json:"name"`
	Scopes []string `json:"scopes,omitempty"`
	// Operator makes an operator's key, which has no scopes and may do everything.
	Operator bool `json:"operator,omitempty"`
}

// KeyQuery chooses keys, newest first, revoked ones included.
type KeyQuery struct {
	PageQuery
	Operator bool // the operator's keys instead of the tenant's
}

func (q KeyQuery) values() url.Values {
	v := q.PageQuery.values()
	if q.Operator {
		v.Set("operator", "true")
	}
	return v
}

// Keys gets a page of keys.
func (c *Client) Keys(ctx context.Context, query KeyQuery) (Page[Key], error) {
	return list[Key](ctx, c, "/v1/keys", query.values())
}

// AllKeys walks over all keys that the query chooses.
func (c *Client) AllKeys(ctx context.Context, query KeyQuery) iter.Seq2[Key, error] {
	return all[Key](ctx, c, "/v1/keys", query.values())
}

// CreateKey makes a key. The answer holds its text, this once.
func (c *Client) CreateKey(ctx context.Context, key NewKey) (Key, error) {
	return post[Key](ctx, c, "/v1/keys", key)
}

// RevokeKey ends a key for good.
func (c *Client) RevokeKey(ctx context.Context, id string) error {
	return c.remove(ctx, "/v1/keys/"+url.PathEscape(id))
}
