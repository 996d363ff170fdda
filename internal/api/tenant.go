package api

import (
	"encoding/json"
	"net/url"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	managing "github.com/pealhq/peal/internal/manage"
)

var countParam = param{"dry_run", "true only counts what would be deleted or, while it is being deleted, what is left.", huma.Schema{Type: "string", Enum: []any{"true", "false"}}}

// tenantShape is a tenant as callers see it.
type tenantShape struct {
	Name        string                     `json:"name"`
	Description string                     `json:"description"`
	Format      *string                    `json:"format" doc:"The default format of its new webhooks; null for the server's."`
	RetryPolicy optional[retryPolicyShape] `json:"retry_policy" doc:"The default policy of its webhooks; null for the format's or the server's."`
	Catalogue   string                     `json:"catalogue" doc:"The catalogue that describes its events."`
	Quotas      map[string]int64           `json:"quotas" nullable:"false" doc:"Its own limits by the name of the quota, 0 for no limit."`
	CreatedAt   string                     `json:"created_at" format:"date-time"`
	Status      string                     `json:"status" enum:"active,deleting" doc:"deleting: it no longer works, and its data is being deleted in the background."`
}

// tenantDataShape counts the data of a tenant.
type tenantDataShape struct {
	Name   string           `json:"name"`
	Counts map[string]int64 `json:"counts" nullable:"false" doc:"The number of each kind; 1000000 for that many or more."`
}

func tenantDataOf(name string, c peal.TenantCounts) tenantDataShape {
	return tenantDataShape{name, map[string]int64{
		"webhooks": c.Webhooks, "sources": c.Sources, "keys": c.Keys, "users": c.Users, "sessions": c.Sessions,
		"portal_links": c.PortalLinks, "themes": c.Themes,
		"events": c.Events, "deliveries": c.Deliveries, "attempts": c.Attempts, "replays": c.Replays,
		"audit_entries": c.AuditEntries,
	}}
}

// tenantInput has the settings of a tenant: absent members keep their value, null restores the
// default.
type tenantInput struct {
	Description optional[string]           `json:"description,omitempty" maxLength:"4096"`
	Format      optional[string]           `json:"format,omitempty" format:"webhook-format" doc:"The default format of its new webhooks."`
	RetryPolicy optional[retryPolicyInput] `json:"retry_policy,omitempty" doc:"The default policy of its webhooks."`
	Catalogue   optional[string]           `json:"catalogue,omitempty" format:"catalogue-name" doc:"The catalogue that describes its events: default, or another one, which need not have entries yet."`
	Quotas      optional[quotasInput]      `json:"quotas,omitempty" doc:"Limits of its own by the name of the quota, 0 for no limit; all others are the server's. It takes the place of all that there were."`
}

type tenantCreateInput struct {
	Name        given[string]              `json:"name" format:"tenant-name" doc:"The application's name for it."`
	Description optional[string]           `json:"description,omitempty" maxLength:"4096"`
	Format      optional[string]           `json:"format,omitempty" format:"webhook-format" doc:"The default format of its new webhooks."`
	RetryPolicy optional[retryPolicyInput] `json:"retry_policy,omitempty" doc:"The default policy of its webhooks."`
	Catalogue   optional[string]           `json:"catalogue,omitempty" format:"catalogue-name" doc:"The catalogue that describes its events: default, or another one, which need not have entries yet."`
	Quotas      optional[quotasInput]      `json:"quotas,omitempty" doc:"Limits of its own by the name of the quota, 0 for no limit; all others are the server's. It takes the place of all that there were."`
}

func tenantOf(t *peal.Tenant) tenantShape {
	shape := tenantShape{Name: t.Name, Description: t.Description, Format: textOrNil(t.Format),
		Catalogue: t.CatalogueName(), CreatedAt: timeText(t.CreatedAt), Status: "active"}
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
	rows, next, err := managing.FindTenants(c.context(), a.Store,
		managing.TenantQuery{Text: text, After: after, Limit: limit})
	if err != nil {
		return err
	}
	return c.json(200, found(tenantList, rows, next, tenantOf))
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

// named moves the faults of a tenant's name to the member name.
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

// apply sets the given members on t. Absent members of the retry policy are taken from the policy
// in force. It refuses an empty catalogue, which the domain would take for the default.
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

// quotaShape is a quota of a tenant with its usage.
type quotaShape struct {
	Name    string `json:"name" enum:"webhooks,sources,keys,portal_links,users,sessions,event_types,streams,pending_deliveries,pending_bytes,events_per_second" doc:"The name of the quota."`
	Limit   *int64 `json:"limit" doc:"The limit; null for no limit."`
	Used    *int64 `json:"used" doc:"The current usage; null if it is not counted. For pending deliveries and their bytes it is at most the limit."`
	Default *int64 `json:"default" doc:"The limit for tenants without their own; null for no limit."`
	Own     bool   `json:"own" doc:"Whether the limit is the tenant's own."`
}

type quotasShape struct {
	Data []quotaShape `json:"data" nullable:"false" doc:"Every quota."`
}

func quotaOf(q *dispatch.QuotaUse) quotaShape {
	shape := quotaShape{Name: string(q.Quota), Limit: numberOrNil(q.Limit), Default: numberOrNil(q.Default), Own: q.Own}
	if q.Counted {
		shape.Used = &q.Used
	}
	return shape
}

func (a *API) quotas(c *call, tenant string) error {
	list, err := a.Engine.Quotas(c.context(), tenant)
	if err != nil {
		return err
	}
	shape := quotasShape{Data: make([]quotaShape, len(list))}
	for i := range list {
		shape.Data[i] = quotaOf(&list[i])
	}
	return c.json(200, shape)
}

func (a *API) ownQuotas(c *call) error { return a.quotas(c, c.tenant) }

func (a *API) tenantQuotas(c *call) error {
	tenant, err := a.namedTenant(c)
	if err != nil {
		return err
	}
	return a.quotas(c, tenant.Name)
}

// quotasInput has limits by the name of the quota.
type quotasInput map[string]int64

func (q *quotasInput) decodeJSON(d *decoder, place string, text []byte) {
	var members map[string]json.RawMessage
	if json.Unmarshal(text, &members) != nil || members == nil {
		d.fault(place, "must be an object of limits by the name of the quota")
		return
	}
	*q = make(quotasInput, len(members))
	for name, value := range members {
		n, whole := wholeNumber(string(value), 64)
		if !whole {
			d.fault(place+"."+name, "must be a whole number; omit it for the default")
			continue
		}
		(*q)[name] = n
	}
}

// Schema returns the schema of an object with a limit for each quota that may be set for a tenant
// (see [peal.Tenant.Validate]).
func (quotasInput) Schema(huma.Registry) *huma.Schema {
	var names []any
	for _, quota := range peal.AllQuotas() {
		if quota != peal.QuotaEventTypes {
			names = append(names, string(quota))
		}
	}
	return &huma.Schema{
		Type: "object", AdditionalProperties: &huma.Schema{Type: "integer", Format: "int64", Minimum: ptr(0.0),
			Maximum: ptr(float64(peal.LargestQuota))},
		Extensions: map[string]any{"propertyNames": &huma.Schema{Type: "string", Enum: names}},
	}
}

// limits returns the limits as the domain has them; nil for none.
func (q quotasInput) limits() peal.Quotas {
	if len(q) == 0 {
		return nil
	}
	limits := make(peal.Quotas, len(q))
	for name, limit := range q {
		limits[peal.Quota(name)] = limit
	}
	return limits
}
