package match

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/pealhq/peal"
)

// encoder writes what a transform gave as compact JSON, members sorted by name. A
// value can hold another one many times, so it stops as soon as there is too much.
type encoder struct {
	out   []byte
	limit int // bytes
}

func (e *encoder) value(value any, depth int) error {
	if len(e.out) > e.limit {
		return fmt.Errorf("gives more than %d bytes of JSON", e.limit)
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
		return fmt.Errorf("gives a value that is no JSON")
	}
	if len(e.out) > e.limit {
		return fmt.Errorf("gives more than %d bytes of JSON", e.limit)
	}
	return nil
}

func (e *encoder) array(values []any, depth int) error {
	if depth > peal.MaxDepth {
		return fmt.Errorf("gives data nested deeper than %d levels", peal.MaxDepth)
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
		return fmt.Errorf("gives data nested deeper than %d levels", peal.MaxDepth)
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

// float writes a number as ECMAScript does; JSON has no NaN, which becomes null,
// and no infinity, which becomes the largest number, as in jq.
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

// text writes a string, escaping no more than JSON asks for. Bytes that are no
// UTF-8 become U+FFFD.
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
