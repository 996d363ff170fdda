package match

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
)

// encoder writes a value as compact JSON, members sorted by name. A value can contain another many
// times, so the encoder stops at its limit.
type encoder struct {
	out   []byte
	limit int // bytes
}

func (e *encoder) value(value any, depth int) error {
	if len(e.out) > e.limit {
		return peal.Fail(peal.Invalid, message.ResultTooLarge, e.limit)
	}
	switch v := value.(type) {
	case nil:
		e.out = append(e.out, "null"...)
	case bool:
		e.out = strconv.AppendBool(e.out, v)
	case int:
		e.out = strconv.AppendInt(e.out, int64(v), 10)
	case json.Number:
		e.out = append(e.out, v...)
	case float64:
		e.float(v)
	case *big.Int:
		e.out = v.Append(e.out, 10)
	case string:
		e.text(v)
	case []any:
		return e.array(v, depth+1)
	case map[string]any:
		return e.object(v, depth+1)
	default:
		return peal.Fail(peal.Invalid, message.ResultNotJSON)
	}
	if len(e.out) > e.limit {
		return peal.Fail(peal.Invalid, message.ResultTooLarge, e.limit)
	}
	return nil
}

func (e *encoder) array(values []any, depth int) error {
	if depth > peal.MaxDepth {
		return peal.Fail(peal.Invalid, message.ResultTooDeep, peal.MaxDepth)
	}
	e.out = append(e.out, '[')
	for i, value := range values {
		if i > 0 {
			e.out = append(e.out, ',')
		}
		if err := e.value(value, depth); err != nil {
			return err
		}
	}
	e.out = append(e.out, ']')
	return nil
}

func (e *encoder) object(members map[string]any, depth int) error {
	if depth > peal.MaxDepth {
		return peal.Fail(peal.Invalid, message.ResultTooDeep, peal.MaxDepth)
	}
	e.out = append(e.out, '{')
	for i, name := range slices.Sorted(maps.Keys(members)) {
		if i > 0 {
			e.out = append(e.out, ',')
		}
		e.text(name)
		e.out = append(e.out, ':')
		if err := e.value(members[name], depth); err != nil {
			return err
		}
	}
	e.out = append(e.out, '}')
	return nil
}

// float writes a number as ECMAScript does. As in jq, NaN becomes null and infinity the largest
// number, because JSON has neither.
func (e *encoder) float(f float64) {
	if math.IsNaN(f) {
		e.out = append(e.out, "null"...)
		return
	}
	f = min(max(f, -math.MaxFloat64), math.MaxFloat64)
	format := byte('f')
	if size := math.Abs(f); size != 0 && (size < 1e-6 || size >= 1e21) {
		format = 'e'
	}
	e.out = strconv.AppendFloat(e.out, f, format, -1, 64)
}

const hexDigits = "0123456789abcdef"

// text writes a string with the minimum of escapes. Invalid UTF-8 becomes U+FFFD.
func (e *encoder) text(s string) {
	e.out = append(e.out, '"')
	from := 0
	for at := 0; at < len(s); {
		c := s[at]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[at:])
			if r == utf8.RuneError && size == 1 {
				e.out = append(append(e.out, s[from:at]...), "\uFFFD"...)
				from = at + 1
			}
			at += size
			continue
		}
		if c >= 0x20 && c != '"' && c != '\\' {
			at++
			continue
		}
		e.out = append(e.out, s[from:at]...)
		switch c {
		case '"', '\\':
			e.out = append(e.out, '\\', c)
		case '\n':
			e.out = append(e.out, '\\', 'n')
		case '\r':
			e.out = append(e.out, '\\', 'r')
		case '\t':
			e.out = append(e.out, '\\', 't')
		default:
			e.out = append(e.out, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		at++
		from = at
	}
	e.out = append(append(e.out, s[from:]...), '"')
}

// decode decodes JSON and keeps numbers as text.
func decode(data json.RawMessage) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, peal.Fail(peal.Invalid, message.SeveralValues)
	}
	return value, nil
}

// plainNumbers converts number texts, in place where possible: to an int if it fits, so that it
// equals an integer in a filter exactly, and to a float64 otherwise. Integers outside the range of
// int64 are therefore rounded, but still compare as large numbers.
func plainNumbers(value any) any {
	switch v := value.(type) {
	case json.Number:
		if n, err := strconv.Atoi(string(v)); err == nil {
			return n
		}
		n, _ := strconv.ParseFloat(string(v), 64) // out of range returns ±Inf, which compares correctly
		return n
	case []any:
		for i := range v {
			v[i] = plainNumbers(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = plainNumbers(v[name])
		}
	}
	return value
}

// decodedSize returns an estimate of the maximum memory of decoded JSON, in bytes.
func decodedSize(data []byte) int {
	size := bytesOfText*len(data) + 1000
	for at := 0; at < len(data); at++ {
		switch data[at] {
		case '{':
			size += bytesOfObject
		case '[', ',':
			size += bytesOfValue
		case '"':
			size += bytesOfQuotes
			for at++; at < len(data) && data[at] != '"'; at++ {
				if data[at] == '\\' {
					at++
				}
			}
		}
	}
	return size
}

// The memory of a decoded value in bytes, including garbage of decoding it.
const (
	bytesOfText   = 5   // a byte of the text
	bytesOfValue  = 170 // a value, whatever it is
	bytesOfObject = 420 // an object
	bytesOfQuotes = 24  // a string or a name
)

// kindOf returns the kind of a decoded JSON value for messages.
func kindOf(value any) message.Text {
	kind := message.KindNumber
	switch value.(type) {
	case nil:
		kind = message.KindNull
	case bool:
		kind = message.KindBoolean
	case string:
		kind = message.KindString
	case []any:
		kind = message.KindArray
	case map[string]any:
		kind = message.KindObject
	}
	return kind.With()
}

func firstLine(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	if len(text) > maxWords {
		text = strings.ToValidUTF8(text[:maxWords], "") + "…"
	}
	return text
}

// maxWords is the maximum length of a quoted library message, in bytes. Messages can contain parts
// of the event.
const maxWords = 300
