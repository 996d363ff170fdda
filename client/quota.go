package client

import "context"

// Quota is a limit of a tenant with its use.
type Quota struct {
	Name string `json:"name"`
	// Limit is in force, and Default where the tenant has none of its own; nil for no limit.
	Limit   *int64 `json:"limit"`
	Default *int64 `json:"default"`
	// Used is the present use; nil where it is not counted.
	Used *int64 `json:"used"`
	// Own reports whether the limit is the tenant's own.
	Own bool `json:"own"`
}

// Quotas gets the quotas of the caller's tenant.
func (c *Client) Quotas(ctx context.Context) ([]Quota, error) { return c.quotas(ctx, "/v1/quotas") }

// TenantQuotas gets the quotas of any tenant. It needs an operator's key.
func (c *Client) TenantQuotas(ctx context.Context, name string) ([]Quota, error) {
	return c.quotas(ctx, tenantPath(name)+"/quotas")
}

func (c *Client) quotas(ctx context.Context, path string) ([]Quota, error) {
	list, err := get[struct {
		Data []Quota `json:"data"`
	}](ctx, c, path, nil)
	return list.Data, err
}
