package manage

import (
	"context"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/share"
)

// Find returns the webhooks that match a query, in its order. total is the number of all matches,
// or -1 if they were not counted.
func (m *Webhooks) Find(ctx context.Context, q peal.WebhookQuery) (found []peal.Webhook, total int, err error) {
	if q.SelectsAll() {
		found, err = m.finder.Webhooks(ctx, q.Tenant, q.After.ID, q.Limit)
		return found, -1, err
	}
	return m.engine.FindWebhooks(ctx, q)
}

// TenantLister lists tenants.
type TenantLister interface {
	Tenants(ctx context.Context, after string, limit int) ([]peal.Tenant, error)
}

// TenantQuery selects tenants, by name.
type TenantQuery struct {
	// Text must occur in the name or the description, in any case; "" selects all.
	Text  string
	After string // after this name; "" for the first page
	Limit int
}

// The number of tenants that a search reads at once, and that it examines for one page.
const (
	readTenants   = 1000
	passedTenants = 20 * readTenants
)

// FindTenants returns a page of the tenants that match a query. next is the After of the next page,
// "" at the end. A page may have fewer rows than the limit and not be the last one, because a
// search examines a limited number of tenants.
func FindTenants(ctx context.Context, store TenantLister, q TenantQuery) (found []peal.Tenant, next string, err error) {
	read := readTenants
	if q.Text == "" {
		read = q.Limit + 1
	}
	text, after := strings.ToLower(q.Text), q.After
	for passed := 0; ; {
		tenants, err := store.Tenants(ctx, after, read)
		if err != nil {
			return nil, "", err
		}
		for i := range tenants {
			if !strings.Contains(strings.ToLower(tenants[i].Name), text) &&
				!strings.Contains(strings.ToLower(tenants[i].Description), text) {
				continue
			}
			if len(found) == q.Limit {
				return found, found[q.Limit-1].Name, nil
			}
			found = append(found, tenants[i])
		}
		if len(tenants) < read {
			return found, "", nil
		}
		after = tenants[read-1].Name
		if passed += read; passed >= passedTenants {
			return found, after, nil
		}
	}
}

// EventTypeFinder finds event types.
type EventTypeFinder interface {
	FindEventTypes(ctx context.Context, query peal.EventTypeQuery) ([]peal.EventType, error)
}

// Sharer hands out turns; see [dispatch.Engine.Share].
type Sharer interface {
	Share(ctx context.Context, kind share.Kind, tenant string) (leave func(), err error)
}

// FindEventTypes returns the event types that match a query of a tenant. A query with text waits
// for its turn among the searches of the tenant.
func FindEventTypes(ctx context.Context, store EventTypeFinder, turns Sharer, tenant string,
	q peal.EventTypeQuery) ([]peal.EventType, error) {
	if q.Text != "" {
		leave, err := turns.Share(ctx, share.Search, tenant)
		if err != nil {
			return nil, err
		}
		defer leave()
	}
	return store.FindEventTypes(ctx, q)
}
