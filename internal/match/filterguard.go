package match

import (
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
	addName     = "__add"
	equalName   = "__equal"
	inName      = "__in"
	matchesName = "__matches"
)

// inspector refuses what a filter must not hold and keeps the first such place.
type inspector struct{ err *file.Error }

func (v *inspector) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		if strings.HasPrefix(n.Value, reserved) || n.Value == "$env" {
			v.refuse(n, "no such name: %s", n.Value)
		}
	case *ast.BuiltinNode:
		if !slices.Contains(filterFunctions, n.Name) { // loops are built in even when they are disabled
			v.refuse(n, "unknown name %s", n.Name)
		}
	case *ast.VariableDeclaratorNode:
		if strings.HasPrefix(n.Name, reserved) {
			v.refuse(n, "a variable's name cannot begin with %s", reserved)
		}
	case *ast.BinaryNode:
		if n.Operator != "matches" {
			return
		}
		pattern, ok := n.Right.(*ast.StringNode)
		if !ok {
			v.refuse(n.Right, "the pattern of matches must be a string in quotes")
			return
		}
		if _, err := compilePattern(pattern.Value); err != nil {
			v.refuse(n.Right, "%v", err)
		}
	}
}

func (v *inspector) refuse(node ast.Node, format string, args ...any) {
	if v.err == nil {
		v.err = &file.Error{Location: node.Location(), Message: fmt.Sprintf(format, args...)}
	}
}

// guard makes a filter pay: each turn of a loop, and each operation whose cost
// grows with what it is given, is replaced by one that takes from the meter first.
type guard struct{}

func (guard) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.PredicateNode:
		body := n.Node
		paid := &ast.ConditionalNode{Cond: call(tickName), Exp1: body, Exp2: &ast.NilNode{}}
		place(paid, body)
		n.Node = paid
	case *ast.BuiltinNode:
		if len(n.Arguments) > 0 && !takesPredicate(n) && !slices.Contains(quickFunctions, n.Name) {
			weighed := call(weighName, n.Arguments[0])
			place(weighed, n.Arguments[0])
			n.Arguments[0] = weighed
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
			name, right = matchesName, &ast.ConstantNode{Value: pattern}
			place(right, n.Right)
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

// quickFunctions look at no more than one element of what they are given.
var quickFunctions = []string{"len", "first", "last", "get", "abs", "ceil", "floor", "round", "int", "float"}

// takesPredicate reports whether a function runs a predicate, which pays.
func takesPredicate(n *ast.BuiltinNode) bool {
	_, ok := n.Arguments[len(n.Arguments)-1].(*ast.PredicateNode)
	return ok
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
