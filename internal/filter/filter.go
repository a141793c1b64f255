package filter

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"

	"github.com/bpfhost/bpfhost/internal/quote"
	"github.com/bpfhost/bpfhost/internal/record"
)

// maxText bounds a filter, in bytes.
const maxText = 16 << 10

// Filter is a condition over records of one type. It is safe for concurrent use.
type Filter struct {
	text  string
	tree  ast.Node
	match condition
}

// condition says whether a record is chosen.
type condition func(rec []byte) bool

// Error says what is wrong with a filter, and where.
type Error struct {
	Column int    // of the first character in question, from 1
	Reason string // one line
	Field  string // that records do not have, if it is that; records of another type may have it
}

// Error returns "column 5: …".
func (e *Error) Error() string { return fmt.Sprintf("column %d: %s", e.Column, e.Reason) }

// Compile reads a filter for records of a type. The error is an *Error.
func Compile(text string, t *record.Type) (*Filter, error) {
	if len(text) > maxText {
		return nil, &Error{Column: 1, Reason: fmt.Sprintf("it has %d bytes, at most %d are read", len(text), maxText)}
	}
	tree, err := parser.Parse(text)
	if err != nil {
		return nil, syntax(text, err)
	}
	c := compiler{types: t}
	f := &Filter{text: text, tree: tree.Node}
	f.match, err = c.condition(tree.Node)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// syntax makes an Error of what the parser says.
func syntax(text string, err error) error {
	var e *file.Error
	if !errors.As(err, &e) {
		return &Error{Column: 1, Reason: quote.Text(err.Error())}
	}
	reason, column := e.Message, e.From+1
	switch token := unexpected.FindStringSubmatch(reason); {
	case strings.Contains(reason, "value out of range"), strings.Contains(reason, "too large"):
		reason = `the number is too large; write it as text, as in addr > "0xffff800000000000"`
		if at := largeNumber.FindStringIndex(text); at != nil {
			column = utf8.RuneCountInString(text[:at[0]]) + 1
		}
	case token != nil && token[1] == "=":
		reason = "= is not an operator; compare with =="
	case token != nil && (token[1] == "&" || token[1] == "|"):
		reason = fmt.Sprintf("%s is not an operator of filters; there are && and || for conditions, and bitand(FIELD, MASK)", token[1])
	case token != nil:
		reason = fmt.Sprintf("%q is not expected here", token[1])
	case strings.Contains(reason, "unexpected token EOF"):
		reason = "it ends too early"
	}
	return &Error{Column: column, Reason: quote.Text(reason)}
}

var (
	unexpected  = regexp.MustCompile(`^unexpected token \w+\("(.*)"\)$`)
	largeNumber = regexp.MustCompile(`\b(0[xX][0-9a-fA-F_]{16,}|[0-9_]{19,})`)
)

// String returns the text of the filter.
func (f *Filter) String() string { return f.text }

// Tree returns the syntax tree, which must not be changed.
func (f *Filter) Tree() ast.Node { return f.tree }

// Match reports whether a record is chosen. Where a record ends before a field, no comparison with
// that field holds.
func (f *Filter) Match(rec []byte) bool { return f.match(rec) }
