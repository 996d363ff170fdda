package match

import (
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/pealhq/peal"
)

// shards is the number of parts of a table. A change copies only the part of its tenant.
const shards = 256

// Table holds the routes of every tenant. It is immutable: [Table.With] returns a new one that
// shares unchanged parts. The zero value is an empty table.
type Table struct {
	tenants [shards]map[string]*group
	size    int
}

// shardOf returns the shard of a tenant: the folded FNV-1a hash of its name.
func shardOf(tenant string) int {
	hash := uint32(2166136261)
	for i := range len(tenant) {
		hash = (hash ^ uint32(tenant[i])) * 16777619
	}
	return int((hash ^ hash>>16) % shards)
}

// With returns a table in which the routes replace those of the same webhooks. The route of a
// deleted webhook only removes the old one.
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
		after := before.replace(changed)
		next.size += after.len() - before.len()
		if after.len() == 0 {
			delete(next.tenants[at], tenant)
			continue
		}
		next.tenants[at][tenant] = after
	}
	return &next
}

// Match returns the routes of a tenant with patterns that match an event type, ordered by webhook
// ID, without those of disabled webhooks. It does not evaluate filters; see [Route.Wants]. The
// caller must not change the slice.
func (t *Table) Match(tenant, eventType string) []*Route {
	return t.tenants[shardOf(tenant)][tenant].match(eventType)
}

// All returns the webhooks of a tenant in the order of their ids, disabled ones included.
// The caller must not change them.
func (t *Table) All(tenant string) []*peal.Webhook {
	g := t.tenants[shardOf(tenant)][tenant]
	if g == nil {
		return nil
	}
	routes := g.all()
	webhooks := make([]*peal.Webhook, len(routes))
	for i, route := range routes {
		webhooks[i] = route.webhook
	}
	return webhooks
}

// Len returns the number of routes.
func (t *Table) Len() int { return t.size }

// maxMemo is the maximum number of event types with a memoized result in a group. Publishers choose
// the types, so their number must not determine the use of memory.
const maxMemo = 256

// group holds the routes of one tenant: most of them in an index, which successive groups share,
// and the latest changes in a list that is short enough to scan. So a change to one of thousands of
// webhooks is cheap. A group is immutable except for its memo. A nil group is empty.
type group struct {
	index   *index
	changed []*Route // by webhook ID; a deleted webhook hides its route in the index
	size    int

	memo atomic.Pointer[map[string][]*Route]
}

// maxChanged returns the maximum number of changes to an index of n routes before it is rebuilt.
func maxChanged(n int) int { return min(16+n/32, 512) }

func (g *group) len() int {
	if g == nil {
		return 0
	}
	return g.size
}

// replace returns a group with the changed routes.
func (g *group) replace(changed map[peal.WebhookID]*Route) *group {
	if g == nil {
		g = &group{}
	}
	next := &group{index: g.index, changed: merge(g.changed, changed), size: g.index.len()}
	for _, route := range next.changed {
		if g.index.has(route.webhook.ID) {
			next.size--
		}
		if route.webhook.Status != peal.Deleted {
			next.size++
		}
	}
	if len(next.changed) > maxChanged(g.index.len()) {
		next.index, next.changed = newIndex(next.all()), nil
	}
	return next
}

// merge returns a copy of routes with the changes, ordered by ID.
func merge(routes []*Route, changes map[peal.WebhookID]*Route) []*Route {
	merged := make([]*Route, 0, len(routes)+len(changes))
	for _, route := range routes {
		if changes[route.webhook.ID] == nil {
			merged = append(merged, route)
		}
	}
	merged = slices.AppendSeq(merged, maps.Values(changes))
	slices.SortFunc(merged, byWebhook)
	return merged
}

func byWebhook(a, b *Route) int { return a.webhook.ID.Compare(b.webhook.ID) }

// all returns every route, ordered by ID.
func (g *group) all() []*Route {
	routes := make([]*Route, 0, g.size)
	if g.index != nil {
		routes = g.appendUnchanged(routes, g.index.routes)
	}
	for _, route := range g.changed {
		if route.webhook.Status != peal.Deleted {
			routes = append(routes, route)
		}
	}
	slices.SortFunc(routes, byWebhook)
	return routes
}

// appendUnchanged appends the routes of the index that were not changed.
func (g *group) appendUnchanged(to, routes []*Route) []*Route {
	for _, route := range routes {
		if _, found := find(g.changed, route.webhook.ID); !found {
			to = append(to, route)
		}
	}
	return to
}

func (g *group) match(eventType string) []*Route {
	if g == nil {
		return nil
	}
	known := g.memo.Load()
	if known != nil {
		if routes, ok := (*known)[eventType]; ok {
			return routes
		}
	}
	routes := g.find(eventType)
	g.remember(known, eventType, routes)
	return routes
}

// remember memoizes a result, unless the memo is full or was changed concurrently.
func (g *group) remember(known *map[string][]*Route, eventType string, routes []*Route) {
	next := make(map[string][]*Route, 1)
	if known != nil {
		if len(*known) >= maxMemo {
			return
		}
		next = maps.Clone(*known)
	}
	next[strings.Clone(eventType)] = routes // the type may share memory with the whole request
	g.memo.CompareAndSwap(known, &next)
}

func (g *group) find(eventType string) []*Route {
	routes := g.index.match(eventType)
	if len(g.changed) == 0 {
		return routes
	}
	routes = g.appendUnchanged(routes[:0], routes)
	for _, route := range g.changed {
		if route.webhook.Status == peal.Disabled || route.webhook.Status == peal.Deleted {
			continue
		}
		for _, pattern := range route.webhook.Events {
			if peal.MatchPattern(pattern, eventType) {
				routes = append(routes, route)
				break
			}
		}
	}
	slices.SortFunc(routes, byWebhook)
	return routes
}

// index finds the routes of one tenant by their patterns. It is immutable. A nil index is empty.
type index struct {
	routes []*Route // by webhook id
	// Ascending positions in routes by pattern: an event type, or a prefix ("task." for task.*, ""
	// for *).
	types    map[string][]int32
	prefixes map[string][]int32
}

func newIndex(routes []*Route) *index {
	x := &index{routes: routes, types: make(map[string][]int32), prefixes: make(map[string][]int32)}
	for at, route := range routes {
		if route.webhook.Status == peal.Disabled {
			continue
		}
		for _, pattern := range route.webhook.Events {
			if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
				x.prefixes[prefix] = append(x.prefixes[prefix], int32(at))
			} else {
				x.types[pattern] = append(x.types[pattern], int32(at))
			}
		}
	}
	return x
}

func (x *index) len() int {
	if x == nil {
		return 0
	}
	return len(x.routes)
}

// has reports whether the index contains the route of a webhook.
func (x *index) has(id peal.WebhookID) bool {
	if x == nil {
		return false
	}
	_, found := find(x.routes, id)
	return found
}

// find returns the position of a webhook's route in routes, which are ordered by ID.
func find(routes []*Route, id peal.WebhookID) (at int, found bool) {
	return slices.BinarySearchFunc(routes, id, func(r *Route, id peal.WebhookID) int { return r.webhook.ID.Compare(id) })
}

// match returns the routes with a pattern that matches an event type, ordered by ID.
func (x *index) match(eventType string) []*Route {
	if x == nil {
		return nil
	}
	positions := slices.Concat(x.types[eventType], x.prefixes[""])
	for at := range len(eventType) {
		if eventType[at] == '.' {
			positions = append(positions, x.prefixes[eventType[:at+1]]...)
		}
	}
	if len(positions) == 0 {
		return nil
	}
	slices.Sort(positions)
	positions = slices.Compact(positions)
	routes := make([]*Route, len(positions))
	for i, at := range positions {
		routes[i] = x.routes[at]
	}
	return routes
}
