package api_test

import (
	"encoding/json"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/api"
)

// FuzzCursor: no text breaks the parser, and it accepts only cursors as lists return them.
func FuzzCursor(f *testing.F) {
	f.Add(byte('w'), api.CursorText('w', peal.NewWebhookID().String()))
	f.Add(byte('t'), api.CursorText('t', "default"))
	f.Add(byte('y'), "eQ")
	f.Add(byte('e'), "=")
	f.Add(byte('t'), "dG\nRlZmF1bHQ") // base64 skips line breaks
	f.Fuzz(func(t *testing.T, kind byte, text string) {
		last, ok := api.CursorAny(kind, text)
		if ok && api.CursorText(kind, last) != text {
			t.Errorf("%q is taken for %q, whose cursor is another", text, last)
		}
	})
}

// FuzzDecode: every body is decoded, or refused with a 4xx; and a decoded body is JSON without
// duplicate keys.
func FuzzDecode(f *testing.F) {
	for _, body := range []string{
		`{"url":"http://x/","events":["*"],"headers":{"a":"b"},"retry_policy":{"delays_seconds":[1,2.5],"jitter":0.1},"rate_limit":{"per_second":1}}`,
		`{"url":"\ud800","events":"a","extra_payload":{"a":[1,{}]},"timeout_ms":1e3}`, `{"url":null}`, `[]`, `{"url":"x","url":"y"}`, `{"\u0075rl":"x"} `, "\xef\xbb\xbf{}", `{"description":"\\ufffd\ufffd�"}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := slices.Clone(body)
		err := api.Decode(body)
		if !slices.Equal(before, body) {
			t.Error("the body was changed")
		}
		if err != nil {
			if !api.IsProblem(err) {
				t.Errorf("refused as our own failure: %v", err)
			}
			return
		}
		var members map[string]json.RawMessage
		if !utf8.Valid(body) || json.Unmarshal(body, &members) != nil {
			t.Errorf("%q was read", body)
		}
	})
}

// FuzzString: the strings of hand-made answers are those of package json.
func FuzzString(f *testing.F) {
	f.Add(`a"b\`)
	f.Add("<ä\u2028\x00\xff")
	f.Fuzz(func(t *testing.T, s string) {
		var back, want string
		if err := json.Unmarshal(api.AppendString(nil, s), &back); err != nil {
			t.Fatal(err)
		}
		plain, _ := json.Marshal(s)
		if err := json.Unmarshal(plain, &want); err != nil {
			t.Fatal(err)
		}
		if back != want {
			t.Errorf("%q became %q", s, back)
		}
	})
}
