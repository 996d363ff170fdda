package fulltext

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// eachWord calls f with every word of a text in order. The bytes are valid until f
// returns; f returns false to end.
func eachWord(text []byte, f func(word []byte) bool) {
	if len(text) > MaxText {
		text = text[:MaxText]
	}
	c := cutter{f: f, escapes: looksLikeJSON(text)}
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

// looksLikeJSON is whether a backslash begins an escape in the text. A response's body
// that is cut off is no valid JSON any more, and read all the same.
func looksLikeJSON(text []byte) bool {
	text = bytes.TrimLeft(text, " \t\r\n")
	return len(text) > 0 && (text[0] == '{' || text[0] == '[' || text[0] == '"')
}

// asciiWord gives the lower case of the ASCII characters that words are made of, 0 for
// the others.
var asciiWord = func() (table [256]byte) {
	for c := '0'; c <= '9'; c++ {
		table[c] = byte(c)
	}
	for c := 'a'; c <= 'z'; c++ {
		table[c], table[c-'a'+'A'] = byte(c), byte(c)
	}
	return table
}()

// cutter gathers a word.
type cutter struct {
	f       func([]byte) bool
	word    [MaxWord]byte
	length  int
	full    bool // the word is longer than what is kept of it
	escapes bool
	ended   bool
}

func (c *cutter) add(b byte) {
	if c.full || c.length == MaxWord {
		c.full = true
		return
	}
	c.word[c.length] = b
	c.length++
}

func (c *cutter) end() {
	if c.length > 0 && !c.ended {
		c.ended = !c.f(c.word[:c.length])
	}
	c.length, c.full = 0, false
}

// escape reads an escape of a JSON text and says how long it is.
func (c *cutter) escape(text []byte) int {
	r, size := unicodeEscape(text)
	if size == 0 {
		c.end() // a line break, a quote or the like
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

// unicodeEscape reads \uXXXX; size 0 when there is none.
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

// rune takes a character that may not be ASCII: in the words it stands without accents
// and as the plain letters that it is made of.
func (c *cutter) rune(r rune) {
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

func (c *cutter) part(r rune) {
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

// whole adds a character with all its bytes, or none of it.
func (c *cutter) whole(r rune) {
	if c.full || c.length+utf8.RuneLen(r) > MaxWord {
		c.full = true
		return
	}
	c.length += utf8.EncodeRune(c.word[c.length:], r)
}

// unspaced are the scripts that put no spaces between words.
var unspaced = []*unicode.RangeTable{unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar}
