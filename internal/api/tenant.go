package api

import (
	"net/url"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pealhq/peal"
	managing "github.com/pealhq/peal/internal/manage"
)

var countParam = param{"dry_run", "true only counts what would be deleted or, while it is being deleted, what is left.", huma.Schema{Type: "string", Enum: []any{"true", "false"}}}

// tenantShape is whose webhooks and events they are.
type tenantShape struct {
	Name        string                     `json:"name"`
	Description string                     `json:"description"`
	Format      *string                    `json:"format" doc:"The default of its new webhooks; null for the server's."`
	RetryPolicy optional[retryPolicyShape] `json:"retry_policy" doc:"The default of its webhooks; null for the format's or the server's."`
	Catalogue   string                     `json:"catalogue" doc:"The catalogue that describes its events."`
	Quotas      map[string]int64           `json:"quotas" nullable:"false" doc:"Limits of its own by the name of the quota, 0 for no limit."`
	CreatedAt   string                     `json:"created_at" format:"date-time"`
	Status      string                     `json:"status" enum:"active,deleting" doc:"deleting: nothing of it works any more, and its data is being deleted in the background."`
}

// tenantDataShape is what a tenant has.
type tenantDataShape struct {
	Name   string           `json:"name"`
	Counts map[string]int64 `json:"counts" nullable:"false" doc:"How much there is of each kind; 1000000 for that many or more."`
}

func tenantDataOf(name string, c peal.TenantCounts) tenantDataShape {
	return tenantDataShape{name, map[string]int64{
		"webhooks": c.Webhooks, "sources": c.Sources, "keys": c.Keys, "users": c.Users, "sessions": c.Sessions, "portal_links": c.PortalLinks, "themes": c.Themes,
		"events": c.Events, "deliveries": c.Deliveries, "attempts": c.Attempts, "replays": c.Replays, "audit_entries": c.AuditEntries,
	}}
}

// tenantInput is what an operator sets of a tenant; absent keeps, null takes the default.
type tenantInput struct {
	Description optional[string]           `json:"description,omitempty" maxLength:"4096"`
	Format      optional[string]           `json:"format,omitempty" format:"webhook-format" doc:"The default format of its new webhooks."`
	RetryPolicy optional[retryPolicyInput] `json:"retry_policy,omitempty" doc:"The default policy of its webhooks."`
	Catalogue   optional[string]           `json:"catalogue,omitempty" format:"catalogue-name" doc:"The catalogue that describes its events: default, or another one, which need not have entries yet."`
	Quotas      optional[quotasInput]      `json:"quotas,omitempty" doc:"Limits of its own by the name of the quota, 0 for no limit; all others are the server's. It takes the place of all that there were."`
}

type tenantCreateInput struct {
	Name        given[string]              `json:"name" format:"tenant-name" doc:"The application's own name of it."`
	Description optional[string]           `json:"description,omitempty" maxLength:"4096"`
	Format      optional[string]           `json:"format,omitempty" format:"webhook-format" doc:"The default format of its new webhooks."`
	RetryPolicy optional[retryPolicyInput] `json:"retry_policy,omitempty" doc:"The default policy of its webhooks."`
	Catalogue   optional[string]           `json:"catalogue,omitempty" format:"catalogue-name" doc:"The catalogue that describes its events: default, or another one, which need not have entries yet."`
	Quotas      optional[quotasInput]      `json:"quotas,omitempty" doc:"Limits of its own by the name of the quota, 0 for no limit; all others are the server's. It takes the place of all that there were."`
}

func tenantOf(t *peal.Tenant) tenantShape {
	shape := tenantShape{Name: t.Name, Description: t.Description, Format: textOrNil(t.Format), Catalogue: t.CatalogueName(), CreatedAt: timeText(t.CreatedAt), Status: "active"}
	if !t.DeletingSince.IsZero() {
		shape.Status = "deleting"
	}
	shape.Quotas = make(map[string]int64, len(t.Quotas))
	for quota, limit := range t.Quotas {
		shape.Quotas[string(quota)] = limit
	}
	if t.RetryPolicy != nil {
		shape.RetryPolicy = some(retryPolicyOf(*t.RetryPolicy))
	}
	return shape
}

func (a *API) listTenants(c *call) error {
	q := c.query()
	limit, after := q.limit(), q.cursor(tenantList)
	text := q.find()
	if err := q.err(); err != nil {
		return err
	}
	rows, next, err := managing.FindTenants(c.context(), a.Store, managing.TenantQuery{Text: text, After: after, Limit: limit})
	if err != nil {
		return err
	}
	list := page(tenantList, rows, limit, tenantOf, nil)
	if next != "" {
		list.NextCursor = ptr(cursorOf(tenantList, next))
	}
	return c.json(200, list)
}

func (a *API) getTenant(c *call) error {
	tenant, err := a.namedTenant(c)
	if err != nil {
		return err
	}
	return c.revised(200, tenant.Revision, tenantOf(&tenant))
}

func (a *API) createTenant(c *call) error {
	var in tenantCreateInput
	if err := c.read(&in); err != nil {
		return err
	}
	draft := peal.Tenant{Name: in.Name.Value}
	settings := tenantInput{in.Description, in.Format, in.RetryPolicy, in.Catalogue, in.Quotas}
	if err := settings.apply(&draft, a.Engine); err != nil {
		return err
	}
	tenant, err := a.tenants.Create(c.context(), c.actor(), draft, nil)
	if err != nil {
		return named(err)
	}
	c.Header().Set("Location", "/v1/tenants/"+url.PathEscape(tenant.Name))
	return c.revised(201, tenant.Revision, tenantOf(&tenant))
}

// named puts faults of a tenant's name at the member that names it.
func named(err error) error {
	faults := peal.FaultsOf(err)
	if faults == nil {
		return err
	}
	moved := make([]error, len(faults))
	for i, one := range faults {
		fault := *one
		if fault.Field == "tenant" {
			fault.Field = "name"
		}
		moved[i] = &fault
	}
	return peal.JoinFaults(moved...)
}

func (a *API) updateTenant(c *call) error {
	var in tenantInput
	if err := c.read(&in); err != nil {
		return err
	}
	found, err := a.namedTenant(c)
	if err != nil {
		return err
	}
	tenant, err := a.tenants.Change(c.context(), c.actor(), found.Name, c.audit.detail, func(t *peal.Tenant) error {
		if err := c.ifRevision("tenant", t.Revision); err != nil {
			return err
		}
		return in.apply(t, a.Engine)
	})
	if err != nil {
		return orMissing(err, "tenant")
	}
	return c.revised(200, tenant.Revision, tenantOf(&tenant))
}

// apply puts what is given on a tenant. Members of the retry policy that are absent are
// those of the policy in force. It refuses an empty catalogue, which to the domain is the default.
func (in *tenantInput) apply(t *peal.Tenant, engine Engine) error {
	set(&t.Description, &in.Description)
	set(&t.Format, &in.Format)
	set(&t.Catalogue, &in.Catalogue)
	if in.Catalogue.Value != nil && t.Catalogue == "" {
		return peal.ValidateCatalogue("")
	}
	if in.Quotas.Given {
		t.Quotas = nil
		if in.Quotas.Value != nil {
			t.Quotas = in.Quotas.Value.limits()
		}
	}
	if in.RetryPolicy.Given {
		t.RetryPolicy = nil
		if in.RetryPolicy.Value != nil {
			t.RetryPolicy = in.RetryPolicy.Value.over(engine.Policy(&peal.Webhook{Tenant: t.Name}))
		}
	}
	return nil
}

// deleteTenant starts to delete a tenant, or with dry_run counts what would be deleted.
func (a *API) deleteTenant(c *call) error {
	q := c.query()
	dryRun := q.choice("dry_run", "true", "false") == "true"
	if err := q.err(); err != nil {
		return err
	}
	found, err := a.namedTenant(c)
	if err != nil {
		return err
	}
	if dryRun {
		counts, err := a.tenants.Count(c.context(), found.Name)
		if err != nil {
			return orMissing(err, "tenant")
		}
		c.audit.done = true // nothing has changed
		return c.json(200, tenantDataOf(found.Name, counts))
	}
	tenant, err := a.tenants.Delete(c.context(), c.actor(), found.Name)
	if err != nil {
		return orMissing(err, "tenant")
	}
	return c.json(202, tenantOf(&tenant))
}
