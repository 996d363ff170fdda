package dashboard

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"html/template"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxShown is the longest part of a text that a page shows, and maxLine that of a line, in bytes.
const (
	maxShown = 24 << 10
	maxLine  = 2 << 10
)

// shown is a foreign text that is safe to display: characters that would move a cursor or change
// the direction of writing, and invalid UTF-8, are written as \x1b or \u202e. html/template escapes
// the rest.
type shown struct {
	Text template.HTML
	Cut  int // number of bytes that are not shown
}

// visible returns a foreign text that is safe and short enough for a page.
func visible(text any) shown {
	raw := textOf(text)
	kept := shorten(raw)
	return shown{Text: template.HTML(html.EscapeString(writeOut(kept))), Cut: len(raw) - len(kept)}
}

func textOf(text any) string {
	switch text := text.(type) {
	case []byte:
		return string(text)
	case json.RawMessage:
		return string(text)
	}
	return fmt.Sprint(text)
}

// shorten cuts a text at maxShown, but not within a character.
func shorten(text string) string {
	if len(text) <= maxShown {
		return text
	}
	cut := maxShown
	for cut > maxShown-utf8.UTFMax && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut]
}

// writeOut replaces invisible characters by escapes, and breaks very long lines, which would stop a
// browser.
func writeOut(text string) string {
	var b strings.Builder
	line := 0
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		before := b.Len()
		switch {
		case r == '\n':
			b.WriteByte('\n')
			line = 0
			before = b.Len()
		case r == '\r' && strings.HasPrefix(text[i:], "\r\n"), r == '\t':
			if r == '\t' {
				b.WriteByte('\t')
			}
		case r == utf8.RuneError && size == 1, unsafeRune(r) && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case unsafeRune(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
		if line += b.Len() - before; line > maxLine {
			b.WriteByte('\n')
			line = 0
		}
		i += size
	}
	return b.String()
}

func unsafeRune(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029'
}

// colourJSON is like visible, with JSON indented and its members and strings marked. Text that is
// not JSON, or too long to read, stays as it is.
func colourJSON(text any) shown {
	raw := textOf(text)
	if len(raw) > maxShown || !json.Valid([]byte(raw)) {
		return visible(raw)
	}
	var b bytes.Buffer
	if json.Indent(&b, []byte(raw), "", "  ") != nil || b.Len() > 2*maxShown {
		return visible(raw)
	}
	return shown{Text: template.HTML(mark(writeOut(b.String())))}
}

// mark puts the members and the strings of indented JSON into elements that the style sheet
// colours, and escapes everything.
func mark(text string) string {
	var b strings.Builder
	for len(text) > 0 {
		quote := strings.IndexByte(text, '"')
		if quote < 0 {
			break
		}
		end := quote + 1
		for end < len(text) && text[end] != '"' {
			if text[end] == '\\' {
				end++
			}
			end++
		}
		end = min(end+1, len(text))
		class := "s"
		if strings.HasPrefix(strings.TrimLeft(text[end:], " "), ":") {
			class = "k"
		}
		b.WriteString(html.EscapeString(text[:quote]))
		b.WriteString(`<span class="` + class + `">` + html.EscapeString(text[quote:end]) + `</span>`)
		text = text[end:]
	}
	b.WriteString(html.EscapeString(text))
	return b.String()
}
