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

// maxShown is how much of a text a page shows, in bytes; maxLine how much of a line.
const (
	maxShown = 24 << 10
	maxLine  = 2 << 10
)

// shown is a text of somebody else, made harmless to look at: whatever would move a
// cursor, turn the writing direction, or is no UTF-8 is written out as \x1b or \u202e.
// html/template does the rest.
type shown struct {
	Text template.HTML
	Cut  int // bytes that are not shown
}

// visible makes somebody's text harmless and short enough for a page.
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

// shorten cuts a text at maxShown, not inside a character.
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

// writeOut writes out what does not show itself, and breaks very long lines so that
// they do not stop a browser.
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

// colourJSON is visible with JSON indented and its members and texts marked; what is no
// JSON, or too long to read, stays as it came.
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

// mark puts the members and the texts of indented JSON into elements that the style
// sheet colours, and escapes everything.
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
