package capture

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// words splits a command as a POSIX shell does, $'…' of bash included. Parts that only a shell can
// know, such as $NAME and $(…), stay as they are.
func words(command string) ([]string, error) {
	var found []string
	var word strings.Builder
	inWord := false
	for i := 0; i < len(command); {
		c := command[i]
		switch {
		case c == '\\' && i+1 < len(command):
			if next := command[i+1:]; strings.HasPrefix(next, "\r\n") { // a line continues
				i++
			} else if next[0] != '\n' {
				word.WriteByte(next[0])
				inWord = true
			}
			i += 2
		case c == '\'' || c == '"' || strings.HasPrefix(command[i:], "$'"):
			text, size := quoted(command[i:])
			if size == 0 {
				return nil, notCaptured("the command has a quote that does not end")
			}
			word.WriteString(text)
			inWord = true
			i += size
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			if inWord {
				found = append(found, word.String())
			}
			word.Reset()
			inWord = false
			i++
		case !inWord && (c == '|' || c == ';' || c == '&' || c == '#'):
			return found, nil // another command, or a comment
		default:
			word.WriteByte(c)
			inWord = true
			i++
		}
	}
	if inWord {
		found = append(found, word.String())
	}
	return found, nil
}

// quoted returns the content of the quotes at the start of a text, and their length with it; 0 if
// they do not end.
func quoted(text string) (content string, size int) {
	switch text[0] {
	case '\'':
		end := strings.IndexByte(text[1:], '\'')
		if end < 0 {
			return "", 0
		}
		return text[1 : end+1], end + 2
	case '$':
		return ansiQuoted(text)
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return b.String(), i + 1
		case c == '\\' && i+1 < len(text) && strings.IndexByte("$`\"\\\n", text[i+1]) >= 0:
			if i++; text[i] != '\n' {
				b.WriteByte(text[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return "", 0
}

var ansiEscapes = map[byte]byte{'a': '\a', 'b': '\b', 'e': 0x1b, 'E': 0x1b, 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v'}

// ansiQuoted reads bash's $'…', which browsers' "copy as cURL" writes.
func ansiQuoted(text string) (content string, size int) {
	var b []byte
	for i := 2; i < len(text); {
		c := text[i]
		if c == '\'' {
			return string(b), i + 1
		}
		if c != '\\' || i+1 == len(text) {
			b = append(b, c)
			i++
			continue
		}
		escape := text[i+1]
		i += 2
		longest, base := 0, 16
		switch {
		case escape == 'x':
			longest = 2
		case escape == 'u':
			longest = 4
		case escape == 'U':
			longest = 8
		case escape >= '0' && escape <= '7':
			i, longest, base = i-1, 3, 8
		}
		value, digits := number(text[i:], longest, base)
		i += digits
		switch plain, ok := ansiEscapes[escape]; {
		case digits > 0 && (escape == 'u' || escape == 'U'):
			b = utf8.AppendRune(b, rune(value))
		case digits > 0:
			b = append(b, byte(value))
		case ok:
			b = append(b, plain)
		default:
			b = append(b, escape)
		}
	}
	return "", 0
}

// number reads at most a number of digits, and returns how many they were.
func number(text string, longest, base int) (value uint64, digits int) {
	for digits < longest && digits < len(text) {
		v, err := strconv.ParseUint(text[:digits+1], base, 64)
		if err != nil {
			break
		}
		value, digits = v, digits+1
	}
	return value, digits
}
