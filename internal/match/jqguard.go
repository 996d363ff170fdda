package match

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/itchyny/gojq"
)

// maxFreeIndex is the largest index literal that is free. Writing to an index of null creates an
// array of that length.
const maxFreeIndex = 16

// maxNesting is the maximum nesting of a program, because traversing it needs stack.
const maxNesting = 5000

// jqGuard rewrites a program so that it pays for its operations, and refuses operations without a
// price.
type jqGuard struct {
	own       map[string]bool // functions and parameters defined in the program
	used      map[string]bool // functions of the prelude that the program uses
	enclosing []string        // enclosing definitions, as name/arity
	depth     int             // number of enclosing queries
	writing   bool            // within a plain path that is written to

	nodes      int            // queries so far
	sizes      map[string]int // queries in each definition, by name/arity
	inFunction int            // enclosing definitions and arguments of the program's own functions
	largest    int            // queries in the largest argument of the program's own functions
	parameters []*gojq.Term   // prices of calls of parameters, set at the end
}

// guardProgram parses and guards a program. bytes is the size of the compiled program in memory,
// including the regular expressions that it compiles at run time.
func guardProgram(text string) (query *gojq.Query, bytes int, err error) {
	defer func() {
		if r := recover(); r != nil {
			said, ok := r.(refusal)
			if !ok {
				panic(r)
			}
			query, err = nil, errors.New(said.message)
		}
	}()
	query, err = gojq.Parse(text)
	if err != nil {
		return nil, 0, err
	}
	g := &jqGuard{own: make(map[string]bool), used: make(map[string]bool), sizes: make(map[string]int)}
	guarded := g.query(query)
	for _, price := range g.parameters {
		price.Number = strconv.Itoa(callPrice(g.largest))
	}
	definitions := preludeFor(g.used)
	before, err := gojq.Parse(definitions + ".")
	if err != nil {
		return nil, 0, err
	}
	before.Term = termOf(guarded)
	bytes = bytesOfProgram + bytesOfQuery*g.nodes + bytesOfFunction*len(g.used)
	if strings.Contains(definitions, "$re") {
		bytes += regexpBytes * maxKeptSize
	}
	return before, bytes, nil
}

// priced returns a call to a function of the prelude.
func (g *jqGuard) priced(name string, args ...*gojq.Query) *gojq.Query {
	g.used[name] = true
	return invoke(name, args...)
}

func (g *jqGuard) define(name string) {
	name = strings.TrimPrefix(name, "$")
	if strings.HasPrefix(name, "_") {
		refuse("a name cannot begin with _: %s", name)
	}
	if jqNames[name] {
		refuse("%s is a function of the language and cannot be defined again", name)
	}
	g.own[name] = true
}

func (g *jqGuard) definition(def *gojq.FuncDef) {
	g.define(def.Name)
	for _, parameter := range def.Args {
		g.define(parameter)
	}
	name, before := arity(def.Name, len(def.Args)), g.nodes
	g.enclosing = append(g.enclosing, name)
	g.inFunction++
	def.Body = g.query(def.Body)
	g.inFunction--
	g.enclosing = g.enclosing[:len(g.enclosing)-1]
	g.sizes[name] = max(g.sizes[name], g.nodes-before+len(def.Args))
}

// callPrice returns the price of calling a function defined in the program, in units. Each query in
// it may need a variable, which exists as long as the machine may backtrack into the call.
func callPrice(queries int) int { return 6 + 2*queries }

// call adds a payment to a call of a function or parameter defined in the program.
func (g *jqGuard) call(t *gojq.Term, name string) *gojq.Term {
	price := units(callPrice(g.sizes[name]))
	if g.sizes[name] == 0 {
		g.parameters = append(g.parameters, price.Term.Func.Args[0].Term)
	}
	return termOf(pipe(price, queryOf(t)))
}

// variable refuses names of variables that a program cannot define.
func (g *jqGuard) variable(name string) {
	if name == "$ENV" || strings.HasPrefix(name, "$__") {
		refuse("there is no variable %s", name)
	}
}

func (g *jqGuard) function(t *gojq.Term) *gojq.Term {
	f, own := t.Func, g.own[t.Func.Name]
	for i, arg := range f.Args {
		if !own {
			f.Args[i] = g.query(arg)
			continue
		}
		before := g.nodes
		g.inFunction++
		f.Args[i] = g.query(arg)
		g.inFunction--
		g.largest = max(g.largest, g.nodes-before)
	}
	called := arity(f.Name, len(f.Args))
	if f.Name[0] == '$' {
		g.variable(f.Name)
		return t
	}
	if own {
		if slices.Contains(g.enclosing, called) {
			refuse("%s calls itself: recursion is not available; use .., walk or reduce", f.Name)
		}
		return g.call(t, called)
	}
	cost, known := jqPrices[called]
	switch {
	case !known:
		refuse("there is no function %s", called)
	case cost.refused != "":
		refuse("the function %s is not available: %s", f.Name, cost.refused)
	case cost.own:
		f.Name = reserved + f.Name
		g.used[f.Name] = true
	}
	for i, arg := range f.Args {
		if called == "nth/1" || called == "nth/2" && i == 0 {
			arg = pipe(arg, invoke("__key", invoke(jqMeter)))
		}
		f.Args[i] = charged(arg, cost.times)
	}
	return termOf(weighed(queryOf(t), cost.times))
}

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

// operator guards an operation with guarded operands. plain is the number of steps of the left side
// as a plain path, 0 for any other query.
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
		// l += r is r as $r | l |= . + $r, where the sum pays.
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

// assign and modify pay for the copy of the input that they change. The language copies each part
// once, unless a path crosses another, for which the prelude pays. The paths of a plain path cannot
// cross.
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

// forked returns a query with a payment for the fork to which the machine backtracks after its last
// value. Only forks in functions pay, because their number grows with the calls.
func (g *jqGuard) forked(q *gojq.Query) *gojq.Query {
	if g.inFunction == 0 {
		return q
	}
	return pipe(units(weightOfFork), q)
}

// weightOfFork is the price of a fork, in units.
const weightOfFork = 10

// term guards a term and its suffixes.
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

// bare guards a term without its suffixes.
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

// index guards an index: an array as an index searches, and writing to a number creates an array.
// It reports whether the index may count the characters of a string from its start.
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

// text guards the interpolations in a string. The language requires a term for each part and copies
// a part again for each following part.
func (g *jqGuard) text(s *gojq.String, times int) {
	for i, part := range s.Queries {
		if part.Term != nil && part.Term.Str != nil {
			continue // literal text between the parts
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
