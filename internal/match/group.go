package match

import (
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/pealhq/peal"
)

// maxMemo is how many event types a group remembers the answer for. A publisher
// chooses the types, so their number must not decide how much memory is used.
const maxMemo = 256

// group is the routes of one tenant: most of them in an index, which many groups one
// after the other share, and the latest changes beside it, which are few enough to be
// looked through. So a change of one of a tenant's thousands of webhooks costs little.
// A group never changes apart from the answers that it remembers. A nil group is empty.
type group struct {
	index   *index
	changed []*Route // by webhook id; of a deleted webhook: that it is in the index no more
	size    int

	memo atomic.Pointer[map[string][]*Route]
}

// mostChanged is how many changes stand beside an index of n routes before a new one
// is made.
func mostChanged(n int) int { return min(16+n/32, 512) }

func (g *group) len() int {
	if g == nil {
		return 0
	}
	return g.size
}

// with gives a group in which the changed routes have taken their places.
func (g *group) with(changed map[peal.WebhookID]*Route) *group {
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
	if len(next.changed) > mostChanged(g.index.len()) {
		next.index, next.changed = newIndex(next.all()), nil
	}
	return next
}

// merge puts changes into a copy of routes, which is in the order of ids.
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

// all gives every route in the order of ids.
func (g *group) all() []*Route {
	routes := make([]*Route, 0, g.size)
	if g.index != nil {
		routes = g.unchanged(routes, g.index.routes)
	}
	for _, route := range g.changed {
		if route.webhook.Status != peal.Deleted {
			routes = append(routes, route)
		}
	}
	slices.SortFunc(routes, byWebhook)
	return routes
}

// unchanged appends those of some routes of the index that still hold.
func (g *group) unchanged(to, routes []*Route) []*Route {
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

// remember adds an answer, unless there are enough or somebody else just added one.
func (g *group) remember(known *map[string][]*Route, eventType string, routes []*Route) {
	next := make(map[string][]*Route, 1)
	if known != nil {
		if len(*known) >= maxMemo {
			return
		}
		next = maps.Clone(*known)
	}
	next[strings.Clone(eventType)] = routes // the type may share memory with a whole request
	g.memo.CompareAndSwap(known, &next)
}

func (g *group) find(eventType string) []*Route {
	routes := g.index.match(eventType)
	if len(g.changed) == 0 {
		return routes
	}
	routes = g.unchanged(routes[:0], routes)
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
