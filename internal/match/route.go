package match

import (
	"encoding/json"

	"github.com/pealhq/peal"
)

// Route is a webhook with its programs, which are compiled on first use.
type Route struct {
	webhook   *peal.Webhook
	limits    Limits
	filter    cached[*filter]
	transform cached[*Program]
}

// Compile checks that the programs of a webhook compile and returns its route. The route keeps w,
// which must not change any more. The error has code [peal.Invalid], the field "filter" or
// "transform", and the compiler's message with its position in the program.
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

// Load returns the route of a stored webhook without compiling its programs. A program that does
// not compile, because another version stored it, fails on each use. The route of a deleted webhook
// serves to remove it with [Table.With].
func Load(w *peal.Webhook, limits Limits) *Route { return &Route{webhook: w, limits: limits} }

// Webhook returns the webhook of the route, which must not be changed.
func (r *Route) Webhook() *peal.Webhook { return r.webhook }

// Filters reports whether the webhook has a filter.
func (r *Route) Filters() bool { return r.webhook.Filter != "" }

// Transforms reports whether the webhook has a transform.
func (r *Route) Transforms() bool { return r.webhook.Transform != "" }

// Wants reports whether the webhook's filter accepts an event; true without a filter. An error
// (code [peal.Invalid], field "filter") means that it does not, and its message belongs into the
// event's record. But if [Purse.Err] is not nil afterwards, the filter did not run to its end, and
// nothing is known about the event.
func (r *Route) Wants(purse *Purse, facts *Facts) (bool, error) {
	if !r.Filters() {
		return true, nil
	}
	f := r.filter.get()
	if f == nil {
		f = r.filter.compileOnce(purse, r.webhook.Filter, r.compileFilter)
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

// bytesOfRefusal is the size in memory of the error of a program that does not compile.
const bytesOfRefusal = 1 << 10

// Transform returns the data of an event for the webhook. Without a transform this is the event's
// data. Otherwise it is the single value of the program as compact JSON: members of objects sorted
// by name (the language has no order of members), "<", ">" and "&" unescaped, and numbers that the
// program did not change in their original form.
//
// The error has code [peal.Invalid] and the field "transform", or is that of [Purse.Err].
func (r *Route) Transform(purse *Purse, event *peal.Event) (json.RawMessage, error) {
	if !r.Transforms() {
		return event.Data, nil
	}
	p := r.transform.get()
	if p == nil {
		p = r.transform.compileOnce(purse, r.webhook.Transform, r.compileTransform)
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
