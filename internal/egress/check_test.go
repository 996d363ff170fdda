package egress_test

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/pealhq/peal"
)

// check holds an attempt to what is true of every attempt.
func check(t testing.TB, a *peal.Attempt) {
	t.Helper()
	if a.StartedAt.IsZero() || a.StartedAt.Location().String() != "UTC" || a.StartedAt.Nanosecond()%1000 != 0 {
		t.Errorf("StartedAt is %v, want UTC with microseconds", a.StartedAt)
	}
	if a.Reason != "" && !slices.Contains(peal.Reasons(), a.Reason) {
		t.Errorf("Reason is %q, which is none", a.Reason)
	}
	if (a.Reason == "") != (a.Error == "") {
		t.Errorf("Reason %q with Error %q", a.Reason, a.Error)
	}
	if len(a.Error) > 2000 || !shown(a.Error) {
		t.Errorf("Error is not fit to be shown: %q", a.Error)
	}
	checkTiming(t, a.Timing)
	if len(a.ResponseHead) > peal.MaxResponseHead {
		t.Errorf("kept %d bytes of the answer's head", len(a.ResponseHead))
	}
	if len(a.ResponseBody) > peal.MaxResponseBody {
		t.Errorf("kept %d bytes of the answer's body", len(a.ResponseBody))
	}
	for _, head := range []peal.HeaderLines{a.RequestHead, a.ResponseHead} {
		for line := range strings.Lines(string(head)) {
			if !strings.HasSuffix(line, "\n") || !strings.Contains(line, ": ") || !shown(strings.TrimSuffix(line, "\n")) {
				t.Errorf("a head holds the line %q", line)
			}
		}
	}
}

func checkTiming(t testing.TB, timing peal.AttemptTiming) {
	t.Helper()
	if timing.Total <= 0 && timing != (peal.AttemptTiming{}) {
		t.Errorf("took %v", timing.Total)
	}
	if timing.DNS < 0 || timing.Connect < 0 || timing.TLS < 0 || timing.FirstByte < 0 ||
		timing.DNS+timing.Connect+timing.TLS+timing.FirstByte > timing.Total {
		t.Errorf("the steps do not fit in the whole: %+v", timing)
	}
	if timing.Reused && timing.DNS+timing.Connect+timing.TLS > 0 {
		t.Errorf("a connection was reused, and made: %+v", timing)
	}
}

// shown reports whether a text is one line that can be shown as it is.
func shown(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\t' })
}

// want checks the outcome of an attempt, and that its error contains each of the words.
func want(t testing.TB, a peal.Attempt, reason peal.Reason, words ...string) {
	t.Helper()
	if a.Reason != reason {
		t.Errorf("Reason is %q (%s), want %q", a.Reason, a.Error, reason)
	}
	for _, word := range words {
		if !strings.Contains(a.Error, word) {
			t.Errorf("Error is %q, want it to say %q", a.Error, word)
		}
	}
}
