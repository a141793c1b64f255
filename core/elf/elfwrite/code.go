package elfwrite

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
	"strconv"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf/internal/object"
	"github.com/bpfhost/bpfhost/core/spec"
)

// shareFuncs finds the functions of all programs. Those that programs have in common are one; those
// of one name that differ get names of their own.
func (w *writer) shareFuncs() error {
	for _, p := range w.c.Programs {
		orderTables(p)
		if err := namedCalls(p); err != nil {
			return err
		}
		if f := p.Insns.At(0).Func; f == nil || f.Name != p.Name {
			if err := nameEntry(p); err != nil {
				return err
			}
		}
	}
	for _, p := range w.c.Programs {
		f := &outFunc{name: p.Name, program: p, section: p.Section, from: p, end: funcEnd(p, 0), info: p.Insns.At(0).Func}
		w.addFunc(f)
		key := keyOf(p.Name, f.code())
		w.shared[key] = append(w.shared[key], f)
	}
	for _, p := range w.c.Programs {
		for i := funcEnd(p, 0); i < p.Insns.Len(); i = funcEnd(p, i) {
			if err := w.shareFunc(p, i); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *writer) addFunc(f *outFunc) {
	w.nameTables(f)
	w.funcs[f.name] = f
	w.order = append(w.order, f)
}

// code returns the instructions as they are now: names of functions in them may still change.
func (f *outFunc) code() spec.Insns { return f.from.Insns.Part(f.first, f.end) }

// funcEnd returns where the function that starts at i ends.
func funcEnd(p *spec.Program, i int) int {
	for i++; i < p.Insns.Len() && p.Insns.At(i).Func == nil; i++ {
	}
	return i
}

// namedCalls makes references to functions by label references by name.
func namedCalls(p *spec.Program) error {
	starts := make(map[asm.Label]string)
	for _, in := range p.Insns.All() {
		if in.Func != nil && in.Label != 0 {
			starts[in.Label] = in.Func.Name
		}
	}
	var err error
	p.Insns.Edit(func(insns []spec.Insn) {
		for i := range insns {
			in := &insns[i]
			if in.Ref != asm.RefLabel || !refersToFunc(&in.Insn) {
				continue
			}
			name, ok := starts[in.Target]
			if !ok {
				err = fmt.Errorf("%w: instruction %d of program %q refers to a function without a name", ErrWrite, i, object.Show(p.Name))
				return
			}
			in.SetSymbol(asm.RefFunc, name)
		}
	})
	return err
}

// nameEntry returns the entry function the name of its program, which is that of its symbol.
func nameEntry(p *spec.Program) error {
	if p.FindFunc(p.Name) > 0 {
		return fmt.Errorf("%w: program %q has another function of its name", ErrWrite, object.Show(p.Name))
	}
	f := p.Insns.At(0).Func
	if f != nil {
		return p.RenameFunc(f.Name, p.Name)
	}
	entry := p.Insns.At(0)
	entry.Func = &btf.FuncInfo{Name: p.Name}
	p.Insns.Set(0, entry)
	return nil
}

func (w *writer) shareFunc(p *spec.Program, at int) error {
	fn := &outFunc{section: ".text", from: p, first: at, end: funcEnd(p, at)}
	base := p.Insns.At(at).Func.Name
	key := keyOf(base, fn.code())
	for _, other := range w.shared[key] {
		if sameCode(other.code(), fn.code()) && sameTables(other, fn) {
			fn.takeTables(other.tableNames())
			return renameTo(p, at, other.name)
		}
	}
	name := base
	for n := max(w.numbers[base], 2); w.funcs[name] != nil; n++ {
		name = base + "." + strconv.Itoa(n)
		w.numbers[base] = n + 1
	}
	if err := renameTo(p, at, name); err != nil {
		return err
	}
	w.shared[key] = append(w.shared[key], fn)
	fn.name, fn.info, fn.static = name, p.Insns.At(at).Func, true
	if t := fn.info.Type; t != 0 && w.c.BTF != nil {
		typ, err := w.c.BTF.Type(t)
		f, ok := typ.(*btf.Func)
		fn.static = err != nil || !ok || f.Linkage == btf.LinkStatic
	}
	fn.static = fn.static && p.Exception != name
	w.addFunc(fn)
	return nil
}

func renameTo(p *spec.Program, at int, name string) error {
	if p.Insns.At(at).Func.Name == name {
		return nil
	}
	return p.RenameFunc(p.Insns.At(at).Func.Name, name)
}

// codeKey is the same for functions that may be the same: their name, length and a digest of
// instructions without names, which may still change.
type codeKey struct {
	name   string
	n      int
	digest uint64
}

func keyOf(name string, code spec.Insns) codeKey {
	h := fnv.New64a()
	for _, in := range code.All() {
		var b [16]byte
		binary.LittleEndian.PutUint64(b[:], uint64(in.Imm))
		binary.LittleEndian.PutUint16(b[8:], uint16(in.Off))
		b[10], b[11], b[12], b[13], b[14] = byte(in.Op), byte(in.Dst), byte(in.Src), byte(in.Flags), byte(in.Ref)
		h.Write(b[:])
		if in.Ref != asm.RefFunc && in.Ref != asm.RefTable {
			io.WriteString(h, in.Symbol)
		}
	}
	return codeKey{name, code.Len(), h.Sum64()}
}

// sameCode reports whether two functions are the same but for the numbers of their labels.
func sameCode(a, b spec.Insns) bool {
	if a.Len() != b.Len() {
		return false
	}
	labels := func(c spec.Insns) map[asm.Label]int {
		out := make(map[asm.Label]int)
		for i, in := range c.All() {
			if in.Label != 0 {
				out[in.Label] = i
			}
		}
		return out
	}
	la, lb := labels(a), labels(b)
	for i, x := range a.All() {
		y := b.At(i)
		if x.Ref == asm.RefLabel && y.Ref == asm.RefLabel && la[x.Target] != lb[y.Target] {
			return false
		}
		x.Label, y.Label, x.Target, y.Target = 0, 0, 0, 0
		if x.Ref == asm.RefTable && y.Ref == asm.RefTable {
			x.Symbol, y.Symbol = "", "" // compared by what is in them
		}
		if x.Insn != y.Insn || !equal(x.Func, y.Func) || !equal(x.Line, y.Line) || !equal(x.Core, y.Core) {
			return false
		}
	}
	return true
}

func equal[T comparable](a, b *T) bool { return a == b || a != nil && b != nil && *a == *b }

// addFuncs returns functions their places and symbols.
func (w *writer) addFuncs() error {
	size := make(map[int]uint64)
	hidden := make(map[string]bool, len(w.c.Hidden))
	for _, name := range w.c.Hidden {
		hidden[name] = true
	}
	for _, f := range w.order {
		f.number = w.m.Section(f.section, object.SectionProgbits, object.FlagAlloc|object.FlagExec, 8)
		f.at = size[f.number]
		bytes := uint64(0)
		for _, in := range f.code().All() {
			bytes += asm.SlotSize * uint64(in.Slots())
		}
		size[f.number] += bytes
		s := object.OutSymbol{Name: f.name, Section: f.number, Value: f.at, Size: bytes, Type: object.SymbolFunc, Bind: object.BindGlobal}
		if f.static {
			s.Bind = object.BindLocal
		}
		if hidden[f.name] && !f.static {
			s.Visibility = object.VisibilityHidden
		}
		f.symbol = w.m.AddSymbol(s)
	}
	return nil
}

// addCode encodes all functions.
func (w *writer) addCode() error {
	for _, f := range w.order {
		if err := w.addFuncCode(f); err != nil {
			return fmt.Errorf("function %q: %w", object.Show(f.name), err)
		}
	}
	w.ext.Sections = slices.DeleteFunc(w.ext.Sections, func(s btf.ExtSection) bool {
		return len(s.Funcs)+len(s.Lines)+len(s.Relos) == 0
	})
	return nil
}

func (w *writer) addFuncCode(f *outFunc) error {
	to := w.m.At(f.number)
	n, there := w.extOf[f.section]
	if !there {
		n = len(w.ext.Sections)
		w.extOf[f.section] = n
		w.ext.Sections = append(w.ext.Sections, btf.ExtSection{Name: f.section})
	}
	ext := &w.ext.Sections[n]
	code := make([]asm.Insn, f.end-f.first)
	at := f.at
	for i, in := range f.code().All() {
		code[i] = in.Insn
		r, ok, err := w.unlink(&code[i])
		if err != nil {
			return fmt.Errorf("instruction %d: %w", i, err)
		}
		if ok {
			r.Offset = at
			to.Relocs = append(to.Relocs, r)
		}
		slot := uint32(at / asm.SlotSize)
		if i == 0 && f.info.Type != 0 {
			ext.Funcs = append(ext.Funcs, btf.FuncInfoAt{Slot: slot, FuncInfo: *f.info})
		}
		if in.Line != nil {
			ext.Lines = append(ext.Lines, btf.LineInfoAt{Slot: slot, LineInfo: *in.Line})
		}
		if in.Core != nil {
			ext.Relos = append(ext.Relos, btf.CoreReloAt{Slot: slot, CoreRelo: *in.Core})
		}
		at += asm.SlotSize * uint64(in.Slots())
	}
	var err error
	to.Data, err = asm.AppendEncode(to.Data, code, asm.EncodeOptions{Order: w.c.Order})
	return err
}

// unlink takes the name out of an instruction: a relocation says it.
func (w *writer) unlink(in *asm.Insn) (r object.OutReloc, ok bool, err error) {
	kind, name := in.Ref, in.Symbol
	if kind == asm.RefNone || kind == asm.RefLabel {
		return r, false, nil
	}
	in.ClearRef()
	r.Type = object.RelocLoad64
	switch kind {
	case asm.RefFunc:
		f := w.funcs[name]
		if f == nil {
			return r, false, fmt.Errorf("function %q does not exist", object.Show(name))
		}
		return w.unlinkFunc(in, f), true, nil
	case asm.RefMapValue:
		m := w.names.Map(name)
		section := m.Name
		if m.Type == spec.MapArena {
			section = object.ArenaSection
		}
		n := w.m.Named[section]
		if n == 0 {
			return r, false, fmt.Errorf("%w: the address of a value of map %q, which is not a data section", ErrWrite, object.Show(m.Name))
		}
		r.Symbol = w.m.SectionSymbol(n)
	case asm.RefKfunc:
		r.Type = object.RelocCall
		in.Src, in.Imm = asm.PseudoCall, -1
	}
	if r.Symbol == 0 {
		if r.Symbol = w.symbols[name]; r.Symbol == 0 {
			return r, false, fmt.Errorf("%w: %v %q is not declared", ErrWrite, kind, object.Show(name))
		}
	}
	if in.Op != asm.OpCall {
		in.Src = 0
		if in.Imm != int64(int32(in.Imm)) {
			return r, false, fmt.Errorf("%w: offset %d has more than 32 bits", ErrWrite, in.Imm)
		}
		in.Imm = int64(uint32(in.Imm))
	}
	return r, true, nil
}

// unlinkFunc makes the reference to a function. Static ones are referred to by their section, as
// clang does.
func (w *writer) unlinkFunc(in *asm.Insn, f *outFunc) object.OutReloc {
	r := object.OutReloc{Symbol: f.symbol, Type: object.RelocLoad64}
	at := int64(0)
	if f.static {
		r.Symbol, at = w.m.SectionSymbol(f.number), int64(f.at)
	}
	if in.Op == asm.OpCall {
		r.Type = object.RelocCall
		in.Src, in.Imm = asm.PseudoCall, at/asm.SlotSize-1
		return r
	}
	in.Src, in.Imm = 0, at
	return r
}
