package preset

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"slices"

	"github.com/pealhq/peal/client"
)

// API is the part of the server's API that Apply uses; *[client.Client] implements it.
type API interface {
	AllEventTypes(ctx context.Context, query client.EventTypesQuery) iter.Seq2[client.EventType, error]
	PutEventType(ctx context.Context, name string, query client.EventTypeQuery, body client.EventTypeRequest) (client.EventType, error)
	Tenant(ctx context.Context, name string) (client.Tenant, error)
	CreateTenant(ctx context.Context, body client.TenantCreateRequest) (client.Tenant, error)
	UpdateTenant(ctx context.Context, name string, body client.TenantRequest) (client.Tenant, error)
}

// Action is the action taken for an object, or planned in a dry run.
type Action string

// The actions.
const (
	Created   Action = "created"
	Updated   Action = "updated"
	Unchanged Action = "unchanged"
)

// Change is an object of a preset with its action.
type Change struct {
	Kind   string `json:"kind"` // event_type or tenant
	Name   string `json:"name"`
	Action Action `json:"action"`
}

// ApplyOptions configure Apply.
type ApplyOptions struct {
	// Tenant receives the preset's format and retry policy as its defaults, and the preset's
	// catalogue. It is created if it does not exist.
	Tenant string
	// DryRun returns the changes without making them.
	DryRun bool
}

// Apply adds the preset's events to the catalogue of its name, and sets the defaults and the
// catalogue of a tenant. It skips equal objects, so applying again does nothing. With an error it
// returns the changes made before it; applying again continues there.
func (p *Preset) Apply(ctx context.Context, api API, options ApplyOptions) ([]Change, error) {
	var changes []Change
	catalogue := make(map[string]client.EventType)
	for entry, err := range api.AllEventTypes(ctx, client.EventTypesQuery{Catalogue: p.Name}) {
		if err != nil {
			return nil, fmt.Errorf("read the catalogue: %w", err)
		}
		catalogue[entry.Name] = entry
	}
	for i := range p.Events {
		wanted := p.Events[i].EventType()
		wanted.Catalogue = p.Name
		change := Change{Kind: "event_type", Name: wanted.Name, Action: Created}
		if found, ok := catalogue[wanted.Name]; ok {
			change.Action = Updated
			if sameEntry(found, wanted) {
				change.Action = Unchanged
			}
		}
		if change.Action != Unchanged && !options.DryRun {
			query := client.EventTypeQuery{Catalogue: p.Name}
			body := client.EventTypeRequest{Description: &wanted.Description, Schema: wanted.Schema, Example: wanted.Example}
			if _, err := api.PutEventType(ctx, wanted.Name, query, body); err != nil {
				return changes, fmt.Errorf("put event type %s: %w", wanted.Name, err)
			}
		}
		changes = append(changes, change)
	}
	action, err := p.applyDefaults(ctx, api, options)
	if err != nil {
		return changes, err
	}
	return append(changes, Change{Kind: "tenant", Name: options.Tenant, Action: action}), nil
}

// applyDefaults sets a tenant's format, retry policy and catalogue to the preset's.
func (p *Preset) applyDefaults(ctx context.Context, api API, options ApplyOptions) (Action, error) {
	policy := p.RetryPolicy
	settings := client.TenantRequest{
		Format: &p.Format, Catalogue: &p.Name,
		RetryPolicy: &client.RetryPolicyRequest{
			DelaysSeconds: policy.DelaysSeconds, Jitter: &policy.Jitter,
			DisableAfterExhausted: &policy.DisableAfterExhausted, DisableAfterSeconds: &policy.DisableAfterSeconds,
		},
	}
	found, err := api.Tenant(ctx, options.Tenant)
	switch {
	case client.StatusOf(err) == http.StatusNotFound:
		if options.DryRun {
			return Created, nil
		}
		if _, err := api.CreateTenant(ctx, client.TenantCreateRequest{Name: options.Tenant, TenantRequest: settings}); err != nil {
			return "", fmt.Errorf("create tenant %s: %w", options.Tenant, err)
		}
		return Created, nil
	case err != nil:
		return "", fmt.Errorf("read tenant %s: %w", options.Tenant, err)
	case found.Format == p.Format && found.Catalogue == p.Name && samePolicy(found.RetryPolicy, policy):
		return Unchanged, nil
	case options.DryRun:
		return Updated, nil
	}
	if _, err := api.UpdateTenant(ctx, options.Tenant, settings); err != nil {
		return "", fmt.Errorf("update tenant %s: %w", options.Tenant, err)
	}
	return Updated, nil
}

func sameEntry(a, b client.EventType) bool {
	return a.Description == b.Description && sameText(a.Schema, b.Schema) && sameText(a.Example, b.Example)
}

// sameText compares JSON except for white space and the escaping of "<", ">" and "&", which a
// server may add.
func sameText(a, b json.RawMessage) bool {
	return bytes.Equal(escaped(a), escaped(b))
}

func escaped(text json.RawMessage) []byte {
	var b bytes.Buffer
	json.HTMLEscape(&b, text)
	plain, err := compact(b.Bytes())
	if err != nil {
		return nil
	}
	return plain
}

func samePolicy(a *client.RetryPolicy, b client.RetryPolicy) bool {
	return a != nil && slices.Equal(a.DelaysSeconds, b.DelaysSeconds) && a.Jitter == b.Jitter &&
		a.DisableAfterExhausted == b.DisableAfterExhausted && a.DisableAfterSeconds == b.DisableAfterSeconds
}
