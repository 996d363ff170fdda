package match

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"
	"github.com/expr-lang/expr/vm/runtime"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
)

// The bounds of a filter that do not depend on the event.
const (
	maxFilterNodes  = 1000    // nodes of its syntax tree
	maxFilterMemory = 100_000 // elements of the arrays, maps and ranges that it makes
)

// filter is a compiled filter expression.
type filter struct {
	program *vm.Program
	bytes   int // approximate size in memory
	price   int // of a run, in addition to payments during the run
	work    int
	time    time.Duration
}

func compileFilter(text string, limits Limits) (f *filter, err error) {
	defer func() {
		if r := recover(); r != nil { // a defect of the compiler must not end the process
			f, err = nil, peal.Fault("filter", message.CannotCompile, r)
		}
	}()
	inspector, guard := &inspector{}, &guard{}
	options := []expr.Option{
		expr.Env(environment{}),
		expr.AsBool(),
		expr.MaxNodes(maxFilterNodes),
		expr.Optimize(false), // would build the arrays of constant ranges at compile time
		expr.DisableAllBuiltins(),
		expr.Function(tickName, tick, new(func(*meter, int) bool)),
		expr.Function(weighName, weigh, new(func(*meter, any) any)),
		expr.Function(textName, weighText, new(func(*meter, any) any)),
		expr.Function(loopName, weighLoop, new(func(*meter, any) any)),
		expr.Function(madeName, weighMade, new(func(*meter, any) any)),
		expr.Function(cutsetName, cutset, new(func(*meter, any) any)),
		expr.Function(addName, add, new(func(*meter, any, any) any)),
		expr.Function(equalName, equal, new(func(*meter, any, any) bool)),
		expr.Function(inName, in, new(func(*meter, any, any) bool)),
		expr.Function(matchesName, matches, new(func(*meter, any, *pattern) bool)),
		expr.Function("string", scalarText, new(func(any) string)),
		expr.Patch(inspector),
		expr.Patch(guard),
	}
	for _, name := range filterFunctions {
		options = append(options, expr.EnableBuiltin(name))
	}
	program, err := expr.Compile(text, options...)
	inspector.finish()
	switch {
	case inspector.err != nil:
		return nil, filterError(message.DoesNotCompile, inspector.err.Bind(file.NewSource(text)))
	case err != nil:
		return nil, filterError(message.DoesNotCompile, err)
	}
	bytes := bytesOfProgram + bytesOfNode*inspector.nodes + guard.bytes
	return &filter{program: program, bytes: bytes, price: 4 + inspector.nodes/nodesPerUnit, work: limits.FilterWork, time: limits.FilterTime}, nil
}

func (f *filter) run(purse *Purse, facts *Facts) (wanted bool, err error) {
	err = purse.run(f.work, facts.size, f.time, facts.unread, func(m *meter) (err error) {
		purse.facts = facts
		wanted, err = f.runOn(m, facts)
		return err
	})
	if err == errShare || err == errData {
		err = about("filter", err)
	}
	return wanted && err == nil, err
}

func (f *filter) runOn(m *meter, facts *Facts) (bool, error) {
	env, err := facts.environment()
	if err != nil {
		return false, filterError(message.EventUnreadable, err)
	}
	if err := m.pay(f.price); err != nil {
		return false, about("filter", err)
	}
	env.Meter = m
	machine := vm.VM{MemoryBudget: maxFilterMemory}
	result, err := machine.Run(f.program, env)
	if err != nil {
		if m.failed != nil {
			return false, about("filter", m.failed)
		}
		return false, filterError(message.ProgramFails, err)
	}
	wanted, ok := result.(bool)
	if !ok {
		return false, peal.Fault("filter", message.FilterResult, kindOf(result))
	}
	return wanted, nil
}

// filterError returns an error of the language in one line. The language's own errors quote the
// program below the message, which does not fit an API response.
func filterError(sentence message.Message, err error) error {
	var e *file.Error
	if !errors.As(err, &e) {
		return peal.Fault("filter", sentence, firstLine(err.Error()))
	}
	if e.Line == 0 {
		return peal.Fault("filter", sentence, firstLine(e.Message))
	}
	what := fmt.Sprintf("%s at line %d, column %d", firstLine(e.Message), e.Line, e.Column+1)
	return peal.Fault("filter", sentence, what)
}

// about returns the error of a program as a fault of the field that holds it.
func about(field string, err error) error {
	if known, ok := err.(*peal.Error); ok {
		return known.At(field)
	}
	return peal.Invalidf(field, "%v", err)
}

// tick pays for an iteration of a loop.
func tick(args ...any) (any, error) {
	if err := args[0].(*meter).pay(args[1].(int)); err != nil {
		return nil, err
	}
	return true, nil
}

// weigh pays for a value that a function will traverse or copy, and returns it.
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

// weighText pays for reading all bytes of a string, and returns it.
func weighText(args ...any) (any, error) {
	if text, ok := args[1].(string); ok {
		return text, args[0].(*meter).pay(1 + len(text)/perUnit)
	}
	return args[1], nil
}

// weighMade pays for an array or a map that the filter created, and returns it.
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

// maxCutset is the maximum length of trim's set of characters, in bytes.
const maxCutset = 32

// cutset checks and returns trim's set of characters, all of which trim compares with each
// character.
func cutset(args ...any) (any, error) {
	if text, ok := args[1].(string); ok && len(text) > maxCutset {
		return nil, fmt.Errorf("trim takes at most %d bytes of characters", maxCutset)
	}
	return args[1], nil
}

// add adds numbers and times as the language does, and pays for concatenating strings.
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

// deepEqual compares as the language does and pays for each compared value.
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

// in reports whether a value is in an array or a name in an object.
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

// scalarText returns a scalar as text. Arrays and objects are errors.
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
