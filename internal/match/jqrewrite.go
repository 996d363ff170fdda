package match

import (
	"strconv"

	"github.com/itchyny/gojq"
)

// The pieces that the guard builds.

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

// charge is a call that lets its input pay, times its whole weight.
func charge(times int) *gojq.Query {
	if times == 1 {
		return invoke("__charge", invoke(jqMeter))
	}
	return invoke("__pay", queryOf(&gojq.Term{Type: gojq.TermTypeNumber, Number: strconv.Itoa(times)}), invoke(jqMeter))
}

// charged lets each value of q pay, times its whole weight.
func charged(q *gojq.Query, times int) *gojq.Query {
	if t := q.Term; t != nil && len(t.SuffixList) == 0 && t.Type == gojq.TermTypeNumber && len(t.Number) <= maxFreeDigits ||
		t != nil && t.Type == gojq.TermTypeString && t.Str.Queries == nil && len(t.Str.Str) <= maxFreeText {
		return q
	}
	return pipe(q, charge(times))
}

// The longest number and string in a program that cost nothing.
const (
	maxFreeDigits = 18
	maxFreeText   = 32
)

func identity() *gojq.Query { return queryOf(&gojq.Term{Type: gojq.TermTypeIdentity}) }

// weighed lets the input pay, times its whole weight, before q gets it.
func weighed(q *gojq.Query, times int) *gojq.Query { return pipe(charge(times), q) }

func (g *jqGuard) query(q *gojq.Query) *gojq.Query {
	if q == nil {
		return nil
	}
	g.nodes++
	if g.depth++; g.depth > maxNesting {
		refuse("the program is nested deeper than %d levels", maxNesting)
	}
	defer func() { g.depth-- }()
	if q.Meta != nil || len(q.Imports) > 0 {
		refuse("modules are not available")
	}
	for _, def := range q.FuncDefs {
		g.definition(def)
	}
	if q.Term != nil {
		q.Term = g.term(q.Term)
		return q
	}
	g.patterns(q.Patterns)
	writes := q.Op == gojq.OpAssign || q.Op == gojq.OpModify || updates[q.Op] != 0
	plain := 0
	if writes {
		plain = plainPath(q.Left)
	}
	outer := g.writing
	g.writing = plain > 0
	q.Left = g.query(q.Left)
	g.writing = outer
	q.Right = g.query(q.Right)
	if hasArray(q.Patterns) {
		q.Left = charged(q.Left, 1)
	}
	made := g.operator(q, plain)
	if made != q {
		made = &gojq.Query{FuncDefs: q.FuncDefs, Term: termOf(made)}
		q.FuncDefs = nil
	}
	return made
}

var updates = map[gojq.Operator]gojq.Operator{
	gojq.OpUpdateAdd: gojq.OpAdd, gojq.OpUpdateSub: gojq.OpSub, gojq.OpUpdateMul: gojq.OpMul,
	gojq.OpUpdateDiv: gojq.OpDiv, gojq.OpUpdateMod: gojq.OpMod, gojq.OpUpdateAlt: gojq.OpAlt,
}

// operator guards an operation, the sides of which are guarded already. plain is the
// number of steps of the left side as a plain path, 0 when it is none.
func (g *jqGuard) operator(q *gojq.Query, plain int) *gojq.Query {
	switch q.Op {
	case gojq.OpMul:
		return g.priced("__multiply", charged(q.Left, 1), charged(q.Right, 1))
	case gojq.OpSub:
		return g.priced("__subtract", charged(q.Left, 1), charged(q.Right, 1))
	case gojq.OpDiv:
		return g.priced("__divide", charged(q.Left, 1), charged(q.Right, 1))
	case gojq.OpMod:
		return g.priced("__modulo", charged(q.Left, 1), charged(q.Right, 1))
	case gojq.OpAdd, gojq.OpEq, gojq.OpNe, gojq.OpGt, gojq.OpLt, gojq.OpGe, gojq.OpLe:
		q.Left, q.Right = charged(q.Left, 1), charged(q.Right, 1)
	case gojq.OpComma, gojq.OpAlt:
		q.Left = g.forked(q.Left)
	case gojq.OpAssign:
		return g.assign(q.Left, charged(q.Right, 1), plain)
	case gojq.OpModify:
		return g.modify(q.Left, q.Right, plain)
	}
	if op, ok := updates[q.Op]; ok {
		// l += r is r as $r | l |= . + $r, with a sum that pays.
		change := g.operator(&gojq.Query{Left: identity(), Op: op, Right: invoke(jqOperand)}, 0)
		return &gojq.Query{
			Left:     charged(q.Right, 1),
			Patterns: []*gojq.Pattern{{Name: jqOperand}},
			Op:       gojq.OpPipe,
			Right:    g.modify(q.Left, change, plain),
		}
	}
	return q
}

// assign and modify let the input pay for the copy of it that they change. The
// language copies each part once, unless one of the paths leads through another: the
// prelude pays for that. The paths of a plain path cannot.
func (g *jqGuard) assign(path, value *gojq.Query, plain int) *gojq.Query {
	if plain > 0 {
		return weighed(&gojq.Query{Left: stepped(path, plain), Op: gojq.OpAssign, Right: value}, 2)
	}
	return weighed(g.priced("__assign", path, value), 2)
}

func (g *jqGuard) modify(path, change *gojq.Query, plain int) *gojq.Query {
	if plain > 0 {
		return weighed(&gojq.Query{Left: stepped(path, plain), Op: gojq.OpModify, Right: change}, 2)
	}
	return weighed(g.priced("__modify", path, change), 2)
}

// maxPlainPath is how many steps a plain path may have.
const maxPlainPath = 8

// plainPath returns the number of steps of a query that is, before it is guarded, a
// chain of a few names, indices and [], so that all its paths are short and as long as
// each other; 0 for any other query.
func plainPath(q *gojq.Query) int {
	if steps, ok := pathSteps(q); ok && steps <= maxPlainPath {
		return steps
	}
	return 0
}

// stepped lets each of a plain path's values pay for the objects that may have to be
// made on the way there.
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

// forked lets a query pay for the place to which the machine returns when it has no
// more values. The places of a program's own text are few; a function can leave as many
// as there are calls.
func (g *jqGuard) forked(q *gojq.Query) *gojq.Query {
	if g.inFunction == 0 {
		return q
	}
	return pipe(units(weightOfFork), q)
}

// weightOfFork is what such a place costs, in units.
const weightOfFork = 10

// term guards a term and what is appended to it.
func (g *jqGuard) term(t *gojq.Term) *gojq.Term {
	suffixes := t.SuffixList
	t.SuffixList = nil
	t = g.bare(t)
	g.nodes += len(suffixes)
	for _, suffix := range suffixes {
		if suffix.Index != nil {
			if g.index(suffix.Index) {
				t = termOf(pipe(queryOf(t), invoke("__characters", invoke(jqMeter))))
			}
		}
		if suffix.Optional {
			t = termOf(g.forked(queryOf(t)))
		}
		if suffix.Iter {
			t = termOf(pipe(queryOf(t), invoke("__each", invoke(jqMeter))))
		}
		t.SuffixList = append(t.SuffixList, suffix)
	}
	return t
}

// bare guards a term without what is appended to it.
func (g *jqGuard) bare(t *gojq.Term) *gojq.Term {
	switch t.Type {
	case gojq.TermTypeRecurse:
		return termOf(weighed(queryOf(t), 2))
	case gojq.TermTypeIndex:
		if g.index(t.Index) {
			return termOf(pipe(invoke("__characters", invoke(jqMeter)), queryOf(t)))
		}
	case gojq.TermTypeFunc:
		return g.function(t)
	case gojq.TermTypeObject:
		g.object(t.Object)
		if len(t.Object.KeyVals) > 0 {
			return termOf(pipe(queryOf(t), invoke("__made", invoke(jqMeter))))
		}
	case gojq.TermTypeArray:
		t.Array.Query = g.query(t.Array.Query)
	case gojq.TermTypeUnary:
		t.Unary.Term = g.term(t.Unary.Term)
		if t.Unary.Term.Type != gojq.TermTypeNumber {
			t.Unary.Term = termOf(charged(queryOf(t.Unary.Term), 1))
		}
	case gojq.TermTypeFormat:
		if t.Str == nil {
			return termOf(weighed(queryOf(t), formatTimes(t.Format)))
		}
		g.text(t.Str, formatTimes(t.Format))
	case gojq.TermTypeString:
		g.text(t.Str, formatTimes("@text"))
	case gojq.TermTypeIf:
		t.If.Cond, t.If.Then, t.If.Else = g.query(t.If.Cond), g.query(t.If.Then), g.query(t.If.Else)
		for _, branch := range t.If.Elif {
			branch.Cond, branch.Then = g.query(branch.Cond), g.query(branch.Then)
		}
	case gojq.TermTypeTry:
		t.Try.Body, t.Try.Catch = g.forked(g.query(t.Try.Body)), g.query(t.Try.Catch)
	case gojq.TermTypeReduce:
		r := t.Reduce
		r.Query, r.Start, r.Update = g.query(r.Query), g.query(r.Start), g.query(r.Update)
		if g.patterns(r.Patterns); hasArray(r.Patterns) {
			r.Query = charged(r.Query, 1)
		}
	case gojq.TermTypeForeach:
		f := t.Foreach
		f.Query, f.Start, f.Update, f.Extract = g.query(f.Query), g.query(f.Start), g.query(f.Update), g.query(f.Extract)
		if g.patterns(f.Patterns); hasArray(f.Patterns) {
			f.Query = charged(f.Query, 1)
		}
	case gojq.TermTypeLabel:
		t.Label.Body = g.forked(g.query(t.Label.Body))
	case gojq.TermTypeQuery:
		t.Query = g.query(t.Query)
	}
	return t
}

func formatTimes(format string) int {
	times, known := jqFormats[format]
	if !known {
		refuse("there is no format %s", format)
	}
	return times
}

// index guards what is between brackets: an array there searches, and a number that
// is written to makes an array. It reports whether the index may count the characters
// of a string, which it does each time from the start.
func (g *jqGuard) index(x *gojq.Index) (counts bool) {
	if x.Str != nil {
		g.text(x.Str, formatTimes("@text"))
	}
	x.Start, x.End = g.query(x.Start), g.query(x.End)
	if x.IsSlice {
		return true
	}
	if x.Start == nil {
		return false
	}
	if isFreeKey(x.Start) {
		return x.Start.Term.Type != gojq.TermTypeString
	}
	key := "__key"
	if g.writing {
		key = "__place"
	}
	x.Start = pipe(x.Start, invoke(key, invoke(jqMeter)))
	return true
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

// text guards what is put into a string; the language needs each part to be a term,
// and copies it again for each part that follows.
func (g *jqGuard) text(s *gojq.String, times int) {
	for i, part := range s.Queries {
		if part.Term != nil && part.Term.Str != nil {
			continue // what is written between the parts
		}
		s.Queries[i] = queryOf(termOf(charged(g.query(part), times+len(s.Queries)-i)))
	}
}

func (g *jqGuard) object(o *gojq.Object) {
	for _, member := range o.KeyVals {
		if member.Key != "" && member.Key[0] == '$' {
			g.variable(member.Key)
		}
		if member.KeyString != nil {
			g.text(member.KeyString, formatTimes("@text"))
		}
		if member.KeyQuery != nil {
			member.KeyQuery = pipe(g.query(member.KeyQuery), invoke("__characters", invoke(jqMeter)))
		}
		member.Val = g.query(member.Val)
	}
}

func (g *jqGuard) patterns(patterns []*gojq.Pattern) {
	for _, pattern := range patterns {
		g.pattern(pattern)
	}
}

// hasArray reports whether patterns take arrays apart: the error of a value that is
// none shows it, which costs as much as its whole weight.
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

func (g *jqGuard) pattern(p *gojq.Pattern) {
	if p.Name != "" {
		g.variable(p.Name)
	}
	g.patterns(p.Array)
	for _, member := range p.Object {
		if member.Key != "" && member.Key[0] == '$' {
			g.variable(member.Key)
		}
		if member.KeyString != nil {
			g.text(member.KeyString, formatTimes("@text"))
		}
		if member.KeyQuery != nil {
			member.KeyQuery = pipe(g.query(member.KeyQuery), invoke("__key", invoke(jqMeter)))
		}
		if member.Val != nil {
			g.pattern(member.Val)
		}
	}
}
