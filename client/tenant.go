package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// Tenant is whose webhooks and events they are.
type Tenant struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	// Format is the default of its new webhooks; "" for the server's.
	Format string `json:"format"`
	// RetryPolicy is the default of its webhooks; nil for the format's or the server's.
	RetryPolicy *RetryPolicy `json:"retry_policy"`
	// Catalogue names the catalogue that describes its events.
	Catalogue string `json:"catalogue"`
	// Quotas are limits of its own by the name of the quota, 0 for no limit.
	Quotas    map[string]int64 `json:"quotas"`
	CreatedAt time.Time        `json:"created_at"`
}

// TenantSettings is what a caller sets of a tenant; nil is left to the server on
// creation, and stays as it is on a change.
type TenantSettings struct {
	Description *string        `json:"description,omitzero"`
	Format      *string        `json:"format,omitzero"`
	RetryPolicy *RetrySettings `json:"retry_policy,omitzero"`
	Catalogue   *string        `json:"catalogue,omitzero"`
	// Quotas take the place of all limits that the tenant has of its own.
	Quotas map[string]int64 `json:"quotas,omitzero"`
	// Clear names settings, as they stand in the JSON, that take the default again.
	Clear []string `json:"-"`
}

// Tenants gets a page of the tenants, by name. All calls about tenants need an
// operator's key.
func (c *Client) Tenants(ctx context.Context, query PageQuery) (Page[Tenant], error) {
	return list[Tenant](ctx, c, "/v1/tenants", query.values())
}

// AllTenants walks over all tenants.
func (c *Client) AllTenants(ctx context.Context, query PageQuery) iter.Seq2[Tenant, error] {
	return all[Tenant](ctx, c, "/v1/tenants", query.values())
}

// Tenant gets one tenant.
func (c *Client) Tenant(ctx context.Context, name string) (Tenant, error) {
	return get[Tenant](ctx, c, tenantPath(name), nil)
}

// CreateTenant adds a tenant. The first webhook or event of a tenant does so too.
func (c *Client) CreateTenant(ctx context.Context, name string, settings TenantSettings) (Tenant, error) {
	type plain TenantSettings
	return post[Tenant](ctx, c, "/v1/tenants", struct {
		Name string `json:"name"`
		plain
	}{name, plain(settings)})
}

// UpdateTenant changes the settings that are given and leaves the others.
func (c *Client) UpdateTenant(ctx context.Context, name string, changes TenantSettings) (Tenant, error) {
	type plain TenantSettings
	body, err := withNulls(plain(changes), changes.Clear)
	if err != nil {
		return Tenant{}, err
	}
	var tenant Tenant
	err = c.do(ctx, call{method: http.MethodPatch, path: tenantPath(name), body: body, repeat: true}, &tenant)
	return tenant, err
}

func tenantPath(name string) string { return "/v1/tenants/" + url.PathEscape(name) }
