package filter

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/expr-lang/expr/ast"

	"github.com/bpfhost/bpfhost/internal/quote"
	"github.com/bpfhost/bpfhost/internal/record"
)

// compiler makes conditions of a syntax tree.
type compiler struct {
	types *record.Type
}

// failf makes the error about a node.
func failf(n ast.Node, format string, args ...any) error {
	return &Error{Column: column(n), Reason: quote.Text(fmt.Sprintf(format, args...))}
}

// column returns where a node begins, from 1. The parser has a member at its dot.
func column(n ast.Node) int {
	for {
		m, ok := n.(*ast.MemberNode)
		if !ok {
			return n.Location().From + 1
		}
		n = m.Node
	}
}

// condition compiles what is true or false.
func (c *compiler) condition(n ast.Node) (condition, error) {
	switch n := n.(type) {
	case *ast.BoolNode:
		return func([]byte) bool { return n.Value }, nil
	case *ast.UnaryNode:
		if n.Operator == "!" || n.Operator == "not" {
			f, err := c.condition(n.Node)
			if err != nil {
				return nil, err
			}
			return func(rec []byte) bool { return !f(rec) }, nil
		}
	case *ast.BinaryNode:
		return c.binary(n)
	case *ast.IdentifierNode, *ast.MemberNode:
		return c.bare(n)
	}
	return nil, failf(n, "%s is not a condition; compare a field, as in pid == 12", describe(n))
}

// bare compiles a field that is a condition by itself.
func (c *compiler) bare(n ast.Node) (condition, error) {
	f, err := c.field(n)
	if err != nil {
		return nil, err
	}
	if f.Kind != record.KindBool {
		return nil, failf(n, "%s is not true or false; compare it, as in %s != 0", f.Describe(), f.Path)
	}
	return func(rec []byte) bool {
		x, ok := f.Uint(rec)
		return ok && x != 0
	}, nil
}

// binary compiles an operator between two operands.
func (c *compiler) binary(n *ast.BinaryNode) (condition, error) {
	switch n.Operator {
	case "&&", "and", "||", "or":
		return c.logical(n)
	case "==", "!=", "<", "<=", ">", ">=":
		return c.comparison(n, n.Operator, n.Left, n.Right)
	case "in":
		return c.membership(n)
	case "contains", "startsWith", "endsWith", "matches":
		return c.text(n)
	}
	return nil, failf(n, "filters have no operator %s; there is && || ! == != < <= > >= in contains startsWith endsWith matches", n.Operator)
}

func (c *compiler) logical(n *ast.BinaryNode) (condition, error) {
	left, err := c.condition(n.Left)
	if err != nil {
		return nil, err
	}
	right, err := c.condition(n.Right)
	if err != nil {
		return nil, err
	}
	if n.Operator == "&&" || n.Operator == "and" {
		return func(rec []byte) bool { return left(rec) && right(rec) }, nil
	}
	return func(rec []byte) bool { return left(rec) || right(rec) }, nil
}

// field finds the field that a node names.
func (c *compiler) field(n ast.Node) (*record.Field, error) {
	path, ok := pathOf(n)
	if !ok {
		return nil, failf(n, "%s is not a field", describe(n))
	}
	f, err := c.types.Field(path)
	if err != nil {
		return nil, &Error{Column: column(n), Reason: quote.Text(err.Error()), Field: path}
	}
	return &f, nil
}

// pathOf returns the path that a node spells: "args.ports[2]".
func pathOf(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return n.Value, true
	case *ast.MemberNode:
		path, ok := pathOf(n.Node)
		if !ok || n.Optional || n.Method {
			return "", false
		}
		switch p := n.Property.(type) {
		case *ast.StringNode:
			return path + "." + p.Value, true
		case *ast.IntegerNode:
			return path + "[" + strconv.Itoa(p.Value) + "]", true
		}
	}
	return "", false
}

// describe says in a message what a node is.
func describe(n ast.Node) string {
	switch n := n.(type) {
	case *ast.IntegerNode, *ast.FloatNode:
		return "a number"
	case *ast.StringNode:
		return "a text"
	case *ast.BoolNode:
		return strconv.FormatBool(n.Value)
	case *ast.ArrayNode:
		return "a list"
	case *ast.BuiltinNode:
		return "function " + n.Name
	case *ast.CallNode:
		if name, ok := pathOf(n.Callee); ok {
			return "function " + name
		}
	case *ast.IdentifierNode:
		return n.Value
	case *ast.MemberNode:
		if path, ok := pathOf(n); ok {
			return path
		}
	case *ast.BinaryNode:
		return "operator " + n.Operator
	case *ast.UnaryNode:
		return "operator " + n.Operator
	}
	return "this"
}

// isLiteral reports whether a node is a literal, with or without a sign.
func isLiteral(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.StringNode, *ast.BoolNode:
		return true
	case *ast.UnaryNode:
		return (n.Operator == "-" || n.Operator == "+") && isLiteral(n.Node)
	}
	return false
}

// enumerator reports whether a node is the bare name of a value of a field's enum.
func (c *compiler) enumerator(n ast.Node, f *record.Field) (uint64, bool) {
	id, ok := n.(*ast.IdentifierNode)
	if !ok || f.Kind != record.KindEnum || slices.ContainsFunc(c.types.Fields(), func(o record.Field) bool { return o.Path == id.Value }) {
		return 0, false
	}
	x, err := f.Parse(id.Value)
	return x, err == nil
}
