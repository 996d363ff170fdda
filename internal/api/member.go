package api

import (
	"bytes"
	"encoding/json"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pealhq/peal"
)

// given is a member of a body that may be absent but not null, unless it is any JSON.
type given[T any] struct {
	Given bool
	Value T
}

func (g *given[T]) decodeJSON(d *decoder, place string, text []byte) {
	if bytes.Equal(text, []byte("null")) && reflect.TypeFor[T]() != rawType {
		d.fault(place, "must not be null: leave it out to keep or choose the default")
		return
	}
	g.Given = true
	d.value(place, text, reflect.ValueOf(&g.Value).Elem())
}

// Schema is that of T.
func (g given[T]) Schema(r huma.Registry) *huma.Schema { return schemaOf[T](r) }

// or gives the value, or another when the member is absent.
func (g *given[T]) or(other T) T {
	if g.Given {
		return g.Value
	}
	return other
}

// optional is a member that may also be null: in a body that asks for the default,
// in an answer there is none.
type optional[T any] struct {
	Given bool // the member is there, be it null
	Value *T   // nil for null
}

func (o *optional[T]) decodeJSON(d *decoder, place string, text []byte) {
	o.Given = true
	if bytes.Equal(text, []byte("null")) {
		return
	}
	o.Value = new(T)
	d.value(place, text, reflect.ValueOf(o.Value).Elem())
}

// MarshalJSON gives the value or null.
func (o optional[T]) MarshalJSON() ([]byte, error) { return json.Marshal(o.Value) }

// Schema is that of T, or null.
func (o optional[T]) Schema(r huma.Registry) *huma.Schema {
	s := schemaOf[T](r)
	if s.Ref != "" {
		return &huma.Schema{AnyOf: []*huma.Schema{s, {Type: "null"}}}
	}
	if s.Type != "" {
		s.Nullable = true
	}
	return s
}

// some is an optional that has a value.
func some[T any](value T) optional[T] { return optional[T]{Given: true, Value: &value} }

// orZero gives the value, or T's zero for null and absent.
func (o *optional[T]) orZero() T {
	if o.Value == nil {
		var zero T
		return zero
	}
	return *o.Value
}

func schemaOf[T any](r huma.Registry) *huma.Schema {
	s := *r.Schema(reflect.TypeFor[T](), true, "")
	if s.Type == "array" {
		s.Nullable = false
	}
	return &s
}

// patterns are event patterns: an array, or a single one as a string.
type patterns []string

func (p *patterns) decodeJSON(d *decoder, place string, text []byte) {
	if text[0] == '"' {
		*p = patterns{d.text(place, text)}
		return
	}
	var list []string
	d.value(place, text, reflect.ValueOf(&list).Elem())
	*p = list
}

// Schema allows both.
func (patterns) Schema(huma.Registry) *huma.Schema {
	one := &huma.Schema{Type: "string", AnyOf: []*huma.Schema{{Type: "string", Format: ruleType}, {Type: "string", Format: rulePrefix}, {Type: "string", Enum: []any{"*"}}}}
	return &huma.Schema{OneOf: []*huma.Schema{{Type: "array", Items: one, MinItems: ptr(1), MaxItems: ptr(peal.MaxPatterns)}, one}}
}

// pins are the texts of [peal.ParsePin].
type pins []string

// Schema is that of a list of pins.
func (pins) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: "array", MaxItems: ptr(peal.MaxPins), Items: &huma.Schema{Type: "string", Format: rulePin}}
}

// addedHeaders are headers that a webhook adds to its requests.
type addedHeaders map[string]string

// Schema is that of an object from the headers' names to their values.
func (addedHeaders) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: "object", MaxProperties: ptr(peal.MaxHeaders), AdditionalProperties: &huma.Schema{Type: "string", Format: ruleHeaderValue},
		Extensions: map[string]any{"propertyNames": &huma.Schema{Type: "string", MinLength: ptr(1), Pattern: headerName}},
	}
}

// scopes are those of an OAuth2 token (RFC 6749, section 3.3).
type scopes []string

// Schema is that of a list of scopes.
func (scopes) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: "array", MaxItems: ptr(peal.MaxScopes), Items: &huma.Schema{Type: "string", Pattern: scopePattern}}
}

// object is a JSON object that is kept as it is.
type object json.RawMessage

func (o *object) decodeJSON(d *decoder, place string, text []byte) {
	if text[0] != '{' {
		d.fault(place, "must be a JSON object")
		return
	}
	*o = bytes.Clone(text)
}

// MarshalJSON gives the text.
func (o object) MarshalJSON() ([]byte, error) { return o, nil }

// Schema is any object.
func (object) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: "object", AdditionalProperties: true}
}

func ptr[T any](value T) *T { return &value }
