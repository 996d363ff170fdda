package main

import (
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func TestAgo(t *testing.T) {
	a := &app{Now: func() time.Time { return noon }}
	for want, d := range map[string]time.Duration{
		"<1s ago":  999 * time.Millisecond,
		"1s ago":   time.Second,
		"59s ago":  59*time.Second + 999*time.Millisecond,
		"1m ago":   time.Minute,
		"59m ago":  59 * time.Minute,
		"1h ago":   time.Hour,
		"47h ago":  48*time.Hour - 1,
		"2d ago":   48 * time.Hour,
		"400d ago": 400 * 24 * time.Hour,
		"in 5m":    -5 * time.Minute,
		"in <1s":   -1,
	} {
		if got := a.ago(noon.Add(-d)); got != want {
			t.Errorf("%v ago is %q, want %q", d, got, want)
		}
	}
	if got := a.ago(time.Time{}); got != "" {
		t.Errorf("no time is %q", got)
	}
}

func TestExact(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678_900_000, time.FixedZone("", 3600))
	if got, want := exact(at), at.Local().Format("2006-01-02T15:04:05.000Z07:00"); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestParseTime(t *testing.T) {
	now := func() time.Time { return noon }
	for text, want := range map[string]time.Time{
		"2026-11-21T09:30:00Z":      noon.Add(-150 * time.Minute),
		"2026-11-21T09:30:00+01:00": noon.Add(-210 * time.Minute),
		"90m":                       noon.Add(-90 * time.Minute),
		"7d":                        noon.AddDate(0, 0, -7),
		"0s":                        noon,
	} {
		if at, err := parseTime(text, now); err != nil || !at.Equal(want) {
			t.Errorf("%q is %v (%v), want %v", text, at, err, want)
		}
	}
	for _, text := range []string{"", "yesterday", "2026-11-21", "-1h", "-1d", "1.5d", "99999999d", "d"} {
		if at, err := parseTime(text, now); err == nil {
			t.Errorf("%q is taken as %v", text, at)
		}
	}
}

func TestSpanText(t *testing.T) {
	for seconds, want := range map[float64]string{
		0: "0s", 0.25: "0.25s", 5: "5s", 60: "1m", 90: "90s", 300: "5m", 7200: "2h", 86400: "1d", 129600: "36h", 604800: "7d",
	} {
		if got := spanText(seconds); got != want {
			t.Errorf("%g seconds are %q, want %q", seconds, got, want)
		}
		if back, err := parseSpans(want); err != nil || len(back) != 1 || back[0] != seconds {
			t.Errorf("%q is read as %v (%v), want %g", want, back, err, seconds)
		}
	}
}
