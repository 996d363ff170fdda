package wire

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Style is a style of JSON text. All styles preserve number literals and the order of members; they
// differ in white space and in the escaped characters.
type Style uint8

// The styles.
const (
	// Plain is the style of JavaScript's JSON.stringify: no spaces, minimal escapes, unpaired
	// surrogates as \udXXX.
	Plain Style = iota
	// GoEscaped is the style of Go's json.Marshal: as Plain, and <, >, &, U+2028 and U+2029 as
	// \u003c and so on. Half of a surrogate pair becomes U+FFFD, as it does when Go reads it.
	GoEscaped
	// Python is the style of Python's json.dumps: ", " and ": " between tokens, and everything
	// outside printable ASCII as \uXXXX.
	Python
)

// The forms of a byte in a string.
const (
	asIs    = iota
	short   // a backslash and one character
	hex     // \u00XX
	special // not one that can be written alone: a backslash or part of a longer character
)

type styleTable [256]uint8

var styleTables = [3]*styleTable{Plain: tableOf(Plain), GoEscaped: tableOf(GoEscaped), Python: tableOf(Python)}

func tableOf(s Style) *styleTable {
	var t styleTable
	for c := range 0x20 {
		t[c] = hex
	}
	for _, c := range "\b\f\n\r\t\"\\" {
		t[c] = short
	}
	switch s {
	case GoEscaped:
		t['<'], t['>'], t['&'] = hex, hex, hex
		t[0xe2] = special // the first byte of U+2028 and U+2029
	case Python:
		t[0x7f] = hex
		for c := utf8.RuneSelf; c < 256; c++ {
			t[c] = special
		}
	}
	return &t
}

// What a byte between strings means for a style.
const (
	token = iota // a bracket, a number or a word, and in most styles a comma or colon
	blank
	quote
	separator // a comma or colon that a space follows
)

var betweenTables = [3]*styleTable{Plain: betweenOf(Plain), GoEscaped: betweenOf(GoEscaped), Python: betweenOf(Python)}

func betweenOf(s Style) *styleTable {
	t := styleTable{' ': blank, '\n': blank, '\r': blank, '\t': blank, '"': quote}
	if s == Python {
		t[','], t[':'] = separator, separator
	}
	return &t
}

// Append appends a JSON value in this style to dst, in one pass over its bytes. The text must be
// valid JSON; otherwise the result is not valid either.
func (s Style) Append(dst, text []byte) []byte {
	between, inside := betweenTables[s], styleTables[s]
	from := 0 // what lies from here to i is written as it is
	for i := 0; i < len(text); i++ {
		switch between[text[i]] {
		case blank:
			dst = append(dst, text[from:i]...)
			from = i + 1
		case separator:
			dst = append(append(dst, text[from:i+1]...), ' ')
			from = i + 1
		case quote:
			for i++; i < len(text) && text[i] != '"'; {
				if inside[text[i]] == asIs {
					i++
					continue
				}
				dst = append(dst, text[from:i]...)
				dst, i = s.rewrite(dst, text, i, inside)
				from = i
			}
		}
	}
	return append(dst, text[min(from, len(text)):]...)
}

// rewrite appends the character of a string that starts at i, and returns the position after it.
func (s Style) rewrite(dst, text []byte, i int, table *styleTable) ([]byte, int) {
	r, size := rune(text[i]), 1
	switch {
	case r == '\\':
		if r, i = readEscape(text, i); r < 0 {
			return dst, i
		}
		return s.appendRune(dst, r, table), i
	case r >= utf8.RuneSelf:
		r, size = utf8.DecodeRune(text[i:])
	}
	return s.appendRune(dst, r, table), i + size
}

// appendRune appends one character of a string, which may be half of a surrogate pair.
func (s Style) appendRune(dst []byte, r rune, table *styleTable) []byte {
	switch {
	case r < utf8.RuneSelf:
		switch table[r] {
		case short:
			return append(dst, '\\', shortEscapes[r])
		case hex:
			return appendHex(dst, r)
		}
		return append(dst, byte(r))
	case s == Python && r > 0xffff:
		high, low := utf16.EncodeRune(r)
		return appendHex(appendHex(dst, high), low)
	case s == Python, s == Plain && utf16.IsSurrogate(r), s == GoEscaped && r|1 == '\u2029':
		return appendHex(dst, r)
	}
	return utf8.AppendRune(dst, r) // half of a pair becomes U+FFFD
}

var shortEscapes = [utf8.RuneSelf]byte{'\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't', '"': '"', '\\': '\\'}

const hexDigits = "0123456789abcdef"

func appendHex(dst []byte, r rune) []byte {
	return append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}

// AppendString appends a text as a JSON string in this style. Invalid UTF-8 becomes U+FFFD.
func (s Style) AppendString(dst []byte, text string) []byte {
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\ufffd")
	}
	table := styleTables[s]
	dst = append(dst, '"')
	from := 0
	for i, r := range text {
		if r < utf8.RuneSelf && table[r] == asIs || r >= utf8.RuneSelf && s == Plain {
			continue
		}
		dst = append(dst, text[from:i]...)
		dst = s.appendRune(dst, r, table)
		from = i + utf8.RuneLen(r)
	}
	dst = append(dst, text[from:]...)
	return append(dst, '"')
}

// readEscape decodes the escape sequence at text[i], or a pair of surrogates. It returns the
// character, or -1 if the sequence is not valid, and the position after it.
func readEscape(text []byte, i int) (rune, int) {
	if i+1 >= len(text) {
		return -1, len(text)
	}
	c := text[i+1]
	switch c {
	case 'b':
		return '\b', i + 2
	case 'f':
		return '\f', i + 2
	case 'n':
		return '\n', i + 2
	case 'r':
		return '\r', i + 2
	case 't':
		return '\t', i + 2
	case 'u':
	default: // a quote, a backslash or a slash
		return rune(c), i + 2
	}
	r := readHex(text, i+2)
	i = min(i+6, len(text))
	if utf16.IsSurrogate(r) && i+1 < len(text) && text[i] == '\\' && text[i+1] == 'u' {
		if pair := utf16.DecodeRune(r, readHex(text, i+2)); pair != utf8.RuneError {
			return pair, i + 6
		}
	}
	return r, i
}

func readHex(text []byte, i int) rune {
	if i+4 > len(text) {
		return -1
	}
	var r rune
	for _, c := range text[i : i+4] {
		switch {
		case c-'0' <= 9:
			c -= '0'
		case c|0x20-'a' <= 5:
			c = c | 0x20 - 'a' + 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}
