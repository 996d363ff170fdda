package match

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/itchyny/gojq"
)

// plainFunctions are the functions that cost no more than their input weighs. What
// is missing here and in pricedFunctions cannot be used: what looks outside the
// event (env, input, now, the machine's time zone), what ends the program
// (halt), and loops that only their own condition ends (until, while, repeat,
// recurse with a filter).
var plainFunctions = set(`
	abs add all any arrays ascii_downcase ascii_upcase booleans bsearch capture ceil del delpaths empty endswith
	error exp exp10 exp2 fabs finites first flatten floor format from_entries fromdate fromdateiso8601 fromjson
	getpath gmtime group_by gsub has implode in IN infinite isempty isfinite isinfinite isnan
	isnormal iterables keys last length limit log log10 log2 ltrim ltrimstr map map_values max max_by min min_by
	mktime nan normals not nth nulls numbers objects path paths pow range recurse reverse round rtrim rtrimstr
	scalars select significand skip sort sort_by split sqrt startswith strftime strings strptime to_entries
	toboolean todate todateiso8601 tojson tonumber tostring trim trimstr trunc type unique unique_by utf8bytelength
	values walk with_entries`)

// pricedFunctions cost more than their input weighs; the prelude has one of the
// same name with reserved before it, which pays first.
var pricedFunctions = set(`
	INDEX pick contains inside index rindex indices join transpose explode split match test capture scan splits sub gsub`)

// prelude is what the guard puts before a program, as far as the program uses it: a
// definition a line. $__m is the run's meter.
const prelude = `
def __multiply(l; r): r as $r | l as $l | __product($l; $r; $__m) | $l * $r;
def __subtract(l; r): r as $r | l as $l | __product($l; $r; $__m) | $l - $r;
def __INDEX(rows; f): reduce rows as $row ({}; __each($__m) | .[$row | f | tostring] = $row);
def __INDEX(f): __INDEX(.[]; f);
def __pick(f): . as $v | reduce path(f) as $p (null; __charge($__m) | setpath($p; $v | getpath($p)));
def __contains($x): __product(.; $x; $__m) | contains($x);
def __inside($x): __product(.; $x; $__m) | inside($x);
def __index($x): __product(.; $x; $__m) | index($x);
def __rindex($x): __product(.; $x; $__m) | rindex($x);
def __indices($x): __product(.; $x; $__m) | indices($x);
def __join($x): __product(.; $x; $__m) | join($x);
def __transpose: __grid($__m) | transpose;
def __explode: __spread($__m) | explode;
def __split($x): __spread($__m) | split($x);
def __split($re; $flags): __regex($re; $flags; $__m) | split($re; $flags);
def __match($re): __regex($re; null; $__m) | match($re);
def __match($re; $flags): __regex($re; $flags; $__m) | match($re; $flags);
def __test($re): __regex($re; null; $__m) | test($re);
def __test($re; $flags): __regex($re; $flags; $__m) | test($re; $flags);
def __capture($re): __regex($re; null; $__m) | capture($re);
def __capture($re; $flags): __regex($re; $flags; $__m) | capture($re; $flags);
def __scan($re): __regex($re; null; $__m) | scan($re);
def __scan($re; $flags): __regex($re; $flags; $__m) | scan($re; $flags);
def __splits($re): __regex($re; null; $__m) | splits($re);
def __splits($re; $flags): __regex($re; $flags; $__m) | splits($re; $flags);
def __sub($re; f): __regex($re; null; $__m) | sub($re; f | __charge($__m));
def __sub($re; f; $flags): __regex($re; $flags; $__m) | sub($re; f | __charge($__m); $flags);
def __gsub($re; f): __regex($re; null; $__m) | gsub($re; f | __charge($__m));
def __gsub($re; f; $flags): __regex($re; $flags; $__m) | gsub($re; f | __charge($__m); $flags);
`

// jqMeter is the variable that holds the meter, jqOperand the one that an update
// keeps its right side in.
const (
	jqMeter   = "$__m"
	jqOperand = "$__r"
)

// maxFreeIndex is the largest index in a program that costs nothing: writing to
// an index of null makes an array of that length.
const maxFreeIndex = 16

func set(names string) map[string]bool {
	members := make(map[string]bool)
	for name := range strings.FieldsSeq(names) {
		members[name] = true
	}
	return members
}

// jqNames are all names that the language itself gives a meaning.
var jqNames = sync.OnceValue(func() map[string]bool {
	query, err := gojq.Parse("builtins[]")
	if err != nil {
		panic(err) // the text is ours
	}
	names := make(map[string]bool)
	for results := query.Run(nil); ; {
		result, ok := results.Next()
		if !ok {
			return names
		}
		name, _, _ := strings.Cut(result.(string), "/")
		names[name] = true
	}
})

// jqGuard rewrites a program so that it pays for what it does, and refuses what
// cannot be paid for.
type jqGuard struct {
	own       map[string]bool // the functions and parameters that the program defines
	used      map[string]bool // the functions of the prelude that it uses
	enclosing []string        // the definitions around the place at hand, as name/arity
}

// refusal is a finding of the guard, thrown through the recursion.
type refusal struct{ message string }

func refuse(format string, args ...any) { panic(refusal{fmt.Sprintf(format, args...)}) }

// guardProgram parses and guards a program.
func guardProgram(text string) (query *gojq.Query, err error) {
	defer func() {
		if r := recover(); r != nil {
			said, ok := r.(refusal)
			if !ok {
				panic(r)
			}
			query, err = nil, fmt.Errorf("%s", said.message)
		}
	}()
	query, err = gojq.Parse(text)
	if err != nil {
		return nil, err
	}
	g := &jqGuard{own: make(map[string]bool), used: make(map[string]bool)}
	guarded := g.query(query)
	before, err := gojq.Parse(g.prelude() + ".")
	if err != nil {
		return nil, err
	}
	before.Term = termOf(guarded)
	return before, nil
}

// prelude gives the definitions that the program uses.
func (g *jqGuard) prelude() string {
	var text strings.Builder
	for line := range strings.Lines(prelude) {
		name, _, _ := strings.Cut(strings.TrimPrefix(line, "def "), ":")
		name, _, _ = strings.Cut(name, "(")
		if g.used[name] {
			text.WriteString(line)
		}
	}
	return text.String()
}

// priced gives a call to a function of the prelude.
func (g *jqGuard) priced(name string, args ...*gojq.Query) *gojq.Query {
	g.used[name] = true
	return invoke(name, args...)
}

func (g *jqGuard) define(name string) {
	name = strings.TrimPrefix(name, "$")
	if strings.HasPrefix(name, "_") {
		refuse("a name cannot begin with _: %s", name)
	}
	if jqNames()[name] {
		refuse("%s is a function of the language and cannot be defined anew", name)
	}
	g.own[name] = true
}

func (g *jqGuard) definition(def *gojq.FuncDef) {
	g.define(def.Name)
	for _, parameter := range def.Args {
		g.define(parameter)
	}
	g.enclosing = append(g.enclosing, arity(def.Name, len(def.Args)))
	def.Body = g.query(def.Body)
	g.enclosing = g.enclosing[:len(g.enclosing)-1]
}

func arity(name string, count int) string { return name + "/" + strconv.Itoa(count) }

// variable refuses the names of variables that are not the program's own.
func (g *jqGuard) variable(name string) {
	if name == "$ENV" || strings.HasPrefix(name, "$__") {
		refuse("there is no variable %s", name)
	}
}
