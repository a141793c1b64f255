package btf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// ErrForKernel says that a table cannot be made ready for the kernel.
var ErrForKernel = errors.New("types cannot be loaded")

// KernelOptions say what the kernel needs to know and the compiler did not.
type KernelOptions struct {
	// Sections are the data sections by the id of their DATASEC: several may have one name. Variables
	// of others that the table has no offsets for follow each other.
	Sections map[ID]SectionLayout
	// Static names the global functions that the verifier shall treat as static ones (hidden
	// symbols).
	Static []string
}

// Names of the sections of externs (bpf_helpers.h of libbpf).
const (
	ksymsSection   = ".ksyms"
	kconfigSection = ".kconfig"
	dummyName      = "dummy_ksym"
)

// maxKernelName is the length in bytes of names that every kernel accepts (KSYM_NAME_LEN before
// Linux 6.1).
const maxKernelName = 127

// ForKernel returns the table as bytes that BPF_BTF_LOAD accepts. Ids stay the same; types are
// added after them. The kernel (kernel/bpf/btf.c) wants of DATASEC types a size and sorted
// variables that do not overlap, of FUNC and VAR types no extern linkage, of the parameters of
// functions names, and of names that they are C identifiers. As libbpf does, a kernel symbol
// becomes an int variable, and a kernel function in a DATASEC becomes a dummy one. What Untyped finds
// is left out, and functions with such parameters are static: the verifier cannot check them alone. A
// section whose variables the kernel would refuse is among the lost ones; it and one without any are a
// struct of their size afterwards. The error wraps ErrForKernel.
func (t *Types) ForKernel(o KernelOptions) (blob []byte, lost []LostSection, err error) {
	if t.base != nil {
		return nil, nil, fmt.Errorf("prepare types: %w: they are split", ErrForKernel)
	}
	f := &fixer{t: t, o: o, e: newEncoder(t.big, 0), named: map[ID]bool{}, ksyms: map[ID]bool{}}
	f.e.strs = slices.Clone(t.strs.data)
	f.survey()
	t.headers(func(id ID, off, _, _ uint32) bool {
		if err = f.copy(id, off); err != nil {
			err = fmt.Errorf("prepare type %d: %w", id, err)
		}
		return err == nil
	})
	if err == nil {
		err = f.append()
	}
	if err != nil {
		return nil, nil, err
	}
	var layout []byte
	if f.unknown {
		layout = t.layout
	}
	return f.e.blob(layout), f.lost, nil
}

// fixer copies a table.
type fixer struct {
	t       *Types
	o       KernelOptions
	e       *encoder
	named   map[ID]bool // prototypes whose parameters need names
	ksyms   map[ID]bool // variables that are kernel symbols
	int32   ID          // some int of 4 bytes
	dummy   ID          // the dummy variable, 0 if it is not needed
	untyped map[ID]bool // types with parts that are left out
	empty   ID          // an empty struct, 0 if it is not needed
	pointer ID          // a pointer to void, 0 if it is not needed
	unknown bool        // there are types of kinds that only the layout table knows
	lost    []LostSection
}

// survey finds what must change and assigns ids to the types to be added.
func (f *fixer) survey() {
	dummy, next := false, ID(f.t.Len())
	f.t.headers(func(id ID, off, _, _ uint32) bool {
		r, _ := f.t.sizedRecordAt(off)
		f.unknown = f.unknown || r.kind() > lastKind
		switch r.kind() {
		case KindInt:
			if f.int32 == 0 && r.word == 4 && f.t.word(r, 0)&0xffffff == 32 {
				f.int32 = id
			}
		case KindFunc:
			f.named[ID(r.word)] = true
		case KindDatasec:
			for i := range r.vlen() {
				v := ID(f.t.word(r, 3*i))
				dummy = dummy || f.t.Kind(v) == KindFunc
				if f.t.str(r.name) == ksymsSection {
					f.ksyms[v] = true
				}
			}
		}
		return true
	})
	if (dummy || len(f.ksyms) > 0) && f.int32 == 0 {
		f.int32 = next
		next++
	}
	if dummy {
		f.dummy, next = next, next+1
	}
	f.surveyUntyped(next)
}

// append writes the types that survey announced.
func (f *fixer) append() error {
	if int(f.int32) >= f.t.Len() {
		if err := f.e.encode(&Int{Name: "int", Size: 4, Encoding: IntSigned}); err != nil {
			return err
		}
	}
	if f.dummy != 0 {
		if err := f.e.encode(&Var{Name: dummyName, Type: f.int32, Linkage: LinkGlobal}); err != nil {
			return err
		}
	}
	return f.appendUntyped()
}

// copy writes one type with what must change in it.
func (f *fixer) copy(id ID, off uint32) error {
	r, n := f.t.sizedRecordAt(off)
	begin := len(f.e.out)
	f.e.out = append(f.e.out, f.t.types[off:off+n]...)
	b := f.e.out[begin:]
	if err := f.rename(r, b); err != nil {
		return err
	}
	switch r.kind() {
	case KindFunc:
		linkage := r.info & maxVlen
		if linkage == uint32(LinkExtern) {
			linkage = uint32(LinkGlobal)
		}
		if f.untyped[ID(r.word)] || slices.Contains(f.o.Static, f.t.str(r.name)) {
			linkage = uint32(LinkStatic)
		}
		f.put(b[4:], r.info&^maxVlen|linkage)
	case KindEnum:
		if r.word == 0 { // only declared, which kernels refuse
			f.put(b[8:], 4)
		}
	case KindVar:
		if f.t.word(r, 0) == uint32(LinkExtern) {
			f.put(b[12:], uint32(LinkGlobal))
		}
		if f.ksyms[id] {
			f.put(b[8:], uint32(f.int32))
		}
	case KindDatasec:
		d := f.t.decode(r).(*Datasec)
		f.datasec(id, d)
		if len(d.Vars) == 0 { // the kernel has no such sections before 5.12
			f.put(b, 0)
			f.put(b[4:], uint32(KindStruct)<<24)
			f.put(b[8:], d.Size)
			f.e.out = f.e.out[:begin+12]
			return nil
		}
		f.put(b[4:], r.info&^maxVlen|uint32(len(d.Vars)))
		f.put(b[8:], d.Size)
		f.e.out = f.e.out[:begin+12]
		for _, v := range d.Vars {
			f.e.words(uint32(v.Type), v.Offset, v.Size)
		}
	case KindDeclTag:
		if f.untyped[ID(r.word)] {
			f.retag(r, begin)
		}
	case KindFuncProto:
		if err := f.params(id, r, b); err != nil {
			return err
		}
	}
	if f.untyped[id] {
		f.leaveOut(r, begin)
	}
	return nil
}

func (f *fixer) put(b []byte, v uint32) { f.order().PutUint32(b, v) }

func (f *fixer) order() binary.ByteOrder { return f.t.order }

// params names the parameters of a function's prototype.
func (f *fixer) params(id ID, r record, b []byte) error {
	for i := range r.vlen() {
		if !f.named[id] || f.t.word(r, 2*i) != 0 || f.t.word(r, 2*i+1) == 0 && !f.t.untypedParam(r, i) {
			continue
		}
		off, err := f.e.str(dummyName)
		if err != nil {
			return err
		}
		f.put(b[12+8*i:], off)
	}
	return nil
}

// rename replaces the names of a type that the kernel would refuse.
func (f *fixer) rename(r record, b []byte) error {
	step := 0 // words per element that has a name first
	switch k := r.kind(); k {
	case KindStruct, KindUnion, KindEnum64:
		step = 3
	case KindEnum, KindFuncProto:
		step = 2
	case KindFwd, KindTypedef, KindFunc, KindVar, KindDatasec:
	default:
		return nil
	}
	if err := f.renameAt(b, r.name); err != nil || step == 0 {
		return err
	}
	for i := range r.vlen() {
		if err := f.renameAt(b[12+4*step*i:], f.t.word(r, step*i)); err != nil {
			return err
		}
	}
	return nil
}

func (f *fixer) renameAt(b []byte, off uint32) error {
	name, ok := f.t.nameBytes(off)
	if !ok {
		return fmt.Errorf("%w (%#x)", ErrString, off)
	}
	fixed := kernelName(name)
	if fixed == "" {
		return nil
	}
	off, err := f.e.str(fixed)
	f.put(b, off)
	return err
}

// kernelName returns a name that the kernel accepts in place of one that it does not, otherwise
// nothing.
func kernelName(name []byte) string {
	bad := len(name) > maxKernelName
	for i, c := range name {
		bad = bad || !nameChar(c, i)
	}
	if !bad {
		return ""
	}
	fixed := slices.Clone(name[:min(len(name), maxKernelName)])
	for i, c := range fixed {
		if !nameChar(c, i) {
			fixed[i] = '_'
		}
	}
	return string(fixed)
}

// nameChar says whether a byte may be in a name: letters, digits, "_" and ".", but no digit first.
func nameChar(c byte, i int) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c == '.':
		return true
	}
	return i > 0 && c >= '0' && c <= '9'
}
