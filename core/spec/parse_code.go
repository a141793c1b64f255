package spec

import (
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
)

// codeText is the code of one program as text, and what its comments say of instructions.
type codeText struct {
	rows    []string
	first   int // number of the first row
	insns   int // instructions so far
	records []codeRecord
	tables  []pendingTable
}

// codeRecord is what is known of one instruction.
type codeRecord struct {
	insn     int
	row, col int
	typ      btf.ID
	line     *btf.LineInfo
	core     *btf.CoreRelo
	same     bool
}

// codeLine takes a line of code. A record belongs to the next instruction.
func (p *textParser) codeLine() {
	p.code.rows = append(p.code.rows, p.line)
	if r, ok := strings.CutPrefix(p.line, "; @"); ok {
		p.pos = len(p.line) - len(r)
		p.record()
		return
	}
	words := strings.Fields(uncomment(p.line))
	if n := len(words); n > 0 && !strings.HasSuffix(words[n-1], ":") && words[0] != ".func" && words[0] != ".const" {
		p.code.insns++
	}
}

// uncomment takes the comment off a line of code. Nothing in quotes or brackets begins one.
func uncomment(s string) string {
	quoted, bracket := false, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == ']':
			bracket = c == '['
		case bracket:
		case c == ';', c == '#' && (i == 0 || !isNameByte(s[i-1])), c == '/' && strings.HasPrefix(s[i:], "//"):
			return s[:i]
		}
	}
	return s
}

// isNameByte reports whether # after c is that of "call bpf_x#1".
func isNameByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// record reads a comment that begins with "@".
func (p *textParser) record() {
	r := codeRecord{insn: p.code.insns, row: p.row, col: p.pos}
	switch w := p.word(); w {
	case "type":
		r.typ = btf.ID(p.number(32))
	case "core":
		r.core = p.coreRecord()
	case "line":
		r.line = p.lineRecord()
	case "same":
		r.same = true
	default:
		p.fail(r.col, "unknown record %s", show(w))
	}
	p.end()
	p.code.records = append(p.code.records, r)
}

func (p *textParser) coreRecord() *btf.CoreRelo {
	p.space()
	at := p.pos
	w := p.word()
	r := &btf.CoreRelo{}
	for r.Kind.String() != w {
		if r.Kind++; r.Kind > 255 {
			p.fail(at, "unknown kind of CO-RE record %s", show(w))
			return r
		}
	}
	r.Type = btf.ID(p.number(32))
	r.Access = p.word()
	return r
}

// lineRecord reads FILE:LINE:COLUMN TEXT.
func (p *textParser) lineRecord() *btf.LineInfo {
	p.space()
	at := p.pos
	var file, tail string
	if strings.HasPrefix(p.line[p.pos:], `"`) {
		file = p.word()
		tail = p.word()
	} else {
		w := p.word()
		i := strings.LastIndexByte(w, ':')
		i = strings.LastIndexByte(w[:max(i, 0)], ':')
		file, tail = w[:max(i, 0)], w[max(i, 0):]
	}
	parts := strings.Split(tail, ":")
	if len(parts) != 3 || parts[0] != "" {
		p.fail(at, "expected FILE:LINE:COLUMN")
		return nil
	}
	line, err1 := strconv.ParseUint(parts[1], 10, 32)
	col, err2 := strconv.ParseUint(parts[2], 10, 32)
	if err1 != nil || err2 != nil {
		p.fail(at, "expected FILE:LINE:COLUMN")
	}
	return btf.NewLineInfo(file, p.word(), uint32(line), uint32(col))
}

// build makes the program of its instructions and records.
func (p *textParser) build(l asm.Listing) {
	prog := p.prog
	prog.LabelNames = l.LabelNames
	if len(l.Insns) > 0 {
		prog.Insns.list = make([]Insn, len(l.Insns))
	}
	for i := range l.Insns {
		prog.Insns.list[i].Insn = l.Insns[i]
		if n, ok := l.Funcs[i]; ok {
			prog.Insns.list[i].Func = &btf.FuncInfo{Name: n}
		}
	}
	for _, r := range p.code.records {
		p.row = r.row
		if r.insn >= len(prog.Insns.list) {
			p.fail(r.col, "no instruction follows")
			return
		}
		in := &prog.Insns.list[r.insn]
		switch {
		case r.typ != 0 && in.Func == nil:
			p.fail(r.col, "no function starts at the next instruction")
		case r.typ != 0:
			in.Func.Type = r.typ
		case r.core != nil:
			in.Core = r.core
		case r.line != nil:
			in.Line = r.line
		case r.same && (r.insn == 0 || prog.Insns.list[r.insn-1].Line == nil):
			p.fail(r.col, "the instruction before has no source line")
		case r.same:
			in.Line = prog.Insns.list[r.insn-1].Line
		}
	}
}
