package match

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
)

// The functions that the guard inserts into a filter. Filters cannot use these names: the inspector
// refuses names that start with reserved.
const (
	reserved    = "__"
	meterName   = "__meter"
	tickName    = "__tick"
	weighName   = "__weigh"
	textName    = "__text"
	loopName    = "__loop"
	madeName    = "__made"
	cutsetName  = "__cutset"
	addName     = "__add"
	equalName   = "__equal"
	inName      = "__in"
	matchesName = "__matches"
)

// nodesPerUnit is the number of nodes of a filter's tree that cost one unit per evaluation.
const nodesPerUnit = 4

// maxFilterRegexps is the maximum total size of the regular expressions in a filter, in
// instructions.
const maxFilterRegexps = 4 * maxRegexp

// inspector records the first forbidden construct in a filter. It also finds undeclared names,
// because the language accepts some of them as null.
type inspector struct {
	err     *file.Error
	nodes   int
	regexps int                   // total size
	unknown []*ast.IdentifierNode // names not yet declared by an enclosing let
}

func (v *inspector) Visit(node *ast.Node) {
	v.nodes++
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		switch {
		case strings.HasPrefix(n.Value, reserved) || n.Value == "$env":
			v.refuse(n, "unknown name %s", n.Value)
		case n.Value == "null":
			null := &ast.NilNode{}
			setLocation(null, n)
			*node = null
		case !slices.Contains(filterNames, n.Value) && n.Value != "string":
			v.unknown = append(v.unknown, n)
		}
	case *ast.BuiltinNode:
		// The language's loops cannot be disabled.
		switch price, known := filterPrices[n.Name]; {
		case !known:
			v.refuse(n, "unknown name %s", n.Name)
		case price.refused != "":
			v.refuse(n, "the function %s is not available: %s", n.Name, price.refused)
		case n.Name == "date" && len(n.Arguments) > 2:
			v.refuse(n, "date accepts no time zone here; put the offset into the text")
		}
	case *ast.VariableDeclaratorNode:
		if strings.HasPrefix(n.Name, reserved) {
			v.refuse(n, "the name of a variable cannot begin with %s", reserved)
		}
		v.unknown = slices.DeleteFunc(v.unknown, func(id *ast.IdentifierNode) bool {
			return id.Value == n.Name && id.Location().From > n.Location().From
		})
	case *ast.BinaryNode:
		if n.Operator != "matches" {
			return
		}
		pattern, ok := n.Right.(*ast.StringNode)
		if !ok {
			v.refuse(n.Right, "the pattern of matches must be a string in quotes")
			return
		}
		compiled, err := compilePattern(pattern.Value)
		if err == nil {
			if v.regexps += compiled.size; v.regexps > maxFilterRegexps {
				err = errors.New("the regular expressions are too large together: repeat less in them")
			}
		}
		if err != nil {
			v.refuse(n.Right, "%v", err)
		}
	}
}

// filterNames lists the names defined in every filter.
var filterNames = []string{"id", "type", "subject", "time", "tenant", "data"}

// finish refuses the first undeclared name.
func (v *inspector) finish() {
	var first *ast.IdentifierNode
	for _, id := range v.unknown {
		if first == nil || id.Location().From < first.Location().From {
			first = id
		}
	}
	if first == nil || v.err != nil && v.err.Location.From < first.Location().From {
		return
	}
	v.err = nil
	if price, known := filterPrices[first.Value]; known {
		if price.refused != "" {
			v.refuse(first, "the function %s is not available: %s", first.Value, price.refused)
			return
		}
		v.refuse(first, "%s is a function: put what it works on in brackets behind it", first.Value)
		return
	}
	v.refuse(first, "unknown name %s; %s", first.Value, suggestion(first.Value))
}

// suggestion returns advice for an unknown name.
func suggestion(name string) string {
	switch strings.ToLower(name) {
	case "true", "false":
		return "write " + strings.ToLower(name)
	case "null", "nil", "none", "undefined":
		return "write null"
	case "and", "or", "not", "in", "matches", "contains":
		return "write " + strings.ToLower(name)
	}
	for _, known := range slices.Concat(filterNames, filterFunctions) {
		if strings.EqualFold(known, name) || distance(known, strings.ToLower(name)) == 1 && len(known) > 2 {
			return "did you mean " + known + "?"
		}
	}
	return fmt.Sprintf("a text needs quotes (%q), and a member of the data its path (data.%s)", name, name)
}

// distance returns the edit distance between a and b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

func (v *inspector) refuse(node ast.Node, format string, args ...any) {
	if v.err == nil {
		v.err = &file.Error{Location: node.Location(), Message: fmt.Sprintf(format, args...)}
	}
}

// guard replaces each iteration of a loop, and each operation with a cost that depends on its
// operands, with one that first pays the meter.
type guard struct{ bytes int } // of the regular expressions

func (g *guard) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.PredicateNode:
		body := n.Node
		nodes := new(counter)
		ast.Walk(&body, nodes)
		price := &ast.IntegerNode{Value: 2 + int(*nodes)/nodesPerUnit}
		paid := &ast.ConditionalNode{Cond: call(tickName, price), Exp1: body, Exp2: &ast.NilNode{}}
		setLocation(price, body)
		setLocation(paid, body)
		n.Node = paid
	case *ast.BuiltinNode:
		if len(n.Arguments) == 0 {
			return
		}
		switch filterPrices[n.Name].pays {
		case payAll:
			for i := range n.Arguments {
				if !isShort(n.Arguments[i]) {
					n.Arguments[i] = wrapped(weighName, n.Arguments[i])
				}
			}
			if n.Name == "trim" && len(n.Arguments) > 1 {
				n.Arguments[1] = wrapped(cutsetName, n.Arguments[1])
			}
		case payTurns:
			name := loopName
			if _, ok := n.Arguments[len(n.Arguments)-1].(*ast.PredicateNode); !ok {
				name = weighName
			}
			n.Arguments[0] = wrapped(name, n.Arguments[0])
		case payText:
			n.Arguments[0] = wrapped(textName, n.Arguments[0])
		}
	case *ast.CallNode:
		if _, ok := n.Callee.(*ast.MemberNode); ok { // a method of a time
			for i := range n.Arguments {
				n.Arguments[i] = wrapped(weighName, n.Arguments[i])
			}
		}
	case *ast.MapNode:
		*node = wrapped(madeName, n)
	case *ast.ArrayNode:
		if len(n.Nodes) > 0 && !isScalarList(n) {
			*node = wrapped(madeName, n)
		}
	case *ast.BinaryNode:
		name, right := "", n.Right
		switch n.Operator {
		case "+":
			if isNumber(n.Left) || isNumber(n.Right) {
				return
			}
			name = addName
		case "==", "!=":
			if isScalar(n.Left) || isScalar(n.Right) {
				return
			}
			name = equalName
		case "in":
			if isScalarList(n.Right) {
				return
			}
			name = inName
		case "matches":
			text, ok := n.Right.(*ast.StringNode)
			if !ok {
				return // refused by the inspector
			}
			pattern, err := compilePattern(text.Value)
			if err != nil {
				return // refused by the inspector
			}
			g.bytes += pattern.bytes
			name, right = matchesName, &ast.ConstantNode{Value: pattern}
			setLocation(right, n.Right)
		case "contains", "startsWith", "endsWith":
			n.Left = wrapped(textName, n.Left)
			if !isShort(n.Right) {
				n.Right = wrapped(textName, n.Right)
			}
			return
		case "<", ">", "<=", ">=":
			if !isScalar(n.Left) && !isScalar(n.Right) && mayBeText(n.Left) && mayBeText(n.Right) {
				n.Left = wrapped(textName, n.Left)
			}
			return
		default:
			return
		}
		var paid ast.Node = call(name, n.Left, right)
		setLocation(paid, n)
		if n.Operator == "!=" {
			paid = &ast.UnaryNode{Operator: "not", Node: paid}
			setLocation(paid, n)
		}
		*node = paid
	}
}

// counter counts the nodes of a tree.
type counter int

func (c *counter) Visit(*ast.Node) { *c++ }

// wrapped returns a call that pays for the value of a node and returns the value.
func wrapped(name string, node ast.Node) ast.Node {
	paid := call(name, node)
	setLocation(paid, node)
	return paid
}

// isShort reports whether a node is a number or a short string literal.
func isShort(node ast.Node) bool {
	text, ok := node.(*ast.StringNode)
	return ok && len(text.Value) <= maxFreeText || isNumber(node)
}

// mayBeText reports whether the value of a node can be a string.
func mayBeText(node ast.Node) bool {
	t := node.Type()
	return t == nil || t.Kind() == reflect.Interface || t.Kind() == reflect.String
}

func call(name string, arguments ...ast.Node) *ast.CallNode {
	meter := &ast.IdentifierNode{Value: meterName}
	return &ast.CallNode{Callee: &ast.IdentifierNode{Value: name}, Arguments: append([]ast.Node{meter}, arguments...)}
}

// setLocation sets the location of an inserted node to that of a node in the source.
func setLocation(made, written ast.Node) { made.SetLocation(written.Location()) }

func isNumber(node ast.Node) bool {
	switch node.(type) {
	case *ast.IntegerNode, *ast.FloatNode:
		return true
	}
	return false
}

// isScalar reports whether the value of a node is always a scalar, with a negligible cost of
// comparison.
func isScalar(node ast.Node) bool {
	switch node.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.StringNode, *ast.BoolNode, *ast.NilNode:
		return true
	}
	t := node.Type()
	if t == nil {
		return false
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Float64:
		return true
	}
	return false
}

func isScalarList(node ast.Node) bool {
	list, ok := node.(*ast.ArrayNode)
	if !ok {
		return false
	}
	for _, element := range list.Nodes {
		if !isScalar(element) {
			return false
		}
	}
	return true
}

// filterPrices holds every function of the filter language: how it pays, or why filters may not use
// it. A function that is missing, because a later version of the language added it, is refused.
var filterPrices = map[string]filterPrice{
	// Each iteration pays for the predicate; the results are elements of the input.
	"all": {pays: payTurns}, "any": {pays: payTurns}, "none": {pays: payTurns}, "one": {pays: payTurns},
	"filter": {pays: payTurns}, "map": {pays: payTurns}, "find": {pays: payTurns}, "findIndex": {pays: payTurns},
	"findLast": {pays: payTurns}, "findLastIndex": {pays: payTurns}, "count": {pays: payTurns}, "sum": {pays: payTurns},
	// These read at most one element.
	"first": {}, "last": {}, "get": {}, "abs": {}, "ceil": {}, "floor": {}, "round": {}, "int": {}, "float": {},
	// These traverse their arguments once.
	"len": {pays: payText}, "upper": {pays: payAll}, "lower": {pays: payAll}, "split": {pays: payAll},
	"trim": {pays: payAll}, "trimPrefix": {pays: payAll}, "trimSuffix": {pays: payAll}, "indexOf": {pays: payAll},
	"lastIndexOf": {pays: payAll}, "hasPrefix": {pays: payAll}, "hasSuffix": {pays: payAll}, "keys": {pays: payAll},
	"values": {pays: payAll}, "date": {pays: payAll}, "duration": {pays: payAll}, "string": {},

	"now": {refused: "it depends on the current time"}, "timezone": {refused: "it reads files of the server"},
	"repeat": {refused: outgrows}, "replace": {refused: outgrows}, "join": {refused: outgrows}, "concat": {refused: outgrows},
	"reduce": {refused: outgrows}, "toJSON": {refused: outgrows}, "fromJSON": {refused: outgrows}, "flatten": {refused: outgrows},
	"groupBy": {refused: outgrows}, "toPairs": {refused: outgrows}, "fromPairs": {refused: outgrows}, "splitAfter": {refused: noNeed},
	"sortBy": {refused: quadratic}, "sort": {refused: quadratic}, "uniq": {refused: quadratic}, "median": {refused: quadratic},
	"mean": {refused: noNeed}, "max": {refused: noNeed}, "min": {refused: noNeed}, "reverse": {refused: noNeed}, "take": {refused: noNeed},
	"toBase64": {refused: noNeed}, "fromBase64": {refused: noNeed}, "type": {refused: "type is the event's type"},
	"bitand": {refused: noNeed}, "bitor": {refused: noNeed}, "bitxor": {refused: noNeed}, "bitnand": {refused: noNeed},
	"bitnot": {refused: noNeed}, "bitshl": {refused: noNeed}, "bitshr": {refused: noNeed}, "bitushr": {refused: noNeed},
}

// Why functions are refused.
const (
	outgrows  = "its result can outgrow the event"
	quadratic = "it costs more than its input weighs"
	noNeed    = "a filter has no price for it"
)

// filterPrice describes how a function of the language pays.
type filterPrice struct {
	pays    payMode
	refused string // why filters may not use it; "" if allowed
}

type payMode int

const (
	payNothing payMode = iota // costs no more than a step
	payTurns                  // each iteration of the predicate
	payAll                    // the weight of all arguments
	payText                   // the bytes of a string
)

// filterFunctions lists the builtin functions that filters may use. string is our own.
var filterFunctions = func() []string {
	var names []string
	for name, price := range filterPrices {
		if price.refused == "" && name != "string" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}()
