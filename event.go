package peal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits of an event.
const (
	MaxTypeLength    = 128       // characters of an event type
	MaxEventIDLength = 256       // characters of an event id
	MaxSubjectLength = 1024      // bytes of a subject
	MaxDepth         = 64        // levels of arrays and objects in data
	DefaultMaxData   = 256 << 10 // bytes of data, unless the operator raises it
	LargestMaxData   = 1 << 20   // bytes of data that an operator can allow
	MaxBatch         = 1000      // events of one batch
	MaxTenantLength  = 128       // characters of a tenant's name
	DefaultTenant    = "default" // the tenant that always exists
	OperationsTenant = "peal"    // the tenant of Peal's own events; nobody else publishes to it
)

// Event is something that happened in an application. It never changes once it is
// accepted. The names are those of CloudEvents 1.0.
type Event struct {
	// Key is Peal's own name of the event, given when it is accepted. Its time is
	// when that was.
	Key EventKey
	// ID is the event's name in the world: the publisher's own (1 to 256 printable
	// ASCII characters, unique in the tenant) or the text of Key.
	ID string
	// Tenant is whose event it is.
	Tenant string
	// Type is what happened, such as task.created: 1 to 128 characters, segments
	// of letters, digits, "_" and "-" joined by dots, kept in the case given.
	Type string
	// Subject is what it happened to; optional, at most 1,024 bytes.
	Subject string
	// Time is when it happened, as the publisher wrote it; the moment of acceptance
	// when the publisher gave none.
	Time Timestamp
	// Data is the event's content: one JSON value, kept byte for byte as it came.
	Data json.RawMessage

	// scanned is the Data that ParseEvent or Validate has checked. It is compared by
	// its place in memory: whoever replaces Data has it checked again.
	scanned json.RawMessage
}

// AcceptedAt is when Peal accepted the event, in UTC to the microsecond.
func (e *Event) AcceptedAt() time.Time { return e.Key.Time() }

// Validate checks what a publisher gives: ID (unless empty), Type, Subject and
// Data, the last against maxData bytes. The error has code [Invalid] or
// [TooLarge] and names the field.
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
		err := Errorf(TooLarge, "is %d bytes, at most %d are accepted; publish a reference to large content instead", len(e.Data), maxData)
		err.Field = "data"
		return err
	}
	if !e.isScanned() {
		if len(e.Data) == 0 {
			return Invalidf("data", "is missing: give the event's content as JSON")
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

// SameContent reports whether a repeated publish of one id says what the first one
// said: the same type, subject and data bytes, and the same time where the repeat
// gives one.
func (e *Event) SameContent(repeat *Event, timeGiven bool) bool {
	return e.Type == repeat.Type && e.Subject == repeat.Subject &&
		(!timeGiven || e.Time == repeat.Time) && bytes.Equal(e.Data, repeat.Data)
}

func validateSubject(subject string) error {
	if len(subject) > MaxSubjectLength {
		return Invalidf("subject", "is %d bytes, at most %d are kept", len(subject), MaxSubjectLength)
	}
	for i, r := range subject {
		if unicode.IsControl(r) || isNoncharacter(r) || r == utf8.RuneError && !strings.HasPrefix(subject[i:], "\uFFFD") {
			return Invalidf("subject", "must not hold line breaks, control characters or noncharacters: CloudEvents cannot carry them; byte %d begins one", i+1)
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
		return Invalidf("id", "has %d characters, at most %d are allowed", len(id), MaxEventIDLength)
	}
	for i := range len(id) {
		if id[i] < 0x21 || id[i] > 0x7e {
			return Invalidf("id", "must be printable ASCII without spaces; character %d is not", i+1)
		}
	}
	if id == "." || id == ".." || id == "/" {
		return Invalidf("id", "must not be /, . or ..: no path leads to it")
	}
	return nil
}

// ValidateType checks the name of an event type. The error has code [Invalid] and
// the field "type".
func ValidateType(name string) error {
	if name == "" {
		return Invalidf("type", "is missing: name what happened, such as task.created")
	}
	if len(name) > MaxTypeLength {
		return Invalidf("type", "has %d characters, at most %d are allowed", len(name), MaxTypeLength)
	}
	for segment := range strings.SplitSeq(name, ".") {
		if !isSegment(segment) {
			return Invalidf("type", "must be segments of letters, digits, \"_\" and \"-\" joined by dots, such as task.created")
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

// Timestamp is an instant as its writer wrote it: an RFC 3339 text with up to nine
// fractional digits and a zone offset, all of which it keeps. The zero Timestamp
// is no time.
type Timestamp struct{ text string }

// TimestampOf writes a time as RFC 3339 in the time's own zone, with as many
// fractional digits as it needs; in UTC where the zone's offset is no whole number
// of minutes. The zero time, and years outside 0000 to 9999, which have no such
// text, give the zero Timestamp.
func TimestampOf(t time.Time) Timestamp {
	if _, offset := t.Zone(); offset%60 != 0 {
		t = t.UTC()
	}
	if t.IsZero() || t.Year() < 0 || t.Year() > 9999 {
		return Timestamp{}
	}
	return Timestamp{t.Format(time.RFC3339Nano)}
}

// ParseTimestamp reads an RFC 3339 text and keeps it as it is, also with t and z in lower
// case. More than nine
// fractional digits, a missing offset and years outside 0000 to 9999 are refused
// with code [Invalid].
func ParseTimestamp(text string) (Timestamp, error) {
	if _, err := time.Parse(time.RFC3339Nano, upperTime(text)); err != nil || !hasTimestampShape(upperTime(text)) {
		return Timestamp{}, Errorf(Invalid, "must be an RFC 3339 time with an offset and at most nine fractional digits, such as 2026-11-21T09:30:00.25+01:00")
	}
	return Timestamp{text}, nil
}

// upperTime writes the t and z of an RFC 3339 text in upper case, which the RFC leaves open
// and package time demands.
func upperTime(text string) string {
	if strings.ContainsAny(text, "tz") {
		return strings.NewReplacer("t", "T", "z", "Z").Replace(text)
	}
	return text
}

// hasTimestampShape checks what package time does not: two digits in each place, a
// point before the fraction, and an offset of less than a day.
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

// hasShape compares a text with a shape, in which 0 is any digit and ± either sign.
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

// String is the text as it was written; "" for no time.
func (t Timestamp) String() string { return t.text }

// Time is the instant, in the zone that its writer gave; the zero time for no time.
func (t Timestamp) Time() time.Time {
	parsed, err := time.Parse(time.RFC3339Nano, upperTime(t.text))
	if err != nil {
		return time.Time{} // only the zero Timestamp: the others were parsed when made
	}
	_, offset := parsed.Zone()
	if offset == 0 {
		return parsed.UTC()
	}
	return parsed.In(time.FixedZone("", offset)) // the machine's own zone must not show
}

// IsZero reports whether there is no time.
func (t Timestamp) IsZero() bool { return t.text == "" }

// MarshalText gives the text as it was written.
func (t Timestamp) MarshalText() ([]byte, error) { return []byte(t.text), nil }

// UnmarshalText reads what [ParseTimestamp] reads; "" gives no time.
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
