// Package fulltext splits texts into words, and finds the words of a query in texts.
//
// Both stores index the words returned by [Index] and check their matches with [Query.In], so a
// query finds the same events in each of them.
//
// A word is a run of letters and digits in lower case, without accents: Zürich, ZURICH and the JSON
// text "Z\u00fcrich" contain the same word. All other characters separate words, so an e-mail
// address, a UUID or a number with a point is a sequence of words. In scripts that are written
// without spaces each character is a word.
package fulltext

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// eachWord calls f with every word of a text in order, until f returns false. The bytes are valid
// until f returns.
func eachWord(text []byte, f func(word []byte) bool) {
	if len(text) > MaxText {
		text = text[:MaxText]
	}
	c := splitter{f: f, escapes: looksLikeJSON(text)}
	for i := 0; i < len(text) && !c.ended; {
		b := text[i]
		switch {
		case asciiWord[b] != 0:
			c.add(asciiWord[b])
			i++
		case b == '\\' && c.escapes:
			i += c.escape(text[i:])
		case b < utf8.RuneSelf:
			c.end()
			i++
		default:
			r, size := utf8.DecodeRune(text[i:])
			c.rune(r)
			i += size
		}
	}
	c.end()
}

// looksLikeJSON reports whether a backslash in the text starts an escape. It accepts the truncated
// body of a response, which is not valid JSON.
func looksLikeJSON(text []byte) bool {
	text = bytes.TrimLeft(text, " \t\r\n")
	return len(text) > 0 && (text[0] == '{' || text[0] == '[' || text[0] == '"')
}

// asciiWord maps ASCII letters and digits to lower case, and other bytes to 0.
var asciiWord = func() (table [256]byte) {
	for c := '0'; c <= '9'; c++ {
		table[c] = byte(c)
	}
	for c := 'a'; c <= 'z'; c++ {
		table[c], table[c-'a'+'A'] = byte(c), byte(c)
	}
	return table
}()

// splitter collects the bytes of a word.
type splitter struct {
	f       func([]byte) bool
	word    [MaxWord]byte
	length  int
	full    bool // the word was truncated
	escapes bool
	ended   bool
}

func (c *splitter) add(b byte) {
	if c.full || c.length == MaxWord {
		c.full = true
		return
	}
	c.word[c.length] = b
	c.length++
}

func (c *splitter) end() {
	if c.length > 0 && !c.ended {
		c.ended = !c.f(c.word[:c.length])
	}
	c.length, c.full = 0, false
}

// escape processes an escape in a JSON text and returns its length.
func (c *splitter) escape(text []byte) int {
	r, size := unicodeEscape(text)
	if size == 0 {
		c.end() // such as a line break or a quote
		return min(2, len(text))
	}
	if 0xD800 <= r && r < 0xDC00 { // the first half of a character
		if low, more := unicodeEscape(text[size:]); more > 0 && 0xDC00 <= low && low < 0xE000 {
			r, size = (r-0xD800)<<10|(low-0xDC00)+0x10000, size+more
		}
	}
	c.rune(r)
	return size
}

// unicodeEscape decodes \uXXXX; size is 0 if there is none.
func unicodeEscape(text []byte) (r rune, size int) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, 0
	}
	for _, b := range text[2:6] {
		digit := bytes.IndexByte([]byte("0123456789abcdef"), asciiWord[b])
		if digit < 0 || asciiWord[b] == 0 {
			return 0, 0
		}
		r = r<<4 | rune(digit)
	}
	return r, 6
}

// rune adds a character that may not be ASCII, decomposed into plain letters without accents.
func (c *splitter) rune(r rune) {
	if r < utf8.RuneSelf {
		if b := asciiWord[r]; b != 0 {
			c.add(b)
		} else {
			c.end()
		}
		return
	}
	var text [utf8.UTFMax]byte
	plain := text[:utf8.EncodeRune(text[:], r)]
	if parts := norm.NFKD.Properties(plain).Decomposition(); parts != nil {
		plain = parts
	}
	for len(plain) > 0 {
		part, size := utf8.DecodeRune(plain)
		c.part(part)
		plain = plain[size:]
	}
}

func (c *splitter) part(r rune) {
	switch {
	case 0x300 <= r && r <= 0x36f: // an accent
	case r < utf8.RuneSelf && asciiWord[r] != 0:
		c.add(asciiWord[r])
	case r == utf8.RuneError || !unicode.In(r, unicode.L, unicode.N, unicode.M):
		c.end()
	case unicode.In(r, unspaced...):
		c.end()
		c.whole(r)
		c.end()
	default:
		c.whole(unicode.ToLower(r))
	}
}

// whole adds all bytes of a character, or none.
func (c *splitter) whole(r rune) {
	if c.full || c.length+utf8.RuneLen(r) > MaxWord {
		c.full = true
		return
	}
	c.length += utf8.EncodeRune(c.word[c.length:], r)
}

// unspaced lists the scripts without spaces between words.
var unspaced = []*unicode.RangeTable{unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar}

// The limits of indexed texts.
const (
	MaxText     = 64 << 10 // bytes of one text; the rest is ignored
	MaxWord     = 64       // bytes of a word; longer words are truncated
	MaxDocument = 1 << 20  // bytes of all texts of an Index
)
