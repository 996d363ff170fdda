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
)

// maxFaults bounds how many wrong places one answer lists.
const maxFaults = 20

// decode reads a body into a struct and is strict about it: every member is one of
// the struct's (by its exact json name), stands once, and has its type; text is
// UTF-8 that a database can hold. The error lists every place that is wrong.
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

// checkJSON wants exactly one JSON value in UTF-8.
func checkJSON(body []byte) error {
	unreadable := func(message string) error {
		return &refusal{kind: malformed, detail: "the body " + message, faults: faults{{Location: "body", Message: message}}}
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return unreadable("is empty: send a JSON object")
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

// decoder collects what is wrong while it reads text that is known to be JSON.
type decoder struct{ faults faults }

func (d *decoder) fault(place, format string, args ...any) {
	if len(d.faults) < maxFaults {
		d.faults = append(d.faults, fault{Location: place, Message: fmt.Sprintf(format, args...)})
	}
}

// decodable is a type that reads itself.
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
		panic("no rule to read a " + into.Type().String()) // a defect of the input struct, found by the first test that uses it
	}
}

// wholeNumber reads a JSON number of so many bits without a fraction, which JSON Schema calls an
// integer however it is written: 300, 300.0 and 3e2.
func wholeNumber(text string, bits int) (int64, bool) {
	if n, err := strconv.ParseInt(text, 10, bits); err == nil {
		return n, true
	}
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	if power, err := strconv.Atoi(exponent); len(mantissa) > 64 || exponent != "" && (err != nil || power > 64 || power < -64) {
		return 0, false // no such number has 32 bits, or it has more zeros than anybody writes
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

// meantReplacements counts the U+FFFD that a JSON string itself holds, written out
// or escaped; encoding/json puts more of them where half a surrogate pair stands.
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
			d.fault(inner, "is not known here: nothing is")
		default:
			d.fault(inner, "is not known here: there are %s", strings.Join(names, ", "))
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

// members calls visit for each member of an object that stands there for the first time.
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
