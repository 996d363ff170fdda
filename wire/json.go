package wire

import (
	"bytes"
	"encoding/json"
	"iter"
	"math"
	"unicode/utf8"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
)

// members iterates over the members of a JSON object without parsing their values. It yields each
// name with its quotes and each value, both unchanged. It may stop early if the object is not
// valid.
func members(object []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		i := skipSpace(object, 0)
		if i >= len(object) || object[i] != '{' {
			return
		}
		for {
			i = skipSpace(object, i+1) // over the brace or comma
			if i >= len(object) || object[i] != '"' {
				return
			}
			from := i
			i = skipValue(object, i)
			name := object[from:i]
			i = skipSpace(object, skipSpace(object, i)+1) // over the colon
			from = i
			i = skipValue(object, i)
			if from >= i || !yield(name, object[from:i:i]) {
				return
			}
			i = skipSpace(object, i)
			if i >= len(object) || object[i] != ',' {
				return
			}
		}
	}
}

// elements iterates over the elements of a JSON array like members.
func elements(array []byte) iter.Seq[[]byte] {
	return func(yield func(value []byte) bool) {
		i := skipSpace(array, 0)
		if i >= len(array) || array[i] != '[' {
			return
		}
		for {
			i = skipSpace(array, i+1)
			from := i
			i = skipValue(array, i)
			if from >= i || array[from] == ']' || !yield(array[from:i:i]) {
				return
			}
			i = skipSpace(array, i)
			if i >= len(array) || array[i] != ',' {
				return
			}
		}
	}
}

func skipSpace(text []byte, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\n' || text[i] == '\r' || text[i] == '\t') {
		i++
	}
	return min(i, len(text))
}

// skipValue returns the position after the value that starts at i.
func skipValue(text []byte, i int) int {
	depth := 0
	for i < len(text) {
		switch text[i] {
		case '"':
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
			i++
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		case ' ', '\n', '\r', '\t', ',', ':':
			i++
		default:
			for i++; i < len(text) && bytes.IndexByte([]byte(" \n\r\t,:\"{}[]"), text[i]) < 0; i++ {
			}
		}
		if depth <= 0 {
			break
		}
	}
	return min(i, len(text))
}

// isObject reports whether a JSON value is an object.
func isObject(value []byte) bool {
	i := skipSpace(value, 0)
	return i < len(value) && value[i] == '{'
}

// unquote returns the text of a JSON string; ok is false for other values. Unpaired surrogates
// become U+FFFD.
func unquote(value []byte) (text string, ok bool) {
	if len(value) < 2 || value[0] != '"' || value[len(value)-1] != '"' {
		return "", false
	}
	value = value[1 : len(value)-1]
	at := bytes.IndexByte(value, '\\')
	if at < 0 {
		return string(value), true
	}
	out := make([]byte, 0, len(value))
	for i := 0; ; {
		out = append(out, value[i:at]...)
		var r rune
		if r, i = readEscape(value, at); r >= 0 {
			out = utf8.AppendRune(out, r)
		}
		next := bytes.IndexByte(value[i:], '\\')
		if next < 0 {
			return string(append(out, value[i:]...)), true
		}
		at = i + next
	}
}

// merged builds an object: a repeated member replaces the value of the first one and keeps its
// position, as in a Python dict.
type merged struct {
	members []member
	places  map[string]int // by name in plain style, so that "a" and "\u0061" are one
}

type member struct{ name, value []byte }

func (m *merged) set(name, value []byte) {
	key := string(Plain.Append(make([]byte, 0, 64), name))
	if place, ok := m.places[key]; ok {
		m.members[place].value = value
		return
	}
	if m.places == nil {
		m.places = make(map[string]int)
	}
	m.places[key] = len(m.members)
	m.members = append(m.members, member{name, value})
}

// setAll merges the members of an object.
func (m *merged) setAll(object []byte) {
	for name, value := range members(object) {
		m.set(name, value)
	}
}

// append appends the object in a style.
func (m *merged) append(dst []byte, style Style) []byte {
	comma, colon := ",", ":"
	if style == Python {
		comma, colon = ", ", ": "
	}
	dst = append(dst, '{')
	for i, member := range m.members {
		if i > 0 {
			dst = append(dst, comma...)
		}
		dst = style.Append(dst, member.name)
		dst = append(dst, colon...)
		dst = style.Append(dst, member.value)
	}
	return append(dst, '}')
}

// fields holds the members of a received object by name, and the first error.
type fields struct {
	values map[string][]byte
	err    error
}

// decodeObject returns the named members of a received object and ignores others. A duplicate
// member is an error, because readers would disagree on it.
func decodeObject(body []byte, names ...string) (*fields, error) {
	if !json.Valid(body) {
		return nil, peal.Fault("body", message.InvalidJSON)
	}
	if !isObject(body) {
		return nil, peal.Fault("body", message.NotJSONObject)
	}
	f := &fields{values: make(map[string][]byte, len(names))}
	for _, name := range names {
		f.values[name] = nil
	}
	for quoted, value := range members(body) {
		name, _ := unquote(quoted)
		old, wanted := f.values[name]
		if !wanted {
			continue
		}
		if old != nil {
			return nil, peal.Fault(name, message.Duplicate)
		}
		f.values[name] = value
	}
	return f, nil
}

func (f *fields) fail(name, message string) {
	if f.err == nil {
		f.err = peal.Invalidf(name, "%s", message)
	}
}

// raw returns the original value of a required member.
func (f *fields) raw(name string) json.RawMessage {
	value := f.values[name]
	if value == nil {
		f.fail(name, "is missing")
	}
	return value
}

// text returns the text of a required string member.
func (f *fields) text(name string) string {
	value := f.values[name]
	text, ok := unquote(value)
	switch {
	case value == nil:
		f.fail(name, "is missing")
	case !ok:
		f.fail(name, "must be a string")
	}
	return text
}

// optional returns the text of a string member that may be missing or null.
func (f *fields) optional(name string) string {
	if value := f.values[name]; value == nil || string(value) == "null" {
		return ""
	}
	return f.text(name)
}

// time returns the RFC 3339 time of a member that may be missing or null.
func (f *fields) time(name string) peal.Timestamp {
	return f.parseTime(name, f.optional(name))
}

func (f *fields) parseTime(name, text string) peal.Timestamp {
	if text == "" {
		return peal.Timestamp{}
	}
	t, err := peal.ParseTimestamp(text)
	if err != nil {
		f.fail(name, err.(*peal.Error).Message)
	}
	return t
}

// check returns the first error of a member or of the decoded event.
func (f *fields) check(event *peal.Event) error {
	if f.err != nil {
		return f.err
	}
	return event.Validate(math.MaxInt) // the caller limits the size of the data
}
