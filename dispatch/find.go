package dispatch

import (
	"context"
	"slices"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/share"
)

// FindWebhooks returns the webhooks of a tenant that a query chooses, in its order, and how many
// it chooses in all, wherever the list begins. It looks at the settings that the engine has in
// memory, brought up to date before, and reads from the store only those that it returns. A search takes its
// turn among those of its tenant; see [Engine.Share].
func (e *Engine) FindWebhooks(ctx context.Context, q peal.WebhookQuery) (found []peal.Webhook, total int, err error) {
	leave, err := e.Share(ctx, share.Search, q.Tenant)
	if err != nil {
		return nil, 0, err
	}
	defer leave()
	if err := e.Refresh(ctx); err != nil {
		return nil, 0, err
	}
	type placed struct {
		place peal.WebhookPlace
		id    peal.WebhookID
	}
	var behind []placed
	chooses := q.Chooses()
	for _, w := range e.routes.Load().table.All(q.Tenant) {
		if !chooses(w) {
			continue
		}
		total++
		if place := q.PlaceOf(w); q.After.ID.IsZero() || q.Compare(place, q.After) > 0 {
			behind = append(behind, placed{place, w.ID})
		}
	}
	slices.SortFunc(behind, func(a, b placed) int { return q.Compare(a.place, b.place) })
	behind = behind[:min(len(behind), q.Limit)]
	if len(behind) == 0 {
		return nil, total, nil
	}
	ids := make([]peal.WebhookID, len(behind))
	at := make(map[peal.WebhookID]int, len(behind))
	for i := range behind {
		ids[i], at[behind[i].id] = behind[i].id, i
	}
	if found, err = e.store.WebhooksOf(ctx, q.Tenant, ids); err != nil {
		return nil, 0, err
	}
	slices.SortFunc(found, func(a, b peal.Webhook) int { return at[a.ID] - at[b.ID] })
	return found, total, nil
}

// KnownWebhook returns a webhook as the engine has it in memory: its settings as of the latest
// refresh, not its health. It reports false for one that does not exist or is another tenant's.
// The caller must not change it.
func (e *Engine) KnownWebhook(tenant string, id peal.WebhookID) (*peal.Webhook, bool) {
	h := e.hooks.get(id)
	if h == nil || h.Tenant != tenant {
		return nil, false
	}
	return h.Webhook, true
}
