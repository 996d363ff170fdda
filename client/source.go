package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// Source takes the webhooks of another system and publishes them as events.
type Source struct {
	ID     string `json:"id"`
	Tenant string `json:"tenant"`
	// Name is unique in the tenant; the ids of the source's events begin with it.
	Name string `json:"name"`
	// Paths are where its sender sends to, on the server's address.
	Paths  []string `json:"paths"`
	Format string   `json:"format"`
	// Secret is "[set]" when there is one, which is never shown.
	Secret     string `json:"secret"`
	Unverified bool   `json:"unverified"`
	// Dedup is what makes a request a repeat: id or body.
	Dedup       string `json:"dedup"`
	Description string `json:"description"`
	// Status is active or disabled.
	Status    string       `json:"status"`
	Counts    SourceCounts `json:"counts"`
	CreatedAt time.Time    `json:"created_at"`
	UpdatedAt time.Time    `json:"updated_at"`
}

// SourceCounts count the requests to a source.
type SourceCounts struct {
	Accepted  int64 `json:"accepted"`
	Duplicate int64 `json:"duplicate"`
	Refused   int64 `json:"refused"`
	// LastAcceptedAt and LastRefusedAt are zero for never.
	LastAcceptedAt time.Time `json:"last_accepted_at"`
	LastRefusedAt  time.Time `json:"last_refused_at"`
	// LastRefusal says why the last one was refused.
	LastRefusal string `json:"last_refusal"`
}

// SourceSettings is what a caller sets of a source: on creation, or to change it. A
// field that is nil is left to the server on creation, and stays as it is on a
// change. The name is set by [Client.CreateSource] alone.
type SourceSettings struct {
	Format *string `json:"format,omitzero"`
	// Secret is what the sender signs with or, where its format does not sign, the
	// Authorization value that it sends.
	Secret *string `json:"secret,omitzero"`
	// Unverified takes requests from anybody who knows the source's id.
	Unverified  *bool   `json:"unverified,omitzero"`
	Dedup       *string `json:"dedup,omitzero"` // id or body
	Description *string `json:"description,omitzero"`
	Status      *string `json:"status,omitzero"` // active or disabled
	// Clear names settings, as they stand in the JSON, that take the default again.
	Clear []string `json:"-"`
}

// MarshalJSON writes the settings that are given, and null for those to clear.
func (s SourceSettings) MarshalJSON() ([]byte, error) {
	type plain SourceSettings
	return withNulls(plain(s), s.Clear)
}

// Sources gets a page of the tenant's sources, newest first.
func (c *Client) Sources(ctx context.Context, query PageQuery) (Page[Source], error) {
	return list[Source](ctx, c, "/v1/sources", query.values())
}

// AllSources walks over all of the tenant's sources.
func (c *Client) AllSources(ctx context.Context, query PageQuery) iter.Seq2[Source, error] {
	return all[Source](ctx, c, "/v1/sources", query.values())
}

// Source gets one source, by its id.
func (c *Client) Source(ctx context.Context, id string) (Source, error) {
	return get[Source](ctx, c, sourcePath(id, ""), nil)
}

// CreateSource adds a source. Its name never changes.
func (c *Client) CreateSource(ctx context.Context, name string, settings SourceSettings) (Source, error) {
	type plain SourceSettings
	return post[Source](ctx, c, "/v1/sources", struct {
		Name string `json:"name"`
		plain
	}{name, plain(settings)})
}

// UpdateSource changes the settings that are given and leaves the others.
func (c *Client) UpdateSource(ctx context.Context, id string, changes SourceSettings) (Source, error) {
	var source Source
	err := c.do(ctx, call{method: http.MethodPatch, path: sourcePath(id, ""), body: changes, repeat: true}, &source)
	return source, err
}

// DeleteSource deletes a source; its events stay.
func (c *Client) DeleteSource(ctx context.Context, id string) error {
	return c.remove(ctx, sourcePath(id, ""))
}

// RotateSourceSecret gives a source a new secret, which the server makes where it is
// "". For the overlap, in whole seconds, the old one verifies too.
func (c *Client) RotateSourceSecret(ctx context.Context, id, secret string, overlap time.Duration) (Rotation, error) {
	return post[Rotation](ctx, c, sourcePath(id, "/secret/rotate"), struct {
		Secret  string `json:"secret,omitempty"`
		Overlap int    `json:"overlap_seconds"`
	}{secret, int(overlap.Seconds())})
}

func sourcePath(id, rest string) string { return "/v1/sources/" + url.PathEscape(id) + rest }
