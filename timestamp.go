package peal

import (
	"strings"
	"time"
)

// Timestamp is an instant as its writer wrote it: an RFC 3339 text with up to nine
// fractional digits and a zone offset, all of which it keeps. The zero Timestamp
// is no time.
type Timestamp struct{ text string }

// TimestampOf writes a time as RFC 3339 in the time's own zone, with as many
// fractional digits as it needs. The zero time gives the zero Timestamp.
func TimestampOf(t time.Time) Timestamp {
	if t.IsZero() {
		return Timestamp{}
	}
	return Timestamp{t.Format(time.RFC3339Nano)}
}

// ParseTimestamp reads an RFC 3339 text and keeps it as it is. More than nine
// fractional digits, a missing offset and years outside 0000 to 9999 are refused
// with code [Invalid].
func ParseTimestamp(text string) (Timestamp, error) {
	_, fraction, _ := strings.Cut(text, ".")
	var strict time.Time // UnmarshalText keeps to RFC 3339 where Parse is lenient
	if err := strict.UnmarshalText([]byte(text)); err != nil || strings.IndexAny(fraction, "Z+-") > 9 {
		return Timestamp{}, Errorf(Invalid, "must be an RFC 3339 time with an offset and at most nine fractional digits, such as 2026-11-21T09:30:00.25+01:00")
	}
	return Timestamp{text}, nil
}

// String is the text as it was written; "" for no time.
func (t Timestamp) String() string { return t.text }

// Time is the instant, in the zone that its writer gave; the zero time for no time.
func (t Timestamp) Time() time.Time {
	parsed, err := time.Parse(time.RFC3339Nano, t.text)
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
