package peal_test

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pealhq/peal"
)

func TestTimestampsAreKeptAsWritten(t *testing.T) {
	for text, want := range map[string]time.Time{
		"2026-11-21T09:30:00Z":                time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC),
		"2026-11-21T09:30:00.250000000Z":      time.Date(2026, 11, 21, 9, 30, 0, 250e6, time.UTC),
		"2023-10-17T19:39:32.924194436+02:00": time.Date(2023, 10, 17, 17, 39, 32, 924194436, time.UTC),
		"2026-11-21T09:30:00-00:00":           time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC),
		"2026-11-21T09:30:00+23:59":           time.Date(2026, 11, 20, 9, 31, 0, 0, time.UTC),
		"0000-01-01T00:00:00Z":                time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC),
		"9999-12-31T23:59:59.999999999Z":      time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC),
		"2026-11-21t09:30:00.5z":              time.Date(2026, 11, 21, 9, 30, 0, 5e8, time.UTC),
		"2026-11-21t09:30:00+01:00":           time.Date(2026, 11, 21, 8, 30, 0, 0, time.UTC),
		"2024-02-29T00:00:00Z":                time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC),
	} {
		got, err := peal.ParseTimestamp(text)
		if err != nil || got.String() != text || !got.Time().Equal(want) || got.IsZero() {
			t.Errorf("%s is read as %s (%v), %v", text, got, got.Time(), err)
		}
	}
}

func TestTimestampsThatAreNone(t *testing.T) {
	for _, text := range []string{
		"", "now", "1700000000", "2026-11-21", "2026-11-21T09:30:00", "2026-11-21 09:30:00Z", "2026-11-21T09:30Z", "2026-11-21T9:30:00Z",
		"2026-11-21T09:30:00,5Z", "2026-11-21T09:30:00.Z", "2026-11-21T09:30:00.1234567891Z", "2026-11-21T09:30:00.1234567891+01:00", "2026-11-21T09:30:00.12345678901234Z",
		"2026-11-21T09:30:00+1:00", "2026-11-21T09:30:00+0100", "2026-11-21T09:30:00+24:00", "2026-11-21T09:30:00+01:60", "2026-11-21T09:30:00 Z",
		"2026-13-21T09:30:00Z", "2026-02-29T09:30:00Z", "2026-11-31T09:30:00Z", "2026-11-21T24:00:00Z", "2026-11-21T09:60:00Z", "2026-11-21T09:30:61Z",
		"10000-01-01T00:00:00Z", "-001-01-01T00:00:00Z", " 2026-11-21T09:30:00Z", "2026-11-21T09:30:00Z ", "2026-11-21T09:30:00Z\n", "2026-11-21T09:30:00\x00Z",
	} {
		if got, err := peal.ParseTimestamp(text); peal.CodeOf(err) != peal.Invalid || !got.IsZero() {
			t.Errorf("%q is read as %q, %v", text, got, err)
		}
	}
}

func TestTimestampOf(t *testing.T) {
	berlin := time.FixedZone("CET", 3600)
	for _, test := range []struct {
		time time.Time
		want string
	}{
		{time.Time{}, ""},
		{time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC), "2026-11-21T09:30:00Z"},
		{time.Date(2026, 11, 21, 9, 30, 0, 250e6, berlin), "2026-11-21T09:30:00.25+01:00"},
		{time.Date(1890, 1, 1, 0, 0, 0, 0, time.FixedZone("LMT", 3208)), "1889-12-31T23:06:32Z"}, // an offset of 53m28s has no text
		{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), ""},
		{time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC), ""},
	} {
		if got := peal.TimestampOf(test.time); got.String() != test.want {
			t.Errorf("%v is written %q, want %q", test.time, got, test.want)
		}
	}
}

func TestTimestampsKeepEveryTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seconds := rapid.Int64Range(-62135596800, 253402214400).Draw(t, "seconds")
		zone := time.FixedZone("", rapid.IntRange(-23*60, 23*60).Draw(t, "offset in minutes")*60)
		moment := time.Unix(seconds, rapid.Int64Range(0, 999999999).Draw(t, "nanoseconds")).In(zone)
		written := peal.TimestampOf(moment)
		if written.IsZero() {
			return // the year is not one of those that have a text in that zone
		}
		read, err := peal.ParseTimestamp(written.String())
		if err != nil || read != written || !read.Time().Equal(moment) {
			t.Fatalf("%v is written %s and read %v, %v", moment, written, read.Time(), err)
		}
		_, want := moment.Zone()
		if _, offset := read.Time().Zone(); offset != want {
			t.Fatalf("%s has the offset %d", written, offset)
		}
	})
}

func TestTimestampsGoThroughJSON(t *testing.T) {
	var got struct{ At, Never peal.Timestamp }
	const text = `{"At":"2026-11-21T09:30:00.250+01:00","Never":""}`
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if written, err := json.Marshal(got); string(written) != text || err != nil {
		t.Errorf("%s, %v", written, err)
	}
	if !got.Never.IsZero() || !got.Never.Time().IsZero() {
		t.Errorf("no time is %v", got.Never.Time())
	}
	if err := json.Unmarshal([]byte(`{"At":"yesterday"}`), &got); err == nil || got.At.IsZero() {
		t.Errorf("error %v, time %v", err, got.At)
	}
}
