package peal

import (
	"bytes"
	"encoding/json"
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

// EventType is an entry of the catalogue: what a type of event means.
type EventType struct {
	Catalogue   string          // the catalogue that it is in; "" for [DefaultCatalogue]
	Name        string          // as in [Event.Type]
	Description string          // plain text, at most 4,096 bytes
	Schema      json.RawMessage // JSON Schema of the data; nil when there is none
	Example     json.RawMessage // an example of the data; nil when there is none
	CreatedAt   time.Time       // UTC
	UpdatedAt   time.Time       // UTC
}

// MaxDescription is the longest description of anything, in bytes.
const MaxDescription = 4096

// MaxSchema is the largest schema and the largest example of an event type, in bytes.
const MaxSchema = 64 << 10

// Validate checks the entry's own shape; whether Schema is a schema is the
// business of package internal/match. The error has code [Invalid]; see [Faults].
func (t *EventType) Validate() error {
	faults := []error{ValidateType(t.Name)}
	if t.Catalogue != "" {
		faults = append(faults, ValidateCatalogue(t.Catalogue))
	}
	if len(t.Description) > MaxDescription {
		faults = append(faults, Invalidf("description", "is %d bytes, at most %d are kept", len(t.Description), MaxDescription))
	}
	for _, text := range []struct {
		field string
		value json.RawMessage
	}{{"schema", t.Schema}, {"example", t.Example}} {
		if len(text.value) > MaxSchema {
			faults = append(faults, Invalidf(text.field, "is %d bytes, at most %d are kept", len(text.value), MaxSchema))
		} else if text.value != nil {
			if err := validateJSON(text.value); err != nil {
				err.Field = text.field
				faults = append(faults, err)
			}
		}
	}
	return Faults(faults...)
}
