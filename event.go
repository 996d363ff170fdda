package peal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pealhq/peal/internal/message"
)

// Limits of an event.
const (
	MaxTypeLength    = 128       // characters of an event type
	MaxEventIDLength = 256       // characters of an event id
	maxSubjectLength = 1024      // bytes of a subject
	MaxDepth         = 64        // levels of arrays and objects in data
	DefaultMaxData   = 256 << 10 // bytes of data, unless the operator raises it
	LargestMaxData   = 1 << 20   // bytes of data that an operator can allow
	MaxBatch         = 1000      // events of one batch
)

// Event is something that happened in an application. It never changes once accepted. The
// field names are those of CloudEvents 1.0.
type Event struct {
	// Key is Peal's own identifier, created with the time of acceptance.
	Key EventKey
	// ID is the publisher's identifier (1 to 256 printable ASCII characters), unique within
	// the tenant, or Key's text.
	ID string
	// Tenant is the name of the tenant that owns the event.
	Tenant string
	// Type is the type of what happened, such as task.created: 1 to 128 characters, segments
	// of letters, digits, "_" and "-" joined by dots. Its case is kept.
	Type string
	// Subject is the object of the event; optional, at most 1,024 bytes.
	Subject string
	// Time is when it happened, in the publisher's notation; the time of acceptance if the
	// publisher set none.
	Time Timestamp
	// Data is the event's content: one JSON value, unchanged byte for byte.
	Data json.RawMessage

	// scanned is the Data that ParseEvent or Validate has checked. It is compared by its
	// place in memory, so replaced Data is checked again.
	scanned json.RawMessage
}

// AcceptedAt returns when Peal accepted the event, in UTC to the microsecond.
func (e *Event) AcceptedAt() time.Time { return e.Key.Time() }

// Validate checks the publisher's fields: ID (unless empty), Type, Subject and Data, which may
// have maxData bytes. The error has code [Invalid] or [TooLarge] and names the field.
func (e *Event) Validate(maxData int) error {
	if e.ID != "" {
		if err := validateEventID(e.ID); err != nil {
			return err
		}
	}
	if err := ValidateType(e.Type); err != nil {
		return err
	}
	if err := validateSubject(e.Subject); err != nil {
		return err
	}
	if len(e.Data) > maxData {
		err := Fail(TooLarge, message.DataTooLarge, len(e.Data), maxData)
		err.Field = "data"
		return err
	}
	if !e.isScanned() {
		if len(e.Data) == 0 {
			return Fault("data", message.DataMissing)
		}
		if err := validateJSON(e.Data); err != nil {
			err.Field = "data"
			return err
		}
		e.scanned = e.Data
	}
	return nil
}

func (e *Event) isScanned() bool {
	return len(e.Data) > 0 && len(e.Data) == len(e.scanned) && &e.Data[0] == &e.scanned[0]
}

// SameContent reports whether a repeated publish of an id has the same type, subject and data
// bytes as the first one, and the same time if the repeat sets one.
func (e *Event) SameContent(repeat *Event, timeGiven bool) bool {
	return e.Type == repeat.Type && e.Subject == repeat.Subject &&
		(!timeGiven || e.Time == repeat.Time) && bytes.Equal(e.Data, repeat.Data)
}

func validateSubject(subject string) error {
	if len(subject) > maxSubjectLength {
		return Fault("subject", message.MoreThanKept, len(subject), maxSubjectLength)
	}
	for i, r := range subject {
		if unicode.IsControl(r) || isNoncharacter(r) || r == utf8.RuneError && !strings.HasPrefix(subject[i:], "\uFFFD") {
			return Fault("subject", message.SubjectCharacters, i+1)
		}
	}
	return nil
}

// isNoncharacter reports whether Unicode reserves a code point for internal use.
func isNoncharacter(r rune) bool {
	return r >= 0xFDD0 && r <= 0xFDEF || r&0xFFFE == 0xFFFE
}

func validateEventID(id string) error {
	if len(id) > MaxEventIDLength {
		return Fault("id", message.TooManyCharacters, len(id), MaxEventIDLength)
	}
	for i := range len(id) {
		if id[i] < 0x21 || id[i] > 0x7e {
			return Fault("id", message.EventIDCharacters, i+1)
		}
	}
	if id == "." || id == ".." || id == "/" {
		return Fault("id", message.EventIDDots)
	}
	return nil
}

// ValidateType checks the name of an event type. The error has code [Invalid] and the field
// "type".
func ValidateType(name string) error {
	if name == "" {
		return Fault("type", message.TypeMissing)
	}
	if len(name) > MaxTypeLength {
		return Fault("type", message.TooManyCharacters, len(name), MaxTypeLength)
	}
	for segment := range strings.SplitSeq(name, ".") {
		if !isSegment(segment) {
			return Fault("type", message.TypeCharacters)
		}
	}
	return nil
}

func isSegment(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c-'a' > 25 && c-'A' > 25 && c-'0' > 9 && c != '_' && c != '-' {
			return false
		}
	}
	return s != ""
}

// ParseEvent parses a publisher's JSON object {"type","data","id"?,"subject"?,"time"?} in one
// pass that also validates it. Data shares body's memory, unchanged byte for byte.
//
// A missing, duplicate or unknown member, and one with a wrong type or against the rules of
// [Event], is an error of code [Invalid] with the member's name in Field. Invalid JSON,
// invalid UTF-8 and data nested deeper than [MaxDepth] are errors too.
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

// ParseBatch parses {"events":[…]}, each element like [ParseEvent]. The Field of an error
// starts with the element, such as "events[2].data". An empty batch and one of more than
// [MaxBatch] events are errors.
func ParseBatch(body []byte) ([]Event, error) {
	s := scanner{text: body}
	s.space()
	var events []Event
	seen := false
	err := s.members(func(name string) error {
		if name != "events" {
			return Fault(quotable(name), message.BatchMember)
		}
		if seen {
			return Fault(name, message.Duplicate)
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
		return nil, Fault("events", message.BatchEvents, MaxBatch)
	}
	return events, nil
}

func (s *scanner) batch() ([]Event, error) {
	if s.peek() != '[' {
		return nil, Fault("events", message.NotArray)
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
			return nil, Fault("events", message.BatchTooLong, MaxBatch)
		}
		event, err := s.event()
		if err != nil {
			return nil, PrefixField(fmt.Sprintf("events[%d]", len(events)), err)
		}
		events = append(events, event)
		if more, err := s.next(']'); err != nil {
			return nil, PrefixField("events", err)
		} else if !more {
			return events, nil
		}
	}
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

// event parses an event's object.
func (s *scanner) event() (Event, error) {
	var event Event
	var seen uint8
	err := s.members(func(name string) error {
		member := eventMembers[name]
		if member == 0 {
			return Fault(quotable(name), message.EventMember)
		}
		if seen&member != 0 {
			return Fault(name, message.Duplicate)
		}
		seen |= member
		if err := s.eventMember(&event, member); err != nil {
			return PrefixField(name, err)
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
		return Event{}, Fault("data", message.DataMissing)
	}
	return event, nil
}

// eventMember parses the value of a member. Its errors have no field yet, or the member's own.
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
		return Fail(Invalid, message.NotString)
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
			return Fail(Invalid, message.EventIDEmpty)
		}
		return validateEventID(text)
	case hasSubject:
		event.Subject = text
		return validateSubject(text)
	}
	event.Time, err = ParseTimestamp(text)
	return err
}

// quotable shortens a name chosen by a caller for use in an error.
func quotable(name string) string {
	const longest = 64
	if len(name) <= longest {
		return name
	}
	return strings.ToValidUTF8(name[:longest], "") + "…"
}

// Timestamp is a time in its writer's notation: an RFC 3339 text with up to nine fractional digits
// and a zone offset, which it keeps unchanged. The zero Timestamp stands for no time.
type Timestamp struct{ text string }

// TimestampOf returns a time as RFC 3339 text in the time's own zone, with as many fractional
// digits as necessary; in UTC where the zone's offset is not in whole minutes. It returns the
// zero Timestamp for the zero time, and for years outside 0000 to 9999, which have no such
// text.
func TimestampOf(t time.Time) Timestamp {
	if _, offset := t.Zone(); offset%60 != 0 {
		t = t.UTC()
	}
	if t.IsZero() || t.Year() < 0 || t.Year() > 9999 {
		return Timestamp{}
	}
	return Timestamp{t.Format(time.RFC3339Nano)}
}

// ParseTimestamp parses an RFC 3339 text, also with t and z in lower case, and keeps it
// unchanged. More than nine fractional digits, a missing offset and years outside 0000 to
// 9999 are errors of code [Invalid].
func ParseTimestamp(text string) (Timestamp, error) {
	if _, err := time.Parse(time.RFC3339Nano, upperTime(text)); err != nil || !hasTimestampShape(upperTime(text)) {
		return Timestamp{}, Fail(Invalid, message.NotTimestamp)
	}
	return Timestamp{text}, nil
}

// upperTime returns an RFC 3339 text with its t and z in upper case: the RFC allows both, but
// package time does not.
func upperTime(text string) string {
	if strings.ContainsAny(text, "tz") {
		return strings.NewReplacer("t", "T", "z", "Z").Replace(text)
	}
	return text
}

// hasTimestampShape checks what package time does not: two digits in each place, a point
// before the fraction, and an offset of less than a day.
func hasTimestampShape(text string) bool {
	const whole = "0000-00-00T00:00:00"
	if len(text) <= len(whole) || !hasShape(text[:len(whole)], whole) {
		return false
	}
	rest := text[len(whole):]
	if fraction, ok := strings.CutPrefix(rest, "."); ok {
		rest = strings.TrimLeft(fraction, "0123456789")
		if len(fraction)-len(rest) > 9 {
			return false
		}
	}
	if rest == "Z" {
		return true
	}
	return hasShape(rest, "±00:00") && rest[1:3] <= "23" && rest[4:] <= "59"
}

// hasShape reports whether a text matches a shape, where 0 is any digit and ± either sign.
func hasShape(text, shape string) bool {
	at := 0
	for _, want := range shape {
		if at == len(text) {
			return false
		}
		c := text[at]
		switch at++; want {
		case '0':
			if c-'0' > 9 {
				return false
			}
		case '±':
			if c != '+' && c != '-' {
				return false
			}
		default:
			if c != byte(want) {
				return false
			}
		}
	}
	return at == len(text)
}

// String returns the text as it was written; "" for no time.
func (t Timestamp) String() string { return t.text }

// Time returns the instant in its writer's zone; the zero time for no time.
func (t Timestamp) Time() time.Time {
	parsed, err := time.Parse(time.RFC3339Nano, upperTime(t.text))
	if err != nil {
		return time.Time{} // only for the zero Timestamp: others were parsed when created
	}
	_, offset := parsed.Zone()
	if offset == 0 {
		return parsed.UTC()
	}
	return parsed.In(time.FixedZone("", offset)) // the machine's own zone must not show
}

// IsZero reports whether there is no time.
func (t Timestamp) IsZero() bool { return t.text == "" }

// MarshalText returns the text as it was written.
func (t Timestamp) MarshalText() ([]byte, error) { return []byte(t.text), nil }

// UnmarshalText parses a text like [ParseTimestamp]; "" is the zero Timestamp.
func (t *Timestamp) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*t = Timestamp{}
		return nil
	}
	parsed, err := ParseTimestamp(string(text))
	if err == nil {
		*t = parsed
	}
	return err
}
