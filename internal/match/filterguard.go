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

// The functions that the guard writes into a filter. No filter can use the names
// itself: the inspector refuses what begins with reserved.
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

// nodesPerUnit is how many nodes of a filter's tree cost one unit each time that they run.
const nodesPerUnit = 4

// maxFilterRegexps is how large the regular expressions of a filter may be together.
const maxFilterRegexps = 4 * maxRegexp

// inspector refuses what a filter must not hold and keeps the first such place. It
// finds the names that nothing declares: the language itself misses some, which would
// be null.
type inspector struct {
	err     *file.Error
	nodes   int
	regexps int                   // their sizes, together
	unknown []*ast.IdentifierNode // names that no let around them has declared so far
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
			place(null, n)
			*node = null
		case !slices.Contains(filterNames, n.Value) && n.Value != "string":
			v.unknown = append(v.unknown, n)
		}
	case *ast.BuiltinNode:
		// Loops are built in even when they are disabled.
		switch price, known := filterPrices[n.Name]; {
		case !known:
			v.refuse(n, "unknown name %s", n.Name)
		case price.refused != "":
			v.refuse(n, "the function %s is not available: %s", n.Name, price.refused)
		case n.Name == "date" && len(n.Arguments) > 2:
			v.refuse(n, "date takes no time zone here: put the offset into the text")
		}
	case *ast.VariableDeclaratorNode:
		if strings.HasPrefix(n.Name, reserved) {
			v.refuse(n, "a variable's name cannot begin with %s", reserved)
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

// filterNames are the names that every filter knows.
var filterNames = []string{"id", "type", "subject", "time", "tenant", "data"}

// finish refuses the first name that nothing declares.
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

// suggestion returns what the writer of an unknown name may have meant.
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

// distance returns how many letters must be changed, added or removed to make b of a.
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

// guard makes a filter pay: each turn of a loop, and each operation whose cost
// grows with what it is given, is replaced by one that takes from the meter first.
type guard struct{ bytes int } // of the regular expressions

func (g *guard) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.PredicateNode:
		body := n.Node
		nodes := new(counter)
		ast.Walk(&body, nodes)
		price := &ast.IntegerNode{Value: 2 + int(*nodes)/nodesPerUnit}
		paid := &ast.ConditionalNode{Cond: call(tickName, price), Exp1: body, Exp2: &ast.NilNode{}}
		place(price, body)
		place(paid, body)
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
				return // the inspector has refused it
			}
			pattern, err := compilePattern(text.Value)
			if err != nil {
				return // the inspector has refused it
			}
			g.bytes += pattern.bytes
			name, right = matchesName, &ast.ConstantNode{Value: pattern}
			place(right, n.Right)
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
		place(paid, n)
		if n.Operator == "!=" {
			paid = &ast.UnaryNode{Operator: "not", Node: paid}
			place(paid, n)
		}
		*node = paid
	}
}

// counter counts the nodes of a tree.
type counter int

func (c *counter) Visit(*ast.Node) { *c++ }

// wrapped returns a call that pays for a node's value and returns it.
func wrapped(name string, node ast.Node) ast.Node {
	paid := call(name, node)
	place(paid, node)
	return paid
}

// isShort reports whether a node is a text or a number that is written out, and short.
func isShort(node ast.Node) bool {
	text, ok := node.(*ast.StringNode)
	return ok && len(text.Value) <= maxFreeText || isNumber(node)
}

// mayBeText reports whether a node's value can be a string.
func mayBeText(node ast.Node) bool {
	t := node.Type()
	return t == nil || t.Kind() == reflect.Interface || t.Kind() == reflect.String
}

func call(name string, arguments ...ast.Node) *ast.CallNode {
	meter := &ast.IdentifierNode{Value: meterName}
	return &ast.CallNode{Callee: &ast.IdentifierNode{Value: name}, Arguments: append([]ast.Node{meter}, arguments...)}
}

// place gives a node that the guard made the place of the one that was written.
func place(made, written ast.Node) { made.SetLocation(written.Location()) }

func isNumber(node ast.Node) bool {
	switch node.(type) {
	case *ast.IntegerNode, *ast.FloatNode:
		return true
	}
	return false
}

// isScalar reports whether a node can only give a value that compares in no time.
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
