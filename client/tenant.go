package client

import (
	"context"
	"net/http"
	"net/url"
)

// DeleteTenant starts to delete a tenant with all its data. Its keys and sessions stop working and
// its events are refused at once; the data is deleted in the background, and [Client.Tenant] returns
// the status deleting until the tenant is gone. A call that fails is not repeated: the name may
// belong to a new tenant by then.
func (c *Client) DeleteTenant(ctx context.Context, name string) (Tenant, error) {
	return send[Tenant](ctx, c, call{method: http.MethodDelete, path: tenantPath(name)})
}

// CountTenant returns how much [Client.DeleteTenant] would delete, or has left to delete, without
// deleting anything.
func (c *Client) CountTenant(ctx context.Context, name string) (TenantData, error) {
	query := url.Values{"dry_run": {"true"}}
	return send[TenantData](ctx, c, call{method: http.MethodDelete, path: tenantPath(name), query: query, repeat: true})
}

func tenantPath(name string) string { return "/v1/tenants/" + url.PathEscape(name) }
