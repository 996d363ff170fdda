package peal

import (
	"bytes"
	"fmt"
	"strings"
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
			return Invalidf(quotable(name), "is not a member of a batch: give {\"events\":[…]}")
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
			return nil, Within(fmt.Sprintf("events[%d]", len(events)), err)
		}
		events = append(events, event)
		if more, err := s.next(']'); err != nil {
			return nil, Within("events", err)
		} else if !more {
			return events, nil
		}
	}
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
		name, err := s.name(from)
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

// name gives what content gives, without making a new string of the names that
// every event has.
func (s *scanner) name(from int) (string, error) {
	quoted := s.text[from+1 : s.at]
	switch end := bytes.IndexByte(quoted, '"'); string(quoted[:end]) {
	case "type":
		return "type", nil
	case "data":
		return "data", nil
	case "id":
		return "id", nil
	case "time":
		return "time", nil
	case "subject":
		return "subject", nil
	}
	return s.content(from)
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

// The members of an event, as bits of a set.
const (
	hasType = 1 << iota
	hasData
	hasID
	hasSubject
	hasTime
)

var eventMembers = map[string]uint8{
	"type": hasType, "data": hasData, "id": hasID, "subject": hasSubject, "time": hasTime,
}

// event reads an event's object.
func (s *scanner) event() (Event, error) {
	var event Event
	var seen uint8
	err := s.members(func(name string) error {
		member := eventMembers[name]
		if member == 0 {
			return Invalidf(quotable(name), "is not a member of an event: it has type, data, id, subject and time")
		}
		if seen&member != 0 {
			return Invalidf(name, "stands twice")
		}
		seen |= member
		if err := s.eventMember(&event, member); err != nil {
			return Within(name, err)
		}
		return nil
	})
	if err != nil {
		return Event{}, err
	}
	if seen&hasType == 0 {
		return Event{}, ValidateType("")
	}
	if seen&hasData == 0 {
		return Event{}, Invalidf("data", "is missing: give the event's content as JSON")
	}
	return event, nil
}

// eventMember reads the value of a member. Its errors have no field yet, or the
// member's own.
func (s *scanner) eventMember(event *Event, member uint8) error {
	from := s.at
	if member == hasData {
		if err := s.value(0); err != nil {
			return err
		}
		event.Data = s.text[from:s.at:s.at]
		event.scanned = event.Data
		return nil
	}
	if s.peek() != '"' {
		return Errorf(Invalid, "must be a string")
	}
	if err := s.str(); err != nil {
		return err
	}
	text, err := s.content(from)
	if err != nil {
		return err
	}
	switch member {
	case hasType:
		event.Type = text
		return ValidateType(text)
	case hasID:
		event.ID = text
		if text == "" {
			return Errorf(Invalid, "is empty: leave it out to let Peal choose one")
		}
		return validateEventID(text)
	case hasSubject:
		event.Subject = text
		return validateSubject(text)
	}
	event.Time, err = ParseTimestamp(text)
	return err
}

// quotable shortens a name that a caller made up, for an error.
func quotable(name string) string {
	const longest = 64
	if len(name) <= longest {
		return name
	}
	return strings.ToValidUTF8(name[:longest], "") + "…"
}
