package dashboard_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pealhq/peal/internal/dashboard"
)

func TestVisible(t *testing.T) {
	for text, want := range map[string]string{
		"plain":                 "plain",
		"<b>&\"'":               "&lt;b&gt;&amp;&#34;&#39;",
		"\x1b[31m\x00\x7f":      `\x1b[31m\x00\x7f`,
		"a\r\nb\tc\rd":          "a\nb\tc\\x0dd",
		"\u202egpj.exe\u2066":   `\u202egpj.exe\u2066`,
		"\xff\xc3":              `\xff\xc3`,
		"zero\u200bwidth\u2028": `zero\u200bwidth\u2028`,
		"grün 日本":               "grün 日本",
	} {
		if got := dashboard.Visible(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
	long := dashboard.Visible(strings.Repeat("x", 1<<20))
	if len(long) > 30<<10 {
		t.Errorf("a line of a megabyte is shown with %d bytes", len(long))
	}
}

func FuzzVisible(f *testing.F) {
	f.Add([]byte(hostile))
	f.Add([]byte(`{"a":"<script>","b":"\u202e"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, shown := range []string{dashboard.Visible(text), dashboard.ColouredJSON(text)} {
			if !utf8.ValidString(shown) || strings.ContainsAny(shown, "\x00\x1b\u202e\u2066\u200b") || strings.Contains(shown, "<script") {
				t.Errorf("%q is shown as %q", text, shown)
			}
		}
	})
}
