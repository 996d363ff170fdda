package match

import (
	"slices"
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

// charged lets each value that q gives pay for its whole weight.
func charged(q *gojq.Query) *gojq.Query {
	if t := q.Term; t != nil && len(t.SuffixList) == 0 && t.Type == gojq.TermTypeNumber ||
		t != nil && t.Type == gojq.TermTypeString && t.Str.Queries == nil {
		return q
	}
	return pipe(q, invoke("__charge", invoke(jqMeter)))
}

func identity() *gojq.Query { return queryOf(&gojq.Term{Type: gojq.TermTypeIdentity}) }

// weighed lets the input pay for its whole weight before q gets it.
func weighed(q *gojq.Query) *gojq.Query {
	return pipe(invoke("__charge", invoke(jqMeter)), q)
}

func (g *jqGuard) query(q *gojq.Query) *gojq.Query {
	if q == nil {
		return nil
	}
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
	for _, pattern := range q.Patterns {
		g.pattern(pattern)
	}
	q.Left, q.Right = g.query(q.Left), g.query(q.Right)
	made := g.operator(q)
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

// operator guards an operation whose sides are guarded already.
func (g *jqGuard) operator(q *gojq.Query) *gojq.Query {
	switch q.Op {
	case gojq.OpMul:
		return g.priced("__multiply", charged(q.Left), charged(q.Right))
	case gojq.OpSub:
		return g.priced("__subtract", charged(q.Left), charged(q.Right))
	case gojq.OpAdd, gojq.OpDiv, gojq.OpMod,
		gojq.OpEq, gojq.OpNe, gojq.OpGt, gojq.OpLt, gojq.OpGe, gojq.OpLe:
		q.Left, q.Right = charged(q.Left), charged(q.Right)
	case gojq.OpAssign:
		return weighed(&gojq.Query{Left: q.Left, Op: q.Op, Right: charged(q.Right)})
	case gojq.OpModify:
		return weighed(&gojq.Query{Left: q.Left, Op: q.Op, Right: q.Right})
	}
	if op, ok := updates[q.Op]; ok {
		// l += r is r as $r | l |= . + $r, with a sum that pays.
		change := g.operator(&gojq.Query{Left: identity(), Op: op, Right: invoke(jqOperand)})
		return &gojq.Query{
			Left:     charged(q.Right),
			Patterns: []*gojq.Pattern{{Name: jqOperand}},
			Op:       gojq.OpPipe,
			Right:    weighed(&gojq.Query{Left: q.Left, Op: gojq.OpModify, Right: change}),
		}
	}
	return q
}

// term guards a term and what is appended to it.
func (g *jqGuard) term(t *gojq.Term) *gojq.Term {
	suffixes := t.SuffixList
	t.SuffixList = nil
	t = g.bare(t)
	for _, suffix := range suffixes {
		if suffix.Index != nil {
			g.index(suffix.Index)
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
		return termOf(weighed(queryOf(t)))
	case gojq.TermTypeIndex:
		g.index(t.Index)
	case gojq.TermTypeFunc:
		return g.function(t)
	case gojq.TermTypeObject:
		g.object(t.Object)
	case gojq.TermTypeArray:
		t.Array.Query = g.query(t.Array.Query)
	case gojq.TermTypeUnary:
		t.Unary.Term = g.term(t.Unary.Term)
	case gojq.TermTypeFormat:
		if t.Str == nil {
			return termOf(weighed(queryOf(t)))
		}
		g.text(t.Str)
	case gojq.TermTypeString:
		g.text(t.Str)
	case gojq.TermTypeIf:
		t.If.Cond, t.If.Then, t.If.Else = g.query(t.If.Cond), g.query(t.If.Then), g.query(t.If.Else)
		for _, branch := range t.If.Elif {
			branch.Cond, branch.Then = g.query(branch.Cond), g.query(branch.Then)
		}
	case gojq.TermTypeTry:
		t.Try.Body, t.Try.Catch = g.query(t.Try.Body), g.query(t.Try.Catch)
	case gojq.TermTypeReduce:
		r := t.Reduce
		r.Query, r.Start, r.Update = g.query(r.Query), g.query(r.Start), g.query(r.Update)
		g.patterns(r.Patterns)
	case gojq.TermTypeForeach:
		f := t.Foreach
		f.Query, f.Start, f.Update, f.Extract = g.query(f.Query), g.query(f.Start), g.query(f.Update), g.query(f.Extract)
		g.patterns(f.Patterns)
	case gojq.TermTypeLabel:
		t.Label.Body = g.query(t.Label.Body)
	case gojq.TermTypeQuery:
		t.Query = g.query(t.Query)
	}
	return t
}

func (g *jqGuard) function(t *gojq.Term) *gojq.Term {
	f := t.Func
	for i, arg := range f.Args {
		f.Args[i] = g.query(arg)
	}
	switch {
	case f.Name[0] == '$':
		g.variable(f.Name)
		return t
	case g.own[f.Name]:
		if slices.Contains(g.enclosing, arity(f.Name, len(f.Args))) {
			refuse("%s calls itself: recursion is not available; use .., walk or reduce", f.Name)
		}
		return t
	case f.Name == "recurse" && len(f.Args) > 0:
		refuse("recurse takes no filter here: use .. or walk")
	case pricedFunctions[f.Name]:
		f.Name = reserved + f.Name
		g.used[f.Name] = true
	case !plainFunctions[f.Name]:
		if jqNames()[f.Name] {
			refuse("the function %s is not available", f.Name)
		}
		refuse("there is no function %s", arity(f.Name, len(f.Args)))
	}
	for i, arg := range f.Args {
		switch {
		case f.Name == "getpath":
			arg = pipe(arg, invoke("__path", invoke(jqMeter)))
		case f.Name == "nth" && i == 0:
			arg = pipe(arg, invoke("__key", invoke(jqMeter)))
		}
		f.Args[i] = charged(arg)
	}
	return termOf(weighed(queryOf(t)))
}

// index guards what stands between brackets: an array there searches, and a
// number that is written to makes an array.
func (g *jqGuard) index(x *gojq.Index) {
	if x.Str != nil {
		g.text(x.Str)
	}
	x.Start, x.End = g.query(x.Start), g.query(x.End)
	if x.Start == nil || x.IsSlice || isFreeKey(x.Start) {
		return
	}
	x.Start = pipe(x.Start, invoke("__key", invoke(jqMeter)))
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

// text guards what is put into a string; the language needs each part to be a term.
func (g *jqGuard) text(s *gojq.String) {
	for i, part := range s.Queries {
		if part.Term != nil && part.Term.Str != nil {
			continue // what stands between
		}
		s.Queries[i] = queryOf(termOf(charged(g.query(part))))
	}
}

func (g *jqGuard) object(o *gojq.Object) {
	for _, member := range o.KeyVals {
		if member.Key != "" && member.Key[0] == '$' {
			g.variable(member.Key)
		}
		if member.KeyString != nil {
			g.text(member.KeyString)
		}
		member.KeyQuery, member.Val = g.query(member.KeyQuery), g.query(member.Val)
	}
}

func (g *jqGuard) patterns(patterns []*gojq.Pattern) {
	for _, pattern := range patterns {
		g.pattern(pattern)
	}
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
			g.text(member.KeyString)
		}
		if member.KeyQuery != nil {
			member.KeyQuery = pipe(g.query(member.KeyQuery), invoke("__key", invoke(jqMeter)))
		}
		if member.Val != nil {
			g.pattern(member.Val)
		}
	}
}
