package match

import (
	"fmt"
	"strconv"

	"github.com/itchyny/gojq"
)

// Constructors for the parts of a guarded program.

func termOf(q *gojq.Query) *gojq.Term {
	return &gojq.Term{Type: gojq.TermTypeQuery, Query: q}
}

func queryOf(t *gojq.Term) *gojq.Query { return &gojq.Query{Term: t} }

func pipe(left, right *gojq.Query) *gojq.Query {
	return queryOf(termOf(&gojq.Query{Left: left, Op: gojq.OpPipe, Right: right}))
}

func invoke(name string, args ...*gojq.Query) *gojq.Query {
	return queryOf(&gojq.Term{Type: gojq.TermTypeFunc, Func: &gojq.Func{Name: name, Args: args}})
}

// charge returns a call that pays times the weight of its input.
func charge(times int) *gojq.Query {
	if times == 1 {
		return invoke("__charge", invoke(jqMeter))
	}
	return invoke("__pay", queryOf(&gojq.Term{Type: gojq.TermTypeNumber, Number: strconv.Itoa(times)}), invoke(jqMeter))
}

// charged returns q with a payment of times the weight of each value.
func charged(q *gojq.Query, times int) *gojq.Query {
	if t := q.Term; t != nil && len(t.SuffixList) == 0 && t.Type == gojq.TermTypeNumber && len(t.Number) <= maxFreeDigits ||
		t != nil && t.Type == gojq.TermTypeString && t.Str.Queries == nil && len(t.Str.Str) <= maxFreeText {
		return q
	}
	return pipe(q, charge(times))
}

// The longest number and string literals that are free.
const (
	maxFreeDigits = 18
	maxFreeText   = 32
)

func identity() *gojq.Query { return queryOf(&gojq.Term{Type: gojq.TermTypeIdentity}) }

// weighed returns q after a payment of times the weight of its input.
func weighed(q *gojq.Query, times int) *gojq.Query { return pipe(charge(times), q) }

// maxPlainPath is the maximum number of steps of a plain path.
const maxPlainPath = 8

// plainPath returns the number of steps of an unguarded query that is a short chain of names,
// indices and [], so that all its paths are short and of equal length. It returns 0 for any other
// query.
func plainPath(q *gojq.Query) int {
	if steps, ok := pathSteps(q); ok && steps <= maxPlainPath {
		return steps
	}
	return 0
}

// stepped returns a plain path with a payment for the objects that each of its values may create on
// the way.
func stepped(path *gojq.Query, steps int) *gojq.Query {
	if steps == 1 {
		return path
	}
	return pipe(path, units(weightOfObject*(steps-1)))
}

func units(n int) *gojq.Query {
	return invoke("__units", queryOf(&gojq.Term{Type: gojq.TermTypeNumber, Number: strconv.Itoa(n)}), invoke(jqMeter))
}

func pathSteps(q *gojq.Query) (steps int, ok bool) {
	if q == nil || len(q.FuncDefs) > 0 {
		return 0, false
	}
	if q.Term == nil {
		if q.Op != gojq.OpPipe || len(q.Patterns) > 0 {
			return 0, false
		}
		left, leftOK := pathSteps(q.Left)
		right, rightOK := pathSteps(q.Right)
		return left + right, leftOK && rightOK
	}
	t := q.Term
	switch t.Type {
	case gojq.TermTypeIdentity:
	case gojq.TermTypeIndex:
		if t.Index.IsSlice {
			return 0, false
		}
		steps = 1
	case gojq.TermTypeQuery:
		if steps, ok = pathSteps(t.Query); !ok {
			return 0, false
		}
	default:
		return 0, false
	}
	for _, suffix := range t.SuffixList {
		if suffix.Index != nil && suffix.Index.IsSlice {
			return 0, false
		}
		if !suffix.Optional {
			steps++
		}
	}
	return steps, true
}

func formatTimes(format string) int {
	times, known := jqFormats[format]
	if !known {
		refuse("there is no format %s", format)
	}
	return times
}

func isFreeKey(q *gojq.Query) bool {
	t := q.Term
	if t == nil || len(t.SuffixList) > 0 {
		return false
	}
	if t.Type == gojq.TermTypeUnary && t.Unary.Op == gojq.OpSub {
		return t.Unary.Term.Type == gojq.TermTypeNumber
	}
	if t.Type == gojq.TermTypeNumber {
		n, err := strconv.Atoi(t.Number)
		return err == nil && n <= maxFreeIndex
	}
	return t.Type == gojq.TermTypeString && t.Str.Queries == nil
}

// hasArray reports whether patterns destructure arrays. The error for another value formats it,
// which costs its whole weight.
func hasArray(patterns []*gojq.Pattern) bool {
	for _, p := range patterns {
		if len(p.Array) > 0 {
			return true
		}
		for _, member := range p.Object {
			if member.Val != nil && hasArray([]*gojq.Pattern{member.Val}) {
				return true
			}
		}
	}
	return false
}

// jqMeter is the variable for the meter, jqOperand the variable for the right side of an update.
const (
	jqMeter   = "$__m"
	jqOperand = "$__r"
)

// refusal is the panic value with which the guard ends its recursion.
type refusal struct{ message string }

func refuse(format string, args ...any) { panic(refusal{fmt.Sprintf(format, args...)}) }

func arity(name string, count int) string { return name + "/" + strconv.Itoa(count) }
