package match

import (
	"iter"
	"maps"

	"github.com/pealhq/peal"
)

// Table holds the routes of every tenant. It never changes: [Table.With] gives a
// new one that shares what did not change. The zero Table is empty and ready.
type Table struct {
	tenants map[string]*group
	size    int
}

// With gives a table in which each of the routes takes the place of the route of
// the same webhook; the route of a deleted webhook only takes it out. Tenants
// without a change are shared with t.
func (t *Table) With(routes ...*Route) *Table {
	changes := make(map[string]map[peal.WebhookID]*Route)
	for _, route := range routes {
		tenant := route.webhook.Tenant
		if changes[tenant] == nil {
			changes[tenant] = make(map[peal.WebhookID]*Route)
		}
		changes[tenant][route.webhook.ID] = route
	}
	next := &Table{tenants: maps.Clone(t.tenants), size: t.size}
	if next.tenants == nil {
		next.tenants = make(map[string]*group)
	}
	for tenant, changed := range changes {
		before := next.tenants[tenant]
		after := before.with(changed)
		next.size += after.len() - before.len()
		if after.len() == 0 {
			delete(next.tenants, tenant)
			continue
		}
		next.tenants[tenant] = after
	}
	return next
}

// Match gives the routes of a tenant whose patterns match an event type, in the
// order of their webhooks' ids, without those of disabled webhooks. Filters are
// not asked: that is [Route.Wants]. The caller must not change the slice.
func (t *Table) Match(tenant, eventType string) []*Route {
	return t.tenants[tenant].match(eventType)
}

// Route gives the route of a webhook, whatever its status; nil when there is none.
func (t *Table) Route(tenant string, id peal.WebhookID) *Route {
	return t.tenants[tenant].route(id)
}

// Routes gives all routes of a tenant in the order of their webhooks' ids.
func (t *Table) Routes(tenant string) iter.Seq[*Route] {
	return func(yield func(*Route) bool) {
		group := t.tenants[tenant]
		if group == nil {
			return
		}
		for _, route := range group.routes {
			if !yield(route) {
				return
			}
		}
	}
}

// All gives all routes: tenant by tenant in no particular order.
func (t *Table) All() iter.Seq[*Route] {
	return func(yield func(*Route) bool) {
		for _, group := range t.tenants {
			for _, route := range group.routes {
				if !yield(route) {
					return
				}
			}
		}
	}
}

// Len is the number of routes.
func (t *Table) Len() int { return t.size }
