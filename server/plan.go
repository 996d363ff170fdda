package server

import (
	"context"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/wire"
)

// plan lists the changes that bring the managed webhooks in line with a list of entries.
type plan struct {
	create, update, remove []peal.Webhook
	unchanged              int
}

// entryKey identifies a managed webhook.
type entryKey struct{ tenant, name string }

// plan compares a list with the existing managed webhooks. It changes nothing, and fails at the
// first invalid entry.
func (s *Server) plan(ctx context.Context, list []ManagedWebhook) (plan, error) {
	if err := validateManaged(list); err != nil {
		return plan{}, err
	}
	stored, spare, err := s.managed(ctx)
	if err != nil {
		return plan{}, err
	}
	p := plan{remove: spare}
	for i := range list {
		m := &list[i]
		wanted := m.withDefaults()
		key := entryKey{wanted.Tenant, m.Name}
		found, exists := stored[key]
		delete(stored, key)
		var before *peal.Webhook
		if exists {
			before = &found
		}
		if err := s.complete(ctx, m, before, &wanted); err != nil {
			return plan{}, inEntry(i, err)
		}
		if exists && found.Entry == wanted.Entry {
			p.unchanged++
			continue
		}
		if err := s.engine.AskConsent(ctx, &wanted); err != nil {
			return plan{}, inEntry(i, err)
		}
		if exists {
			p.update = append(p.update, wanted)
		} else {
			p.create = append(p.create, wanted)
		}
	}
	for _, w := range stored {
		p.remove = append(p.remove, w)
	}
	return p, s.checkQuotas(ctx, list, &p)
}

// checkQuotas refuses a plan that would exceed a tenant's quota of webhooks, at the last entry of
// the tenant, before anything changes. Webhooks that will be removed count, because they are
// removed last.
func (s *Server) checkQuotas(ctx context.Context, list []ManagedWebhook, p *plan) error {
	more := map[string]int64{} // webhooks by tenant
	for i := range p.create {
		more[p.create[i].Tenant]++
	}
	for i := len(list) - 1; i >= 0; i-- {
		tenant := list[i].withDefaults().Tenant
		if more[tenant] == 0 {
			continue
		}
		quotas, err := s.engine.Quotas(ctx, tenant)
		if err != nil {
			return err
		}
		for _, q := range quotas {
			if q.Quota == peal.QuotaWebhooks && q.Limit > 0 && q.Used+more[tenant] > q.Limit {
				return inEntry(i, peal.Invalidf("tenant", "would have %d webhooks with this file, and its quota webhooks is %d; raise quotas.webhooks, or the tenant's own limit", q.Used+more[tenant], q.Limit))
			}
		}
		delete(more, tenant)
	}
	return nil
}

// managed returns the managed webhooks of all tenants, and duplicates of an entry, which an
// interrupted change may have left.
func (s *Server) managed(ctx context.Context) (byEntry map[entryKey]peal.Webhook, spare []peal.Webhook, err error) {
	all, _, err := s.store.RoutesSince(ctx, 0)
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
			if other.ID.Compare(w.ID) < 0 { // keep the older one, which receivers know
				w, other = other, w
			}
			spare = append(spare, other)
		}
		byEntry[key] = w
	}
	return byEntry, spare, nil
}

// complete adds inherited settings to those of an entry, checks them, and sets the fields that the
// server owns. before is the existing webhook; nil for a new one.
func (s *Server) complete(ctx context.Context, m *ManagedWebhook, before, w *peal.Webhook) error {
	if err := s.inherit(ctx, m, w); err != nil {
		return err
	}
	given := *w
	w.Secrets = s.secretsOf(w, before)
	w.Managed, w.StatusReason, w.Author = true, "", peal.AuthorOperator
	if err := s.engine.CompleteWebhook(ctx, before, w); err != nil {
		return err
	}
	sum, err := digest(given, m.Settings.Status)
	w.Entry = peal.ConfigEntry{Name: m.Name, Digest: sum}
	return err
}

func (s *Server) inherit(ctx context.Context, m *ManagedWebhook, w *peal.Webhook) (err error) {
	if w.Format == "" {
		if w.Format, err = s.engine.DefaultFormat(ctx, w.Tenant); err != nil {
			return err
		}
	}
	if m.Policy != nil {
		policy := m.Policy(s.engine.Policy(w))
		w.RetryPolicy = &policy
	}
	return nil
}

// secretsOf returns the secrets of an entry: its own or, if the format always signs, the existing
// ones. Without any, the engine creates one.
func (s *Server) secretsOf(w, before *peal.Webhook) []peal.Secret {
	format, known := s.engine.Format(w.Format)
	if len(w.Secrets) > 0 || before == nil || !known || format.Secrets != wire.SecretAlways {
		return append([]peal.Secret(nil), w.Secrets...)
	}
	if len(before.Secrets) > 0 && format.CheckSecret(before.Secrets[0].Value) == nil {
		return before.Secrets
	}
	return nil
}
