package record_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/record"
)

func FuzzParseAttempt(f *testing.F) {
	attempt := peal.Attempt{
		ID: peal.NewAttemptID(), Number: 3, StartedAt: time.UnixMicro(1700000000123456).UTC(), Timing: peal.AttemptTiming{Total: time.Second, Reused: true},
		Reason: peal.ReasonStatus, Error: "e", URL: "u", Address: "a", RequestHead: "A: b\n", BodySize: 9, StatusCode: 500,
		ResponseHead: "C: d\n", ResponseBody: []byte("body"), ResponseTruncated: true,
	}
	f.Add(record.AppendAttempt(nil, &attempt))
	f.Add(record.AppendAttempt(nil, &peal.Attempt{}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, text []byte) {
		parsed, err := record.ParseAttempt(text)
		if err != nil {
			return
		}
		again, err := record.ParseAttempt(record.AppendAttempt(nil, &parsed))
		if err != nil || !cmp.Equal(parsed, again, cmpopts.EquateEmpty()) {
			t.Errorf("%x does not come back: %v\n%s", text, err, cmp.Diff(parsed, again))
		}
	})
}

func TestAttemptCutShort(t *testing.T) {
	attempt := peal.Attempt{ID: peal.NewAttemptID(), URL: "https://example.com/", ResponseBody: []byte("ok")}
	text := record.AppendAttempt(nil, &attempt)
	for n := range text {
		if _, err := record.ParseAttempt(text[:n]); err == nil {
			t.Errorf("read a record of %d bytes out of %d", n, len(text))
		}
	}
	if _, err := record.ParseAttempt(append(bytes.Clone(text), 0)); err == nil {
		t.Error("read a record with something behind it")
	}
}

func TestSplitComesBack(t *testing.T) {
	for name, body := range map[string][]byte{"with a body": []byte("no\x00"), "without one": nil} {
		attempt := peal.Attempt{
			ID: peal.NewAttemptID(), Number: 1, URL: "u", RequestHead: "A: b\n", ResponseHead: "C: d\n", ResponseBody: body,
		}
		facts, exchange := record.SplitAttempt(&attempt)
		got, err := record.JoinAttempt(facts, exchange)
		if err != nil || !cmp.Equal(got, attempt) {
			t.Errorf("%s: %v\n%s", name, err, cmp.Diff(attempt, got))
		}
		got, err = record.JoinAttempt(facts, nil)
		want := attempt
		want.RequestHead, want.ResponseHead, want.ResponseBody, want.ResponseTruncated = "", "", nil, body != nil
		if err != nil || !cmp.Equal(got, want) {
			t.Errorf("%s, the exchange dropped: %v\n%s", name, err, cmp.Diff(want, got))
		}
	}
}
