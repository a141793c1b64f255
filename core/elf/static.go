package elf

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// Object is an object file to be linked. Its name is for errors.
type Object struct {
	Name string
	Data []byte
}

// ErrLink says that objects do not go together.
var ErrLink = errors.New("objects do not fit together")

// Link makes one object file of several, by the rules of libbpf's linker: sections of one name are
// put behind each other; a strong function or variable wins over weak ones, and of weak ones the
// first wins; a hidden one makes the result hidden; static ones stay apart; what one object declares
// another may define, with the same type; definitions of one map must agree; and so must licenses.
// Same objects in, same bytes out. Errors wrap [ErrLink] or are those of [LoadBytes].
func Link(objects ...Object) ([]byte, error) {
	if len(objects) == 0 {
		return nil, fmt.Errorf("link objects: there are none")
	}
	k := &staticLinker{globals: make(map[string]*global)}
	for i, o := range objects {
		in, err := openInput(o, i)
		if err != nil {
			return nil, fmt.Errorf("link %s: %w", o.Name, err)
		}
		k.inputs = append(k.inputs, in)
	}
	k.out = newImage(k.inputs[0].f.asmOrder())
	for _, pass := range []func(*input) error{k.addSections, k.resolve, k.addSymbols, k.addRelocs} {
		for _, in := range k.inputs {
			if err := pass(in); err != nil {
				return nil, fmt.Errorf("link %s: %w", in.name, err)
			}
		}
	}
	if err := k.addTypes(); err != nil {
		return nil, fmt.Errorf("link types: %w", err)
	}
	b, err := k.out.bytes()
	if err != nil {
		return nil, fmt.Errorf("link objects: %w", err)
	}
	return b, nil
}

// LinkCollection links objects and reads the result. See [Link].
func LinkCollection(objects ...Object) (*spec.Collection, error) {
	b, err := Link(objects...)
	if err != nil {
		return nil, err
	}
	return LoadBytes(b)
}

// staticLinker is one run of Link.
type staticLinker struct {
	inputs  []*input
	out     *image
	globals map[string]*global
	order   []*global
}

// input is one object that is being linked.
type input struct {
	name   string
	index  int
	f      *file
	relocs []*section
	types  *btf.Types
	ext    *btf.Ext

	doubled bool // instructions hold the values of symbols too

	section   []int             // by section: its number in the result, 0 if it is left out
	shift     []uint64          // by section: where it begins there
	symbol    []int             // by local symbol: its number in the result
	moved     map[uint32]uint64 // by symbol of a jump table: what was added to its entries
	ids       []btf.ID          // by type: its number in the result
	decls     map[string]btf.ID // FUNC and VAR by name, those that are not static
	sectionOf map[btf.ID]string // of these, as the types say
}

// global is a name that all objects share.
type global struct {
	name    string
	in      *input // of the definition, or of the first mention
	sym     *symbol
	defined bool
	weak    bool // the definition is weak; without one, all mentions are
	hidden  bool
	number  int
	decl    btf.ID // in the types of in; 0 is unknown
}

// linkError makes an error that wraps ErrLink.
func linkError(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrLink, fmt.Errorf(format, args...))
}

func openInput(o Object, index int) (*input, error) {
	f, err := openFile(o.Data)
	if err != nil {
		return nil, err
	}
	in := &input{name: o.Name, index: index, f: f, decls: make(map[string]btf.ID), sectionOf: make(map[btf.ID]string)}
	if in.relocs, err = f.relocSections(); err != nil {
		return nil, err
	}
	if in.doubled, err = f.doubled(in.relocs); err != nil {
		return nil, err
	}
	for i := range f.sections {
		switch s := &f.sections[i]; s.name {
		case ".BTF":
			err = in.readTypes(s)
		case ".BTF.ext":
			err = in.readExt(s)
		}
		if err != nil {
			return nil, err
		}
	}
	in.ownTables()
	in.section = make([]int, len(f.sections))
	in.shift = make([]uint64, len(f.sections))
	in.symbol = make([]int, len(f.symbols))
	return in, nil
}

func (in *input) readTypes(s *section) error {
	b, err := in.f.bytes(s)
	if err != nil {
		return err
	}
	if in.types, err = btf.Parse(bytes.Clone(b), btf.Options{Order: in.f.order}); err != nil {
		return err
	}
	if err := in.types.Validate(); err != nil {
		return err
	}
	for id, t := range in.types.All() {
		switch t := t.(type) {
		case *btf.Function:
			if t.Linkage != btf.LinkStatic {
				in.decls[t.Name] = id
			}
		case *btf.Var:
			if t.Linkage != btf.LinkStatic {
				in.decls[t.Name] = id
			}
		case *btf.Datasec:
			for _, v := range t.Vars {
				in.sectionOf[v.Type] = t.Name
			}
		}
	}
	return nil
}

func (in *input) readExt(s *section) error {
	if in.types == nil {
		return nil
	}
	b, err := in.f.bytes(s)
	if err != nil {
		return err
	}
	in.ext, err = btf.ParseExt(b, in.types)
	return err
}

// linked reports whether a section goes into the result as it is.
func linked(s *section) bool {
	switch {
	case s.typ != sectionProgbits && s.typ != sectionNobits, s.size == 0:
		return false
	case s.name == jumpSection:
		return s.typ == sectionProgbits
	case s.flags&flagAlloc == 0:
		return false
	case s.name == ".eh_frame", strings.HasPrefix(s.name, ".BTF"):
		return false
	}
	return true
}

// maxLinked bounds the bytes of one section of the result, zeroes included.
const maxLinked = 256 << 20

// addSections puts the sections of one object behind those of the same name.
func (k *staticLinker) addSections(in *input) error {
	if in.f.asmOrder() != k.inputs[0].f.asmOrder() {
		return linkError("its byte order is not that of %s", k.inputs[0].name)
	}
	for i := range in.f.sections {
		s := &in.f.sections[i]
		if !linked(s) {
			continue
		}
		if err := k.addSection(in, s); err != nil {
			return err
		}
	}
	return nil
}

func (k *staticLinker) addSection(in *input, s *section) error {
	var data []byte
	if s.typ != sectionNobits {
		b, err := in.f.claim(s)
		if err != nil {
			return err
		}
		data = b
	}
	old := k.out.named[s.name]
	n := k.out.section(s.name, s.typ, s.flags&^flagCompressed, s.align)
	to := k.out.at(n)
	switch {
	case old != 0 && (s.name == "license" || s.name == "version"):
		if !bytes.Equal(to.data, data) {
			return linkError("%s is %q here and %q before", s.name, bytes.TrimRight(data, "\x00"), bytes.TrimRight(to.data, "\x00"))
		}
		return nil // one is enough, and its symbol too
	case to.typ != s.typ:
		return linkError("section %q has bytes in one object and none in another", show(s.name))
	case to.flags&flagExec != s.flags&flagExec:
		return linkError("section %q is code in one object and data in another", show(s.name))
	case s.align&(s.align-1) != 0 || s.align > 1<<16:
		return s.fail(0, "alignment %d", s.align)
	case s.exec() && s.size%8 != 0:
		return s.fail(s.size, "size %d is not a multiple of 8", s.size)
	}
	to.align = max(to.align, s.align)
	size := max(to.size, uint64(len(to.data)))
	at := (size + max(s.align, 1) - 1) &^ (max(s.align, 1) - 1)
	if at+s.size > maxLinked || s.size > maxLinked {
		return linkError("section %q has more than %d bytes", show(s.name), maxLinked)
	}
	if s.typ == sectionNobits {
		to.size = at + s.size
	} else {
		to.data = append(to.data, make([]byte, at-uint64(len(to.data)))...)
		to.data = append(to.data, data...)
	}
	in.section[s.index], in.shift[s.index] = n, at
	return nil
}

// shared reports whether a symbol has a name that all objects share.
func (s *symbol) shared() bool {
	return s.bind != bindLocal && s.name != "" && s.typ != symbolSection && s.typ != symbolFile
}

// dropped reports whether the symbol is in a section that is left out.
func (in *input) dropped(s *symbol) bool {
	return s.defined() && (uint64(s.section) >= uint64(len(in.section)) || in.section[s.section] == 0)
}

// resolve finds the definition of every shared name.
func (k *staticLinker) resolve(in *input) error {
	for i := range in.f.symbols {
		s := &in.f.symbols[i]
		if !s.shared() || in.dropped(s) {
			continue
		}
		if s.special {
			return linkError("%w", s.homeless())
		}
		if s.defined() {
			if _, _, err := in.f.check(uint32(i)); err != nil {
				return err
			}
		}
		g := &global{name: s.name, in: in, sym: s, defined: s.defined(), weak: s.bind == bindWeak, hidden: s.hidden, decl: in.decls[s.name]}
		old := k.globals[s.name]
		if old == nil {
			k.globals[s.name] = g
			k.order = append(k.order, g)
			continue
		}
		if err := k.merge(old, g); err != nil {
			return err
		}
	}
	return nil
}

// merge settles which of two mentions of a name counts.
func (k *staticLinker) merge(old, g *global) error {
	if old.in == g.in {
		return linkError("symbol %q is there twice", show(g.name))
	}
	hidden := old.hidden || g.hidden
	if err := agree(old, g); err != nil {
		return err
	}
	switch {
	case old.defined && g.defined && !old.weak && !g.weak:
		return linkError("%q is defined here and in %s", show(g.name), old.in.name)
	case !old.defined && g.defined, old.defined && g.defined && old.weak && !g.weak:
		*old = *g
	case !old.defined && !g.defined:
		old.weak = old.weak && g.weak
		if old.decl == 0 && g.decl != 0 {
			old.in, old.sym, old.decl = g.in, g.sym, g.decl
		}
	}
	old.hidden = hidden
	return nil
}

// addSymbols adds the local symbols of one object, and the shared ones that are settled by it.
func (k *staticLinker) addSymbols(in *input) error {
	for i := range in.f.symbols {
		s := &in.f.symbols[i]
		if i == 0 || in.dropped(s) || s.special || s.typ == symbolFile {
			continue
		}
		switch {
		case s.shared():
			if g := k.globals[s.name]; g.in == in && g.sym == s {
				g.number = k.out.symbol(k.outGlobal(g))
			}
		case s.typ == symbolSection && s.defined():
			in.symbol[i] = k.out.mark(in.section[s.section])
		case s.defined() && s.bind == bindLocal:
			in.symbol[i] = k.out.symbol(outSymbol{
				name: s.name, section: in.section[s.section], value: s.value + in.shift[s.section], size: s.size, typ: s.typ,
			})
		}
	}
	return nil
}

func (k *staticLinker) outGlobal(g *global) outSymbol {
	s := outSymbol{name: g.name, bind: bindGlobal}
	if g.weak {
		s.bind = bindWeak
	}
	if g.hidden {
		s.visibility = visibilityHidden
	}
	if g.defined {
		s.section, s.value = g.in.section[g.sym.section], g.sym.value+g.in.shift[g.sym.section]
		s.size, s.typ = g.sym.size, g.sym.typ
	}
	return s
}

// addRelocs moves the relocations of one object. Those that count from the start of a section have
// what they add in the bytes that they patch.
func (k *staticLinker) addRelocs(in *input) error {
	for i, r := range in.relocs {
		if r == nil || in.section[i] == 0 {
			continue
		}
		list, err := in.f.relocations(nil, r)
		if err != nil {
			return err
		}
		to := k.out.at(in.section[i])
		for _, x := range list {
			n, shift, err := k.target(in, x.symbol)
			if err != nil {
				return r.fail(x.entry, "%w", err)
			}
			if n == 0 {
				return r.fail(x.entry, "relocation refers to symbol %q, which is not linked", show(in.f.symbols[x.symbol].name))
			}
			if in.isTable(&in.f.symbols[x.symbol]) && in.f.sections[i].exec() {
				if err := k.moveTable(in, x.symbol, in.shift[i]); err != nil {
					return r.fail(x.entry, "%w", err)
				}
			}
			at := x.offset + in.shift[i]
			if in.doubled && in.f.sections[i].exec() && at+8 <= uint64(len(to.data)) {
				imm := to.data[at+4:]
				k.out.order().PutUint32(imm, k.out.order().Uint32(imm)-uint32(in.f.doubledBy(x)))
			}
			if shift != 0 {
				if err := k.addend(to, at, x.typ, shift); err != nil {
					return r.fail(x.entry, "%w", err)
				}
			}
			to.relocs = append(to.relocs, outReloc{offset: at, symbol: n, typ: x.typ})
		}
	}
	return nil
}

// target gives the symbol of the result that stands for one of an object, and what has to be added
// to what counts from it.
func (k *staticLinker) target(in *input, i uint32) (number int, shift uint64, err error) {
	s := &in.f.symbols[i]
	if s.shared() {
		if in.dropped(s) {
			return 0, 0, nil
		}
		return k.globals[s.name].number, 0, nil
	}
	if s.typ == symbolSection && s.defined() && uint64(s.section) < uint64(len(in.shift)) {
		return in.symbol[i], in.shift[s.section], nil
	}
	return in.symbol[i], 0, nil
}

// addend adds to the number that a relocation patches.
func (k *staticLinker) addend(to *outSection, at uint64, typ uint32, shift uint64) error {
	o := k.out.order()
	width := uint64(8)
	if typ == relocAbs32 || typ == relocNoDyn32 {
		width = 4
	}
	if at+width > uint64(len(to.data)) {
		return linkError("relocation of %d bytes at %#x is outside the section", width, at)
	}
	b := to.data[at:]
	switch typ {
	case relocCall:
		o.PutUint32(b[4:], o.Uint32(b[4:])+uint32(shift/8))
	case relocLoad64:
		if to.flags&flagExec == 0 {
			o.PutUint64(b, o.Uint64(b)+shift)
		} else {
			o.PutUint32(b[4:], o.Uint32(b[4:])+uint32(shift))
		}
	case relocAbs64:
		o.PutUint64(b, o.Uint64(b)+shift)
	case relocAbs32, relocNoDyn32:
		o.PutUint32(b, o.Uint32(b)+uint32(shift))
	default:
		return linkError("relocation of unknown type %d", typ)
	}
	return nil
}

// sortedVars puts variables of a section into the order of their places.
func sortedVars(v []btf.SecVar) {
	slices.SortStableFunc(v, func(a, b btf.SecVar) int { return int(int64(a.Offset) - int64(b.Offset)) })
}
