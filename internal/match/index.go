package match

import (
	"slices"
	"strings"

	"github.com/pealhq/peal"
)

// index finds the routes of one tenant by what their patterns ask for. It never
// changes. A nil index is empty.
type index struct {
	routes []*Route // by webhook id
	// The positions in routes, ascending, by what a pattern asks for: a whole type,
	// or a beginning of it ("task." of task.*, "" of *).
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

// has reports whether the index has a route of a webhook.
func (x *index) has(id peal.WebhookID) bool {
	if x == nil {
		return false
	}
	_, found := find(x.routes, id)
	return found
}

// find gives the place of a webhook's route among routes in the order of ids.
func find(routes []*Route, id peal.WebhookID) (at int, found bool) {
	return slices.BinarySearchFunc(routes, id, func(r *Route, id peal.WebhookID) int { return r.webhook.ID.Compare(id) })
}

// match gives the routes that want an event type, in the order of ids.
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
