package match

import (
	"context"
	"encoding/json"

	"github.com/pealhq/peal"
)

// Route is a webhook with its programs compiled.
type Route struct {
	webhook   *peal.Webhook
	filter    *filter    // nil when there is none
	transform *transform // nil when there is none

	filterErr, transformErr error // of a Loaded route whose program does not compile
}

// Compile compiles a webhook's programs. The route keeps w, which nobody may
// change from then on. The error has code [peal.Invalid], the field "filter" or
// "transform", and the compiler's own words with the place in the program.
func Compile(w *peal.Webhook, limits Limits) (*Route, error) {
	route := Load(w, limits)
	if route.filterErr != nil {
		return nil, route.filterErr
	}
	if route.transformErr != nil {
		return nil, route.transformErr
	}
	return route, nil
}

// Load compiles as [Compile] does, for a webhook that was saved before and must
// not get lost: a program that does not compile (it was saved by another version)
// fails each time it is used instead. A deleted webhook gives the route that
// [Table.With] takes for it.
func Load(w *peal.Webhook, limits Limits) *Route {
	route := &Route{webhook: w}
	if w.Filter != "" {
		route.filter, route.filterErr = compileFilter(w.Filter, limits)
	}
	if w.Transform != "" {
		route.transform, route.transformErr = compileTransform(w.Transform, limits)
	}
	return route
}

// Webhook is the webhook that the route was compiled from; nobody may change it.
func (r *Route) Webhook() *peal.Webhook { return r.webhook }

// Filters reports whether the webhook has a filter.
func (r *Route) Filters() bool { return r.webhook.Filter != "" }

// Transforms reports whether the webhook has a transform.
func (r *Route) Transforms() bool { return r.webhook.Transform != "" }

// Wants reports whether the webhook's filter lets an event through; true without
// a filter. An error (code [peal.Invalid], field "filter") means no, and its
// message is for the event's record.
func (r *Route) Wants(facts *Facts) (bool, error) {
	if r.filterErr != nil {
		return false, r.filterErr
	}
	if r.filter == nil {
		return true, nil
	}
	return r.filter.run(facts)
}

// Transform gives the data that the webhook gets of an event: the event's own data
// without a transform, and otherwise the one value that the program gives, as
// compact JSON with the members of objects sorted by name (the program's language
// knows no order of members), "<", ">" and "&" unescaped, and numbers that the
// program did not calculate with written as they were.
//
// The error has code [peal.Invalid] and the field "transform"; or it is ctx's own.
func (r *Route) Transform(ctx context.Context, event *peal.Event) (json.RawMessage, error) {
	if r.transformErr != nil {
		return nil, r.transformErr
	}
	if r.transform == nil {
		return event.Data, nil
	}
	return r.transform.run(ctx, event)
}
