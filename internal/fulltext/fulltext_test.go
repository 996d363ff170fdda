package fulltext_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/fulltext"
)

func TestIndex(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"names and values of JSON":     {`{"orderId": "A-17", "n": -12.50, "ok": true}`, []string{"12", "17", "50", "a", "n", "ok", "orderid", "true"}},
		"an e-mail address":            {`"Ada.Lovelace@Example.com"`, []string{"ada", "com", "example", "lovelace"}},
		"a UUID":                       {`"3F1C2D4E-0a1b-4c2d-8e9f-0123456789ab"`, []string{"0123456789ab", "0a1b", "3f1c2d4e", "4c2d", "8e9f"}},
		"accents":                      {"Zürich ZU\u0308RICH Ångström", []string{"angstrom", "zurich"}},
		"escapes of JSON":              {`"Z\u00fcrich\nK\u00D6LN \uD835\uDD38\"x\/y \u12"`, []string{"12", "a", "koln", "x", "y", "zurich"}},
		"no escapes in plain text":     {`C:\new\u00fc`, []string{"c", "new", "u00fc"}},
		"full width and ligatures":     {"ＡＢＣ ﬁn ½", []string{"1", "2", "abc", "fin"}},
		"scripts without spaces":       {"東京都 ไทย", []string{"ท", "ย", "ไ", "京", "東", "都"}},
		"scripts with marks of vowels": {"हिन्दी Привет", []string{"привет", "हिन्दी"}},
		"nothing but punctuation":      {"--- {} \x00", []string{}},
		"bytes that are no text":       {"a\xff\xfeb", []string{"a", "b"}},
		"a long word":                  {strings.Repeat("x", 100) + " y", []string{strings.Repeat("x", 64), "y"}},
		"a long word of wide letters":  {"x" + strings.Repeat("ж", 100), []string{"x" + strings.Repeat("ж", 31)}},
	} {
		x := fulltext.NewIndex()
		x.Text([]byte(test.text))
		if diff := cmp.Diff(test.want, x.Words()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestQuery(t *testing.T) {
	const text = `{"mail": "ada@example.com", "order_id": 4711, "name": "Zoë Müller", "city": "東京都", "total": 12.50}`
	for query, want := range map[string]bool{
		"ada":                      true,
		"ADA lovelace":             false, // both
		"ada 4711":                 true,
		"ada@example.com":          true,
		"example.com":              true,
		"example com":              true,
		`"com example"`:            false, // in this order
		`"com" "example"`:          true,
		"order_id:4711":            true,
		"order_id:471":             false,
		"order_id:471*":            true,
		"exam*":                    true,
		"ada@exam*":                true,
		`"ada example"*`:           true,
		`"example order"`:          false,
		"zoe muller":               true,
		"MÜLLER":                   true,
		"京都":                       true,
		"都京":                       false,
		"12.50":                    true,
		"12.5":                     false,
		"- ada -":                  true,
		"adaexample":               false,
		`mail"ada"`:                true,
		"4711 4711":                true,
		"ada@ada@example.com":      false,
		"mail ada example com x y": false,
	} {
		q, err := fulltext.Parse(query)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		if got := q.All(q.In([]byte(text))); got != want {
			t.Errorf("%s: found %v, want %v", query, got, want)
		}
		// What is found has all the words that an index is asked for.
		x := fulltext.NewIndex()
		x.Text([]byte(text))
		if want && !hasAll(x.Words(), q.Words()) {
			t.Errorf("%s: the index does not have %v", query, q.Words())
		}
	}
}

func hasAll(have []string, want []fulltext.Word) bool {
	for _, w := range want {
		if !slices.ContainsFunc(have, func(word string) bool { return word == w.Text || w.Prefix && strings.HasPrefix(word, w.Text) }) {
			return false
		}
	}
	return true
}

func TestTermsMayStandInDifferentTexts(t *testing.T) {
	q, err := fulltext.Parse(`ada "bad gateway"`)
	if err != nil {
		t.Fatal(err)
	}
	event, answer := q.In([]byte(`{"a":"ada bad"}`)), q.In([]byte("502 Bad Gateway"))
	if q.All(event) || q.All(answer) || !q.All(event|answer) {
		t.Errorf("%b and %b", event, answer)
	}
}

func TestBadQueries(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "has no letters or digits",
		"--- @":                       "has no letters or digits",
		`a "b`:                        `a " that is not closed`,
		"a*b":                         "inside of a word",
		"*":                           "nothing before it",
		"ab*":                         `only "ab" before a *`,
		"\xff":                        "UTF-8",
		strings.Repeat("a ", 17):      "more than 16 words",
		strings.Repeat("a.", 17):      "more than 16 words",
		strings.Repeat("x", 257):      "at most 256",
		strings.Repeat("a ", 16):      "",
		strings.Repeat("x", 256):      "",
		"abc*":                        "",
		strings.Repeat("x", 64) + "y": "",
	} {
		_, err := fulltext.Parse(text)
		if want == "" {
			if err != nil {
				t.Errorf("%q: %v", text, err)
			}
			continue
		}
		var known *peal.Error
		if !errors.As(err, &known) || known.Code != peal.Invalid || known.Field != "text" || !strings.Contains(known.Message, want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestLimitsOfTexts(t *testing.T) {
	q, err := fulltext.Parse("last")
	if err != nil {
		t.Fatal(err)
	}
	for length, want := range map[int]bool{fulltext.MaxText - 4: true, fulltext.MaxText - 3: false} {
		if got := q.All(q.In([]byte(strings.Repeat(" ", length) + "last"))); got != want {
			t.Errorf("behind %d bytes: found %v", length, got)
		}
	}
	x := fulltext.NewIndex()
	for range fulltext.MaxDocument / fulltext.MaxText {
		x.Text([]byte(strings.Repeat("a ", fulltext.MaxText)))
	}
	x.Text([]byte("last"))
	if diff := cmp.Diff([]string{"a"}, x.Words()); diff != "" {
		t.Error(diff)
	}
}

// FuzzQuery checks that every match has the words to look up in an index.
func FuzzQuery(f *testing.F) {
	f.Add(`{"a":"b c"}`, `"b c"`)
	f.Add("\"\\u00fc\\ud83d", "ü*")
	f.Add("ﬁ東x\xff", "fi")
	f.Fuzz(func(t *testing.T, text, query string) {
		x := fulltext.NewIndex()
		x.Text([]byte(text))
		words := x.Words()
		for _, word := range words {
			if len(word) == 0 || len(word) > fulltext.MaxWord || !utf8.ValidString(word) || strings.ContainsAny(word, " _\"") {
				t.Errorf("the word %q", word)
			}
		}
		q, err := fulltext.Parse(query)
		if err != nil {
			return
		}
		if len(text) <= fulltext.MaxText && q.All(q.In([]byte(text))) && !hasAll(words, q.Words()) {
			t.Errorf("%q is found in %q, whose words are %q", query, text, words)
		}
	})
}

func BenchmarkIndex(b *testing.B) {
	text := []byte(`{` + strings.Repeat(`"name_of_a_member": "some value", "n": 12345, `, 22) + `"x": "Zürich"}`)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		x := fulltext.NewIndex()
		x.Text(text)
		x.Words()
	}
}
