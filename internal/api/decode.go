package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pealhq/peal"
)

// maxFaults is the largest number of faults in one answer.
const maxFaults = 20

// decode decodes a body into a struct strictly: every member must be one of the struct's (by its
// exact json name), must occur once and have its type; text must be UTF-8 that a database can hold.
// The error lists all faults.
func decode(body []byte, into any) error {
	if err := checkJSON(body); err != nil {
		return err
	}
	var d decoder
	d.value("body", body, reflect.ValueOf(into).Elem())
	if len(d.faults) > 0 {
		return d.faults
	}
	return nil
}

// checkJSON refuses anything but exactly one JSON value in UTF-8.
func checkJSON(body []byte) error {
	unreadable := func(message string) error {
		return &refusal{kind: malformed, detail: "the body " + message, faults: faults{{Location: "body", Message: message}}}
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return unreadable("is empty; send a JSON object")
	}
	if !utf8.Valid(body) {
		return unreadable("is not valid UTF-8")
	}
	var whole json.RawMessage
	err := json.Unmarshal(body, &whole)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return unreadable(fmt.Sprintf("is not valid JSON: %s, at byte %d", syntax.Error(), syntax.Offset))
	}
	if err != nil {
		return unreadable("is not valid JSON")
	}
	return nil
}

// decoder collects faults while it decodes text that is known to be valid JSON.
type decoder struct{ faults faults }

func (d *decoder) fault(place, format string, args ...any) {
	if len(d.faults) < maxFaults {
		d.faults = append(d.faults, fault{Location: place, Message: fmt.Sprintf(format, args...)})
	}
}

// decodable is a type that decodes itself.
type decodable interface {
	decodeJSON(d *decoder, place string, text []byte)
}

var rawType = reflect.TypeFor[json.RawMessage]()

func (d *decoder) value(place string, text []byte, into reflect.Value) {
	text = bytes.TrimSpace(text)
	if custom, ok := into.Addr().Interface().(decodable); ok {
		custom.decodeJSON(d, place, text)
		return
	}
	if into.Type() == rawType {
		into.SetBytes(bytes.Clone(text))
		return
	}
	switch into.Kind() {
	case reflect.Struct:
		d.object(place, text, into)
	case reflect.Slice:
		d.array(place, text, into)
	case reflect.Map:
		d.stringMap(place, text, into)
	case reflect.String:
		into.SetString(d.text(place, text))
	case reflect.Bool:
		d.boolean(place, text, into)
	case reflect.Int:
		n, whole := wholeNumber(string(text), 32)
		if !whole {
			d.fault(place, "must be a whole number")
		}
		into.SetInt(n)
	case reflect.Float64:
		n, err := strconv.ParseFloat(string(text), 64)
		if err != nil {
			d.fault(place, "must be a number")
		}
		into.SetFloat(n)
	default:
		panic("no rule to decode a " + into.Type().String()) // a defect of the struct; any test that uses it fails
	}
}

// wholeNumber reads a JSON number of so many bits without a fraction, which JSON Schema calls an
// integer however it is written: 300, 300.0 and 3e2.
func wholeNumber(text string, bits int) (int64, bool) {
	if n, err := strconv.ParseInt(text, 10, bits); err == nil {
		return n, true
	}
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	if power, err := strconv.Atoi(exponent); len(mantissa) > 64 || exponent != "" && (err != nil || power > 64 ||
		power < -64) {
		return 0, false // too large, or with more zeros than anybody writes
	}
	exact, ok := new(big.Rat).SetString(text)
	if !ok || text[0] != '-' && (text[0] < '0' || text[0] > '9') || !exact.IsInt() || exact.Num().BitLen() >= bits {
		return 0, false
	}
	return exact.Num().Int64(), true
}

func (d *decoder) boolean(place string, text []byte, into reflect.Value) {
	switch string(text) {
	case "true":
		into.SetBool(true)
	case "false":
		into.SetBool(false)
	default:
		d.fault(place, "must be true or false")
	}
}

func (d *decoder) text(place string, text []byte) string {
	var s string
	if text[0] != '"' || json.Unmarshal(text, &s) != nil {
		d.fault(place, "must be a string")
		return ""
	}
	if strings.ContainsRune(s, 0) {
		d.fault(place, `must not hold the character \u0000`)
	}
	if replaced := strings.Count(s, "\uFFFD"); replaced > 0 && replaced != meantReplacements(text) {
		d.fault(place, "contains half of a surrogate pair")
	}
	return s
}

// meantReplacements returns the number of U+FFFD in a JSON string, literal or escaped.
// encoding/json adds more of them in place of unpaired surrogates.
func meantReplacements(text []byte) int {
	count := bytes.Count(text, []byte("\uFFFD"))
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		i++
		if text[i] == 'u' && strings.EqualFold(string(text[i+1:i+5]), "fffd") {
			count++
		}
	}
	return count
}

func (d *decoder) object(place string, text []byte, into reflect.Value) {
	fields := make(map[string]reflect.Value, into.NumField())
	names := make([]string, 0, into.NumField())
	for i := range into.NumField() {
		name, _, _ := strings.Cut(into.Type().Field(i).Tag.Get("json"), ",")
		fields[name] = into.Field(i)
		names = append(names, name)
	}
	d.members(place, text, func(name, inner string, value []byte) {
		field, known := fields[name]
		switch {
		case known:
			d.value(inner, value, field)
		case len(names) == 0:
			d.fault(inner, "is unknown; remove it, no members are allowed here")
		default:
			d.fault(inner, "is unknown; use one of %s", strings.Join(names, ", "))
		}
	})
}

func (d *decoder) stringMap(place string, text []byte, into reflect.Value) {
	into.Set(reflect.MakeMap(into.Type()))
	d.members(place, text, func(name, inner string, value []byte) {
		element := reflect.New(into.Type().Elem()).Elem()
		d.value(inner, value, element)
		into.SetMapIndex(reflect.ValueOf(name), element)
	})
}

// members calls visit for each member of an object, but once for each name.
func (d *decoder) members(place string, text []byte, visit func(name, inner string, value []byte)) {
	if text[0] != '{' {
		d.fault(place, "must be an object")
		return
	}
	tokens := json.NewDecoder(bytes.NewReader(text))
	_, _ = tokens.Token() // the brace
	seen := make(map[string]bool)
	for tokens.More() {
		name, _ := tokens.Token() // the text is valid JSON, so none of this fails
		var value json.RawMessage
		if err := tokens.Decode(&value); err != nil {
			d.fault(place, "cannot be read")
			return
		}
		inner := place + "." + short(name.(string))
		if seen[name.(string)] {
			d.fault(inner, "is a duplicate")
			continue
		}
		seen[name.(string)] = true
		visit(name.(string), inner, value)
	}
}

func (d *decoder) array(place string, text []byte, into reflect.Value) {
	if text[0] != '[' {
		d.fault(place, "must be an array")
		return
	}
	var elements []json.RawMessage
	if err := json.Unmarshal(text, &elements); err != nil {
		d.fault(place, "cannot be read")
		return
	}
	into.Set(reflect.MakeSlice(into.Type(), len(elements), len(elements)))
	for i, element := range elements {
		d.value(place+"["+strconv.Itoa(i)+"]", element, into.Index(i))
	}
}

// given is a member of a body that may be absent. It must not be null, unless T is any JSON.
type given[T any] struct {
	Given bool
	Value T
}

func (g *given[T]) decodeJSON(d *decoder, place string, text []byte) {
	if bytes.Equal(text, []byte("null")) && reflect.TypeFor[T]() != rawType {
		d.fault(place, "must not be null; omit it to keep the value or use the default")
		return
	}
	g.Given = true
	d.value(place, text, reflect.ValueOf(&g.Value).Elem())
}

// Schema returns the schema of T.
func (g given[T]) Schema(r huma.Registry) *huma.Schema { return schemaOf[T](r) }

// or returns the value, or other if the member is absent.
func (g *given[T]) or(other T) T {
	if g.Given {
		return g.Value
	}
	return other
}

// optional is a member that may also be null. In a body, null stands for the default; in an answer,
// for no value.
type optional[T any] struct {
	Given bool // the member is present, perhaps null
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

// MarshalJSON returns the value or null.
func (o optional[T]) MarshalJSON() ([]byte, error) { return json.Marshal(o.Value) }

// Schema returns the schema of T or null.
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

// some returns an optional with a value.
func some[T any](value T) optional[T] { return optional[T]{Given: true, Value: &value} }

// orZero returns the value, or the zero value of T if it is null or absent.
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

// Schema allows both forms.
func (patterns) Schema(huma.Registry) *huma.Schema {
	one := &huma.Schema{Type: "string", AnyOf: []*huma.Schema{{Type: "string", Format: ruleType},
		{Type: "string", Format: rulePrefix}, {Type: "string", Enum: []any{"*"}}}}
	return &huma.Schema{OneOf: []*huma.Schema{{Type: "array", Items: one, MinItems: ptr(1),
		MaxItems: ptr(peal.MaxPatterns)}, one}}
}

// pins are the texts of [peal.ParsePin].
type pins []string

// Schema returns the schema of a list of pins.
func (pins) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: "array", MaxItems: ptr(peal.MaxPins), Items: &huma.Schema{Type: "string", Format: rulePin}}
}

// addedHeaders are headers that a webhook adds to its requests.
type addedHeaders map[string]string

// Schema returns the schema of an object from header names to values.
func (addedHeaders) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: "object", MaxProperties: ptr(peal.MaxHeaders), AdditionalProperties: &huma.Schema{Type: "string",
			Format: ruleHeaderValue},
		Extensions: map[string]any{"propertyNames": &huma.Schema{Type: "string", MinLength: ptr(1), Pattern: headerName}},
	}
}

// scopes are those of an OAuth2 token (RFC 6749, section 3.3).
type scopes []string

// Schema returns the schema of a list of scopes.
func (scopes) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: "array", MaxItems: ptr(peal.MaxScopes),
		Items: &huma.Schema{Type: "string", Pattern: scopePattern}}
}

// object is a JSON object, kept as it was sent.
type object json.RawMessage

func (o *object) decodeJSON(d *decoder, place string, text []byte) {
	if text[0] != '{' {
		d.fault(place, "must be a JSON object")
		return
	}
	*o = bytes.Clone(text)
}

// MarshalJSON returns the text.
func (o object) MarshalJSON() ([]byte, error) { return o, nil }

// Schema allows any object.
func (object) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: "object", AdditionalProperties: true}
}
