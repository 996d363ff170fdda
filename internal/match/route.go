package match

import (
	"encoding/json"

	"github.com/pealhq/peal"
)

// Route is a webhook with its programs, which are compiled when they are first used.
type Route struct {
	webhook   *peal.Webhook
	limits    Limits
	filter    kept[*filter]
	transform kept[*Program]
}

// Compile checks that a webhook's programs compile. The route keeps w, which nobody may
// change from then on. The error has code [peal.Invalid], the field "filter" or
// "transform", and the compiler's own words with the place in the program.
func Compile(w *peal.Webhook, limits Limits) (*Route, error) {
	compiling.Lock()
	defer compiling.Unlock()
	if w.Filter != "" {
		if _, err := compileFilter(w.Filter, limits); err != nil {
			return nil, err
		}
	}
	if w.Transform != "" {
		if _, err := CompileProgram("transform", w.Transform, limits); err != nil {
			return nil, err
		}
	}
	return Load(w, limits), nil
}

// Load returns the route of a webhook that was saved before and must not get lost: a
// program that does not compile (it was saved by another version) fails each time it is
// used. A deleted webhook makes the route that [Table.With] takes for it.
func Load(w *peal.Webhook, limits Limits) *Route { return &Route{webhook: w, limits: limits} }

// Webhook is the webhook that the route was compiled from; nobody may change it.
func (r *Route) Webhook() *peal.Webhook { return r.webhook }

// Filters reports whether the webhook has a filter.
func (r *Route) Filters() bool { return r.webhook.Filter != "" }

// Transforms reports whether the webhook has a transform.
func (r *Route) Transforms() bool { return r.webhook.Transform != "" }

// Wants reports whether the webhook's filter lets an event through; true without
// a filter. An error (code [peal.Invalid], field "filter") means no, and its
// message is for the event's record; but where [Purse.Err] is not nil afterwards, the
// filter was not asked to the end, and nothing follows for the event.
func (r *Route) Wants(purse *Purse, facts *Facts) (bool, error) {
	if !r.Filters() {
		return true, nil
	}
	f := r.filter.get()
	if f == nil {
		f = r.filter.make(purse, r.webhook.Filter, r.compileFilter)
	}
	if f.err != nil {
		return false, f.err
	}
	return f.program.run(purse, facts)
}

func (r *Route) compileFilter(text string) (*filter, int, error) {
	f, err := compileFilter(text, r.limits)
	if err != nil {
		return nil, bytesOfRefusal, err
	}
	return f, f.bytes, nil
}

// bytesOfRefusal is what a program takes in memory that does not compile.
const bytesOfRefusal = 1 << 10

// Transform gives the data that the webhook gets of an event: the event's own data
// without a transform, and otherwise the one value that the program gives, as
// compact JSON with the members of objects sorted by name (the program's language
// knows no order of members), "<", ">" and "&" unescaped, and numbers that the
// program did not calculate with written as they were.
//
// The error has code [peal.Invalid] and the field "transform"; or it is that of [Purse.Err].
func (r *Route) Transform(purse *Purse, event *peal.Event) (json.RawMessage, error) {
	if !r.Transforms() {
		return event.Data, nil
	}
	p := r.transform.get()
	if p == nil {
		p = r.transform.make(purse, r.webhook.Transform, r.compileTransform)
	}
	if p.err != nil {
		return nil, p.err
	}
	return p.program.JSON(purse, &Input{Texts: []json.RawMessage{event.Data}, Make: func() (map[string]any, error) {
		return EventInput(event)
	}})
}

func (r *Route) compileTransform(text string) (*Program, int, error) {
	p, err := CompileProgram("transform", text, r.limits)
	if err != nil {
		return nil, bytesOfRefusal, err
	}
	return p, p.bytes, nil
}
