package loader

import (
	"bytes"
	"encoding/binary"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/spec/bind"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// opsTypes makes the types of a struct of function pointers, numbers and a struct; of a kernel with what
// the kernel puts around it.
func opsTypes(t *testing.T, kernel bool) (*btf.Types, btf.ID) {
	t.Helper()
	var b btf.Builder
	u32 := b.Add(&btf.Int{Name: "unsigned int", Size: 4})
	u64 := b.Add(&btf.Int{Name: "unsigned long", Size: 8})
	call := b.Add(&btf.Pointer{Type: b.Add(&btf.FuncProto{})})
	in := b.Add(&btf.Struct{Name: "in", Size: 16, Members: []btf.Member{{Name: "deep", Type: call}, {Name: "depth", Type: u32, Offset: 64}}})
	if !kernel {
		own := b.Add(&btf.Struct{Name: "demo_ops___v2", Size: 64, Members: []btf.Member{
			{Name: "start", Type: call}, {Name: "limit", Type: u32, Offset: 64}, {Name: "odd", Type: u32, Offset: 96}, {Name: "in", Type: in, Offset: 128},
			{Name: "gone", Type: u64, Offset: 256}, {Name: "bits", Type: u32, Offset: 320, BitSize: 3}, {Name: "old", Type: call, Offset: 384},
		}})
		return mustTypes(t, &b), own
	}
	in = b.Add(&btf.Struct{Name: "in", Size: 24, Members: []btf.Member{{Name: "depth", Type: u32, Offset: 0}, {Name: "deep", Type: call, Offset: 128}}})
	ops := b.Add(&btf.Struct{Name: "demo_ops", Size: 72, Members: []btf.Member{
		{Name: "first", Type: call}, {Name: "bits", Type: u32, Offset: 64}, {Name: "start", Type: call, Offset: 128},
		{Name: "in", Type: in, Offset: 192}, {Name: "odd", Type: u64, Offset: 384}, {Name: "limit", Type: u32, Offset: 448},
	}})
	id := b.Add(&btf.Struct{Name: "bpf_struct_ops_demo_ops", Size: 136, Members: []btf.Member{{Name: "common", Type: u64}, {Name: "data", Type: ops, Offset: 512}}})
	return mustTypes(t, &b), id
}

func mustTypes(t *testing.T, b *btf.Builder) *btf.Types {
	t.Helper()
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	return types
}

// opsLoad is a load of one instance on a kernel with the types of opsTypes.
func opsLoad(t *testing.T, edit func(m *spec.Map)) *session {
	t.Helper()
	types, _ := opsTypes(t, true)
	own, id := opsTypes(t, false)
	k := kernelWith(t, types)
	m := &spec.Map{Name: "demo", Type: spec.MapStructOps, KeySize: 4, ValueSize: 64, MaxEntries: 1, Value: id, Data: make([]byte, 64)}
	if edit != nil {
		edit(m)
	}
	l := newSession(k)
	l.spec = &spec.Collection{BTF: own, Maps: []*spec.Map{m}}
	return l
}

func kernelTypes(t *testing.T, l *session) *btf.Types {
	t.Helper()
	types, err := l.kernel.Types()
	if err != nil {
		t.Fatal(err)
	}
	return types
}

// TestLayOutUnnamed matches members without a name by their order.
func TestLayOutUnnamed(t *testing.T) {
	build := func(name string, at ...uint32) (*btf.Types, btf.ID) {
		var b btf.Builder
		u32 := b.Add(&btf.Int{Name: "unsigned int", Size: 4})
		union := func(member string) btf.ID {
			return b.Add(&btf.Struct{Union: true, Size: 4, Members: []btf.Member{{Name: member, Type: u32}}})
		}
		id := b.Add(&btf.Struct{Name: name, Size: 12, Members: []btf.Member{
			{Name: "limit", Type: u32, Offset: 8 * at[0]}, {Type: union("one"), Offset: 8 * at[1]}, {Type: union("two"), Offset: 8 * at[2]},
		}})
		if at[0] > 0 {
			id = b.Add(&btf.Struct{Name: opsPrefix + name, Size: 12, Members: []btf.Member{{Name: "data", Type: id}}})
		}
		return mustTypes(t, &b), id
	}
	own, id := build("demo_ops", 0, 4, 8)
	types, _ := build("demo_ops", 8, 0, 4)
	m := &spec.Map{Name: "demo", Type: spec.MapStructOps, ValueSize: 12, Value: id, Data: make([]byte, 12)}
	for i := range uint32(3) {
		native.PutUint32(m.Data[4*i:], i+1)
	}
	l := newSession(kernelWith(t, types))
	l.spec = &spec.Collection{BTF: own, Maps: []*spec.Map{m}}
	in, err := l.layOut(m)
	if want := words(2, 3, 1); err != nil || !bytes.Equal(in.value, want) {
		t.Errorf("%v, %v, want %v", in, err, want)
	}
}

// TestLayOut puts members where the kernel has them.
func TestLayOut(t *testing.T) {
	l := opsLoad(t, func(m *spec.Map) {
		native.PutUint32(m.Data[8:], 7)
		native.PutUint32(m.Data[24:], 9)
		m.Values = []spec.MapValue{{Key: 0, Name: "on_start"}, {Key: 48, Name: "on_old"}}
	})
	dropMember(t, l, "odd", "bits")
	l.spec.Maps[0].Data = l.spec.Maps[0].Data[:40]
	_, err := l.layOut(l.spec.Maps[0])
	if err == nil || !strings.Contains(err.Error(), "outside the 40 of the instance") {
		t.Fatalf("short data: %v", err)
	}
	l.spec.Maps[0].Data = l.spec.Maps[0].Data[:64]
	l.out.notes = nil
	in, err := l.layOut(l.spec.Maps[0])
	if err != nil {
		t.Fatal(err)
	}
	want := make([]byte, 136)
	native.PutUint32(want[64+56:], 7)
	native.PutUint32(want[64+24:], 9)
	if d := cmp.Diff(want, in.value); d != "" {
		t.Error(d)
	}
	if len(in.members) != 1 || in.members[0].at != 64+16 || in.members[0].name != "on_start" || in.name != "demo_ops" {
		t.Errorf("members %+v of %s", in.members, in.name)
	}
	if n := l.out.notes; len(n) != 1 || n[0].Code != "L04" || !strings.Contains(n[0].Text, `"on_old"`) {
		t.Errorf("notes %v", n)
	}
	to, number, err := l.opsTarget("demo_ops___v2.start")
	if err != nil || number != 2 || kernelTypes(t, l).Name(to.ID) != "demo_ops" {
		t.Errorf("target %+v, %d, %v", to, number, err)
	}
}

// dropMember takes members out of the struct of the collection.
func dropMember(t *testing.T, l *session, names ...string) {
	t.Helper()
	var b btf.Builder
	for _, typ := range l.spec.BTF.All() {
		if s, ok := typ.(*btf.Struct); ok && s.Name == "demo_ops___v2" {
			n := *s
			n.Members = nil
			for _, m := range s.Members {
				if m.Name != names[0] && m.Name != names[1] {
					n.Members = append(n.Members, m)
				}
			}
			typ = &n
		}
		if typ.Kind() != btf.KindVoid {
			b.Add(typ)
		}
	}
	l.spec.BTF = mustTypes(t, &b)
}

func TestLayOutErrors(t *testing.T) {
	for _, tt := range []struct {
		edit func(m *spec.Map)
		drop []string
		want string
	}{
		{nil, []string{"", ""}, `member "odd": it has 4 bytes, in this kernel 8`},
		{nil, []string{"odd", ""}, `member "bits": bit-fields of struct_ops: not supported`},
		{func(m *spec.Map) { m.Data[32] = 1 }, []string{"odd", "bits"}, `member "gone": this kernel does not have it, and it is not zero`},
		{func(m *spec.Map) { m.Values = []spec.MapValue{{Key: 16, Name: "x"}} }, []string{"odd", "bits"}, `member "in": member "in.deep": the kernel takes no program there`},
		{func(m *spec.Map) { m.Values = []spec.MapValue{{Key: 8, Name: "x"}} }, []string{"odd", "bits"}, `member "limit": the kernel takes no program there`},
		{func(m *spec.Map) { m.Value = 0 }, []string{"odd", "bits"}, "the type of the instance is unknown"},
		{func(m *spec.Map) { m.Value = 4 }, []string{"odd", "bits"}, `struct_ops of type "": not found in this kernel`},
	} {
		l := opsLoad(t, tt.edit)
		dropMember(t, l, tt.drop...)
		if _, err := l.layOut(l.spec.Maps[0]); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want %q", err, tt.want)
		}
	}
}

// TestChooseOps loads the programs of the instances that are made, and no others.
func TestChooseOps(t *testing.T) {
	make := func(o Options) *session {
		l := opsLoad(t, func(m *spec.Map) {
			m.Values = []spec.MapValue{{Key: 0, Name: "a"}, {Key: 48, Name: "old"}}
		})
		dropMember(t, l, "odd", "bits")
		second := *l.spec.Maps[0]
		second.Name, second.Optional, second.Values = "second", true, []spec.MapValue{{Key: 0, Name: "b"}}
		l.spec.Maps = append(l.spec.Maps, &second)
		for _, name := range []string{"a", "b", "c", "old"} {
			l.spec.Programs = append(l.spec.Programs, &spec.Program{
				Name: name, Type: spec.ProgramStructOps, Optional: name != "c", AttachTo: "demo_ops.start",
				Insns: spec.NewInsns(spec.Insn{Insn: asm.Exit()}),
			})
		}
		l.spec.Order, l.options = nativeOrder(), o
		return l
	}
	for _, tt := range []struct {
		options        Options
		programs, made string
		err            string
	}{
		{Options{}, "a c", "demo", ""},
		{Options{Instances: []string{"second"}}, "a b c", "demo second", ""},
		{Options{Programs: []string{"b", "old"}}, "a b c old", "demo", ""},
		{Options{Maps: map[string]*Map{"demo": {}, "second": {}}}, "c", "", ""},
		{Options{Instances: []string{"third"}}, "", "", `it has no instance of struct_ops "third", there is "demo" and "second"`},
	} {
		l := make(tt.options)
		chosen, err := l.choose()
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%+v: %v, want %s", tt.options, err, tt.err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		ops, err := l.layOutAll(chosen.Maps)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, p := range l.withoutIdle(chosen.Programs, ops) {
			names = append(names, p.Name)
		}
		if programs, made := strings.Join(names, " "), strings.Join(slices.Sorted(maps.Keys(ops)), " "); programs != tt.programs || made != tt.made {
			t.Errorf("%+v: programs %s, instances %s", tt.options, programs, made)
		}
	}
}

// TestInstanceOf finds the instance that a program is a member of.
func TestInstanceOf(t *testing.T) {
	a, b := &Map{name: "a"}, &Map{name: "b"}
	p := &Program{name: "p", instances: []*Map{a}}
	if m, err := p.Instance(""); err != nil || m != a {
		t.Errorf("got %v, %v", m, err)
	}
	p.instances = append(p.instances, b)
	if m, err := p.Instance("b"); err != nil || m != b {
		t.Errorf("got %v, %v", m, err)
	}
	for _, name := range []string{"", "c"} {
		if _, err := p.Instance(name); err == nil {
			t.Errorf("%q: no error", name)
		}
	}
	if err := a.WithInstance(nil); !errors.Is(err, ErrNotSupported) || a.Instance() != "" {
		t.Errorf("map without instance: %v", err)
	}
}

// TestOpsOfModule finds a type of struct_ops that a module has.
func TestOpsOfModule(t *testing.T) {
	b := btf.Builder{Order: binary.NativeEndian}
	b.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned})
	base := mustTypes(t, &b)
	dir := t.TempDir()
	writeTypes(t, filepath.Join(dir, vmlinux), base)
	k := kernel.New(kernel.Options{Version: 6<<16 | 18<<8, CPUs: 4, TypesDir: dir})
	t.Cleanup(func() { k.Close() })
	b = btf.Builder{Base: base}
	call := b.Add(&btf.Pointer{Type: b.Add(&btf.FuncProto{})})
	ops := b.Add(&btf.Struct{Name: "gamma_ops", Size: 8, Members: []btf.Member{{Name: "start", Type: call}}})
	b.Add(&btf.Struct{Name: "bpf_struct_ops_gamma_ops", Size: 128, Members: []btf.Member{{Name: "data", Type: ops, Offset: 512}}})
	b.Add(&btf.Struct{Name: "bpf_struct_ops_empty", Size: 8})
	writeTypes(t, filepath.Join(dir, "gamma"), mustTypes(t, &b))
	l := newSession(k)
	got, err := l.opsType("gamma_ops___old")
	if err != nil || got.module != "gamma" || got.at != 64 || got.size != 128 || got.types.Name(got.id) != "gamma_ops" {
		t.Fatalf("%+v, %v", got, err)
	}
	if again, err := l.opsType("gamma_ops"); err != nil || again != got {
		t.Errorf("looked for twice: %v", err)
	}
	if to, _, err := l.opsTarget("gamma_ops.start"); err != nil || to != (bind.TypeRef{ID: got.id, Module: "gamma"}) {
		t.Errorf("target %+v, %v", to, err)
	}
	for to, want := range map[string]string{
		"":                "no instance of struct_ops refers to it",
		"gamma_ops.stop":  `struct "gamma_ops" of this kernel has no member "stop"`,
		"empty.start":     "has no member of type empty",
		"delta_ops.start": `struct_ops of type "delta_ops": not found in this kernel and its modules`,
	} {
		if _, _, err := l.opsTarget(to); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", to, err, want)
		}
	}
}

// TestOpsWithRefusedTypes holds that the kernel's answer to the types is not lost where something
// cannot work without them.
func TestOpsWithRefusedTypes(t *testing.T) {
	l := opsLoad(t, nil)
	sys.Inject(func() sys.Errno { return sys.E2BIG })
	err := l.loadTypes(nil)
	sys.Inject(nil)
	if err != nil || len(l.out.notes) != 1 || l.out.notes[0].Code != "L01" {
		t.Fatalf("%v, notes %v", err, l.out.notes)
	}
	_, err = l.createOps(l.spec.Maps[0], nil)
	if !errors.Is(err, sys.E2BIG) || !strings.Contains(err.Error(), "only with the types of the collection, which it refused: too large (E2BIG)") {
		t.Errorf("got %v", err)
	}
}
