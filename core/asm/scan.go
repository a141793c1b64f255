package asm

import (
	"strconv"
	"strings"
)

// ParseError says where a text could not be read, and why.
type ParseError struct {
	Line   int // counted from 1
	Column int // in bytes, counted from 1
	Reason string
}

// Error returns for example `line 3:7: unknown instruction "jmp"`.
func (e *ParseError) Error() string {
	return "line " + strconv.Itoa(e.Line) + ":" + strconv.Itoa(e.Column) + ": " + e.Reason
}

// scanner reads one line from left to right. The first failure stays: what is read afterwards is
// empty, so callers look at err once per line.
type scanner struct {
	line string
	pos  int // of the next byte
	at   int // where the token that was read last starts
	err  error
	row  int

	constants map[string]constant // by .const, so far
}

// constant is a number as tryNumber returns it.
type constant struct {
	v   int64
	big bool
}

// fail records a failure at the token that was read last.
func (s *scanner) fail(reason string) {
	if s.err == nil {
		s.err = &ParseError{Line: s.row, Column: s.at + 1, Reason: reason}
	}
}

// skip moves to the next token. Comments count as space.
func (s *scanner) skip() {
	for s.pos < len(s.line) {
		switch c := s.line[s.pos]; {
		case c == ' ' || c == '\t' || c == '\r':
			s.pos++
		case c == ';' || c == '#' || c == '/' && strings.HasPrefix(s.line[s.pos:], "//"):
			s.pos = len(s.line)
		default:
			s.at = s.pos
			return
		}
	}
	s.at = s.pos
}

// end reports whether nothing is left.
func (s *scanner) end() bool {
	s.skip()
	return s.pos == len(s.line)
}

// accept reads a piece of text if it comes next. A piece that ends like a word must end there.
func (s *scanner) accept(piece string) bool {
	s.skip()
	if s.err != nil || !strings.HasPrefix(s.line[s.pos:], piece) {
		return false
	}
	next := s.pos + len(piece)
	if wordByte(piece[len(piece)-1], false) && next < len(s.line) && wordByte(s.line[next], false) {
		return false
	}
	s.pos = next
	return true
}

// expect reads a piece of text that must come next.
func (s *scanner) expect(piece string) {
	if !s.accept(piece) {
		s.fail("expected " + strconv.Quote(piece) + ", found " + s.found())
	}
}

// found describes what comes next.
func (s *scanner) found() string {
	if s.end() {
		return "the end of the line"
	}
	word := s.line[s.pos:]
	if i := strings.IndexAny(word[1:], " \t\r,()[]{};"); i >= 0 {
		word = word[:i+1]
	}
	return show(word)
}

// word reads a name without quotes. It is empty when none comes next.
func (s *scanner) word() string {
	s.skip()
	if s.err != nil {
		return ""
	}
	start := s.pos
	for s.pos < len(s.line) && wordByte(s.line[s.pos], s.pos == start) {
		s.pos++
	}
	return s.line[start:s.pos]
}

// back makes the word that was read last come next again.
func (s *scanner) back() { s.pos = s.at }

// name reads a word or a quoted name; quoted says which. It fails when neither comes next.
func (s *scanner) name(what string) (name string, quoted bool) {
	if s.end() || s.line[s.pos] != '"' {
		if name = s.word(); name == "" {
			s.fail("expected " + what + ", found " + s.found())
		}
		return name, false
	}
	return s.quoted(), true
}

// quoted reads a name in double quotes, with the escapes of Go.
func (s *scanner) quoted() string {
	prefix, err := strconv.QuotedPrefix(s.line[s.pos:])
	if err != nil {
		s.fail("quoted name is not complete")
		return ""
	}
	name, err := strconv.Unquote(prefix)
	if err != nil {
		s.fail("quoted name is malformed")
		return ""
	}
	s.pos += len(prefix)
	return name
}

// bracketed reads a name and the bracket after it.
func (s *scanner) bracketed() string {
	s.at = s.pos // a comment cannot start here
	if strings.HasPrefix(s.line[s.pos:], `"`) {
		name := s.quoted()
		s.expect("]")
		return name
	}
	n := strings.IndexByte(s.line[s.pos:], ']')
	if n <= 0 {
		s.fail(`expected a name and "]"`)
		return ""
	}
	name := s.line[s.pos : s.pos+n]
	if strings.ContainsAny(name, " \t\"[\\") {
		s.fail("name has to be in quotes")
		return ""
	}
	s.pos += n + 1
	return name
}

// register is a register as it is written: view is 'r' or 'w'.
type register struct {
	Reg
	view byte
}

// tryRegister reads a register if one comes next.
func (s *scanner) tryRegister() (register, bool) {
	w := s.word()
	if len(w) < 2 || len(w) > 3 || w[0] != 'r' && w[0] != 'w' || len(w) == 3 && w[1] == '0' {
		s.back()
		return register{}, false
	}
	n, err := strconv.ParseUint(w[1:], 10, 8)
	if err != nil || n > 15 {
		s.back()
		return register{}, false
	}
	return register{Reg(n), w[0]}, true
}

// register reads a register of the view; 0 allows both.
func (s *scanner) register(view byte) register {
	r, ok := s.tryRegister()
	switch {
	case !ok:
		s.fail("expected a register, found " + s.found())
	case view != 0 && r.view != view:
		s.fail("expected a register that starts with " + string(rune(view)))
	}
	return r
}

// tryNumber reads a number or the name of a constant if one comes next.
func (s *scanner) tryNumber() (v int64, big, ok bool) {
	if v, big, ok = s.tryLiteral(); ok || len(s.constants) == 0 {
		return v, big, ok
	}
	c, ok := s.constants[s.word()]
	if !ok || s.pos < len(s.line) && (s.line[s.pos] == '[' || s.line[s.pos] == '(') { // map[name], be it a constant or not
		s.back()
		return 0, false, false
	}
	return c.v, c.big, true
}

// tryLiteral reads a number if one comes next: decimal, or hexadecimal after 0x, with an optional
// sign. Values above the largest int64 are returned as negative numbers and big is set.
func (s *scanner) tryLiteral() (v int64, big, ok bool) {
	s.skip()
	if s.err != nil {
		return 0, false, false
	}
	rest := s.line[s.pos:]
	digits := strings.TrimPrefix(rest, "-")
	negative := len(digits) < len(rest)
	if !negative {
		digits = strings.TrimPrefix(rest, "+")
	}
	n := 0
	for n < len(digits) && wordByte(digits[n], false) {
		n++
	}
	if n == 0 || digits[0] < '0' || digits[0] > '9' {
		return 0, false, false
	}
	base := 10
	text := digits[:n]
	if strings.HasPrefix(text, "0x") || strings.HasPrefix(text, "0X") {
		base, text = 16, text[2:]
	}
	u, err := strconv.ParseUint(text, base, 64)
	if err != nil || negative && u > 1<<63 {
		s.fail(show(rest[:len(rest)-len(digits)+n]) + " is not a number of at most 64 bits")
		return 0, false, false
	}
	s.pos += len(rest) - len(digits) + n
	if negative {
		return -int64(u), false, true
	}
	return int64(u), u > 1<<63-1, true
}

// number reads a number between low and high.
func (s *scanner) number(low, high int64) int64 {
	v, big, ok := s.tryNumber()
	switch {
	case !ok:
		s.fail("expected a number, found " + s.found())
	case big || v < low || v > high:
		s.fail("number is not between " + strconv.FormatInt(low, 10) + " and " + strconv.FormatInt(high, 10))
	}
	return v
}
