package peal

import (
	"bytes"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// ParseEvent reads the JSON object that a publisher sends,
// {"type","data","id"?,"subject"?,"time"?}, in one pass: it checks the whole text
// and finds the members. Data shares body's memory, byte for byte as it came.
//
// A member that is missing, doubled, unknown, of the wrong type or against the
// rules of [Event] is refused with code [Invalid] and its name in Field; so are
// invalid JSON, invalid UTF-8 and data nested deeper than [MaxDepth].
func ParseEvent(body []byte) (Event, error) {
	s := scanner{text: body}
	s.space()
	event, err := s.event()
	if err != nil {
		return Event{}, err
	}
	if err := s.end(); err != nil {
		return Event{}, err
	}
	return event, nil
}

// ParseBatch reads {"events":[…]} as [ParseEvent] reads each of its elements; the
// Field of an error begins with the element, such as "events[2].data". An empty
// batch and one of more than [MaxBatch] events are refused.
func ParseBatch(body []byte) ([]Event, error) {
	s := scanner{text: body}
	s.space()
	var events []Event
	seen := false
	err := s.members(func(name string) error {
		if name != "events" {
			return Invalidf(name, "is not a member of a batch: give {\"events\":[…]}")
		}
		if seen {
			return Invalidf(name, "stands twice")
		}
		seen = true
		var err error
		events, err = s.batch()
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := s.end(); err != nil {
		return nil, err
	}
	if len(events) == 0 {
		return nil, Invalidf("events", "is missing or empty: give 1 to %d events", MaxBatch)
	}
	return events, nil
}

func (s *scanner) batch() ([]Event, error) {
	if s.peek() != '[' {
		return nil, Invalidf("events", "must be an array")
	}
	s.at++
	s.space()
	if s.peek() == ']' {
		s.at++
		return nil, nil
	}
	var events []Event
	for {
		if len(events) == MaxBatch {
			return nil, Invalidf("events", "has more than %d events: send several batches", MaxBatch)
		}
		event, err := s.event()
		if err != nil {
			return nil, within(fmt.Sprintf("events[%d]", len(events)), err)
		}
		events = append(events, event)
		if more, err := s.next(']'); err != nil {
			return nil, within("events", err)
		} else if !more {
			return events, nil
		}
	}
}

// within puts a place in front of an error's field.
func within(place string, err error) error {
	e, ok := err.(*Error)
	if !ok {
		return err
	}
	moved := *e
	moved.Field = place
	if e.Field != "" {
		moved.Field += "." + e.Field
	}
	return &moved
}

func (s *scanner) end() error {
	s.space()
	if s.at < len(s.text) {
		return s.fail("something follows the object")
	}
	return nil
}

// members walks over an object and calls read at each member's value, which read walks over.
func (s *scanner) members(read func(name string) error) error {
	if s.peek() != '{' {
		if s.at >= len(s.text) {
			return s.fail("")
		}
		return s.fail("expected an object")
	}
	s.at++
	s.space()
	if s.peek() == '}' {
		s.at++
		return nil
	}
	for {
		from := s.at
		if err := s.key(); err != nil {
			return err
		}
		name, err := s.content(from)
		if err != nil {
			return err
		}
		if err := read(name); err != nil {
			return err
		}
		if more, err := s.next('}'); err != nil {
			return err
		} else if !more {
			return nil
		}
	}
}

// content gives the text of the string that begins at from and was walked over already.
func (s *scanner) content(from int) (string, error) {
	quoted := s.text[from+1 : s.at]
	end := bytes.IndexAny(quoted, "\"\\")
	if quoted[end] == '"' {
		return string(quoted[:end]), nil
	}
	return unescape(quoted)
}

var escapes = map[byte]byte{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unescape reads the content of a string up to its closing quote. Half of a
// surrogate pair is refused, because no text can hold it.
func unescape(quoted []byte) (string, error) {
	text := make([]byte, 0, len(quoted))
	for i := 0; quoted[i] != '"'; i++ {
		if quoted[i] != '\\' {
			text = append(text, quoted[i])
			continue
		}
		i++
		if quoted[i] != 'u' {
			if c, ok := escapes[quoted[i]]; ok {
				text = append(text, c)
			} else {
				text = append(text, quoted[i])
			}
			continue
		}
		r := hex4(quoted[i+1:])
		i += 4
		if utf16.IsSurrogate(r) {
			if quoted[i+1] != '\\' || quoted[i+2] != 'u' {
				return "", Errorf(Invalid, "holds half of a surrogate pair")
			}
			if r = utf16.DecodeRune(r, hex4(quoted[i+3:])); r == utf8.RuneError {
				return "", Errorf(Invalid, "holds half of a surrogate pair")
			}
			i += 6
		}
		text = utf8.AppendRune(text, r)
	}
	return string(text), nil
}

func hex4(digits []byte) rune {
	var r rune
	for _, c := range digits[:4] {
		r = r<<4 | rune(hexValue(c))
	}
	return r
}

func (s *scanner) event() (Event, error) {
	event := Event{scanned: true}
	var seen uint8
	err := s.members(func(name string) error {
		var bit uint8
		var into *string
		var written string
		switch name {
		case "type":
			bit, into = 1, &event.Type
		case "id":
			bit, into = 2, &event.ID
		case "subject":
			bit, into = 4, &event.Subject
		case "time":
			bit, into = 8, &written
		case "data":
			bit = 16
		default:
			return Invalidf(name, "is not a member of an event: it has type, data, id, subject and time")
		}
		if seen&bit != 0 {
			return Invalidf(name, "stands twice")
		}
		seen |= bit
		from := s.at
		if into == nil {
			if err := s.value(0); err != nil {
				return within(name, err)
			}
			event.Data = s.text[from:s.at:s.at]
			return nil
		}
		if s.peek() != '"' {
			return Invalidf(name, "must be a string")
		}
		if err := s.str(); err != nil {
			return within(name, err)
		}
		var err error
		if *into, err = s.content(from); err != nil {
			return within(name, err)
		}
		switch name {
		case "time":
			event.Time, err = ParseTimestamp(written)
		case "id":
			if event.ID == "" {
				return Invalidf("id", "is empty: leave it out to let Peal choose one")
			}
			return validateEventID(event.ID)
		}
		if err != nil {
			return within(name, err)
		}
		return nil
	})
	if err != nil {
		return Event{}, err
	}
	if seen&1 == 0 {
		return Event{}, ValidateType("")
	}
	if seen&16 == 0 {
		return Event{}, Invalidf("data", "is missing: give the event's content as JSON")
	}
	if err := ValidateType(event.Type); err != nil {
		return Event{}, err
	}
	return event, nil
}
