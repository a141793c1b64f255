package elfwrite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/elf/internal/object"
	"github.com/bpfhost/bpfhost/core/elf/internal/secdef"
	"github.com/bpfhost/bpfhost/core/spec"
)

// ErrWrite says that a collection has something that an object file cannot say.
var ErrWrite = errors.New("no object file can say this")

// Write makes an object file of a collection that passes Check: what libbpf and [LoadBytes] read.
// The object is read again before it is returned, so what is lost in it is an error: it wraps
// [ErrWrite].
//
// An object file has no place for attachments; they are left out. Maps are defined with BTF, which
// is made where the collection has none or another definition. Programs whose section does not
// stand for what they are get one that does. Functions that programs have in common are written
// once; those of one name that differ get names of their own.
func Write(c *spec.Collection) ([]byte, error) {
	b, err := writeObject(c)
	if err != nil {
		return nil, fmt.Errorf("write object: %w", err)
	}
	return b, nil
}

func writeObject(c *spec.Collection) ([]byte, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	c = c.Clone()
	w := &writer{c: c, names: spec.NewIndex(c), varsOf: varsByMap(c), m: object.NewImage(byteOrderOf(c.Order)), ext: &btf.Ext{}, extOf: make(map[string]int), symbols: make(map[string]int), decls: make(map[string]btf.ID), tables: make(map[string]bool), funcs: make(map[string]*outFunc), shared: make(map[codeKey][]*outFunc), numbers: make(map[string]int)}
	for _, pass := range []func() error{
		w.normalise, w.shareFuncs, w.openTypes, w.addTexts, w.addData, w.addMaps, w.addExterns,
		w.addFuncs, w.addTables, w.addCode, w.addValues, w.closeTypes,
	} {
		if err := pass(); err != nil {
			return nil, err
		}
	}
	b, err := w.m.Bytes()
	if err != nil {
		return nil, err
	}
	return b, w.verify(b)
}

// byteOrderOf returns what writes numbers in that byte order.
func byteOrderOf(o asm.ByteOrder) binary.ByteOrder {
	if o == asm.BigEndian {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// collectionWriter is one run of Write.
type writer struct {
	c       *spec.Collection // a copy, as the object will be read
	names   *spec.Index      // of c
	varsOf  map[string][]*spec.Var
	m       *object.Image
	ext     *btf.Ext
	extOf   map[string]int    // by section: its index in ext.Sections
	symbols map[string]int    // by name: maps, variables, externs, jump tables
	decls   map[string]btf.ID // by map: its definition
	tables  map[string]bool   // names of jump tables
	funcs   map[string]*outFunc
	shared  map[codeKey][]*outFunc // see shareFunc
	numbers map[string]int         // by name of a function: the number that is tried next
	order   []*outFunc
	types   typeWriter
}

// varsByMap lists the variables in each map.
func varsByMap(c *spec.Collection) map[string][]*spec.Var {
	out := make(map[string][]*spec.Var)
	for _, v := range c.Vars {
		out[v.Map] = append(out[v.Map], v)
	}
	return out
}

// outFunc is a function about to be written.
type outFunc struct {
	name    string
	program *spec.Program // set for an entry
	section string
	from    *spec.Program // where its code is
	first   int           // index of its first instruction there
	end     int           // index after the last one
	info    *btf.FuncInfo
	static  bool
	symbol  int
	number  int // of its section
	at      uint64
}

// normalise takes out what an object does not say and sets what it says by itself.
func (w *writer) normalise() error {
	w.c.Attach, w.c.Notes = nil, nil
	for _, p := range w.c.Programs {
		name, err := sectionOf(p)
		if err != nil {
			return err
		}
		p.Section = name
	}
	for _, m := range w.c.Maps {
		switch {
		case m.Name == object.KconfigSection:
		case m.Type == spec.MapStructOps:
			m.Section = structOpsSection(m)
		case w.isData(m):
			if !object.IsData(m.Name) {
				return fmt.Errorf("%w: the name of data section %q begins with none of .data, .rodata and .bss", ErrWrite, object.Show(m.Name))
			}
			m.Section = m.Name
		default:
			m.Section = ".maps"
		}
		if m.Inner != nil {
			m.Inner.Section, m.Inner.Name = m.Section, m.Name+".inner"
		}
	}
	for _, v := range w.c.Vars {
		if m := w.names.Map(v.Map); m != nil {
			v.Section = m.Section
			if m.Type == spec.MapArena {
				v.Section = object.ArenaSection
			}
		}
	}
	return nil
}

func structOpsSection(m *spec.Map) string {
	name := ".struct_ops"
	if m.Flags&spec.FlagLink != 0 {
		name += ".link"
	}
	if m.Optional {
		name = object.OptionalMark + name
	}
	return name
}

// isData reports whether the map is a data section.
func (w *writer) isData(m *spec.Map) bool {
	if m.Type != spec.MapArray {
		return false
	}
	return m.Data != nil || m.Freeze || len(w.varsOf[m.Name]) > 0
}

// sectionOf returns the name of a section that implies what the program is: its own if that does.
func sectionOf(p *spec.Program) (string, error) {
	same := func(r secdef.Def, target string) bool {
		probe := r.Probe == p.Probe || p.Probe == spec.ProbeNone || p.Type != spec.ProgramKprobe
		return r.Type == p.Type && r.AttachType == p.AttachType && r.Flags == p.Flags && probe && (target == p.AttachTo || p.Type == spec.ProgramStructOps)
	}
	if r, target, ok := secdef.Match(strings.TrimPrefix(p.Section, object.OptionalMark)); ok && same(r, target) && strings.HasPrefix(p.Section, object.OptionalMark) == p.Optional {
		return p.Section, nil
	}
	for _, r := range secdef.Defs {
		base, open := strings.CutSuffix(r.Pattern, "+")
		if !same(r, p.AttachTo) || p.AttachTo != "" && !open {
			continue
		}
		if p.AttachTo != "" && p.Type != spec.ProgramStructOps {
			base += "/" + p.AttachTo
		}
		if p.Optional {
			base = object.OptionalMark + base
		}
		return base, nil
	}
	return "", fmt.Errorf("%w: no name of a section stands for program %q of type %v, attach type %v, flags %#x", ErrWrite, object.Show(p.Name), p.Type, p.AttachType, uint32(p.Flags))
}

// addTexts adds license and version.
func (w *writer) addTexts() error {
	add := func(name string, data []byte, align uint64) {
		n := w.m.Section(name, object.SectionProgbits, object.FlagAlloc|object.FlagWrite, align)
		w.m.At(n).Data = data
		for _, v := range w.types.varsOf(name) {
			w.m.AddSymbol(object.OutSymbol{Name: v, Section: n, Size: uint64(len(data)), Bind: object.BindGlobal, Type: object.SymbolObject})
		}
	}
	if w.c.License != "" || w.types.varsOf("license") != nil {
		add("license", append([]byte(w.c.License), 0), 1)
	}
	if w.c.KernelVersion != 0 {
		add("version", w.m.Order().AppendUint32(nil, w.c.KernelVersion), 4)
	}
	return nil
}

// addData adds data sections and their variables.
func (w *writer) addData() error {
	for _, m := range w.c.Maps {
		if m.Name == object.KconfigSection {
			continue
		}
		name := m.Name
		switch {
		case m.Type == spec.MapArena && m.Data != nil:
			name = object.ArenaSection
		case m.Type == spec.MapArena, m.Section == ".maps", m.Type == spec.MapStructOps:
			continue
		}
		if err := w.addDataSection(m, name); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) addDataSection(m *spec.Map, name string) error {
	typ, flags := uint32(object.SectionProgbits), uint64(object.FlagAlloc|object.FlagWrite)
	if strings.HasPrefix(name, ".rodata") {
		flags = object.FlagAlloc
	}
	zero := !slices.ContainsFunc(m.Data, func(b byte) bool { return b != 0 })
	if m.Data == nil || zero && strings.HasPrefix(name, ".bss") {
		typ = object.SectionNobits
	} else if strings.HasPrefix(name, ".bss") {
		return fmt.Errorf("%w: section %s has bytes that are not zero", ErrWrite, name)
	}
	n := w.m.Section(name, typ, flags, 8)
	s := w.m.At(n)
	if typ == object.SectionNobits {
		s.Size = uint64(m.ValueSize)
	} else {
		s.Data = m.Data
	}
	for _, v := range w.varsOf[m.Name] {
		w.symbols[v.Name] = w.m.AddSymbol(object.OutSymbol{
			Name: v.Name, Section: n, Value: uint64(v.Offset), Size: uint64(v.Size), Type: object.SymbolObject,
			Bind: bindOf(v.Linkage), Visibility: visibilityOf(v.Linkage),
		})
	}
	return nil
}

func bindOf(l spec.Linkage) uint8 {
	switch l {
	case spec.LinkStatic:
		return object.BindLocal
	case spec.LinkWeak:
		return object.BindWeak
	}
	return object.BindGlobal
}

func visibilityOf(l spec.Linkage) uint8 {
	if l == spec.LinkHidden {
		return object.VisibilityHidden
	}
	return 0
}

// addExterns adds the symbols of what the kernel provides.
func (w *writer) addExterns() error {
	for _, e := range w.c.Externs {
		s := object.OutSymbol{Name: e.Name, Bind: object.BindGlobal}
		if e.Weak {
			s.Bind = object.BindWeak
		}
		w.symbols[e.Name] = w.m.AddSymbol(s)
		size := uint32(0)
		if v := w.names.Var(e.Name); v != nil && e.Kind == spec.ExternKconfig {
			size = v.Size
		}
		w.types.extern(e, size)
	}
	return nil
}

// verify reads the object and compares.
func (w *writer) verify(b []byte) error {
	got, err := elf.LoadBytes(b, elf.Options{MaxData: 1 << 32, MaxInsns: 1 << 24})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrWrite, err)
	}
	want := w.c.Clone()
	for _, c := range []*spec.Collection{want, got} {
		slices.Sort(c.Hidden)
		c.BTF = nil
		if w.types.own {
			forgetTypes(c)
		}
	}
	read := spec.NewIndex(got)
	for _, m := range want.Maps {
		if o := read.Map(m.Name); o != nil && m.Value == 0 && w.isData(m) {
			o.Value = 0 // the section's own type, which one that was resized has none of
		}
	}
	changes := spec.Diff(want, got)
	if len(changes) == 0 {
		return nil
	}
	text := strings.ReplaceAll(strings.TrimSpace(string(spec.AppendChanges(nil, changes[:1]))), "\n", "; ")
	if len(text) > 300 {
		text = text[:300] + "…"
	}
	return fmt.Errorf("%w: %s", ErrWrite, text)
}

// forgetTypes takes out the numbers of types, which the writer made.
func forgetTypes(c *spec.Collection) {
	for _, m := range c.Maps {
		for ; m != nil; m = m.Inner {
			m.Key, m.Value = 0, 0
		}
	}
	for _, v := range c.Vars {
		v.Type = 0
	}
	for i := range c.Externs {
		c.Externs[i].Type = 0
	}
}

// refersToFunc reports whether the instruction calls a function of the program or takes its
// address.
func refersToFunc(in *asm.Insn) bool {
	return in.Flags&asm.Raw == 0 && (in.Op == asm.OpCall && in.Src == asm.PseudoCall || in.Op == asm.OpLoadImm64 && in.Src == asm.PseudoFunc)
}
