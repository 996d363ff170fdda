package wire

import (
	"strings"
	"unicode/utf16"
)

// clip writes a text with each character escaped and no longer than limit, counted
// in UTF-16 units as the chat services do. A text that is cut ends with "…", never
// in the middle of an escape.
func clip(text string, limit int, escape func(r rune) string) string {
	var out strings.Builder
	used, cut := 0, 0 // cut is the length up to which "…" still fits
	for _, r := range text {
		piece := string(r)
		if escape != nil {
			piece = escape(r)
		}
		size := 0
		for _, c := range piece {
			size += utf16.RuneLen(c)
		}
		if used+size > limit {
			return out.String()[:cut] + "…"
		}
		out.WriteString(piece)
		if used += size; used < limit {
			cut = out.Len()
		}
	}
	return out.String()
}

// headline is title and subject in one line.
func (m *message) headline() string {
	if m.subject == "" {
		return m.title
	}
	return m.title + ": " + m.subject
}
