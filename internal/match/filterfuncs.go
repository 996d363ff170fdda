package match

import (
	"fmt"
	"strconv"

	"github.com/expr-lang/expr/vm/runtime"
)

// perUnit is how many bytes of work on a string cost one unit.
const perUnit = 16

// tick pays for a turn of a loop.
func tick(args ...any) (any, error) {
	if err := args[0].(*meter).pay(args[1].(int)); err != nil {
		return nil, err
	}
	return true, nil
}

// weigh pays for a value that a function is about to walk over or to copy, and returns it.
func weigh(args ...any) (any, error) {
	weight := 16
	switch v := args[1].(type) {
	case string:
		weight += len(v)
	case []any:
		weight += len(v)
	case map[string]any:
		weight += 2 * len(v)
	}
	return args[1], args[0].(*meter).pay(weight)
}

// weighLoop pays for the start of a loop over a value, and returns it.
func weighLoop(args ...any) (any, error) { return args[1], args[0].(*meter).pay(8) }

// weighText pays for looking at all bytes of a string, and returns it.
func weighText(args ...any) (any, error) {
	if text, ok := args[1].(string); ok {
		return text, args[0].(*meter).pay(1 + len(text)/perUnit)
	}
	return args[1], nil
}

// weighMade pays for an array or a map that the filter has made, and returns it.
func weighMade(args ...any) (any, error) {
	weight := 2
	switch v := args[1].(type) {
	case []any:
		weight += len(v)
	case map[string]any:
		weight += weightOfObject + weightOfMember*len(v)
	}
	return args[1], args[0].(*meter).pay(weight)
}

// maxCutset is how many bytes trim may look for at each end.
const maxCutset = 32

// cutset returns the characters that trim takes away: each costs a look at all of them.
func cutset(args ...any) (any, error) {
	if text, ok := args[1].(string); ok && len(text) > maxCutset {
		return nil, fmt.Errorf("trim takes at most %d bytes of characters", maxCutset)
	}
	return args[1], nil
}

// add adds numbers and times as the language does, and pays for joining strings.
func add(args ...any) (any, error) {
	left, leftOK := args[1].(string)
	right, rightOK := args[2].(string)
	if !leftOK || !rightOK {
		return runtime.Add(args[1], args[2]), nil
	}
	if err := args[0].(*meter).pay(1 + (len(left)+len(right))/perUnit); err != nil {
		return nil, err
	}
	return left + right, nil
}

func equal(args ...any) (any, error) { return deepEqual(args[0].(*meter), args[1], args[2]) }

// deepEqual compares as the language does and pays for each value it looks at.
func deepEqual(m *meter, left, right any) (bool, error) {
	switch l := left.(type) {
	case []any:
		r, ok := right.([]any)
		if !ok || len(l) != len(r) {
			return false, m.pay(1)
		}
		for i := range l {
			if same, err := deepEqual(m, l[i], r[i]); !same || err != nil {
				return false, err
			}
		}
		return true, m.pay(1)
	case map[string]any:
		r, ok := right.(map[string]any)
		if !ok || len(l) != len(r) {
			return false, m.pay(1)
		}
		for name, value := range l {
			other, ok := r[name]
			if !ok {
				return false, m.pay(1)
			}
			if same, err := deepEqual(m, value, other); !same || err != nil {
				return false, err
			}
		}
		return true, m.pay(1)
	case string:
		if err := m.pay(1 + len(l)/perUnit); err != nil {
			return false, err
		}
	default:
		if err := m.pay(1); err != nil {
			return false, err
		}
	}
	return runtime.Equal(left, right), nil
}

// in finds a value in an array or a name in an object.
func in(args ...any) (any, error) {
	m := args[0].(*meter)
	switch list := args[2].(type) {
	case []any:
		for _, element := range list {
			if same, err := deepEqual(m, element, args[1]); same || err != nil {
				return same, err
			}
		}
		return false, nil
	case map[string]any:
		name, ok := args[1].(string)
		if !ok {
			return false, nil
		}
		_, found := list[name]
		return found, nil
	case nil:
		return false, nil
	}
	if err := m.pay(1); err != nil {
		return nil, err
	}
	if list, ok := args[2].([]int); ok { // a range
		if err := m.pay(len(list)); err != nil {
			return nil, err
		}
	}
	return runtime.In(args[1], args[2]), nil
}

func matches(args ...any) (any, error) {
	if args[1] == nil {
		return false, nil
	}
	text, ok := args[1].(string)
	if !ok {
		return nil, fmt.Errorf("matches needs a string on its left, not %s", kindOf(args[1]))
	}
	pattern := args[2].(*pattern)
	if err := args[0].(*meter).pay(1 + len(text)*pattern.size/perUnit); err != nil {
		return nil, err
	}
	return pattern.re.MatchString(text), nil
}

// scalarText gives a scalar as text; arrays and objects have none.
func scalarText(args ...any) (any, error) {
	switch v := args[0].(type) {
	case string:
		return v, nil
	case int:
		return strconv.Itoa(v), nil
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), nil
	case bool:
		return strconv.FormatBool(v), nil
	case nil:
		return "", nil
	}
	return nil, fmt.Errorf("string needs a string, number or boolean, not %s", kindOf(args[0]))
}
