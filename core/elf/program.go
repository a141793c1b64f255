package elf

import (
	"cmp"
	"hash/maphash"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf/internal/object"
	"github.com/bpfhost/bpfhost/core/internal/pack"
	"github.com/bpfhost/bpfhost/core/spec"
)

// function is a piece of a code section that a symbol names. Files can have very many: it is small.
type function struct {
	symbol *object.Symbol // its name is unique in the file
	slot   uint32         // where it starts in the section
	slots  uint32         // its size
	calls  [2]uint32      // from where on, and up to where, codeTable.calls are what it refers to, each once, in order
	typ    btf.ID         // what BTF says that it is
	first  uint32         // its first instruction in the pack of the section
	insns  uint32         // how many it has
	labels asm.Label      // largest label
	mark   int32          // number of the last function that was found to call it; then, negative, of the last program that has it
	called bool           // an instruction refers to it
	entry  bool           // it is a program
}

// off returns the function's offset in its section, in bytes.
func (f *function) off() uint64 { return uint64(f.slot) * asm.SlotSize }

// size returns the function's size, in bytes.
func (f *function) size() uint64 { return uint64(f.slots) * asm.SlotSize }

// name returns the function's name.
func (f *function) name() string { return f.symbol.Name }

// static reports whether only its own file knows the function.
func (f *function) static() bool { return f.symbol.Bind == object.BindLocal }

// funcTable has the functions of all code sections.
type funcTable struct {
	f        *object.File
	sections []*object.Section // with code

	funcs [][]function // by section, in order of offset

	globals map[string]*function // the first of each name that is not static; see globalFunc
}

// codeTable has what the functions are made of.
type codeTable struct {
	packs    []*pack.Pack // by section: the instructions of its functions
	calls    []*function  // of all functions
	jumps    map[*function][]tableUse
	referred []bool // by section: an instruction refers to a data section
}

// sectionOf returns the section that a function is in.
func (t *funcTable) sectionOf(fn *function) *object.Section { return &t.f.Sections[fn.symbol.Section] }

// code returns the function's bytes, which are known to be in the file.
func (t *funcTable) code(fn *function) []byte {
	at := t.sectionOf(fn).Offset + fn.off()
	return t.f.Data[at : at+fn.size()]
}

// callsOf returns what the function refers to.
func (t *codeTable) callsOf(fn *function) []*function { return t.calls[fn.calls[0]:fn.calls[1]] }

// readFuncs finds the functions of all code sections.
func (l *loader) readFuncs() (funcTable, error) {
	t := funcTable{f: l.f, sections: l.sections.code, funcs: make([][]function, len(l.f.Sections))}
	for _, s := range t.sections {
		if err := l.o.check(); err != nil {
			return t, err
		}
		list, err := l.readSectionFuncs(s)
		if err != nil {
			return t, err
		}
		t.funcs[s.Index] = list
	}
	return t, l.nameFuncs(&t)
}

func (l *loader) readSectionFuncs(s *object.Section) ([]function, error) {
	if s.Size%8 != 0 {
		return nil, s.Errorf(s.Size, "size %d is not a multiple of 8", s.Size)
	}
	if s.Size > math.MaxUint32 {
		return nil, s.Errorf(0, "%d bytes of code are too long", s.Size)
	}
	list, err := l.funcSymbols(s)
	if err != nil {
		return nil, err
	}
	slab := l.functions.many(len(list))[:0]
	guessed := false
	for k, i := range list {
		sym := &l.f.Symbols[i]
		off, size, next := sym.Value, sym.Size, s.Size
		if k+1 < len(list) {
			next = l.f.Symbols[list[k+1]].Value
		}
		if size == 0 {
			size, guessed = next-off, true
		}
		switch {
		case off%8 != 0 || size%8 != 0:
			return nil, s.Errorf(off, "function %q of %d bytes is not made of whole instructions", object.Show(sym.Name), size)
		case size == 0:
			return nil, s.Errorf(off, "function %q is empty", object.Show(sym.Name))
		case size > next-off:
			return nil, s.Errorf(off, "function %q of %d bytes overlaps %q at %#x", object.Show(sym.Name), size, object.Show(l.f.Symbols[list[k+1]].Name), next)
		}
		slab = append(slab, function{symbol: sym, slot: uint32(off / asm.SlotSize), slots: uint32(size / asm.SlotSize)})
	}
	if guessed {
		l.note(NoteSizes, "functions of section %s have no size; taken from the next symbol or the end of the section", s.Name)
	}
	return slab, nil
}

// funcSymbols returns the symbols of a section's functions in order of offset, one for each place.
// Old compilers did not mark functions: then every named symbol is one, except for labels of basic
// blocks.
func (l *loader) funcSymbols(s *object.Section) ([]uint32, error) {
	list := l.list[:0]
	for _, i := range l.symbols.of(s) {
		if l.f.Symbols[i].Type == object.SymbolFunc {
			list = append(list, i)
		}
	}
	if len(list) == 0 {
		for _, i := range l.symbols.of(s) {
			if unmarkedFunc(&l.f.Symbols[i]) {
				list = append(list, i)
			}
		}
	}
	l.list = list
	for _, i := range list {
		if _, _, err := l.f.Symbol(i); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(list, func(a, b uint32) int {
		x, y := &l.f.Symbols[a], &l.f.Symbols[b]
		return cmp.Or(cmp.Compare(x.Value, y.Value), cmp.Compare(min(y.Bind, 1), min(x.Bind, 1)))
	})
	return slices.CompactFunc(list, func(a, b uint32) bool { return l.f.Symbols[a].Value == l.f.Symbols[b].Value }), nil
}

// unmarkedFunc reports whether a symbol without a type can be a function.
func unmarkedFunc(s *object.Symbol) bool {
	label := s.Bind == object.BindLocal && (strings.HasPrefix(s.Name, "LBB") || strings.HasPrefix(s.Name, ".L"))
	return s.Type == object.SymbolNone && s.Name != "" && !label
}

// nameFuncs makes names unique: two global functions of one name are an error, static ones get a
// number, as files that were linked from several have them.
func (l *loader) nameFuncs(t *funcTable) error {
	total := 0
	for _, s := range t.sections {
		total += len(t.funcs[s.Index])
	}
	if !t.sameNames(total) {
		return nil
	}
	first := make(map[string]*function, total)
	count := make(map[string]int)
	for _, static := range []bool{false, true} {
		for _, s := range t.sections {
			for i := range t.funcs[s.Index] {
				fn := &t.funcs[s.Index][i]
				if fn.static() != static {
					continue
				}
				if other := first[fn.name()]; other != nil && !static {
					return s.Errorf(fn.off(), "second function named %q, the first is at %s+%#x", object.Show(fn.name()), object.Show(t.sectionOf(other).Name), other.off())
				}
				if other := first[fn.name()]; other != nil {
					l.note(NoteDuplicate, "static function %s of section %s has the name of another", fn.name(), s.Name)
				}
				base := fn.name()
				for first[fn.name()] != nil {
					count[base]++
					fn.symbol.Name = base + "." + strconv.Itoa(count[base]+1)
				}
				first[fn.name()] = fn
			}
		}
	}
	return nil
}

// sameNames reports whether two functions may have one name: whether the hashes of two names are the same.
func (t *funcTable) sameNames(funcs int) bool {
	seed := maphash.MakeSeed()
	hashes := make([]uint64, 0, funcs)
	for _, s := range t.sections {
		for i := range t.funcs[s.Index] {
			hashes = append(hashes, maphash.String(seed, t.funcs[s.Index][i].name()))
		}
	}
	slices.Sort(hashes)
	return len(slices.Compact(hashes)) < funcs
}

// funcAt finds the function that starts at an offset of a section, or nil.
func (t *funcTable) funcAt(section uint32, off uint64) *function {
	if uint64(section) >= uint64(len(t.funcs)) {
		return nil
	}
	list := t.funcs[section]
	i, ok := slices.BinarySearchFunc(list, off, func(f function, off uint64) int { return cmp.Compare(f.off(), off) })
	if !ok {
		return nil
	}
	return &list[i]
}

// makePrograms makes a program of every function that is one.
func (l *loader) makePrograms(sections []programSection, members map[string]string) error {
	n := 0
	for i := range sections {
		n += sections[i].entries
	}
	if n == 0 {
		return nil
	}
	l.c.Programs = make([]*spec.Program, 0, n)
	l.newPrograms.free = make([]spec.Program, n)
	for i := range sections {
		if err := l.makeSection(&sections[i], members); err != nil {
			return err
		}
	}
	return nil
}

// exceptionTag begins the declaration tag that names what bpf_throw calls.
const exceptionTag = "exception_callback:"

// tagged takes the function that bpf_throw calls into the program.
func (l *loader) tagged(p *spec.Program, entry *function) error {
	for _, t := range l.tagsOf(entry.typ) {
		name, ok := strings.CutPrefix(t.tag, exceptionTag)
		if !ok {
			continue
		}
		if p.Exception != "" {
			return l.sectionOf(entry).Errorf(entry.off(), "program %q has two tags %q", object.Show(p.Name), exceptionTag)
		}
		callback := l.globalFunc(name)
		if callback == nil {
			return l.sectionOf(entry).Errorf(entry.off(), "program %q: no global function %q for its tag %q", object.Show(p.Name), object.Show(name), exceptionTag)
		}
		p.Exception = name
		if calls := l.callsOf(entry); !slices.Contains(calls, callback) {
			from := len(l.calls)
			l.calls = append(append(l.calls, calls...), callback)
			entry.calls = [2]uint32{uint32(from), uint32(len(l.calls))}
		}
	}
	return nil
}

// globalFunc finds a function that is not static, or nil.
func (t *funcTable) globalFunc(name string) *function {
	if t.globals == nil {
		t.globals = make(map[string]*function)
		for _, s := range t.sections {
			for i := range t.funcs[s.Index] {
				fn := &t.funcs[s.Index][i]
				if _, there := t.globals[fn.name()]; !there && !fn.static() {
					t.globals[fn.name()] = fn
				}
			}
		}
	}
	return t.globals[name]
}

// listHidden lists the hidden functions of all programs, entries left out. Their BTF says that they
// are global, yet the verifier shall not check them alone.
func (l *loader) listHidden() {
	for _, s := range l.sections.code {
		for i := range l.funcs[s.Index] {
			fn := &l.funcs[s.Index][i]
			if fn.mark < 0 && !fn.static() && fn.symbol.Hidden && !fn.entry {
				l.c.Hidden = append(l.c.Hidden, fn.name())
			}
		}
	}
}

// makeSection makes the programs of a section.
func (l *loader) makeSection(s *programSection, members map[string]string) error {
	index := s.section.Index
	for i := range l.funcs[index] {
		fn := &l.funcs[index][i]
		if !fn.entry {
			continue
		}
		if err := l.o.check(); err != nil {
			return err
		}
		p := l.newPrograms.next()
		*p = spec.Program{
			Name: fn.name(), Section: s.section.Name, Type: s.rule.Type, AttachType: s.rule.AttachType, Probe: s.rule.Probe, AttachTo: s.target,
			Flags: s.rule.Flags, Optional: strings.HasPrefix(s.section.Name, object.OptionalMark),
		}
		if p.Type == spec.ProgramStructOps {
			p.AttachTo = members[fn.name()]
		}
		if err := l.tagged(p, fn); err != nil {
			return err
		}
		if err := l.assemble(p, fn); err != nil {
			return err
		}
		l.c.Programs = append(l.c.Programs, p)
		if s.slot == nil {
			continue
		}
		if err := l.putTailCall(s.section, s.slot, fn); err != nil {
			return err
		}
	}
	return nil
}
