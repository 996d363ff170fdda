package peal

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/pealhq/peal/internal/message"
)

// scanner reads JSON text (RFC 8259) once and checks its grammar, its UTF-8 and its depth. It
// copies nothing.
type scanner struct {
	text []byte
	at   int
}

func (s *scanner) fail(what string) *Error {
	if s.at >= len(s.text) {
		return Fail(Invalid, message.IncompleteJSON, len(s.text))
	}
	return Fail(Invalid, message.InvalidJSONAt, what, s.at)
}

// validateJSON checks that text is exactly one JSON value, at most MaxDepth deep.
func validateJSON(text []byte) *Error {
	s := scanner{text: text}
	s.space()
	if err := s.value(0); err != nil {
		return err
	}
	s.space()
	if s.at < len(text) {
		return s.fail("something follows the value")
	}
	return nil
}

func (s *scanner) space() {
	for s.at < len(s.text) && isSpace[s.text[s.at]] {
		s.at++
	}
}

var isSpace = [256]bool{' ': true, '\n': true, '\t': true, '\r': true}

// peek returns the next byte, or 0 at the end of the text.
func (s *scanner) peek() byte {
	if s.at < len(s.text) {
		return s.text[s.at]
	}
	return 0
}

func (s *scanner) value(depth int) *Error {
	switch c := s.peek(); c {
	case '{', '[':
		if depth == MaxDepth {
			return Fail(Invalid, message.NestedTooDeep, MaxDepth, s.at)
		}
		if c == '{' {
			return s.object(depth + 1)
		}
		return s.array(depth + 1)
	case '"':
		return s.str()
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	default:
		return s.number()
	}
}

func (s *scanner) word(word string) *Error {
	for i := range len(word) {
		if s.peek() != word[i] {
			return s.fail("expected " + word)
		}
		s.at++
	}
	return nil
}

func (s *scanner) object(depth int) *Error {
	s.at++
	s.space()
	if s.peek() == '}' {
		s.at++
		return nil
	}
	for {
		if err := s.key(); err != nil {
			return err
		}
		if err := s.value(depth); err != nil {
			return err
		}
		if more, err := s.next('}'); !more {
			return err
		}
	}
}

// key reads a member's name, its colon and the space around them.
func (s *scanner) key() *Error {
	if s.peek() != '"' {
		return s.fail("expected a name in double quotes")
	}
	if err := s.str(); err != nil {
		return err
	}
	s.space()
	if s.peek() != ':' {
		return s.fail(`expected ":"`)
	}
	s.at++
	s.space()
	return nil
}

func (s *scanner) array(depth int) *Error {
	s.at++
	s.space()
	if s.peek() == ']' {
		s.at++
		return nil
	}
	for {
		if err := s.value(depth); err != nil {
			return err
		}
		if more, err := s.next(']'); !more {
			return err
		}
	}
}

// next reads a comma up to the next element (true), or the end (false).
func (s *scanner) next(end byte) (bool, *Error) {
	s.space()
	switch s.peek() {
	case ',':
		s.at++
		s.space()
		return true, nil
	case end:
		s.at++
		return false, nil
	}
	return false, s.fail(`expected "," or "` + string(end) + `"`)
}

// str reads a string in quotes, eight characters at a time until one is special. It checks the
// UTF-8 at the end, and only if the string is not ASCII.
func (s *scanner) str() *Error {
	s.at++
	from, seen := s.at, uint64(0)
	for {
		for len(s.text)-s.at >= 8 {
			word := binary.LittleEndian.Uint64(s.text[s.at:])
			if anySpecial(word) {
				break
			}
			seen |= word
			s.at += 8
		}
		for s.at < len(s.text) && !isSpecial[s.text[s.at]] {
			seen |= uint64(s.text[s.at])
			s.at++
		}
		switch {
		case s.at >= len(s.text):
			return s.fail("")
		case s.text[s.at] == '\\':
			if err := s.escape(); err != nil {
				return err
			}
		case s.text[s.at] == '"':
			if seen&tops != 0 && !utf8.Valid(s.text[from:s.at]) {
				return s.failUTF8(from)
			}
			s.at++
			return nil
		default:
			return s.fail("a string contains an unescaped control character")
		}
	}
}

// failUTF8 returns an error about the first byte at or after from that is not UTF-8.
func (s *scanner) failUTF8(from int) *Error {
	for s.at = from; ; {
		r, size := utf8.DecodeRune(s.text[s.at:])
		if r == utf8.RuneError && size == 1 {
			return s.fail("invalid UTF-8")
		}
		s.at += size
	}
}

// isSpecial is true for the bytes that do not represent themselves in a string.
var isSpecial = func() (special [256]bool) {
	for c := range 0x20 {
		special[c] = true
	}
	special['"'], special['\\'] = true, true
	return special
}()

const (
	ones = 0x0101010101010101 // each byte of a word is 1
	tops = 0x8080808080808080 // each byte of a word has only its top bit
)

// anySpecial reports whether a word of eight bytes has a special one. A byte that
// is smaller than n makes w-ones*n borrow, which shows as a top bit that w does
// not have; a byte that is c is 0, and so smaller than 1, in w^ones*c.
func anySpecial(w uint64) bool {
	quote, backslash := w^ones*'"', w^ones*'\\'
	return ((w-ones*0x20)&^w|(quote-ones)&^quote|(backslash-ones)&^backslash)&tops != 0
}

func (s *scanner) escape() *Error {
	s.at++
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.at++
		return nil
	case 'u':
		s.at++
		for range 4 {
			if hexValue(s.peek()) > 15 {
				return s.fail("a \\u needs four hexadecimal digits")
			}
			s.at++
		}
		return nil
	}
	return s.fail("no such escape in a string")
}

func hexValue(c byte) byte {
	switch {
	case c-'0' <= 9:
		return c - '0'
	case c|0x20-'a' <= 5:
		return c | 0x20 - 'a' + 10
	}
	return 0xff
}

func (s *scanner) number() *Error {
	if s.peek() == '-' {
		s.at++
	}
	if s.peek() == '0' {
		s.at++
	} else if !s.digits() {
		return s.fail("expected a value")
	}
	if s.peek() == '.' {
		s.at++
		if !s.digits() {
			return s.fail("expected a digit")
		}
	}
	if s.peek()|0x20 == 'e' {
		s.at++
		if c := s.peek(); c == '+' || c == '-' {
			s.at++
		}
		if !s.digits() {
			return s.fail("expected a digit")
		}
	}
	return nil
}

func (s *scanner) digits() bool {
	from := s.at
	for s.peek()-'0' <= 9 {
		s.at++
	}
	return s.at > from
}

func (s *scanner) end() error {
	s.space()
	if s.at < len(s.text) {
		return s.fail("something follows the object")
	}
	return nil
}

// members reads an object and calls read at each member's value; read must read that value.
func (s *scanner) members(read func(name string) error) error {
	if s.peek() != '{' {
		if s.at >= len(s.text) {
			return s.fail("")
		}
		return s.fail("expected an object")
	}
	s.at++
	s.space()
	if s.peek() == '}' {
		s.at++
		return nil
	}
	for {
		from := s.at
		if err := s.key(); err != nil {
			return err
		}
		name, err := s.name(from)
		if err != nil {
			return err
		}
		if err := read(name); err != nil {
			return err
		}
		if more, err := s.next('}'); err != nil {
			return err
		} else if !more {
			return nil
		}
	}
}

// name returns the same as content, but does not allocate for the names that every event has.
func (s *scanner) name(from int) (string, error) {
	quoted := s.text[from+1 : s.at]
	switch end := bytes.IndexByte(quoted, '"'); string(quoted[:end]) {
	case "type":
		return "type", nil
	case "data":
		return "data", nil
	case "id":
		return "id", nil
	case "time":
		return "time", nil
	case "subject":
		return "subject", nil
	}
	return s.content(from)
}

// content returns the text of a string that starts at from and that str has read.
func (s *scanner) content(from int) (string, error) {
	quoted := s.text[from+1 : s.at]
	end := bytes.IndexAny(quoted, "\"\\")
	if quoted[end] == '"' {
		return string(quoted[:end]), nil
	}
	return unescape(quoted)
}

var escapes = map[byte]byte{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unescape returns the content of a string up to its closing quote. Half of a surrogate pair is
// an error, because no UTF-8 text can represent it.
func unescape(quoted []byte) (string, error) {
	text := make([]byte, 0, len(quoted))
	for i := 0; quoted[i] != '"'; i++ {
		if quoted[i] != '\\' {
			text = append(text, quoted[i])
			continue
		}
		i++
		if quoted[i] != 'u' {
			if c, ok := escapes[quoted[i]]; ok {
				text = append(text, c)
			} else {
				text = append(text, quoted[i])
			}
			continue
		}
		r := hex4(quoted[i+1:])
		i += 4
		if utf16.IsSurrogate(r) {
			if quoted[i+1] != '\\' || quoted[i+2] != 'u' {
				return "", Fail(Invalid, message.HalfSurrogate)
			}
			if r = utf16.DecodeRune(r, hex4(quoted[i+3:])); r == utf8.RuneError {
				return "", Fail(Invalid, message.HalfSurrogate)
			}
			i += 6
		}
		text = utf8.AppendRune(text, r)
	}
	return string(text), nil
}

func hex4(digits []byte) rune {
	var r rune
	for _, c := range digits[:4] {
		r = r<<4 | rune(hexValue(c))
	}
	return r
}
