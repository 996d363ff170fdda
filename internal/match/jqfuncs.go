package match

import (
	"encoding/json"
	"errors"
	"math/big"
	"strconv"
	"strings"

	"github.com/itchyny/gojq"
)

// The bounds of a value in a transform.
const (
	maxValueDepth = 256     // levels of arrays and objects
	maxBits       = 1 << 12 // bits of an integer
	maxDigits     = 1 << 10 // characters of a number
)

var (
	errDeep   = errors.New("makes data that is nested too deeply")
	errNumber = errors.New("works with a number of too many digits")
	errKey    = errors.New("cannot use an array as an index: use indices")
	errSlice  = errors.New("cannot use an object as an index: use [from:to]")
)

// payment is a function that the guard inserts into a program. It pays for the next operation and
// returns its input unchanged.
type payment struct {
	name      string
	arguments int
	pay       func(m *meter, value any, args []any) error
}

var payments = []payment{
	{"__charge", 0, func(m *meter, value any, _ []any) error { return m.payWeight(value, 1) }},
	{"__pay", 1, func(m *meter, value any, args []any) error { return m.payWeight(value, args[0].(int)) }},
	{"__units", 1, func(m *meter, _ any, args []any) error { return m.pay(args[0].(int)) }},
	{"__made", 0, payMade},
	{"__each", 0, payEach},
	{"__characters", 0, payCharacters},
	{"__key", 0, payKey},
	{"__place", 0, payPlace},
	{"__keys", 1, payKeys},
	{"__erases", 1, payErases},
	{"__overlaps", 2, payOverlaps},
	{"__spread", 0, paySpread},
	{"__grid", 0, payGrid},
	{"__numbers", 3, payNumbers},
	{"__widths", 1, payWidths},
	{"__product", 2, payProduct},
	{"__quotient", 2, payQuotient},
}

// jqFunctions returns the functions that the guard inserts into a program. Each takes the meter as
// its last argument.
func jqFunctions(found *patterns) []gojq.CompilerOption {
	options := []gojq.CompilerOption{gojq.WithVariables([]string{jqMeter})}
	for _, p := range payments {
		options = append(options, gojq.WithFunction(p.name, p.arguments+1, p.arguments+1, func(value any, args []any) any {
			if err := p.pay(args[p.arguments].(*meter), value, args); err != nil {
				return err
			}
			return value
		}))
	}
	return append(options,
		gojq.WithFunction("__find", 3, 3, found.match),
		gojq.WithFunction("__finds", 3, 3, found.test),
		gojq.WithFunction("__pieces", 3, 3, found.split),
		gojq.WithFunction("__splice", 3, 3, splice),
	)
}

// payWeight pays the whole weight of a value, several times.
func (m *meter) payWeight(value any, times int) error {
	weight, err := m.weigh(value)
	if err != nil {
		return err
	}
	return m.payProduct(weight, times)
}

// weigh returns the weight of a value, including nested values, in units. Shared parts count each
// time, because each traversal visits them each time; so weighing stops when the weight exceeds the
// remaining work.
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
	case float64:
		*weight += weightOfFloat
	case *big.Int:
		if *weight += v.BitLen() / bitsPerUnit; v.BitLen() > maxBits {
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
		if len(v) > 0 {
			*weight += weightOfObject
		}
		for name, member := range v {
			*weight += weightOfMember + len(name)/bytesPerUnit
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

// payMade pays for an object that the program created.
func payMade(m *meter, value any, _ []any) error {
	members, ok := value.(map[string]any)
	if !ok {
		return nil
	}
	return m.pay(weightOfObject + weightOfMember*len(members))
}

// payEach pays for iterating over a value.
func payEach(m *meter, value any, _ []any) error { return m.pay(3 + 3*size(value)) }

// size returns the number of elements, members or bytes.
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

// payCharacters pays for counting the characters of a string, and for sorting the members of an
// object, which an error message does.
func payCharacters(m *meter, value any, _ []any) error {
	switch v := value.(type) {
	case string:
		return m.pay(1 + len(v)/perUnit)
	case map[string]any:
		return m.pay(1 + 2*len(v))
	}
	return nil
}

// payKey pays for an index, because writing to an index of null creates an array of that length.
func payKey(m *meter, value any, _ []any) error {
	if _, ok := value.([]any); ok {
		return errKey
	}
	if n, ok := gojq.ToInt(value); ok && n > 0 {
		return m.pay(n)
	}
	return nil
}

// payPlace pays for writing to an index.
func payPlace(m *meter, value any, _ []any) error {
	if _, ok := value.(map[string]any); ok {
		return errSlice
	}
	return payKey(m, value, nil)
}

// payKeys pays for following a path. A slice of a string is found by counting from its start.
func payKeys(m *meter, value any, args []any) error {
	path, ok := args[0].([]any)
	if !ok {
		return nil // getpath itself reports that it needs an array
	}
	weight, err := m.weigh(value)
	if err != nil {
		return err
	}
	for _, key := range path {
		if err := payKey(m, key, nil); err != nil {
			return err
		}
		price := 2
		if _, ok := key.(map[string]any); ok {
			price += weight
		}
		if err := m.pay(price); err != nil {
			return err
		}
	}
	return m.pay(weight)
}

// payErases pays for deleting paths. A path through a slice copies the whole array.
func payErases(m *meter, value any, args []any) error {
	weight, err := m.weigh(value)
	if err != nil {
		return err
	}
	paths, _ := args[0].([]any)
	slices := 0
	for _, path := range paths {
		keys, _ := path.([]any)
		if err := m.pay(1 + 2*len(keys)); err != nil {
			return err
		}
		for _, key := range keys {
			if _, ok := key.(map[string]any); ok {
				slices++
			}
		}
	}
	return m.payProduct(weight, 2+slices)
}

// paySpread pays for splitting a string into an array of characters or parts.
func paySpread(m *meter, value any, _ []any) error {
	if err := m.payWeight(value, 1); err != nil {
		return err
	}
	return m.pay(2 * size(value))
}

// payGrid pays for transposing rows, of which the longest determines the size.
func payGrid(m *meter, value any, _ []any) error {
	rows, ok := value.([]any)
	if !ok {
		return nil
	}
	longest := 0
	for _, row := range rows {
		longest = max(longest, size(row))
	}
	return m.payProduct(len(rows)+4, longest)
}

// payNumbers refuses a range of integers outside 64 bits, each of which would need its own memory.
func payNumbers(m *meter, _ any, args []any) error {
	for _, arg := range args[:3] {
		switch n := arg.(type) {
		case *big.Int:
			return m.fail(errNumber)
		case json.Number:
			if len(n) > maxFreeDigits && !strings.ContainsAny(string(n), ".eE") {
				return m.fail(errNumber)
			}
		}
	}
	return nil
}

// The maximum output of a strftime conversion in bytes, without and with a width.
const (
	conversionBytes = 64
	widthBytes      = 1280
)

// payWidths pays for the output of strftime.
func payWidths(m *meter, _ any, args []any) error {
	format, ok := args[0].(string)
	if !ok {
		return nil // strftime itself reports that it needs a string
	}
	bytes := len(format)
	for at := 0; at < len(format); at++ {
		if format[at] != '%' {
			continue
		}
		bytes += conversionBytes
		if at+1 < len(format) && strings.IndexByte("-_^#0123456789:", format[at+1]) >= 0 {
			bytes += widthBytes
		}
	}
	return m.pay(bytes / bytesPerUnit)
}

// payProduct pays for an operation that may compare each pair of elements of its operands, or
// repeat a string.
func payProduct(m *meter, _ any, args []any) error {
	left, err := m.times(args[0], args[1])
	if err != nil {
		return err
	}
	right, err := m.times(args[1], args[0])
	if err != nil {
		return err
	}
	return m.payProduct(left, right)
}

// payQuotient pays for a division of long integers, or of a string into its parts.
func payQuotient(m *meter, _ any, args []any) error {
	if text, ok := args[0].(string); ok {
		return m.pay(2 * len(text))
	}
	left, err := m.weigh(args[0])
	if err != nil {
		return err
	}
	right, err := m.weigh(args[1])
	if err != nil {
		return err
	}
	return m.payProduct(left, 1+right/perUnit)
}

// times returns the weight of a value in a product. A number that repeats a string counts as that
// number.
func (m *meter) times(value, other any) (int, error) {
	if _, ok := other.(string); ok {
		if n, ok := gojq.ToInt(value); ok {
			return max(1, n), nil
		}
	}
	return m.weigh(value)
}

// pathNode is a node in a tree of written paths.
type pathNode struct {
	below   map[string]*pathNode
	written bool
}

// weightOfNode is the price of a step in the tree, in units.
const weightOfNode = 16

// payOverlaps pays for writing to several paths. The language copies a part of a value on the first
// write and then modifies the copy. But it copies again what a path has returned, or what was
// written since. So a path that reaches or crosses an earlier write pays for the whole value and
// for what is written.
func payOverlaps(m *meter, value any, args []any) error {
	weight, err := m.weigh(value)
	if err != nil {
		return err
	}
	written, err := m.weigh(args[1])
	if err != nil {
		return err
	}
	paths, _ := args[0].([]any)
	root := &pathNode{}
	for _, path := range paths {
		keys, _ := path.([]any)
		handed, through, err := root.add(m, keys)
		if err != nil {
			return err
		}
		if handed {
			err = m.pay(2 * (weight + written))
		} else if through {
			err = m.pay(2 * written)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// add adds a path. handed reports whether the path returns, or may return, something that an
// earlier path wrote into; through reports whether it crosses something that an earlier path wrote.
func (n *pathNode) add(m *meter, keys []any) (handed, through bool, err error) {
	for _, key := range keys {
		if err := m.pay(weightOfNode); err != nil {
			return false, false, err
		}
		through = through || n.written
		name, plain := "", false
		switch k := key.(type) {
		case string:
			name, plain = "."+k, true
			if err := m.pay(len(k) / bytesPerUnit); err != nil {
				return false, false, err
			}
		case map[string]any: // a slice overlaps with indices
		default:
			if i, ok := gojq.ToInt(key); ok && i >= 0 {
				name, plain = strconv.Itoa(i), true
			}
		}
		if !plain {
			return true, true, nil
		}
		if n.below == nil {
			n.below = make(map[string]*pathNode)
		}
		next := n.below[name]
		if next == nil {
			next = &pathNode{}
			n.below[name] = next
		}
		n = next
	}
	n.written = true
	return len(n.below) > 0, through, nil
}
