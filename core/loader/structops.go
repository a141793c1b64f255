package loader

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/spec/bind"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// opsType is a struct of function pointers that this kernel lets programs implement. The value of
// its map is that struct with the kernel's own fields before it (kernel/bpf/bpf_struct_ops.c).
type opsType struct {
	types  *btf.Types
	id     btf.ID // the struct
	value  btf.ID // the struct around it, bpf_struct_ops_…
	at     uint32 // bytes of the kernel's own fields
	size   uint32 // bytes of the value
	module string
}

// instance is the value of a struct_ops map in the layout of this kernel, and the programs whose
// descriptors belong into it.
type instance struct {
	name    string // of the kernel's struct
	value   []byte
	members []instanceMember
}

type instanceMember struct {
	at      uint32 // bytes from the start of the value
	name    string
	program *Program
}

// opsWord is the size in bytes of a function pointer of the kernel.
const opsWord = 8

// layOutAll lays out the instances of struct_ops among maps, by the name of their map, but for those
// of the caller.
func (l *session) layOutAll(list []*spec.Map) (map[string]*instance, error) {
	all := make(map[string]*instance)
	for _, m := range list {
		if m.Type != spec.MapStructOps || l.options.Maps[m.Name] != nil {
			continue
		}
		in, err := l.layOut(m)
		if err != nil {
			return nil, fmt.Errorf("create map %q: %w", m.Name, err)
		}
		all[m.Name] = in
	}
	return all, nil
}

// withoutIdle leaves out programs of struct_ops whose instances are not made, or have no place for
// them in this kernel, unless they were asked for.
func (l *session) withoutIdle(programs []*spec.Program, ops map[string]*instance) []*spec.Program {
	busy, member := make(map[string]bool), make(map[string]bool)
	for _, in := range ops {
		for _, m := range in.members {
			busy[m.name] = true
		}
	}
	for _, m := range l.spec.Maps {
		if m.Type == spec.MapStructOps {
			for _, v := range m.Values {
				member[v.Name] = true
			}
		}
	}
	return slices.DeleteFunc(programs, func(p *spec.Program) bool {
		return p.Type == spec.ProgramStructOps && member[p.Name] && !busy[p.Name] && !slices.Contains(l.options.Programs, p.Name)
	})
}

// layOut makes the value of an instance, member by member, from the struct that the collection
// knows.
func (l *session) layOut(m *spec.Map) (*instance, error) {
	if l.spec.BTF == nil || m.Value == 0 {
		return nil, errors.New("the type of the instance is unknown")
	}
	t, err := l.opsType(l.spec.BTF.Name(l.spec.BTF.Strip(m.Value)))
	if err != nil {
		return nil, err
	}
	in := &instance{name: t.types.Name(t.id), value: make([]byte, t.size)}
	data := m.Data
	if data == nil {
		data = make([]byte, m.ValueSize)
	}
	w := opsWriter{l: l, m: m, in: in, t: t, data: data}
	if err := w.copy(m.Value, t.id, 0, t.at, ""); err != nil {
		return nil, err
	}
	return in, nil
}

// opsWriter copies an instance from its struct into the kernel's.
type opsWriter struct {
	l    *session
	m    *spec.Map
	in   *instance
	t    *opsType
	data []byte
}

// maxOpsDepth is how deep structs of an instance may be nested.
const maxOpsDepth = 8

// copy copies a struct that begins at byte from of the data to byte to of the value. Members are
// found by name, those without one by their order; one that the kernel does not have must be zero, and
// a program there is left out.
func (w *opsWriter) copy(own, kernel btf.ID, from, to uint32, path string) error {
	a, err := structAt(w.l.spec.BTF, own)
	if err != nil {
		return err
	}
	b, err := structAt(w.t.types, kernel)
	if err != nil {
		return err
	}
	if strings.Count(path, ".") > maxOpsDepth {
		return fmt.Errorf("member %q: structs are nested too deep", path)
	}
	rest := 0 // where the search for members without a name goes on
	for _, m := range a.Members {
		i := -1
		if m.Name != "" {
			i = slices.IndexFunc(b.Members, func(k btf.Member) bool { return k.Name == m.Name })
		} else if n := slices.IndexFunc(b.Members[rest:], func(k btf.Member) bool { return k.Name == "" }); n >= 0 {
			i = rest + n
			rest = i + 1
		}
		if err := w.member(m, b, i, from, to, path); err != nil {
			return fmt.Errorf("member %q: %w", path+m.Name, err)
		}
	}
	return nil
}

func (w *opsWriter) member(m btf.Member, kernel *btf.Struct, i int, from, to uint32, path string) error {
	types := w.l.spec.BTF
	size, err := types.Size(m.Type)
	if err != nil {
		return err
	}
	at := from + m.Offset/8
	if uint64(at)+uint64(size) > uint64(len(w.data)) {
		return fmt.Errorf("its %d bytes at %d are outside the %d of the instance", size, at, len(w.data))
	}
	own := w.data[at : at+size]
	if i < 0 {
		return w.missing(path+m.Name, at, size, own)
	}
	k := kernel.Members[i]
	to += k.Offset / 8
	if m.BitSize != 0 || k.BitSize != 0 {
		return fmt.Errorf("bit-fields of struct_ops: %w by this loader", ErrNotSupported)
	}
	kind, other := types.Kind(types.Strip(m.Type)), w.t.types.Kind(w.t.types.Strip(k.Type))
	if kind != other {
		return fmt.Errorf("it is a %v, in this kernel a %v", kind, other)
	}
	if kind == btf.KindStruct {
		return w.copy(types.Strip(m.Type), w.t.types.Strip(k.Type), at, to, path+m.Name+".")
	}
	if have, err := w.t.types.Size(k.Type); err != nil || have != size {
		return fmt.Errorf("it has %d bytes, in this kernel %d", size, have)
	}
	if uint64(to)+uint64(size) > uint64(len(w.in.value)) {
		return fmt.Errorf("this kernel says that it is at byte %d of %d", to, len(w.in.value))
	}
	copy(w.in.value[to:], own)
	for _, v := range w.m.Values {
		if v.Key < at || v.Key >= at+size {
			continue
		}
		if kind != btf.KindPointer || path != "" {
			return fmt.Errorf("the kernel takes no program there, only at function pointers of the struct itself: %w", ErrNotSupported)
		}
		w.in.members = append(w.in.members, instanceMember{at: to, name: v.Name})
	}
	return nil
}

// missing handles a member that this kernel does not have.
func (w *opsWriter) missing(path string, at, size uint32, own []byte) error {
	if slices.ContainsFunc(own, func(b byte) bool { return b != 0 }) {
		return fmt.Errorf("this kernel does not have it, and it is not zero: %w", ErrNotSupported)
	}
	for _, v := range w.m.Values {
		if v.Key >= at && v.Key < at+size {
			w.l.note(spec.Note{
				Code: "L04", Text: fmt.Sprintf("instance %q: this kernel has no member %q, so program %q is left out", w.m.Name, path, v.Name),
			})
		}
	}
	return nil
}

// opsPrefix begins the name of the struct that is the value of a struct_ops map.
const opsPrefix = "bpf_struct_ops_"

// opsType finds a type of struct_ops by its name.
func (l *session) opsType(name string) (*opsType, error) {
	name = btf.Essential(name)
	if t := l.opsTypes[name]; t != nil {
		return t, nil
	}
	found, err := l.find("", opsPrefix+name, btf.KindStruct)
	if err != nil {
		return nil, fmt.Errorf("struct_ops of type %q: %w", name, err)
	}
	types, err := l.finder.Types(found.Module)
	if err != nil {
		return nil, err
	}
	s, err := structAt(types, found.ID)
	if err != nil {
		return nil, err
	}
	for _, m := range s.Members {
		id := types.Strip(m.Type)
		if types.Kind(id) != btf.KindStruct || types.Name(id) != name || m.Offset%8 != 0 {
			continue
		}
		t := &opsType{types: types, id: id, value: found.ID, at: m.Offset / 8, size: s.Size, module: found.Module}
		l.opsTypes[name] = t
		return t, nil
	}
	return nil, fmt.Errorf("struct %s of this kernel has no member of type %s: %w", opsPrefix+name, name, ErrNotSupported)
}

// opsTarget returns what a program of struct_ops implements, "struct.member": the struct and the
// number of its member.
func (l *session) opsTarget(to string) (target bind.TypeRef, number uint32, err error) {
	if to == "" {
		return target, 0, errors.New("no instance of struct_ops refers to it")
	}
	name, member, _ := strings.Cut(to, ".")
	t, err := l.opsType(name)
	if err != nil {
		return target, 0, err
	}
	s, err := structAt(t.types, t.id)
	if err != nil {
		return target, 0, err
	}
	i := slices.IndexFunc(s.Members, func(m btf.Member) bool { return m.Name == member })
	if i < 0 {
		return target, 0, fmt.Errorf("struct %q of this kernel has no member %q: %w", btf.Essential(name), member, ErrNotSupported)
	}
	return bind.TypeRef{ID: t.id, Module: t.module}, uint32(i), nil
}

// createOps makes the map of an instance. The kernel knows its layout and wants no other.
func (l *session) createOps(s *spec.Map, in *instance) (*Map, error) {
	t, err := l.opsType(l.spec.BTF.Name(l.spec.BTF.Strip(s.Value)))
	if err != nil {
		return nil, err
	}
	switch {
	case l.btf == nil && l.refused == nil:
		return nil, errors.New("the kernel takes instances of struct_ops only with the types of the collection, which has none")
	case l.btf == nil:
		return nil, fmt.Errorf("the kernel takes instances of struct_ops only with the types of the collection, which it refused: %w", l.refused)
	}
	raw, err := l.btf.Acquire()
	if err != nil {
		return nil, err
	}
	defer l.btf.Release()
	a := sys.MapCreate{
		Type: uint32(s.Type), KeySize: 4, ValueSize: t.size, MaxEntries: 1, Flags: uint32(s.Flags),
		Name: kernelName(s.Name), BTFFD: uint32(raw), VmlinuxValue: uint32(t.value),
	}
	if t.module != "" {
		a.Flags |= flagModuleValue
		if a.ModuleBTFFD, err = l.moduleFD(t.module); err != nil {
			return nil, err
		}
	}
	fd, err := sys.CreateMap(&a)
	if errors.Is(err, sys.ENOTSUPP) {
		wakeTypes()
		fd, err = sys.CreateMap(&a)
	}
	if err != nil {
		return nil, l.explainMap(s, err)
	}
	kernel := *s
	kernel.ValueSize = t.size
	m, err := l.newMap(&kernel, 1, fd)
	if err != nil {
		return nil, err
	}
	m.ops = in
	return m, nil
}

// wakeTypes loads a program that does nothing: kernels before 5.13 read their own types when the
// first program since the start of the machine is loaded, and take no instance before.
func wakeTypes() {
	code, err := asm.AppendEncode(nil, []asm.Insn{asm.Mov64Imm(asm.R0, 0), asm.Exit()}, asm.EncodeOptions{Order: nativeOrder()})
	if err != nil {
		return
	}
	fd, err := sys.LoadProg(&sys.ProgLoad{
		Type: uint32(spec.ProgramSocketFilter), InsnCount: 2, Insns: sys.BytesPointer(code), License: sys.StringPointer("GPL"),
	})
	if err == nil {
		fd.Close()
	}
}

// flagModuleValue says that the value's type is one of a module (BPF_F_VTYPE_BTF_OBJ_FD, Linux
// 6.9).
const flagModuleValue = 1 << 15

// fillOps finds the programs of all instances. Their descriptors are put in when one is registered.
func (l *session) fillOps(ops map[string]*instance) error {
	for _, name := range slices.Sorted(maps.Keys(ops)) {
		in := ops[name]
		for i := range in.members {
			m := &in.members[i]
			if m.program = l.out.program(m.name); m.program == nil {
				return fmt.Errorf("put program %q into instance %q: it was not loaded", m.name, name)
			}
			if made := l.out.Map(name); !slices.Contains(m.program.instances, made) {
				m.program.instances = append(m.program.instances, made)
			}
		}
	}
	return nil
}

// Instance returns the name of the kernel's struct that a struct_ops map has an instance of, such
// as "tcp_congestion_ops"; empty for other maps.
func (m *Map) Instance() string {
	if m.ops == nil {
		return ""
	}
	return m.ops.name
}

// Instance returns the instance of struct_ops that the program is a member of: the map of that
// name, or with an empty name the only one there is.
func (p *Program) Instance(name string) (*Map, error) {
	if err := missing(p.fd); err != nil {
		return nil, fmt.Errorf("use program %q: %w", p.name, err)
	}
	switch i := slices.IndexFunc(p.instances, func(m *Map) bool { return m.name == name }); {
	case i >= 0:
		return p.instances[i], nil
	case name != "":
		return nil, fmt.Errorf("program %q is not a member of an instance %q", p.name, name)
	case len(p.instances) == 1:
		return p.instances[0], nil
	}
	return nil, fmt.Errorf("program %q is a member of %d instances of struct_ops: name the one that is meant", p.name, len(p.instances))
}

// WithInstance calls fn with the descriptor of a struct_ops map and the value that registers its
// instance: that of the spec in the layout of this kernel, with the descriptors of the programs.
// All of them stay open for the time of the call. It is what link.StructOps is made of.
func (m *Map) WithInstance(fn func(fd int, value []byte) error) error {
	if err := missing(m.fd); err != nil {
		return fmt.Errorf("use map %q: %w", m.name, err)
	}
	if m.ops == nil {
		return fmt.Errorf("use map %q: it is not an instance of struct_ops: %w", m.name, ErrNotSupported)
	}
	value := bytes.Clone(m.ops.value)
	for _, p := range m.ops.members {
		raw, err := p.program.fd.Acquire()
		if err != nil {
			return fmt.Errorf("use program %q: %w", p.name, err)
		}
		defer p.program.fd.Release()
		native.PutUint64(value[p.at:p.at+opsWord], uint64(raw))
	}
	return m.WithFD(func(fd int) error { return fn(fd, value) })
}

// structAt returns a struct of a table.
func structAt(t *btf.Types, id btf.ID) (*btf.Struct, error) {
	typ, err := t.Type(t.Strip(id))
	if err != nil {
		return nil, err
	}
	s, ok := typ.(*btf.Struct)
	if !ok || s.Union {
		return nil, fmt.Errorf("type %s is not a struct", t.TypeName(id))
	}
	return s, nil
}
