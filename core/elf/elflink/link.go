package elflink

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/elf/internal/object"
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
// joined in the order of the inputs; a strong function or variable wins over weak ones, and of weak
// ones the first wins; a hidden one makes the result hidden; static ones stay apart; what one
// object declares another may define, with the same type; definitions of one map must agree; and so
// must licenses. Same objects in, same bytes out. Errors wrap [ErrLink] or are those of
// [LoadBytes].
func Link(objects ...Object) ([]byte, error) {
	if len(objects) == 0 {
		return nil, fmt.Errorf("link objects: there are none")
	}
	k := &linker{globals: make(map[string]*global)}
	for i, o := range objects {
		in, err := openInput(o, i)
		if err != nil {
			return nil, fmt.Errorf("link %s: %w", o.Name, err)
		}
		k.inputs = append(k.inputs, in)
	}
	k.out = object.NewImage(k.inputs[0].f.Order)
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
	b, err := k.out.Bytes()
	if err != nil {
		return nil, fmt.Errorf("link objects: %w", err)
	}
	return b, nil
}

// Load links objects and reads the result. See [Link].
func Load(objects ...Object) (*spec.Collection, error) {
	b, err := Link(objects...)
	if err != nil {
		return nil, err
	}
	return elf.LoadBytes(b, elf.Options{})
}

// linker is one run of Link.
type linker struct {
	inputs  []*input
	out     *object.Image
	globals map[string]*global
	order   []*global
}

// input is one object that is being linked.
type input struct {
	name   string
	index  int
	f      *object.File
	relocs []*object.Section
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
	sym     *object.Symbol
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
	f, err := object.Open(o.Data)
	if err != nil {
		return nil, err
	}
	in := &input{name: o.Name, index: index, f: f, decls: make(map[string]btf.ID), sectionOf: make(map[btf.ID]string)}
	if in.relocs, err = f.RelocSections(); err != nil {
		return nil, err
	}
	if in.doubled, err = f.HasAddendInPlace(in.relocs); err != nil {
		return nil, err
	}
	for i := range f.Sections {
		switch s := &f.Sections[i]; s.Name {
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
	in.section = make([]int, len(f.Sections))
	in.shift = make([]uint64, len(f.Sections))
	in.symbol = make([]int, len(f.Symbols))
	return in, nil
}

func (in *input) readTypes(s *object.Section) error {
	b, err := in.f.Bytes(s)
	if err != nil {
		return err
	}
	if in.types, err = btf.Parse(bytes.Clone(b), btf.Options{Order: in.f.Order}); err != nil {
		return err
	}
	if err := in.types.Validate(); err != nil {
		return err
	}
	for id, t := range in.types.All() {
		switch t := t.(type) {
		case *btf.Func:
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

func (in *input) readExt(s *object.Section) error {
	if in.types == nil {
		return nil
	}
	b, err := in.f.Bytes(s)
	if err != nil {
		return err
	}
	in.ext, err = btf.ParseExt(b, in.types)
	return err
}

// linked reports whether a section goes into the result as it is.
func linked(s *object.Section) bool {
	switch {
	case s.Type != object.SectionProgbits && s.Type != object.SectionNobits, s.Size == 0:
		return false
	case s.Name == object.JumpSection:
		return s.Type == object.SectionProgbits
	case s.Flags&object.FlagAlloc == 0:
		return false
	case s.Name == ".eh_frame", strings.HasPrefix(s.Name, ".BTF"):
		return false
	}
	return true
}

// maxLinked bounds the bytes of one section of the result, zeroes included.
const maxLinked = 256 << 20

// addSections appends the sections of one object to those of the same name.
func (k *linker) addSections(in *input) error {
	if in.f.Order != k.inputs[0].f.Order {
		return linkError("its byte order is not that of %s", k.inputs[0].name)
	}
	for i := range in.f.Sections {
		s := &in.f.Sections[i]
		if !linked(s) {
			continue
		}
		if err := k.addSection(in, s); err != nil {
			return err
		}
	}
	return nil
}

func (k *linker) addSection(in *input, s *object.Section) error {
	var data []byte
	if s.Type != object.SectionNobits {
		b, err := in.f.Claim(s)
		if err != nil {
			return err
		}
		data = b
	}
	old := k.out.Named[s.Name]
	n := k.out.Section(s.Name, s.Type, s.Flags&^object.FlagCompressed, s.Align)
	to := k.out.At(n)
	switch {
	case old != 0 && (s.Name == "license" || s.Name == "version"):
		if !bytes.Equal(to.Data, data) {
			return linkError("%s is %q here and %q before", s.Name, bytes.TrimRight(data, "\x00"), bytes.TrimRight(to.Data, "\x00"))
		}
		return nil // one is enough, and its symbol too
	case to.Type != s.Type:
		return linkError("section %q has bytes in one object and none in another", object.Show(s.Name))
	case to.Flags&object.FlagExec != s.Flags&object.FlagExec:
		return linkError("section %q is code in one object and data in another", object.Show(s.Name))
	case s.Align&(s.Align-1) != 0 || s.Align > 1<<16:
		return s.Errorf(0, "alignment %d", s.Align)
	case s.IsCode() && s.Size%8 != 0:
		return s.Errorf(s.Size, "size %d is not a multiple of 8", s.Size)
	}
	to.Align = max(to.Align, s.Align)
	size := max(to.Size, uint64(len(to.Data)))
	at := (size + max(s.Align, 1) - 1) &^ (max(s.Align, 1) - 1)
	if at+s.Size > maxLinked || s.Size > maxLinked {
		return linkError("section %q has more than %d bytes", object.Show(s.Name), maxLinked)
	}
	if s.Type == object.SectionNobits {
		to.Size = at + s.Size
	} else {
		to.Data = append(to.Data, make([]byte, at-uint64(len(to.Data)))...)
		to.Data = append(to.Data, data...)
	}
	in.section[s.Index], in.shift[s.Index] = n, at
	return nil
}

// shared reports whether a symbol has a name that all objects share.
func shared(s *object.Symbol) bool {
	return s.Bind != object.BindLocal && s.Name != "" && s.Type != object.SymbolSection && s.Type != object.SymbolFile
}

// dropped reports whether the symbol is in a section that is left out.
func (in *input) dropped(s *object.Symbol) bool {
	return s.Defined() && (uint64(s.Section) >= uint64(len(in.section)) || in.section[s.Section] == 0)
}

// resolve finds the definition of every shared name.
func (k *linker) resolve(in *input) error {
	for i := range in.f.Symbols {
		s := &in.f.Symbols[i]
		if !shared(s) || in.dropped(s) {
			continue
		}
		if s.Special {
			return linkError("%w", s.NoSectionError())
		}
		if s.Defined() {
			if _, _, err := in.f.Symbol(uint32(i)); err != nil {
				return err
			}
		}
		g := &global{name: s.Name, in: in, sym: s, defined: s.Defined(), weak: s.Bind == object.BindWeak, hidden: s.Hidden, decl: in.decls[s.Name]}
		old := k.globals[s.Name]
		if old == nil {
			k.globals[s.Name] = g
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
func (k *linker) merge(old, g *global) error {
	if old.in == g.in {
		return linkError("symbol %q is there twice", object.Show(g.name))
	}
	hidden := old.hidden || g.hidden
	if err := agree(old, g); err != nil {
		return err
	}
	switch {
	case old.defined && g.defined && !old.weak && !g.weak:
		return linkError("%q is defined here and in %s", object.Show(g.name), old.in.name)
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
func (k *linker) addSymbols(in *input) error {
	for i := range in.f.Symbols {
		s := &in.f.Symbols[i]
		if i == 0 || in.dropped(s) || s.Special || s.Type == object.SymbolFile {
			continue
		}
		switch {
		case shared(s):
			if g := k.globals[s.Name]; g.in == in && g.sym == s {
				g.number = k.out.AddSymbol(k.outGlobal(g))
			}
		case s.Type == object.SymbolSection && s.Defined():
			in.symbol[i] = k.out.SectionSymbol(in.section[s.Section])
		case s.Defined() && s.Bind == object.BindLocal:
			in.symbol[i] = k.out.AddSymbol(object.OutSymbol{
				Name: s.Name, Section: in.section[s.Section], Value: s.Value + in.shift[s.Section], Size: s.Size, Type: s.Type,
			})
		}
	}
	return nil
}

func (k *linker) outGlobal(g *global) object.OutSymbol {
	s := object.OutSymbol{Name: g.name, Bind: object.BindGlobal}
	if g.weak {
		s.Bind = object.BindWeak
	}
	if g.hidden {
		s.Visibility = object.VisibilityHidden
	}
	if g.defined {
		s.Section, s.Value = g.in.section[g.sym.Section], g.sym.Value+g.in.shift[g.sym.Section]
		s.Size, s.Type = g.sym.Size, g.sym.Type
	}
	return s
}

// addRelocs moves the relocations of one object. Those that count from the start of a section have
// what they add in the bytes that they patch.
func (k *linker) addRelocs(in *input) error {
	for i, r := range in.relocs {
		if r == nil || in.section[i] == 0 {
			continue
		}
		list, err := in.f.Relocations(nil, r)
		if err != nil {
			return err
		}
		to := k.out.At(in.section[i])
		for _, x := range list {
			n, shift, err := k.target(in, x.Symbol)
			if err != nil {
				return r.Errorf(x.Entry, "%w", err)
			}
			if n == 0 {
				return r.Errorf(x.Entry, "relocation refers to symbol %q, which is not linked", object.Show(in.f.Symbols[x.Symbol].Name))
			}
			if in.isTable(&in.f.Symbols[x.Symbol]) && in.f.Sections[i].IsCode() {
				if err := k.moveTable(in, x.Symbol, in.shift[i]); err != nil {
					return r.Errorf(x.Entry, "%w", err)
				}
			}
			at := x.Offset + in.shift[i]
			if in.doubled && in.f.Sections[i].IsCode() && at+8 <= uint64(len(to.Data)) {
				imm := to.Data[at+4:]
				k.out.Order().PutUint32(imm, k.out.Order().Uint32(imm)-uint32(in.f.AddendInPlace(x)))
			}
			if shift != 0 {
				if err := k.addend(to, at, x.Type, shift); err != nil {
					return r.Errorf(x.Entry, "%w", err)
				}
			}
			to.Relocs = append(to.Relocs, object.OutReloc{Offset: at, Symbol: n, Type: x.Type})
		}
	}
	return nil
}

// target returns the symbol of the result that replaces one of an object, and what has to be added
// to what counts from it.
func (k *linker) target(in *input, i uint32) (number int, shift uint64, err error) {
	s := &in.f.Symbols[i]
	if shared(s) {
		if in.dropped(s) {
			return 0, 0, nil
		}
		return k.globals[s.Name].number, 0, nil
	}
	if s.Type == object.SymbolSection && s.Defined() && uint64(s.Section) < uint64(len(in.shift)) {
		return in.symbol[i], in.shift[s.Section], nil
	}
	return in.symbol[i], 0, nil
}

// addend adds to the number that a relocation patches.
func (k *linker) addend(to *object.OutSection, at uint64, typ uint32, shift uint64) error {
	o := k.out.Order()
	width := uint64(8)
	if typ == object.RelocAbs32 || typ == object.RelocNoDyn32 {
		width = 4
	}
	if at+width > uint64(len(to.Data)) {
		return linkError("relocation of %d bytes at %#x is outside the section", width, at)
	}
	b := to.Data[at:]
	switch typ {
	case object.RelocCall:
		o.PutUint32(b[4:], o.Uint32(b[4:])+uint32(shift/8))
	case object.RelocLoad64:
		if to.Flags&object.FlagExec == 0 {
			o.PutUint64(b, o.Uint64(b)+shift)
		} else {
			o.PutUint32(b[4:], o.Uint32(b[4:])+uint32(shift))
		}
	case object.RelocAbs64:
		o.PutUint64(b, o.Uint64(b)+shift)
	case object.RelocAbs32, object.RelocNoDyn32:
		o.PutUint32(b, o.Uint32(b)+uint32(shift))
	default:
		return linkError("relocation of unknown type %d", typ)
	}
	return nil
}
