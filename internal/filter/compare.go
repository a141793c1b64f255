package filter

import (
	"bytes"
	"cmp"
	"net/netip"
	"regexp"

	"github.com/expr-lang/expr/ast"

	"github.com/bpfhost/bpfhost/internal/record"
)

// mirrored are the operators with their operands exchanged.
var mirrored = map[string]string{"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

// holds returns what an operator says of the outcome of a comparison.
func holds(op string) func(order int) bool {
	switch op {
	case "==":
		return func(o int) bool { return o == 0 }
	case "!=":
		return func(o int) bool { return o != 0 }
	case "<":
		return func(o int) bool { return o < 0 }
	case "<=":
		return func(o int) bool { return o <= 0 }
	case ">":
		return func(o int) bool { return o > 0 }
	}
	return func(o int) bool { return o >= 0 }
}

// number is one of 64 bits, or the bits of a negative one.
type number struct {
	bits   uint64
	signed bool // bits are those of an int64
}

// compare compares numbers as they are.
func (a number) compare(b number) int {
	an, bn := a.signed && int64(a.bits) < 0, b.signed && int64(b.bits) < 0
	switch {
	case an && !bn:
		return -1
	case !an && bn:
		return 1
	}
	return cmp.Compare(a.bits, b.bits) // of two negative ones, too
}

// operand is a number in a record.
type operand struct {
	field *record.Field
	mask  uint64 // of bitand; all ones otherwise
}

func (o operand) value(rec []byte) (number, bool) {
	x, ok := o.field.Uint(rec)
	if o.mask != ^uint64(0) {
		return number{bits: x & o.mask}, ok
	}
	return number{x, o.field.Signed()}, ok
}

// operand compiles a field, or bitand of one.
func (c *compiler) operand(n ast.Node) (operand, error) {
	b, ok := n.(*ast.BuiltinNode)
	if !ok {
		f, err := c.field(n)
		return operand{f, ^uint64(0)}, err
	}
	if b.Name != "bitand" || len(b.Arguments) != 2 {
		return operand{}, failf(n, "filters have no function %s; there is bitand(FIELD, NUMBER)", b.Name)
	}
	f, err := c.field(b.Arguments[0])
	if err != nil {
		return operand{}, err
	}
	mask, ok := b.Arguments[1].(*ast.IntegerNode)
	if !ok || !f.Number() {
		return operand{}, failf(n, "bitand takes a field that is a number, and a number")
	}
	return operand{f, uint64(mask.Value)}, nil
}

// comparison compiles one operator between a field and a literal, or two fields.
func (c *compiler) comparison(at ast.Node, op string, left, right ast.Node) (condition, error) {
	if isLiteral(left) && isLiteral(right) {
		return nil, failf(at, "it compares two values; one side has to be a field")
	}
	if isLiteral(left) {
		left, right, op = right, left, mirrored[op]
	}
	o, err := c.operand(left)
	if err != nil {
		if other, ferr := c.operand(right); ferr == nil && !isLiteral(right) { // VALUE == field
			if _, ok := c.enumerator(left, other.field); ok {
				return c.comparison(at, mirrored[op], right, left)
			}
		}
		return nil, err
	}
	f := o.field
	switch {
	case f.Number():
		return c.numbers(at, op, o, right)
	case f.Kind == record.KindFloat:
		return c.floats(op, f, right)
	case f.Kind == record.KindText, f.Kind == record.KindBytes, f.Kind == record.KindIPv6:
		if op != "==" && op != "!=" {
			return nil, failf(at, "%s is not a number; there is == != in contains startsWith endsWith matches for it", f.Describe())
		}
		return c.texts(op, f, right)
	}
	return nil, failf(left, "%s cannot be compared; name an element of it", f.Describe())
}

// numbers compares a number with a literal or another number.
func (c *compiler) numbers(at ast.Node, op string, o operand, right ast.Node) (condition, error) {
	is := holds(op)
	if x, ok := c.enumerator(right, o.field); ok || isLiteral(right) {
		want := number{x, o.field.Signed()}
		if !ok {
			var err error
			if want, err = c.constant(o, right); err != nil {
				return nil, err
			}
		}
		return func(rec []byte) bool {
			x, ok := o.value(rec)
			return ok && is(x.compare(want))
		}, nil
	}
	other, err := c.operand(right)
	if err != nil {
		if id, ok := right.(*ast.IdentifierNode); ok && o.field.Kind == record.KindEnum {
			_, err = o.field.Parse(id.Value)
			err = failf(right, "%v", err)
		}
		return nil, err
	}
	if !other.field.Number() {
		return nil, failf(at, "%s is a number, %s is not", o.field.Describe(), other.field.Describe())
	}
	return func(rec []byte) bool {
		x, ok := o.value(rec)
		y, also := other.value(rec)
		return ok && also && is(x.compare(y))
	}, nil
}

// constant reads a literal as the field that it is compared with does.
func (c *compiler) constant(o operand, n ast.Node) (number, error) {
	f, negative := o.field, false
	if u, ok := n.(*ast.UnaryNode); ok {
		negative, n = u.Operator == "-", u.Node
	}
	var x uint64
	switch n := n.(type) {
	case *ast.IntegerNode:
		x = uint64(n.Value)
		if negative {
			x = -x
		}
		if o.mask != ^uint64(0) {
			return number{bits: x}, nil
		}
		negative = int64(x) < 0
		if err := f.Check(x, negative); err != nil {
			return number{}, failf(n, "%v", err)
		}
	case *ast.StringNode:
		var err error
		if x, err = f.Parse(n.Value); err != nil {
			return number{}, failf(n, "%v", err)
		}
	case *ast.BoolNode:
		if f.Kind != record.KindBool {
			return number{}, failf(n, "%s is not true or false", f.Describe())
		}
		if n.Value {
			x = 1
		}
	default:
		return number{}, failf(n, "%s does not go with %s", describe(n), f.Describe())
	}
	return number{x, f.Signed()}, nil
}

// floats compares a floating point number with a literal.
func (c *compiler) floats(op string, f *record.Field, right ast.Node) (condition, error) {
	sign := 1.0
	if u, ok := right.(*ast.UnaryNode); ok && u.Operator == "-" {
		sign, right = -1, u.Node
	}
	var want float64
	switch n := right.(type) {
	case *ast.IntegerNode:
		want = sign * float64(n.Value)
	case *ast.FloatNode:
		want = sign * n.Value
	default:
		return nil, failf(right, "%s is compared with a number", f.Describe())
	}
	is := holds(op)
	return func(rec []byte) bool {
		x, ok := f.Float(rec)
		return ok && x == x && is(cmp.Compare(x, want))
	}, nil
}

// texts compares a text, or an address, with a literal or another text.
func (c *compiler) texts(op string, f *record.Field, right ast.Node) (condition, error) {
	equal := op == "=="
	if s, ok := right.(*ast.StringNode); ok {
		want, err := c.bytes(f, s)
		if err != nil {
			return nil, err
		}
		return func(rec []byte) bool {
			b, ok := textOf(f, rec)
			return ok && (string(b) == want) == equal
		}, nil
	}
	if isLiteral(right) {
		return nil, failf(right, "%s is compared with a text in quotes", f.Describe())
	}
	other, err := c.field(right)
	if err != nil {
		return nil, err
	}
	if other.Kind != f.Kind {
		return nil, failf(right, "%s and %s are not of one kind", f.Describe(), other.Describe())
	}
	return func(rec []byte) bool {
		a, ok := textOf(f, rec)
		b, also := textOf(other, rec)
		return ok && also && bytes.Equal(a, b) == equal
	}, nil
}

// bytes returns the bytes that a literal means.
func (c *compiler) bytes(f *record.Field, s *ast.StringNode) (string, error) {
	if f.Kind == record.KindIPv6 {
		a, err := netip.ParseAddr(s.Value)
		if err != nil {
			return "", failf(s, "%q is not an address, as %s is", s.Value, f.Describe())
		}
		b := a.As16()
		return string(b[:]), nil
	}
	if f.Size != 0 && len(s.Value) > int(f.Size) {
		return "", failf(s, "%q has %d bytes, more than %s can have", s.Value, len(s.Value), f.Describe())
	}
	return s.Value, nil
}

// textOf returns what a text is compared by: an array of bytes is one up to its first NUL.
func textOf(f *record.Field, rec []byte) ([]byte, bool) {
	b, ok := f.Text(rec)
	if f.Kind == record.KindBytes {
		if i := bytes.IndexByte(b, 0); i >= 0 {
			b = b[:i]
		}
	}
	return b, ok
}

// text compiles the operators that only texts have.
func (c *compiler) text(n *ast.BinaryNode) (condition, error) {
	f, err := c.field(n.Left)
	if err != nil {
		return nil, err
	}
	if f.Kind != record.KindText && f.Kind != record.KindBytes {
		return nil, failf(n.Left, "%s is not a text", f.Describe())
	}
	s, ok := n.Right.(*ast.StringNode)
	if !ok {
		return nil, failf(n.Right, "%s takes a text in quotes", n.Operator)
	}
	want := []byte(s.Value)
	is := func(b []byte) bool { return bytes.Contains(b, want) }
	switch n.Operator {
	case "startsWith":
		is = func(b []byte) bool { return bytes.HasPrefix(b, want) }
	case "endsWith":
		is = func(b []byte) bool { return bytes.HasSuffix(b, want) }
	case "matches":
		re, err := regexp.Compile(s.Value)
		if err != nil {
			return nil, failf(s, "%v", err)
		}
		is = re.Match
	}
	return func(rec []byte) bool {
		b, ok := textOf(f, rec)
		return ok && is(b)
	}, nil
}

// membership compiles FIELD in [a, b], FIELD in 1..9 and ADDRESS in "10.0.0.0/8".
func (c *compiler) membership(n *ast.BinaryNode) (condition, error) {
	switch r := n.Right.(type) {
	case *ast.ArrayNode:
		return c.list(n, r)
	case *ast.BinaryNode:
		if r.Operator != ".." {
			break
		}
		low, err := c.comparison(n, ">=", n.Left, r.Left)
		if err != nil {
			return nil, err
		}
		high, err := c.comparison(n, "<=", n.Left, r.Right)
		if err != nil {
			return nil, err
		}
		return func(rec []byte) bool { return low(rec) && high(rec) }, nil
	case *ast.StringNode:
		return c.network(n, r)
	}
	return nil, failf(n.Right, `in takes a list, as in pid in [1, 2], a range 1..9, or for an address a network "10.0.0.0/8"`)
}

func (c *compiler) list(n *ast.BinaryNode, list *ast.ArrayNode) (condition, error) {
	var any []condition
	for _, e := range list.Nodes {
		f, err := c.comparison(n, "==", n.Left, e)
		if err != nil {
			return nil, err
		}
		any = append(any, f)
	}
	return func(rec []byte) bool {
		for _, f := range any {
			if f(rec) {
				return true
			}
		}
		return false
	}, nil
}

// network compiles whether an address is in a network.
func (c *compiler) network(n *ast.BinaryNode, s *ast.StringNode) (condition, error) {
	f, err := c.field(n.Left)
	if err != nil {
		return nil, err
	}
	if f.Kind != record.KindIPv4 && f.Kind != record.KindIPv6 {
		return nil, failf(n.Left, "%s is not an address, so it is in no network", f.Describe())
	}
	p, err := netip.ParsePrefix(s.Value)
	if err != nil {
		return nil, failf(s, `%q is not a network like "10.0.0.0/8"`, s.Value)
	}
	return func(rec []byte) bool {
		if f.Kind == record.KindIPv6 {
			b, ok := f.Text(rec)
			return ok && p.Contains(netip.AddrFrom16([16]byte(b)))
		}
		x, ok := f.Uint(rec)
		return ok && p.Contains(netip.AddrFrom4([4]byte{byte(x >> 24), byte(x >> 16), byte(x >> 8), byte(x)}))
	}, nil
}
