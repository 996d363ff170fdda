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
