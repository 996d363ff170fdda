package dashboard

import (
	"context"
	"iter"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/internal/manage"
)

// presetStore implements preset.API directly, without a network.
type presetStore struct {
	d *Dashboard
	c *call
}

// AllEventTypes implements preset.API.
func (s presetStore) AllEventTypes(ctx context.Context, query client.EventTypesQuery) iter.Seq2[client.EventType, error] {
	return func(yield func(client.EventType, error) bool) {
		for after := ""; ; {
			types, err := s.d.Store.EventTypes(ctx, query.Catalogue, after, maxTypes)
			if err != nil {
				yield(client.EventType{}, err)
				return
			}
			for _, t := range types {
				if !yield(client.EventType{Catalogue: t.Catalogue, Name: t.Name, Description: t.Description, Schema: t.Schema, Example: t.Example, CreatedAt: t.CreatedAt, UpdatedAt: t.UpdatedAt}, nil) {
					return
				}
				after = t.Name
			}
			if len(types) < maxTypes {
				return
			}
		}
	}
}

// PutEventType implements preset.API.
func (s presetStore) PutEventType(ctx context.Context, name string, query client.EventTypeQuery, body client.EventTypeRequest) (client.EventType, error) {
	_, _, err := s.d.types.Put(ctx, s.actor(), peal.EventType{Catalogue: query.Catalogue, Name: name, Description: *body.Description, Schema: body.Schema, Example: body.Example})
	return client.EventType{Catalogue: query.Catalogue, Name: name}, err
}

// Tenant implements preset.API.
func (s presetStore) Tenant(ctx context.Context, name string) (client.Tenant, error) {
	t, err := s.d.Store.Tenant(ctx, name)
	if peal.CodeOf(err) == peal.NotFound {
		return client.Tenant{}, &client.Error{Status: 404}
	}
	found := client.Tenant{Name: t.Name, Description: t.Description, Format: t.Format, Catalogue: t.CatalogueName(), CreatedAt: t.CreatedAt}
	if p := t.RetryPolicy; p != nil {
		found.RetryPolicy = &client.RetryPolicy{Jitter: p.Jitter, DisableAfterExhausted: p.DisableAfterExhausted, DisableAfterSeconds: p.DisableAfterFailing.Seconds()}
		for _, delay := range p.Delays {
			found.RetryPolicy.DelaysSeconds = append(found.RetryPolicy.DelaysSeconds, delay.Seconds())
		}
	}
	return found, err
}

// CreateTenant implements preset.API.
func (s presetStore) CreateTenant(ctx context.Context, body client.TenantCreateRequest) (client.Tenant, error) {
	tenant := peal.Tenant{Name: body.Name}
	setDefaults(&tenant, body.TenantRequest)
	_, err := s.d.tenants.Create(ctx, s.actor(), tenant, nil)
	return client.Tenant{Name: body.Name}, err
}

// UpdateTenant implements preset.API.
func (s presetStore) UpdateTenant(ctx context.Context, name string, body client.TenantRequest) (client.Tenant, error) {
	_, err := s.d.tenants.Change(ctx, s.actor(), name, "", func(t *peal.Tenant) error {
		setDefaults(t, body)
		return nil
	})
	return client.Tenant{Name: name}, err
}

// actor returns the caller without audit entries for single changes, because there is one entry for
// the preset.
func (s presetStore) actor() manage.Actor {
	actor := s.c.actor("")
	actor.Record = nil
	return actor
}

// setDefaults sets the format, the catalogue and the retry policy of a tenant to those of a preset.
func setDefaults(tenant *peal.Tenant, settings client.TenantRequest) {
	tenant.Format, tenant.Catalogue = *settings.Format, *settings.Catalogue
	in := settings.RetryPolicy
	policy := peal.RetryPolicy{Jitter: *in.Jitter, DisableAfterExhausted: *in.DisableAfterExhausted, DisableAfterFailing: inSeconds(*in.DisableAfterSeconds)}
	for _, delay := range in.DelaysSeconds {
		policy.Delays = append(policy.Delays, inSeconds(delay))
	}
	tenant.RetryPolicy = &policy
}

func inSeconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }
