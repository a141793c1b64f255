package asm

import (
	"strconv"
	"strings"
)

// Listing is what Parse reads: instructions and the names that belong to them.
type Listing struct {
	Insns      []Insn
	LabelNames map[Label]string // labels that have a name other than L1, L2, …; nil when there are none
	Funcs      map[int]string   // by index of the first instruction: name of the function; nil when there are none
}

// Parse reads instructions as AppendText, llvm-objdump and the kernel write them. The syntax is
// described in the package comment.
//
// Labels called L and a number keep that number. All others, and the targets of displacements such as
// goto +5, get the smallest numbers that are free, in the order of their places.
//
// The error is a *ParseError: it says line, column and reason.
func Parse(text string) (Listing, error) { return ParseChecked(text, nil) }

// ParseChecked is [Parse] for texts that others write. It calls check again and again, each time
// after a bounded amount of work for lines of bounded length. What check returns, if that is not nil,
// ends parsing and is returned as it is.
func ParseChecked(text string, check func() error) (Listing, error) {
	p := parser{names: map[symbolKey]int{}, check: check}
	if err := p.parse(text); err != nil {
		return Listing{}, err
	}
	return p.listing, nil
}

type parser struct {
	scanner
	listing   Listing
	symbols   []symbol
	names     map[symbolKey]int // index into symbols
	relatives []relative
	calls     []bareCall
	function  *symbol // the last .func, until its first instruction is there
	target    target  // of the instruction that is being read
	long      bool    // the opcode before it is that of a 64-bit load

	keepPlaces bool
	places     []place // by instruction, if they are kept

	check func() error // see ParseChecked; nil is never asked
	work  int          // what was done since it was asked, in bytes of text or about the same
}

// checkEvery is how many bytes of text are read between two calls of check.
const checkEvery = 32 << 10

// worked notes work, and returns what check says when it is time to ask.
func (p *parser) worked(n int) error {
	if p.work += n; p.work < checkEvery || p.check == nil {
		return nil
	}
	p.work = 0
	return p.check()
}

// perName is the work of resolving a label, as bytes of text.
const perName = 16

// parse reads the whole text.
func (p *parser) parse(text string) error {
	for line := range strings.Lines(text) {
		row := p.row + 1
		p.scanner = scanner{line: strings.TrimSuffix(line, "\n"), row: row, constants: p.constants}
		p.statements()
		if p.err != nil {
			return p.err
		}
		if err := p.worked(len(line)); err != nil {
			return err
		}
	}
	return resolver{p}.resolve()
}

// symbolKey tells the label L5 from one whose quoted name is "L5".
type symbolKey struct {
	name   string
	number Label
}

// symbol is a label. Until finish has run, Insn.Target is its index in parser.symbols plus one.
type symbol struct {
	symbolKey
	row, at int // where it is used first, or defined
	insn    int // the instruction that it stands before, or undefined
}

const undefined = -1

// relative is a reference by displacement in slots.
type relative struct {
	insn, row, at int
	by            int64
}

// bareCall is a call of a name that may be that of a label, a helper or a function.
type bareCall struct {
	insn int
	name string
}

// target is where an instruction goes to by displacement.
type target struct {
	set bool
	at  int
	by  int64
}

// statements reads one line: labels, and at most one directive or instruction.
func (p *parser) statements() {
	p.prefix()
	for p.err == nil && !p.end() {
		if p.label() {
			continue
		}
		switch {
		case p.accept(".func"):
			p.funcMark()
		case p.accept(".const"):
			p.constant()
		default:
			p.instruction()
		}
		if p.err == nil && !p.end() {
			p.fail("expected the end of the line, found " + p.found())
		}
		return
	}
}

// prefix skips what disassemblers write before an instruction: its number and its opcode. Who
// writes the opcode writes no ll after a 64-bit load.
func (p *parser) prefix() {
	p.long = false
	if _, _, ok := p.tryLiteral(); ok {
		p.expect(":")
	}
	if p.accept("(") {
		end := strings.IndexByte(p.line[p.pos:], ')')
		if end < 0 {
			p.fail(`expected ")"`)
			return
		}
		p.long = p.line[p.pos:p.pos+end] == "18"
		p.pos += end + 1
	}
}

// label reads the definition of a label if one comes next.
func (p *parser) label() bool {
	if p.end() {
		return false
	}
	start := p.at
	key := p.symbolKey()
	if p.err != nil {
		return true
	}
	if key == (symbolKey{}) || p.pos == len(p.line) || p.line[p.pos] != ':' {
		p.pos = start
		return false
	}
	p.pos++
	s := &p.symbols[p.symbol(key, start)]
	if s.insn != undefined {
		p.failAt(start, "label "+key.String()+" is defined twice")
	}
	s.insn, s.row, s.at = len(p.listing.Insns), p.row, start
	return true
}

// symbolKey reads the name of a label if one comes next.
func (p *parser) symbolKey() symbolKey {
	if p.line[p.pos] == '"' {
		return symbolKey{name: p.quoted()}
	}
	name := p.word()
	if n, ok := labelNumber(name); ok {
		return symbolKey{number: n}
	}
	return symbolKey{name: name}
}

// String returns the name of the label in quotes.
func (k symbolKey) String() string {
	if k.number != 0 {
		return strconv.Quote("L" + strconv.FormatUint(uint64(k.number), 10))
	}
	return show(k.name)
}

// symbol returns the index of a label in symbols.
func (p *parser) symbol(key symbolKey, at int) int {
	i, ok := p.names[key]
	if !ok {
		i = len(p.symbols)
		p.symbols = append(p.symbols, symbol{key, p.row, at, undefined})
		p.names[key] = i
	}
	return i
}

// failAt records a failure at a place in the line.
func (s *scanner) failAt(at int, reason string) {
	s.at = at
	s.fail(reason)
}

// funcMark reads the name after .func.
func (p *parser) funcMark() {
	at := p.at
	name, _ := p.name("the name of a function")
	if p.function != nil {
		p.failAt(at, "function "+show(p.function.name)+" has no instruction")
		return
	}
	p.function = &symbol{symbolKey{name: name}, p.row, at, len(p.listing.Insns)}
	if p.listing.Funcs == nil {
		p.listing.Funcs = map[int]string{}
	}
	p.listing.Funcs[len(p.listing.Insns)] = name
}

// constant reads NAME = NUMBER after .const.
func (p *parser) constant() {
	_, register := p.tryRegister()
	at := p.at
	name := p.word()
	if _, swap := swaps[name]; register || swap {
		p.failAt(at, "a constant cannot have the name of a register or a conversion")
	}
	if name == "" {
		p.fail("expected the name of a constant, found " + p.found())
	}
	p.expect("=")
	v, big, ok := p.tryNumber()
	if !ok {
		p.fail("expected a number, found " + p.found())
	}
	if _, twice := p.constants[name]; twice {
		p.failAt(at, "constant "+show(name)+" is defined twice")
	}
	if p.constants == nil {
		p.constants = map[string]constant{}
	}
	p.constants[name] = constant{v, big}
}

// instruction reads one instruction and what follows it in braces.
func (p *parser) instruction() {
	start := place{p.row, p.at}
	p.target = target{}
	in := p.operation()
	fixed := p.braces(&in)
	if p.err != nil {
		return
	}
	if in.Flags&Raw == 0 && !formats[in.Op].known(in.Op, in.Src, in.Off, in.Imm) {
		p.fail("what is in braces makes this an unknown instruction, which .raw can write")
	}
	if p.target.set {
		p.displacement(&in, fixed)
	} else if fixed {
		p.fail("only a displacement can be fixed")
	}
	p.listing.Insns = append(p.listing.Insns, in)
	if p.keepPlaces {
		p.places = append(p.places, start)
	}
	p.function = nil
}

// displacement takes over the displacement of a jump, a call or a function's address.
func (p *parser) displacement(in *Insn, fixed bool) {
	t := p.target
	if !fixed {
		p.relatives = append(p.relatives, relative{len(p.listing.Insns), p.row, t.at, t.by})
		in.SetTarget(0)
		return
	}
	in.ClearRef()
	if formats[in.Op].displacement(in.Src) == displacementImm {
		in.Imm = t.by
		return
	}
	if t.by != int64(int16(t.by)) {
		p.failAt(t.at, "displacement does not fit 16 bits")
	}
	in.Off = int16(t.by)
}

// braces reads fields that an instruction's own text does not show, e.g. {off=1 imm=-5}.
func (p *parser) braces(in *Insn) (fixed bool) {
	if !p.accept("{") {
		return false
	}
	for p.err == nil && !p.accept("}") {
		switch {
		case p.accept("fixed"):
			fixed = true
		case p.accept("dst"):
			p.expect("=")
			in.Dst = Reg(p.number(0, 15))
		case p.accept("src"):
			if in.Op == OpCall { // it says what is called, which the text has said
				p.fail("the source of a call cannot be set")
				return false
			}
			p.expect("=")
			in.Src = Reg(p.number(0, 15))
		case p.accept("off"):
			p.expect("=")
			in.Off = int16(p.number(-1<<15, 1<<15-1))
		case p.accept("imm"):
			p.expect("=")
			in.Imm = p.number(-1<<31, 1<<31-1)
		default:
			p.fail("expected dst, src, off, imm, fixed or }, found " + p.found())
		}
	}
	return fixed
}
