// Package terminal writes text of others to terminals: it shows itself and does nothing else.
package terminal

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Safe returns text that does nothing to a terminal but show itself: control characters,
// line breaks among them, escapes, marks that turn the writing direction, and bytes that are not
// UTF-8 become \x1b or \u202e.
func Safe(text string) string {
	if strings.IndexFunc(text, isUnsafe) < 0 && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1, isUnsafe(r) && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case isUnsafe(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
		i += size
	}
	return b.String()
}

// SafeLines is Safe for text of several lines, which stay lines; tabs stay too.
func SafeLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		cells := strings.Split(strings.TrimSuffix(line, "\r"), "\t")
		for j := range cells {
			cells[j] = Safe(cells[j])
		}
		lines[i] = strings.Join(cells, "\t")
	}
	return strings.Join(lines, "\n")
}

func isUnsafe(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
}
