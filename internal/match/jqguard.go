package match

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/itchyny/gojq"
)

// jqMeter is the variable that holds the meter, jqOperand the one that an update
// keeps its right side in.
const (
	jqMeter   = "$__m"
	jqOperand = "$__r"
)

// maxFreeIndex is the largest index in a program that costs nothing: writing to
// an index of null makes an array of that length.
const maxFreeIndex = 16

// maxNesting is how deep a program may be nested: who walks over it needs the stack.
const maxNesting = 5000

// jqGuard rewrites a program so that it pays for what it does, and refuses what
// cannot be paid for.
type jqGuard struct {
	own       map[string]bool // the functions and parameters that the program defines
	used      map[string]bool // the functions of the prelude that it uses
	enclosing []string        // the definitions around the current place, as name/arity
	depth     int             // queries around the current place
	writing   bool            // the current place is a plain path that is written to

	nodes      int            // queries so far
	sizes      map[string]int // the queries in each definition, by name/arity
	inFunction int            // definitions and arguments of the program's own functions around the current place
	largest    int            // the queries in the largest argument of the program's own functions
	parameters []*gojq.Term   // the prices of calls of parameters, still to be set
}

// refusal is a finding of the guard, thrown through the recursion.
type refusal struct{ message string }

func refuse(format string, args ...any) { panic(refusal{fmt.Sprintf(format, args...)}) }

// guardProgram parses and guards a program. It returns what the program takes in memory
// once it is compiled, with the regular expressions that it compiles as it runs.
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

// callPrice is the price of a call of a function of a program's own, in units, by the
// number of queries in it: each may need a variable, which is kept as long as the
// machine may return to the call.
func callPrice(queries int) int { return 6 + 2*queries }

// call lets a call of one of the program's own functions or parameters pay.
func (g *jqGuard) call(t *gojq.Term, name string) *gojq.Term {
	price := units(callPrice(g.sizes[name]))
	if g.sizes[name] == 0 {
		g.parameters = append(g.parameters, price.Term.Func.Args[0].Term)
	}
	return termOf(pipe(price, queryOf(t)))
}

func arity(name string, count int) string { return name + "/" + strconv.Itoa(count) }

// variable refuses the names of variables that are not the program's own.
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
