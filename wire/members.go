package wire

import (
	"bytes"
	"iter"
	"unicode/utf8"
)

// members walks over the members of a JSON object without looking into their
// values. It gives each name with its quotes and each value, both as they are
// written. For anything but a valid object it may stop early.
func members(object []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		i := skipSpace(object, 0)
		if i >= len(object) || object[i] != '{' {
			return
		}
		for {
			i = skipSpace(object, i+1) // over the brace or comma
			if i >= len(object) || object[i] != '"' {
				return
			}
			from := i
			i = skipValue(object, i)
			name := object[from:i]
			i = skipSpace(object, skipSpace(object, i)+1) // over the colon
			from = i
			i = skipValue(object, i)
			if from >= i || !yield(name, object[from:i:i]) {
				return
			}
			i = skipSpace(object, i)
			if i >= len(object) || object[i] != ',' {
				return
			}
		}
	}
}

// elements walks over the elements of a JSON array, as members does.
func elements(array []byte) iter.Seq[[]byte] {
	return func(yield func(value []byte) bool) {
		i := skipSpace(array, 0)
		if i >= len(array) || array[i] != '[' {
			return
		}
		for {
			i = skipSpace(array, i+1)
			from := i
			i = skipValue(array, i)
			if from >= i || array[from] == ']' || !yield(array[from:i:i]) {
				return
			}
			i = skipSpace(array, i)
			if i >= len(array) || array[i] != ',' {
				return
			}
		}
	}
}

func skipSpace(text []byte, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\n' || text[i] == '\r' || text[i] == '\t') {
		i++
	}
	return min(i, len(text))
}

// skipValue gives the place after the value that begins at i.
func skipValue(text []byte, i int) int {
	depth := 0
	for i < len(text) {
		switch text[i] {
		case '"':
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
			i++
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		case ' ', '\n', '\r', '\t', ',', ':':
			i++
		default:
			for i++; i < len(text) && bytes.IndexByte([]byte(" \n\r\t,:\"{}[]"), text[i]) < 0; i++ {
			}
		}
		if depth <= 0 {
			break
		}
	}
	return min(i, len(text))
}

// isObject reports whether a JSON value is an object.
func isObject(value []byte) bool {
	i := skipSpace(value, 0)
	return i < len(value) && value[i] == '{'
}

// unquote gives the text of a JSON string; ok is false when the value is none.
// Halves of surrogate pairs become U+FFFD.
func unquote(value []byte) (text string, ok bool) {
	if len(value) < 2 || value[0] != '"' || value[len(value)-1] != '"' {
		return "", false
	}
	value = value[1 : len(value)-1]
	at := bytes.IndexByte(value, '\\')
	if at < 0 {
		return string(value), true
	}
	out := make([]byte, 0, len(value))
	for i := 0; ; {
		out = append(out, value[i:at]...)
		var r rune
		if r, i = readEscape(value, at); r >= 0 {
			out = utf8.AppendRune(out, r)
		}
		next := bytes.IndexByte(value[i:], '\\')
		if next < 0 {
			return string(append(out, value[i:]...)), true
		}
		at = i + next
	}
}
