package match

import (
	"maps"

	"github.com/pealhq/peal"
)

// shards is how many parts the tenants are kept in: a change copies the part of its
// tenant and no other.
const shards = 256

// Table holds the routes of every tenant. It never changes: [Table.With] gives a
// new one that shares what did not change. The zero Table is empty and ready.
type Table struct {
	tenants [shards]map[string]*group
	size    int
}

// shardOf gives the part of a tenant: the FNV-1a hash of its name, folded.
func shardOf(tenant string) int {
	hash := uint32(2166136261)
	for i := range len(tenant) {
		hash = (hash ^ uint32(tenant[i])) * 16777619
	}
	return int((hash ^ hash>>16) % shards)
}

// With gives a table in which each of the routes takes the place of the route of
// the same webhook; the route of a deleted webhook only takes it out.
func (t *Table) With(routes ...*Route) *Table {
	changes := make(map[string]map[peal.WebhookID]*Route)
	for _, route := range routes {
		tenant := route.webhook.Tenant
		if changes[tenant] == nil {
			changes[tenant] = make(map[peal.WebhookID]*Route)
		}
		changes[tenant][route.webhook.ID] = route
	}
	next := *t
	var copied [shards]bool
	for tenant, changed := range changes {
		at := shardOf(tenant)
		if !copied[at] {
			copied[at] = true
			next.tenants[at] = maps.Clone(t.tenants[at])
			if next.tenants[at] == nil {
				next.tenants[at] = make(map[string]*group)
			}
		}
		before := next.tenants[at][tenant]
		after := before.with(changed)
		next.size += after.len() - before.len()
		if after.len() == 0 {
			delete(next.tenants[at], tenant)
			continue
		}
		next.tenants[at][tenant] = after
	}
	return &next
}

// Match gives the routes of a tenant whose patterns match an event type, in the
// order of their webhooks' ids, without those of disabled webhooks. Filters are
// not asked: that is [Route.Wants]. The caller must not change the slice.
func (t *Table) Match(tenant, eventType string) []*Route {
	return t.tenants[shardOf(tenant)][tenant].match(eventType)
}

// Len is the number of routes.
func (t *Table) Len() int { return t.size }
