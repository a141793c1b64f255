package loader

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// kernelBTF is BTF on its way into the kernel: its bytes, and where in them the texts are that
// source lines refer to. Texts that the types do not have are added.
type kernelBTF struct {
	b     []byte
	texts map[string]uint32 // offset in the string section
	more  []byte            // strings to be added after it
}

// Places in the header of BTF (Documentation/bpf/btf.rst).
const (
	btfHeaderLen = 4
	btfStrOff    = 16
	btfStrLen    = 20
	btfMinHeader = 24
)

// section returns the bounds of the string section. ok is false if nothing can be added after it.
func (b *kernelBTF) section() (from, to int, ok bool) {
	if len(b.b) < btfMinHeader {
		return 0, 0, false
	}
	from = int(native.Uint32(b.b[btfHeaderLen:])) + int(native.Uint32(b.b[btfStrOff:]))
	to = from + int(native.Uint32(b.b[btfStrLen:]))
	if from < 0 || to < from || to > len(b.b) {
		return 0, 0, false
	}
	return from, to, to == len(b.b)
}

// addLines finds or adds the texts of the source lines of the programs.
func (b *kernelBTF) addLines(ps []*spec.Program) {
	b.texts = make(map[string]uint32)
	for _, p := range ps {
		for _, in := range p.Insns.All() {
			if l := in.Line; l != nil {
				b.texts[l.File()], b.texts[l.Text()] = 0, 0
			}
		}
	}
	delete(b.texts, "")
	if len(b.texts) == 0 {
		return
	}
	from, to, last := b.section()
	for at, s := 0, b.b[from:to]; at < len(s); {
		n := bytes.IndexByte(s[at:], 0)
		if n < 0 {
			break
		}
		if off, want := b.texts[string(s[at:at+n])]; want && off == 0 {
			b.texts[string(s[at:at+n])] = uint32(at)
		}
		at += n + 1
	}
	if !last {
		return
	}
	for _, p := range ps {
		for _, in := range p.Insns.All() {
			if l := in.Line; l != nil {
				b.add(to-from, l.File())
				b.add(to-from, l.Text())
			}
		}
	}
	b.b = append(b.b, b.more...)
	native.PutUint32(b.b[btfStrLen:], uint32(to-from+len(b.more)))
}

// add appends a text to the strings, which have size bytes without those that were added.
func (b *kernelBTF) add(size int, s string) {
	if s == "" || b.texts[s] != 0 || bytes.IndexByte([]byte(s), 0) >= 0 {
		return
	}
	b.texts[s] = uint32(size + len(b.more))
	b.more = append(append(b.more, s...), 0)
}

// loadTypes loads the types of the collection into the kernel. A kernel that does not understand
// some of them gets simpler ones in their place; one that refuses these too gets programs and maps
// without types, unless something cannot work without.
func (l *session) loadTypes(programs []*spec.Program) error {
	if l.spec.BTF == nil || l.spec.BTF.Len() < 2 {
		return nil
	}
	raw, lost, err := l.spec.BTF.ForKernel(btf.KernelOptions{Sections: l.sections(), Static: l.spec.Hidden})
	if err != nil {
		return fmt.Errorf("load types: %w", err)
	}
	for _, s := range lost {
		l.note(spec.Note{Code: "L08", Text: fmt.Sprintf("the types of section %q are left out: %v", s.Name, s.Err)})
	}
	fd, b, err := l.giveTypes(raw, programs)
	if err == nil {
		l.btf, l.kernelBTF = fd, b
		return nil
	}
	if errors.Is(err, sys.EPERM) || kernel.Exhausted(err) {
		return fmt.Errorf("load types: %w", kernel.Explain(err, sys.CapBPF.String()))
	}
	if plain, note, why := plainTypes(raw, l.kernel.TypeFeatures); why == nil && plain != nil {
		if fd, b, again := l.giveTypes(plain, programs); again == nil {
			l.btf, l.kernelBTF = fd, b
			l.note(note)
			return nil
		}
	}
	log := make([]byte, 1<<16)
	fd, again := sys.LoadBTF(&sys.BTFLoad{
		BTF: sys.BytesPointer(b.b), Size: uint32(len(b.b)), LogBuf: sys.BytesPointer(log), LogSize: uint32(len(log)), LogLevel: 1,
	})
	if again == nil {
		l.btf, l.kernelBTF = fd, b
		return nil
	}
	l.refused = fmt.Errorf("%w: %s", err, lastLine(text(log)))
	l.note(spec.Note{Code: "L01", Text: fmt.Sprintf("the kernel refuses the types of the collection, which goes on without: %v", l.refused)})
	return nil
}

// plainTypes writes types without what the kernel does not accept. plain is nil when the kernel
// knows all of it, so that the refusal has another reason.
func plainTypes(raw []byte, accepted func(btf.Feature) btf.Feature) (plain []byte, note spec.Note, err error) {
	t, err := btf.Parse(raw, btf.Options{})
	if err != nil {
		return nil, spec.Note{}, err
	}
	used := t.Features()
	lacks := used &^ accepted(used)
	if lacks == 0 {
		return nil, spec.Note{}, nil
	}
	plain, replaced, err := t.Sanitise(btf.AllFeatures &^ lacks)
	return plain, spec.Note{
		Code: "L02",
		Text: fmt.Sprintf("the kernel lacks %v of BTF (Linux %s): %d types are written in a simpler way", lacks, lacks.Since(), len(replaced)),
	}, err
}

// giveTypes adds the texts of source lines of programs to types and loads them.
func (l *session) giveTypes(raw []byte, programs []*spec.Program) (*sys.FD, *kernelBTF, error) {
	b := &kernelBTF{b: slices.Clip(raw)} // what is added must not get into raw
	b.addLines(programs)
	fd, err := sys.LoadBTF(&sys.BTFLoad{BTF: sys.BytesPointer(b.b), Size: uint32(len(b.b))})
	return fd, b, err
}

// sections returns where the variables are of the maps whose values are data sections.
func (l *session) sections() map[btf.ID]btf.SectionLayout {
	all := make(map[btf.ID]btf.SectionLayout)
	datasec := make(map[string]btf.ID) // by map
	for _, m := range l.spec.Maps {
		if _, ok := all[m.Value]; !ok && l.spec.BTF.Kind(m.Value) == btf.KindDatasec {
			all[m.Value] = btf.SectionLayout{Size: m.ValueSize}
			datasec[m.Name] = m.Value
		}
	}
	for _, v := range l.spec.Vars {
		if id := datasec[v.Map]; id != 0 {
			s := all[id]
			s.Vars = append(s.Vars, btf.VarLayout{Name: v.Name, Type: v.Type, Offset: v.Offset, Size: v.Size})
			all[id] = s
		}
	}
	return all
}

// infos makes the records about functions and source lines of a program that is laid out in slots
// (struct bpf_func_info and bpf_line_info). The kernel wants records of all functions or of none.
func (b *kernelBTF) infos(p *prepared) (funcs, lines []byte) {
	missing := false
	for i, in := range p.Spec.Insns.All() {
		slot := uint32(p.slots[i])
		if in.Func != nil || i == 0 {
			if in.Func == nil || in.Func.Type == 0 {
				return nil, nil
			}
			funcs = native.AppendUint32(native.AppendUint32(funcs, slot), uint32(in.Func.Type))
			missing = missing || in.Line == nil
		}
		if in.Line != nil {
			lines = b.appendLine(lines, slot, in.Line)
		}
	}
	if missing || len(lines) == 0 {
		return funcs, nil
	}
	return funcs, lines
}

// appendLine adds a line record; the column has 10 bits, the line 22.
func (b *kernelBTF) appendLine(dst []byte, slot uint32, l *btf.LineInfo) []byte {
	for _, v := range [4]uint32{slot, b.texts[l.File()], b.texts[l.Text()], min(l.Line, 1<<22-1)<<10 | min(l.Col, 1<<10-1)} {
		dst = native.AppendUint32(dst, v)
	}
	return dst
}
