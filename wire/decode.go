package wire

import (
	"encoding/json"
	"math"

	"github.com/pealhq/peal"
)

// fields are members of a received object, by name, and the first thing that was
// wrong with one of them.
type fields struct {
	values map[string][]byte
	err    error
}

// decodeObject finds the named members of a received object; others are of no
// concern. A member that stands twice is refused: readers would disagree on it.
func decodeObject(body []byte, names ...string) (*fields, error) {
	if !json.Valid(body) {
		return nil, peal.Invalidf("body", "is not valid JSON")
	}
	if !isObject(body) {
		return nil, peal.Invalidf("body", "must be a JSON object")
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
			return nil, peal.Invalidf(name, "stands twice")
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

// raw gives a member's value as it is written; it must be there.
func (f *fields) raw(name string) json.RawMessage {
	value := f.values[name]
	if value == nil {
		f.fail(name, "is missing")
	}
	return value
}

// text gives the text of a member that must be a string.
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

// optional gives the text of a member that may be missing or null.
func (f *fields) optional(name string) string {
	if value := f.values[name]; value == nil || string(value) == "null" {
		return ""
	}
	return f.text(name)
}

// time reads a member that, unless it is missing or null, is an RFC 3339 time.
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

// check gives the first thing that was wrong, with a member or with the event
// that was made of them.
func (f *fields) check(event *peal.Event) error {
	if f.err != nil {
		return f.err
	}
	return event.Validate(math.MaxInt) // how much data is too much, the caller knows
}
