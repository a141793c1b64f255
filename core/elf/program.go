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
	"github.com/bpfhost/bpfhost/core/spec"
)

// function is a piece of a code section that a symbol names. Files can have very many: it is small.
type function struct {
	symbol *symbol   // its name is unique in the file
	slot   uint32    // where it starts in the section
	slots  uint32    // its size
	calls  [2]uint32 // from where on, and up to where, loader.calls are what it refers to, each once, in order
	typ    btf.ID    // what BTF says that it is
	first  uint32    // its first instruction in the pack of the section
	insns  uint32    // how many it has
	labels asm.Label // largest label
	mark   int32     // number of the last function that was found to call it; then, negative, of the last program that has it
	called bool
}

// off gives the function's offset in its section, in bytes.
func (f *function) off() uint64 { return uint64(f.slot) * asm.SlotSize }

// size gives the function's size, in bytes.
func (f *function) size() uint64 { return uint64(f.slots) * asm.SlotSize }

// name gives the function's name.
func (f *function) name() string { return f.symbol.name }

// static reports whether only its own file knows the function.
func (f *function) static() bool { return f.symbol.bind == bindLocal }

// sectionOf gives the section that a function is in.
func (l *loader) sectionOf(fn *function) *section { return &l.f.sections[fn.symbol.section] }

// code gives the function's bytes, which are known to be in the file.
func (l *loader) code(fn *function) []byte {
	at := l.sectionOf(fn).offset + fn.off()
	return l.f.data[at : at+fn.size()]
}

// callsOf gives what the function refers to.
func (l *loader) callsOf(fn *function) []*function { return l.calls[fn.calls[0]:fn.calls[1]] }

// readFuncs finds the functions of all code sections.
func (l *loader) readFuncs() error {
	l.funcs = make([][]function, len(l.f.sections))
	for _, s := range l.parts.code {
		if err := l.readSectionFuncs(s); err != nil {
			return err
		}
	}
	return l.nameFuncs()
}

func (l *loader) readSectionFuncs(s *section) error {
	if s.size%8 != 0 {
		return s.fail(s.size, "size %d is not a multiple of 8", s.size)
	}
	if s.size > math.MaxUint32 {
		return s.fail(0, "%d bytes of code are too long", s.size)
	}
	list, err := l.funcSymbols(s)
	if err != nil {
		return err
	}
	slab := l.functions.many(len(list))[:0]
	guessed := false
	for k, i := range list {
		sym := &l.f.symbols[i]
		off, size, next := sym.value, sym.size, s.size
		if k+1 < len(list) {
			next = l.f.symbols[list[k+1]].value
		}
		if size == 0 {
			size, guessed = next-off, true
		}
		switch {
		case off%8 != 0 || size%8 != 0:
			return s.fail(off, "function %q of %d bytes is not made of whole instructions", show(sym.name), size)
		case size == 0:
			return s.fail(off, "function %q is empty", show(sym.name))
		case size > next-off:
			return s.fail(off, "function %q of %d bytes overlaps %q at %#x", show(sym.name), size, show(l.f.symbols[list[k+1]].name), next)
		}
		slab = append(slab, function{symbol: sym, slot: uint32(off / asm.SlotSize), slots: uint32(size / asm.SlotSize)})
	}
	if guessed {
		l.note(NoteSizes, "functions of section %s have no size; taken from the next symbol or the end of the section", s.name)
	}
	l.funcs[s.index] = slab
	return nil
}

// funcSymbols gives the symbols of a section's functions in order of offset, one for each place.
// Old compilers did not mark functions: then every named symbol is one, except for labels of basic
// blocks.
func (l *loader) funcSymbols(s *section) ([]uint32, error) {
	list := l.list[:0]
	for _, i := range l.symbols.of(s) {
		if l.f.symbols[i].typ == symbolFunc {
			list = append(list, i)
		}
	}
	if len(list) == 0 {
		for _, i := range l.symbols.of(s) {
			if l.f.symbols[i].unmarkedFunc() {
				list = append(list, i)
			}
		}
	}
	l.list = list
	for _, i := range list {
		if _, _, err := l.f.check(i); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(list, func(a, b uint32) int {
		x, y := &l.f.symbols[a], &l.f.symbols[b]
		return cmp.Or(cmp.Compare(x.value, y.value), cmp.Compare(min(y.bind, 1), min(x.bind, 1)))
	})
	return slices.CompactFunc(list, func(a, b uint32) bool { return l.f.symbols[a].value == l.f.symbols[b].value }), nil
}

// unmarkedFunc reports whether a symbol without a type can be a function.
func (s *symbol) unmarkedFunc() bool {
	label := s.bind == bindLocal && (strings.HasPrefix(s.name, "LBB") || strings.HasPrefix(s.name, ".L"))
	return s.typ == symbolNone && s.name != "" && !label
}

// nameFuncs makes names unique: two global functions of one name are an error, static ones get a
// number, as files that were linked from several have them.
func (l *loader) nameFuncs() error {
	total := 0
	for _, s := range l.parts.code {
		total += len(l.funcs[s.index])
	}
	if !l.sameNames(total) {
		return nil
	}
	first := make(map[string]*function, total)
	count := make(map[string]int)
	for _, static := range []bool{false, true} {
		for _, s := range l.parts.code {
			for i := range l.funcs[s.index] {
				fn := &l.funcs[s.index][i]
				if fn.static() != static {
					continue
				}
				if other := first[fn.name()]; other != nil && !static {
					return s.fail(fn.off(), "second function named %q, the first is at %s+%#x", show(fn.name()), show(l.sectionOf(other).name), other.off())
				}
				if other := first[fn.name()]; other != nil {
					l.note(NoteDuplicate, "static function %s of section %s has the name of another", fn.name(), s.name)
				}
				base := fn.name()
				for first[fn.name()] != nil {
					count[base]++
					fn.symbol.name = base + "." + strconv.Itoa(count[base]+1)
				}
				first[fn.name()] = fn
			}
		}
	}
	return nil
}

// sameNames reports whether two functions may have one name: whether the hashes of two names are the same.
func (l *loader) sameNames(funcs int) bool {
	seed := maphash.MakeSeed()
	hashes := make([]uint64, 0, funcs)
	for _, s := range l.parts.code {
		for i := range l.funcs[s.index] {
			hashes = append(hashes, maphash.String(seed, l.funcs[s.index][i].name()))
		}
	}
	slices.Sort(hashes)
	return len(slices.Compact(hashes)) < funcs
}

// funcAt finds the function that starts at an offset of a section, or nil.
func (l *loader) funcAt(section uint32, off uint64) *function {
	if uint64(section) >= uint64(len(l.funcs)) {
		return nil
	}
	list := l.funcs[section]
	i, ok := slices.BinarySearchFunc(list, off, func(f function, off uint64) int { return cmp.Compare(f.off(), off) })
	if !ok {
		return nil
	}
	return &list[i]
}

// makePrograms makes a program of every function that is an entry: each that is not static, in any
// code section but .text.
func (l *loader) makePrograms() error {
	most := 0
	for _, s := range l.parts.code {
		for i := range l.funcs[s.index] {
			if s.name != ".text" && !l.funcs[s.index][i].static() {
				most++
			}
		}
	}
	if most == 0 {
		return nil
	}
	l.c.Programs = make([]*spec.Program, 0, most)
	l.newPrograms.free = make([]spec.Program, most)
	for _, s := range l.parts.code {
		if s.name == ".text" || len(l.funcs[s.index]) == 0 {
			continue
		}
		if err := l.makeSection(s); err != nil {
			return err
		}
	}
	return nil
}

// matchSection finds out what the name of a section stands for.
func (l *loader) matchSection(s *section) (r rule, target string, known bool) {
	name := strings.TrimPrefix(s.name, optionalMark)
	if r, target, known = matchOwn(l.o.Sections, name); known {
		return r, target, true
	}
	if r, target, known = match(name); known {
		return r, target, true
	}
	if r, target, known = matchOwn(l.o.Fallbacks, name); !known && l.o.Lenient {
		if r, known = matchPrefix(name); known {
			l.note(NoteLenient, "section %s was taken for %s", s.name, strings.TrimSuffix(r.pattern, "+"))
		}
	}
	return r, target, known
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
			return l.sectionOf(entry).fail(entry.off(), "program %q has two tags %q", show(p.Name), exceptionTag)
		}
		callback := l.globalFunc(name)
		if callback == nil {
			return l.sectionOf(entry).fail(entry.off(), "program %q: no global function %q for its tag %q", show(p.Name), show(name), exceptionTag)
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
func (l *loader) globalFunc(name string) *function {
	for _, s := range l.parts.code {
		for i := range l.funcs[s.index] {
			if fn := &l.funcs[s.index][i]; fn.name() == name && !fn.static() {
				return fn
			}
		}
	}
	return nil
}

// listHidden lists the hidden functions of all programs, entries left out. Their BTF says that they
// are global, yet the verifier shall not check them alone.
func (l *loader) listHidden() error {
	for _, s := range l.parts.code {
		for i := range l.funcs[s.index] {
			fn := &l.funcs[s.index][i]
			if fn.mark < 0 && !fn.static() && fn.symbol.hidden && l.c.Program(fn.name()) == nil {
				l.c.Hidden = append(l.c.Hidden, fn.name())
			}
		}
	}
	return nil
}

func (l *loader) makeSection(s *section) error {
	r, target, known := l.matchSection(s)
	entry, err := l.tailCall(s)
	if err != nil {
		return err
	}
	if entry != nil && !known {
		r, known = l.tailCallRule(), true
	}
	unknown := false
	for i := range l.funcs[s.index] {
		fn := &l.funcs[s.index][i]
		if fn.static() && known {
			if !fn.called {
				l.note(NoteStatic, "function %s of section %s is static: it is no program", fn.name(), s.name)
			}
			continue
		}
		if !known && (fn.static() || fn.called || strings.HasPrefix(s.name, ".text.")) {
			continue // a library of functions
		}
		unknown = unknown || !known
		p := l.newPrograms.next()
		*p = spec.Program{
			Name: fn.name(), Section: s.name, Type: r.typ, AttachType: r.attach, AttachTo: target,
			Flags: r.flags, Optional: strings.HasPrefix(s.name, optionalMark),
		}
		if p.Type == spec.ProgramStructOps {
			p.AttachTo = l.members[fn.name()]
		}
		if err := l.tagged(p, fn); err != nil {
			return err
		}
		if err := l.assemble(p, fn); err != nil {
			return err
		}
		l.c.Programs = append(l.c.Programs, p)
		if entry == nil {
			continue
		}
		if err := l.putTailCall(s, entry, fn); err != nil {
			return err
		}
	}
	if unknown {
		l.note(NoteUnknown, "section %s stands for no known type of program", s.name)
	}
	return nil
}
