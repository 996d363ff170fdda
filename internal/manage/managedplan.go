package manage

import (
	"context"
	"errors"
	"fmt"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/wire"
)

// ManagedEngine is the part of an engine that managed webhooks use. *[dispatch.Engine] implements it.
type ManagedEngine interface {
	PrepareWebhook(ctx context.Context, before, w *peal.Webhook) error
	CompleteWebhook(ctx context.Context, before, w *peal.Webhook) error
	OverwriteWebhook(ctx context.Context, w peal.Webhook) error
	DefaultFormat(ctx context.Context, tenant string) (string, error)
	Format(name string) (*wire.Format, bool)
	Policy(w *peal.Webhook) peal.RetryPolicy
	Quotas(ctx context.Context, tenant string) ([]dispatch.QuotaUse, error)
	Refresh(ctx context.Context) error
}

var _ ManagedEngine = (*dispatch.Engine)(nil)

// ManagedStore is the part of a store that managed webhooks use.
type ManagedStore interface {
	RoutesSince(ctx context.Context, version int64) ([]peal.Webhook, int64, error)
	CreateWebhook(ctx context.Context, w peal.Webhook) (peal.Webhook, error)
	DeleteWebhook(ctx context.Context, tenant string, id peal.WebhookID) error
}

// Managed keeps the webhooks that the configuration file owns as the file lists them.
type Managed struct {
	store  ManagedStore
	engine ManagedEngine
}

// NewManaged creates the layer above a store and an engine.
func NewManaged(store ManagedStore, engine ManagedEngine) *Managed {
	return &Managed{store: store, engine: engine}
}

// Plan is a checked list of managed webhooks, compared with those that exist.
type Plan struct {
	create, update, remove []peal.Webhook
	unchanged              int
}

// Changes names the managed webhooks that [Managed.Apply] has changed.
type Changes struct {
	Created, Updated, Removed []string
	// Unchanged counts the others.
	Unchanged int
}

// Any reports whether anything has changed.
func (c *Changes) Any() bool { return len(c.Created)+len(c.Updated)+len(c.Removed) > 0 }

// Plan compares a list with the managed webhooks that exist, and asks endpoints for their consent
// where that is needed. It changes nothing, and fails at the first entry that cannot be taken over.
func (m *Managed) Plan(ctx context.Context, list []ManagedWebhook) (Plan, error) {
	if err := ValidateManaged(list); err != nil {
		return Plan{}, err
	}
	stored, spare, err := m.stored(ctx)
	if err != nil {
		return Plan{}, err
	}
	p := Plan{remove: spare}
	for i := range list {
		wanted := list[i].withDefaults()
		key := entryKey{wanted.Tenant, list[i].Name}
		var before *peal.Webhook
		if found, exists := stored[key]; exists {
			before = &found
			delete(stored, key)
		}
		if err := m.complete(ctx, &list[i], before, &wanted); err != nil {
			return Plan{}, inEntry(i, err)
		}
		if before != nil && before.Entry == wanted.Entry {
			p.unchanged++
			continue
		}
		if err := m.engine.PrepareWebhook(ctx, before, &wanted); err != nil {
			return Plan{}, inEntry(i, err)
		}
		if before != nil {
			p.update = append(p.update, wanted)
		} else {
			p.create = append(p.create, wanted)
		}
	}
	for _, w := range stored {
		p.remove = append(p.remove, w)
	}
	return p, m.checkQuotas(ctx, list, &p)
}

// Apply does what a plan says, puts it in force, and records each change. When the store fails
// midway, what was done stays and is returned with the error; a new plan does the rest.
func (m *Managed) Apply(ctx context.Context, actor Actor, p Plan) (changes Changes, err error) {
	changes.Unchanged = p.unchanged
	defer func() {
		if changes.Any() {
			err = errors.Join(err, m.engine.Refresh(ctx))
		}
	}()
	done := func(names *[]string, action string, w *peal.Webhook) {
		*names = append(*names, w.Entry.Name)
		actor.record(w.Tenant, action, w.ID.String(), w.Entry.Name)
	}
	for _, w := range p.create {
		if _, err := m.store.CreateWebhook(ctx, w); err != nil {
			return changes, fmt.Errorf("create the webhook %s: %w", w.Entry.Name, err)
		}
		done(&changes.Created, "webhook.create", &w)
	}
	for _, w := range p.update {
		if err := m.engine.OverwriteWebhook(ctx, w); err != nil {
			return changes, fmt.Errorf("update the webhook %s: %w", w.Entry.Name, err)
		}
		done(&changes.Updated, "webhook.update", &w)
	}
	for _, w := range p.remove {
		if err := m.store.DeleteWebhook(ctx, w.Tenant, w.ID); err != nil && peal.CodeOf(err) != peal.NotFound {
			return changes, fmt.Errorf("remove the webhook %s: %w", w.Entry.Name, err)
		}
		done(&changes.Removed, "webhook.delete", &w)
	}
	return changes, nil
}

// Count returns the number of managed webhooks.
func (m *Managed) Count(ctx context.Context) (int, error) {
	stored, spare, err := m.stored(ctx)
	return len(stored) + len(spare), err
}

// entryKey identifies a managed webhook.
type entryKey struct{ tenant, name string }

// stored returns the managed webhooks of all tenants, and those that have the same entry as
// another, which an interrupted change may have left.
func (m *Managed) stored(ctx context.Context) (byEntry map[entryKey]peal.Webhook, spare []peal.Webhook, err error) {
	all, _, err := m.store.RoutesSince(ctx, 0)
	if err != nil {
		return nil, nil, err
	}
	byEntry = make(map[entryKey]peal.Webhook)
	for _, w := range all {
		if !w.Managed {
			continue
		}
		key := entryKey{w.Tenant, w.Entry.Name}
		if other, twice := byEntry[key]; twice {
			if other.ID.Compare(w.ID) < 0 { // the older one is known to receivers
				w, other = other, w
			}
			spare = append(spare, other)
		}
		byEntry[key] = w
	}
	return byEntry, spare, nil
}

// complete sets what an entry inherits, checks its webhook, and adds what only the server knows.
// before is the stored webhook; nil for a new one.
func (m *Managed) complete(ctx context.Context, entry *ManagedWebhook, before, w *peal.Webhook) (err error) {
	if w.Format == "" {
		if w.Format, err = m.engine.DefaultFormat(ctx, w.Tenant); err != nil {
			return err
		}
	}
	if entry.Policy != nil {
		policy := entry.Policy(m.engine.Policy(w))
		w.RetryPolicy = &policy
	}
	given := *w
	w.Secrets = m.secretsOf(w, before)
	w.Managed, w.StatusReason, w.Author = true, "", peal.AuthorOperator
	if err := m.engine.CompleteWebhook(ctx, before, w); err != nil {
		return err
	}
	sum, err := digest(given, entry.Settings.Status)
	w.Entry = peal.ConfigEntry{Name: entry.Name, Digest: sum}
	return err
}

// secretsOf returns the secrets of an entry: its own or, where it has none and the format always
// signs, those that the webhook has. The engine creates one where there is none.
func (m *Managed) secretsOf(w, before *peal.Webhook) []peal.Secret {
	format, known := m.engine.Format(w.Format)
	if len(w.Secrets) > 0 || before == nil || !known || format.Secrets != wire.SecretAlways {
		return append([]peal.Secret(nil), w.Secrets...)
	}
	if len(before.Secrets) > 0 && format.CheckSecret(before.Secrets[0].Value) == nil {
		return before.Secrets
	}
	return nil
}

// checkQuotas refuses a plan with more webhooks for a tenant than it may have, at the last entry of
// the tenant. Webhooks to be removed count too: they go after the others have been created.
func (m *Managed) checkQuotas(ctx context.Context, list []ManagedWebhook, p *Plan) error {
	more := map[string]int64{} // webhooks by tenant
	for i := range p.create {
		more[p.create[i].Tenant]++
	}
	for i := len(list) - 1; i >= 0; i-- {
		tenant := list[i].withDefaults().Tenant
		if more[tenant] == 0 {
			continue
		}
		quotas, err := m.engine.Quotas(ctx, tenant)
		if err != nil {
			return err
		}
		for _, q := range quotas {
			if q.Quota == peal.QuotaWebhooks && q.Limit > 0 && q.Used+more[tenant] > q.Limit {
				return inEntry(i, peal.Invalidf("tenant",
					"would have %d webhooks with this file, and its quota webhooks is %d; raise quotas.webhooks, or the tenant's own limit",
					q.Used+more[tenant], q.Limit))
			}
		}
		delete(more, tenant)
	}
	return nil
}
