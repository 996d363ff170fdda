package match

import (
	"errors"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"

	"github.com/pealhq/peal"
)

// The bounds of a filter that do not depend on the event.
const (
	maxFilterNodes  = 1000    // nodes of its syntax tree
	maxFilterMemory = 100_000 // elements of the arrays, maps and ranges that it makes
)

// filter is a compiled filter expression.
type filter struct {
	program *vm.Program
	bytes   int // what it takes in memory, about
	price   int // of a run beside what it pays while it runs
	work    int
	time    time.Duration
}

func compileFilter(text string, limits Limits) (f *filter, err error) {
	defer func() {
		if r := recover(); r != nil { // a defect of the compiler must not end the process
			f, err = nil, peal.Invalidf("filter", "cannot be compiled: %v", r)
		}
	}()
	inspector, guard := &inspector{}, &guard{}
	options := []expr.Option{
		expr.Env(environment{}),
		expr.AsBool(),
		expr.MaxNodes(maxFilterNodes),
		expr.Optimize(false), // it would build the arrays of constant ranges while compiling
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
		return nil, filterError("does not compile", inspector.err.Bind(file.NewSource(text)))
	case err != nil:
		return nil, filterError("does not compile", err)
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
		err = peal.Invalidf("filter", "%s", err.Error())
	}
	return wanted && err == nil, err
}

func (f *filter) runOn(m *meter, facts *Facts) (bool, error) {
	env, err := facts.environment()
	if err != nil {
		return false, filterError("cannot read the event's data", err)
	}
	if err := m.pay(f.price); err != nil {
		return false, peal.Invalidf("filter", "%v", err)
	}
	env.Meter = m
	machine := vm.VM{MemoryBudget: maxFilterMemory}
	result, err := machine.Run(f.program, env)
	if err != nil {
		if m.failed != nil {
			return false, peal.Invalidf("filter", "%v", m.failed)
		}
		return false, filterError("fails on this event", err)
	}
	wanted, ok := result.(bool)
	if !ok {
		return false, peal.Invalidf("filter", "must give true or false, not %s as on this event", kindOf(result))
	}
	return wanted, nil
}

// filterError says what the language said, in one line: its errors draw the
// program below the message, which has no place in an API's answer.
func filterError(what string, err error) error {
	var e *file.Error
	if !errors.As(err, &e) {
		return peal.Invalidf("filter", "%s: %s", what, oneLine(err.Error()))
	}
	if e.Line == 0 {
		return peal.Invalidf("filter", "%s: %s", what, oneLine(e.Message))
	}
	return peal.Invalidf("filter", "%s: %s at line %d, column %d", what, oneLine(e.Message), e.Line, e.Column+1)
}

// maxWords bounds what is quoted of a compiler's own words, in bytes: they can hold
// pieces of the event.
const maxWords = 300

func oneLine(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	if len(text) > maxWords {
		text = strings.ToValidUTF8(text[:maxWords], "") + "…"
	}
	return text
}

// kindOf names the kind of a decoded JSON value.
func kindOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "a string"
	case []any:
		return "an array"
	case map[string]any:
		return "an object"
	}
	return "a number"
}
