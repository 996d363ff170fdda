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

// group is the routes of one tenant with an index over their patterns. It never
// changes apart from the answers that it remembers. A nil group is empty.
type group struct {
	routes []*Route // by webhook id
	// The positions in routes, ascending, by what a pattern asks for: a whole type,
	// or a beginning of it ("task." of task.*, "" of *).
	types    map[string][]int
	prefixes map[string][]int

	memo atomic.Pointer[map[string][]*Route]
}

func newGroup(routes []*Route) *group {
	g := &group{routes: routes, types: make(map[string][]int), prefixes: make(map[string][]int)}
	for at, route := range routes {
		if route.webhook.Status == peal.Disabled {
			continue
		}
		for _, pattern := range route.webhook.Events {
			if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
				g.prefixes[prefix] = append(g.prefixes[prefix], at)
			} else {
				g.types[pattern] = append(g.types[pattern], at)
			}
		}
	}
	return g
}

func (g *group) len() int {
	if g == nil {
		return 0
	}
	return len(g.routes)
}

// with gives a group in which the changed routes have taken their places.
func (g *group) with(changed map[peal.WebhookID]*Route) *group {
	routes := make([]*Route, 0, g.len()+len(changed))
	if g != nil {
		for _, route := range g.routes {
			if changed[route.webhook.ID] == nil {
				routes = append(routes, route)
			}
		}
	}
	for _, route := range changed {
		if route.webhook.Status != peal.Deleted {
			routes = append(routes, route)
		}
	}
	slices.SortFunc(routes, func(a, b *Route) int { return a.webhook.ID.Compare(b.webhook.ID) })
	return newGroup(routes)
}

func (g *group) route(id peal.WebhookID) *Route {
	if g == nil {
		return nil
	}
	at, found := slices.BinarySearchFunc(g.routes, id, func(r *Route, id peal.WebhookID) int {
		return r.webhook.ID.Compare(id)
	})
	if !found {
		return nil
	}
	return g.routes[at]
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
	positions := slices.Concat(g.types[eventType], g.prefixes[""])
	for at := range len(eventType) {
		if eventType[at] == '.' {
			positions = append(positions, g.prefixes[eventType[:at+1]]...)
		}
	}
	if len(positions) == 0 {
		return nil
	}
	slices.Sort(positions)
	positions = slices.Compact(positions)
	routes := make([]*Route, len(positions))
	for i, at := range positions {
		routes[i] = g.routes[at]
	}
	return routes
}
