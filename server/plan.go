package server

import (
	"context"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/wire"
)

// plan is what must happen for the managed webhooks to be those of a list.
type plan struct {
	create, update, remove []peal.Webhook
	unchanged              int
}

// entryKey is what a managed webhook is found again by.
type entryKey struct{ tenant, name string }

// plan compares a list with the managed webhooks that there are. It changes
// nothing, and fails at the first entry that cannot be taken over.
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
		wanted := m.filled()
		key := entryKey{wanted.Tenant, m.Name}
		found, exists := stored[key]
		delete(stored, key)
		if err := s.complete(ctx, m, &wanted, found); err != nil {
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
			wanted.ID, wanted.Revision, wanted.Health = found.ID, found.Revision, found.Health
			p.update = append(p.update, wanted)
		} else {
			p.create = append(p.create, wanted)
		}
	}
	for _, w := range stored {
		p.remove = append(p.remove, w)
	}
	return p, nil
}

// managed gives the managed webhooks of all tenants, and those that have the same
// entry as another, which a broken-off change may have left.
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
			if other.ID.Compare(w.ID) < 0 { // the older one is known to receivers
				w, other = other, w
			}
			spare = append(spare, other)
		}
		byEntry[key] = w
	}
	return byEntry, spare, nil
}

// complete gives the settings of an entry what they inherit, checks them, and adds
// what only the server knows. found is the webhook as it was, or zero.
func (s *Server) complete(ctx context.Context, m *ManagedWebhook, w *peal.Webhook, found peal.Webhook) error {
	if err := s.inherit(ctx, m, w); err != nil {
		return err
	}
	given := *w
	at := now()
	w.Secrets = s.secretsOf(w, found.Secrets)
	for i := range w.Secrets {
		if w.Secrets[i].CreatedAt.IsZero() {
			w.Secrets[i].CreatedAt = at
		}
	}
	w.Managed, w.StatusReason, w.UpdatedAt = true, "", at
	if err := s.engine.CheckWebhook(ctx, w); err != nil {
		return err
	}
	sum, err := digest(given, m.Settings.Status)
	w.Entry = peal.Entry{Name: m.Name, Digest: sum}
	return err
}

func (s *Server) inherit(ctx context.Context, m *ManagedWebhook, w *peal.Webhook) error {
	if w.Format == "" {
		tenant, err := s.store.Tenant(ctx, w.Tenant)
		if err != nil && peal.CodeOf(err) != peal.NotFound { // the webhook will create it
			return err
		}
		w.Format = peal.DefaultFormat
		if tenant.Format != "" {
			w.Format = tenant.Format
		}
	}
	if m.Policy != nil {
		policy := m.Policy(s.engine.Policy(w))
		w.RetryPolicy = &policy
	}
	return nil
}

// secretsOf gives the secrets of an entry: those that it says, or, where the format
// always signs, the one that there is or a new one.
func (s *Server) secretsOf(w *peal.Webhook, before []peal.Secret) []peal.Secret {
	format, known := s.engine.Format(w.Format)
	if len(w.Secrets) > 0 || !known || format.Secrets != wire.SecretAlways {
		return append([]peal.Secret(nil), w.Secrets...)
	}
	if len(before) > 0 && format.CheckSecret(before[0].Value) == nil {
		return before
	}
	return []peal.Secret{{Value: format.NewSecret()}}
}
