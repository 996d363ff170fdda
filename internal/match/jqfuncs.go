package match

import (
	"encoding/json"
	"errors"
	"math/big"

	"github.com/itchyny/gojq"
)

// The bounds of a value that a transform works with.
const (
	maxValueDepth = 256     // levels of arrays and objects
	maxBits       = 1 << 15 // bits of an integer
	maxDigits     = 1 << 13 // characters of a number
	bytesPerUnit  = 4       // bytes of a string that weigh one unit
)

var (
	errDeep   = errors.New("makes data that is nested too deeply")
	errNumber = errors.New("works with a number of too many digits")
	errKey    = errors.New("cannot use an array as an index: use indices")
)

// jqFunctions are the functions that the guard writes into a program. Each takes
// the meter as its last argument and gives its input back.
func jqFunctions() []gojq.CompilerOption {
	function := func(name string, arguments int, pay func(m *meter, value any, args []any) error) gojq.CompilerOption {
		return gojq.WithFunction(name, arguments+1, arguments+1, func(value any, args []any) any {
			if err := pay(args[arguments].(*meter), value, args); err != nil {
				return err
			}
			return value
		})
	}
	return []gojq.CompilerOption{
		gojq.WithVariables([]string{jqMeter}),
		function("__charge", 0, payWeight),
		function("__each", 0, payEach),
		function("__key", 0, payKey),
		function("__path", 0, payPath),
		function("__spread", 0, paySpread),
		function("__grid", 0, payGrid),
		function("__product", 2, payProduct),
		function("__regex", 2, payRegexp),
	}
}

func payWeight(m *meter, value any, _ []any) error {
	weight, err := m.weigh(value)
	if err != nil {
		return err
	}
	return m.pay(weight)
}

// weigh gives the units that a value weighs with all that is in it. What is in it
// twice weighs twice, as it costs whoever walks over it, so the walk ends as soon as
// the value is heavier than the purse.
func (m *meter) weigh(value any) (int, error) {
	if m.failed != nil {
		return 0, m.failed
	}
	weight := 0
	if err := m.weighInto(&weight, value, maxValueDepth); err != nil {
		return 0, m.fail(err)
	}
	return weight, nil
}

func (m *meter) weighInto(weight *int, value any, depth int) error {
	*weight++
	switch v := value.(type) {
	case string:
		*weight += len(v) / bytesPerUnit
	case json.Number:
		if *weight += len(v) / bytesPerUnit; len(v) > maxDigits {
			return errNumber
		}
	case *big.Int:
		if *weight += v.BitLen() / 64; v.BitLen() > maxBits {
			return errNumber
		}
	case []any:
		if depth == 0 {
			return errDeep
		}
		for _, element := range v {
			if err := m.weighInto(weight, element, depth-1); err != nil {
				return err
			}
		}
	case map[string]any:
		if depth == 0 {
			return errDeep
		}
		for name, member := range v {
			*weight += len(name) / bytesPerUnit
			if err := m.weighInto(weight, member, depth-1); err != nil {
				return err
			}
		}
	}
	if *weight > m.work {
		return errWork
	}
	return nil
}

// payEach pays for taking a value apart.
func payEach(m *meter, value any, _ []any) error { return m.pay(2 * size(value)) }

// size is the number of elements, members or bytes.
func size(value any) int {
	switch v := value.(type) {
	case []any:
		return len(v)
	case map[string]any:
		return len(v)
	case string:
		return len(v)
	}
	return 1
}

// payKey pays for an index.
func payKey(m *meter, value any, _ []any) error {
	if _, ok := value.([]any); ok {
		return errKey
	}
	return payIndex(m, value)
}

// payPath pays for the indices in a path.
func payPath(m *meter, value any, _ []any) error {
	path, ok := value.([]any)
	if !ok {
		return nil // getpath itself says that it needs an array
	}
	for _, key := range path {
		if err := payKey(m, key, nil); err != nil {
			return err
		}
	}
	return nil
}

func payIndex(m *meter, key any) error {
	if n, ok := gojq.ToInt(key); ok && n > 0 {
		return m.pay(n)
	}
	return nil
}

// paySpread pays for a string that becomes an array of its characters or pieces.
func paySpread(m *meter, value any, _ []any) error {
	if err := payWeight(m, value, nil); err != nil {
		return err
	}
	return m.pay(2 * size(value))
}

// payGrid pays for turning rows into columns: as many columns as the longest row has.
func payGrid(m *meter, value any, _ []any) error {
	rows, ok := value.([]any)
	if !ok {
		return nil
	}
	longest := 0
	for _, row := range rows {
		longest = max(longest, size(row))
	}
	return m.pay(len(rows) * longest)
}

// payProduct pays for an operation that may look at each pair of what is in its
// operands, or repeat a string.
func payProduct(m *meter, _ any, args []any) error {
	left, err := m.times(args[0], args[1])
	if err != nil {
		return err
	}
	right, err := m.times(args[1], args[0])
	if err != nil {
		return err
	}
	if left > 0 && right > m.work/left {
		return m.fail(errWork)
	}
	return m.pay(left * right)
}

// times gives a value's weight in a product: a number that repeats a string counts as that number.
func (m *meter) times(value, other any) (int, error) {
	if _, ok := other.(string); ok {
		if n, ok := gojq.ToInt(value); ok {
			return max(1, n), nil
		}
	}
	return m.weigh(value)
}

// payRegexp pays for finding a regular expression's matches, each of which costs
// the language a walk from the beginning of the string to the match.
func payRegexp(m *meter, value any, args []any) error {
	text, ok := value.(string)
	if !ok {
		return nil // the function itself says that it needs a string
	}
	source := args[0]
	if pair, ok := source.([]any); ok && len(pair) > 0 {
		source = pair[0]
	}
	pattern, ok := source.(string)
	if !ok {
		return nil
	}
	if err := m.pay(1 + len(pattern)); err != nil {
		return err
	}
	compiled, err := compilePattern("(?i)" + pattern) // folding case only adds to the cost
	if err != nil {
		return err
	}
	if err := m.pay(1 + len(text)*compiled.size/perUnit); err != nil {
		return err
	}
	price := 1 + len(text)/perUnit
	matches := len(compiled.re.FindAllStringIndex(text, m.work/price+1)) // one more than can be paid
	return m.pay(matches * price)
}
