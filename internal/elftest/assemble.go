package elftest

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

// Assemble makes an object file from text. Each line is one of
//
//	license TEXT
//	order big
//	nobtf                                   leaves out BTF: maps are defined the old way
//	map NAME TYPE KEY VALUE ENTRIES [FLAGS] sizes in bytes, TYPE as "hash"
//	var SECTION NAME HEX...                 a variable with its bytes
//	zero SECTION NAME BYTES                 a variable that is zero
//	static NAME, weak NAME, hidden NAME     how a function or variable is visible
//	kfunc NAME, ksym NAME                   what the kernel provides
//	section NAME                            the instructions that follow are in this section
//
// or an instruction, a label or ".func NAME" in the syntax of core/asm. Lines that start with "#"
// are comments.
func Assemble(text string) (*File, error) {
	a := assembler{f: &File{Machine: 247}, binds: map[string]string{}}
	for i, line := range strings.Split(text, "\n") {
		if err := a.line(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	if err := a.finish(); err != nil {
		return nil, err
	}
	return a.f, nil
}

// MustBytes assembles text that is known to be right.
func MustBytes(text string) []byte {
	f, err := Assemble(text)
	if err != nil {
		panic(err)
	}
	return f.Bytes()
}

type assembler struct {
	f       *File
	noBTF   bool
	maps    []mapLine
	vars    []varLine
	externs []externLine
	binds   map[string]string // by name: static, weak or hidden
	code    []codePart
}

type mapLine struct {
	name string
	typ  spec.MapType
	nums [4]uint32 // key, value, entries, flags
}

type varLine struct {
	section, name string
	data          []byte
	zero          bool
	offset        uint64
}

type externLine struct {
	kind, name string
}

type codePart struct {
	section string
	text    strings.Builder
}

// directives are the lines that are not instructions, with the least number of words after them.
var directives = map[string]struct {
	words int
	do    func(a *assembler, w []string) error
}{
	"license": {1, (*assembler).license},
	"order":   {1, (*assembler).order},
	"nobtf":   {0, func(a *assembler, _ []string) error { a.noBTF = true; return nil }},
	"map":     {5, (*assembler).mapDef},
	"var":     {2, (*assembler).variable},
	"zero":    {3, (*assembler).zero},
	"section": {1, func(a *assembler, w []string) error { a.code = append(a.code, codePart{section: w[1]}); return nil }},
	"static":  {1, (*assembler).bind},
	"weak":    {1, (*assembler).bind},
	"hidden":  {1, (*assembler).bind},
	"kfunc":   {1, (*assembler).extern},
	"ksym":    {1, (*assembler).extern},
}

func (a *assembler) line(line string) error {
	w := strings.Fields(line)
	if len(w) == 0 || strings.HasPrefix(w[0], "#") {
		return nil
	}
	if d, ok := directives[w[0]]; ok && (len(w) == 1 || w[1] != "=") {
		if len(w) <= d.words {
			return fmt.Errorf("%s needs %d words", w[0], d.words)
		}
		return d.do(a, w)
	}
	if len(a.code) == 0 {
		return fmt.Errorf("%q before the first section", line)
	}
	part := &a.code[len(a.code)-1]
	part.text.WriteString(line)
	part.text.WriteByte('\n')
	return nil
}

func (a *assembler) license(w []string) error {
	a.f.Sections = append(a.f.Sections, Section{Name: "license", Data: append([]byte(strings.Join(w[1:], " ")), 0), Flags: Alloc, Align: 1})
	return nil
}

func (a *assembler) order(w []string) error {
	if w[1] == "big" {
		a.f.Order = asm.BigEndian
	}
	return nil
}

func (a *assembler) bind(w []string) error {
	a.binds[w[1]] = w[0]
	return nil
}

func (a *assembler) extern(w []string) error {
	a.externs = append(a.externs, externLine{w[0], w[1]})
	return nil
}

func (a *assembler) mapDef(w []string) error {
	m := mapLine{name: w[1]}
	typ, ok := spec.ParseMapType(w[2])
	if !ok {
		return fmt.Errorf("unknown map type %q", w[2])
	}
	m.typ = typ
	for i, s := range w[3:min(len(w), 7)] {
		n, err := strconv.ParseUint(s, 0, 32)
		if err != nil {
			return err
		}
		m.nums[i] = uint32(n)
	}
	a.maps = append(a.maps, m)
	return nil
}

func (a *assembler) variable(w []string) error {
	b, err := hex.DecodeString(strings.Join(w[3:], ""))
	if err != nil {
		return err
	}
	a.vars = append(a.vars, varLine{section: w[1], name: w[2], data: b})
	return nil
}

func (a *assembler) zero(w []string) error {
	n, err := strconv.ParseUint(w[3], 0, 31)
	if err != nil {
		return err
	}
	a.vars = append(a.vars, varLine{section: w[1], name: w[2], data: make([]byte, n), zero: true})
	return nil
}

func (a *assembler) finish() error {
	for i := range a.code {
		if err := a.assemble(&a.code[i]); err != nil {
			return fmt.Errorf("section %s: %w", a.code[i].section, err)
		}
	}
	a.placeVars()
	a.placeMaps()
	for _, e := range a.externs {
		a.symbol(Symbol{Name: e.name, Bind: Global})
	}
	if a.noBTF {
		return nil
	}
	b, err := a.types()
	if err != nil {
		return err
	}
	a.f.Sections = append(a.f.Sections, Section{Name: ".BTF", Data: b, Align: 4})
	return nil
}

func (a *assembler) symbol(s Symbol) {
	switch a.binds[s.Name] {
	case "static":
		s.Bind = Local
	case "weak":
		s.Bind = Weak
	case "hidden":
		s.Visibility = 2
	}
	a.f.Symbols = append(a.f.Symbols, s)
}

// assemble makes one code section: references become relocations.
func (a *assembler) assemble(c *codePart) error {
	l, err := asm.Parse(c.text.String())
	if err != nil {
		return err
	}
	s := Section{Name: c.section, Flags: Alloc | Exec, Align: 8}
	at, start, open := uint64(0), uint64(0), ""
	end := func() {
		if open != "" {
			a.symbol(Symbol{Name: open, Section: c.section, Value: start, Size: at - start, Bind: Global, Type: Func})
		}
	}
	for i := range l.Insns {
		if name, ok := l.Funcs[i]; ok {
			end()
			start, open = at, name
		}
		if r, ok := unlink(&l.Insns[i]); ok {
			r.Offset = at
			s.Relocs = append(s.Relocs, r)
		}
		at += 8 * uint64(l.Insns[i].Slots())
	}
	end()
	if s.Data, err = asm.AppendEncode(nil, l.Insns, asm.EncodeOptions{Order: a.f.Order}); err != nil {
		return err
	}
	a.f.Sections = append(a.f.Sections, s)
	return nil
}

// unlink takes the name out of an instruction, as it is in an object file before linking.
func unlink(in *asm.Insn) (Reloc, bool) {
	r := Reloc{Symbol: in.Symbol, Type: Load64}
	switch in.Ref {
	case asm.RefNone, asm.RefLabel:
		return Reloc{}, false
	case asm.RefFunc, asm.RefKfunc:
		if in.Op == asm.OpCall {
			r.Type = Call
			in.Src, in.Imm = asm.PseudoCall, -1
			break
		}
		fallthrough
	default:
		in.Src = 0
	}
	in.ClearRef()
	return r, true
}

func (a *assembler) placeVars() {
	for i := range a.vars {
		v := &a.vars[i]
		s := a.section(v.section, v.zero)
		size := uint64(len(v.data))
		for v.offset = max(s.Size, uint64(len(s.Data))); size > 0 && size <= 8 && v.offset%size != 0; v.offset++ {
		}
		if s.Type == Nobits {
			s.Size = v.offset + size
		} else {
			s.Data = append(append(s.Data, make([]byte, v.offset-uint64(len(s.Data)))...), v.data...)
		}
		a.symbol(Symbol{Name: v.name, Section: v.section, Value: v.offset, Size: size, Bind: Global, Type: Object})
	}
}

// section finds or makes a data section.
func (a *assembler) section(name string, zero bool) *Section {
	for i := range a.f.Sections {
		if a.f.Sections[i].Name == name {
			return &a.f.Sections[i]
		}
	}
	s := Section{Name: name, Flags: Alloc, Align: 8}
	if zero {
		s.Type = Nobits
	}
	a.f.Sections = append(a.f.Sections, s)
	return &a.f.Sections[len(a.f.Sections)-1]
}

// placeMaps defines the maps: as structs of pointers, whose bytes are zero, or as structs of
// numbers.
func (a *assembler) placeMaps() {
	if len(a.maps) == 0 {
		return
	}
	s := Section{Name: ".maps", Flags: Alloc, Align: 8}
	if a.noBTF {
		s.Name = "maps"
	}
	order := binary.AppendByteOrder(binary.LittleEndian)
	if a.f.Order == asm.BigEndian {
		order = binary.BigEndian
	}
	for _, m := range a.maps {
		at := len(s.Data)
		if a.noBTF {
			s.Data = order.AppendUint32(s.Data, uint32(m.typ))
			for _, n := range m.nums {
				s.Data = order.AppendUint32(s.Data, n)
			}
		} else {
			s.Data = append(s.Data, make([]byte, mapSize)...)
		}
		a.symbol(Symbol{Name: m.name, Section: s.Name, Value: uint64(at), Size: uint64(len(s.Data) - at), Bind: Global, Type: Object})
	}
	a.f.Sections = append(a.f.Sections, s)
}
