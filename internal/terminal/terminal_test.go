package terminal_test

import (
	"testing"

	"github.com/pealhq/peal/internal/terminal"
)

func TestSafe(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "",
		"plain é 世 👩‍🚀":             "plain é 世 👩‍🚀",
		"\x1b[31mred\x1b]0;title\a": `\x1b[31mred\x1b]0;title\x07`,
		"a\nb\tc\rd\x7f":            `a\x0ab\x09c\x0dd\x7f`,
		"\u009b31m":                 `\u009b31m`,
		"\u202egnp.exe":             `\u202egnp.exe`,
		"\u2028":                    `\u2028`,
		"\xff\xfe ok \ufffd":        `\xff\xfe ok ` + "\ufffd",
	} {
		if got := terminal.Safe(text); got != want {
			t.Errorf("Safe(%q) is %q, want %q", text, got, want)
		}
	}
	if got, want := terminal.SafeLines("a\r\nb\x1b\tc\n"), "a\nb\\x1b\tc\n"; got != want {
		t.Errorf("SafeLines returns %q, want %q", got, want)
	}
}
