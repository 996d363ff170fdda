package api

import (
	"encoding/json"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
)

// quotaShape is a quota of a tenant with its use.
type quotaShape struct {
	Name    string `json:"name" enum:"webhooks,sources,keys,portal_links,users,sessions,event_types,streams,pending_deliveries,pending_bytes,events_per_second" doc:"What is limited."`
	Limit   *int64 `json:"limit" doc:"How much there may be; null for no limit."`
	Used    *int64 `json:"used" doc:"How much there is, of pending deliveries and their bytes no more than the limit; null where nothing is counted."`
	Default *int64 `json:"default" doc:"The limit where the tenant has none of its own; null for no limit."`
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

func numberOrNil(n int64) *int64 {
	if n == 0 {
		return nil
	}
	return &n
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

// quotasInput are limits by the quota's name.
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
			d.fault(place+"."+name, "must be a whole number; leave it out for the default")
			continue
		}
		(*q)[name] = n
	}
}

// Schema is that of an object with a limit for each quota that a tenant may have of its own
// (see [peal.Tenant.Validate]).
func (quotasInput) Schema(huma.Registry) *huma.Schema {
	var names []any
	for _, quota := range peal.AllQuotas() {
		if quota != peal.QuotaEventTypes {
			names = append(names, string(quota))
		}
	}
	return &huma.Schema{
		Type: "object", AdditionalProperties: &huma.Schema{Type: "integer", Format: "int64", Minimum: ptr(0.0), Maximum: ptr(float64(peal.LargestQuota))},
		Extensions: map[string]any{"propertyNames": &huma.Schema{Type: "string", Enum: names}},
	}
}

// limits returns the domain's limits; nil for none.
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
