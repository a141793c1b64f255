package btf

import (
	"encoding/binary"
	"errors"
	"testing"
)

// kernelBase are types as a kernel has them, after some others that move their ids.
func kernelBase(t testing.TB, before int, size uint32) *Types {
	s := newScalars(nil)
	for range before {
		s.Add(&Pointer{s.int})
	}
	anon := s.Add(&Struct{Size: 4, Members: []Member{{Name: "x", Type: s.int}}})
	s.Add(&Typedef{"atomic_t", anon})
	node := &Struct{Name: "list", Size: size}
	list := s.Add(node)
	node.Members = []Member{{Name: "next", Type: s.Add(&Pointer{list})}}
	s.Add(&Struct{Name: "task", Size: 64, Members: []Member{{Name: "l", Type: list}}})
	s.Add(&Struct{Name: "u", Union: true, Size: 4, Members: []Member{{Name: "a", Type: s.int}}})
	s.Add(&Enum{Name: "color", Size: 4, Values: []Enumerator{{"RED", 0}, {"GREEN", 1}}})
	s.Add(&Enum{Name: "wide", Size: 8, Wide: true, Values: []Enumerator{{"W", 1 << 40}}})
	s.Add(&Float{"double", 8})
	s.Add(&Fwd{Name: "opaque"})
	s.Add(&Fwd{Name: "ounion", Union: true})
	s.Add(&FuncProto{Return: s.int, Params: []Param{{"t", s.Add(&Pointer{list})}}})
	s.Add(&Struct{Name: "passed", Size: 4, Members: []Member{{Name: "a", Type: s.int}}})
	return build(t, &s.Builder)
}

// module are types that go on from those of a kernel.
func module(t testing.TB, base *Types) *Types {
	id := func(name string, k Kind) ID { return find(t, base, name, k) }
	b := Builder{Base: base}
	task := b.Add(&Pointer{b.Add(&Const{id("task", KindStruct)})})
	arr := b.Add(&Array{id("u", KindUnion), id("int", KindInt), 4})
	b.Add(&Struct{Name: "mine", Size: 96, Members: []Member{
		{Name: "list", Type: id("list", KindStruct)}, {Name: "task", Type: task, Offset: 64}, {Name: "arr", Type: arr, Offset: 128},
		{Name: "n", Type: id("atomic_t", KindTypedef), Offset: 256}, {Name: "c", Type: id("color", KindEnum), Offset: 288},
		{Name: "w", Type: id("wide", KindEnum64), Offset: 320}, {Name: "d", Type: id("double", KindFloat), Offset: 384},
		{Name: "o", Type: b.Add(&Pointer{id("opaque", KindFwd)}), Offset: 448},
		{Name: "q", Type: b.Add(&Pointer{id("ounion", KindFwd)}), Offset: 512},
	}})
	b.Add(&Func{"f", b.Add(&FuncProto{Return: id("long", KindInt), Params: []Param{{"t", task}, {"p", id("passed", KindStruct)}}}), LinkStatic})
	return build(t, &b)
}

// TestDistill takes a module from one kernel to another and compares all of its types.
func TestDistill(t *testing.T) {
	mod := module(t, kernelBase(t, 0, 8))
	base, split, err := mod.Distill()
	if err != nil {
		t.Fatal(err)
	}
	if err := split.Validate(); err != nil {
		t.Fatal(err)
	}
	compareLines(t, rawDump(t, base), []byte(`[1] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED
[2] INT 'long' size=8 bits_offset=0 nr_bits=64 encoding=SIGNED
[3] STRUCT 'list' size=8 vlen=0
[4] STRUCT 'task' size=64 vlen=0
[5] UNION 'u' size=4 vlen=0
[6] ENUM 'color' encoding=UNSIGNED size=4 vlen=0
[7] ENUM64 'wide' encoding=UNSIGNED size=8 vlen=0
[8] FLOAT 'double' size=8
[9] FWD 'opaque' fwd_kind=struct
[10] FWD 'ounion' fwd_kind=union
[11] FWD 'passed' fwd_kind=struct
`))
	// The tables were stored and are read again.
	base, err = Parse(base.Bytes(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	split, err = Parse(split.Bytes(), Options{Base: base})
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range []*Types{mod.Base(), kernelBase(t, 9, 8), kernelBase(t, 1000, 8)} {
		got, ids, err := split.Rebase(other)
		if err != nil {
			t.Fatal(err)
		}
		if err := got.Validate(); err != nil {
			t.Fatal(err)
		}
		if got.Base() != other || len(ids) != split.Len() {
			t.Errorf("%d ids", len(ids))
		}
		sameOwn(t, mod, got)
	}
}

// sameOwn compares the types of a table with those in the same places of another one on another base.
func sameOwn(t *testing.T, want, got *Types) {
	t.Helper()
	shift := got.First() - want.First()
	for id := want.First(); int(id) < want.Len(); id++ {
		a, err1 := want.Size(id)
		b, err2 := got.Size(id + shift)
		if x, y := want.TypeName(id), got.TypeName(id+shift); x != y || a != b || (err1 == nil) != (err2 == nil) {
			t.Errorf("%s of %d bytes became %s of %d", x, a, y, b)
		}
		if s, ok := first(want.Type(id)).(*Struct); ok {
			for i, m := range first(got.Type(id + shift)).(*Struct).Members {
				if x, y := want.TypeName(s.Members[i].Type), got.TypeName(m.Type); x != y || m.Name != s.Members[i].Name {
					t.Errorf("member %s of type %s became %s of type %s", s.Members[i].Name, x, m.Name, y)
				}
			}
		}
	}
}

func first(typ Type, _ error) Type { return typ }

// B19: bases that do not match.
func TestRebaseRefuses(t *testing.T) {
	mod := module(t, kernelBase(t, 0, 8))
	_, split, err := mod.Distill()
	if err != nil {
		t.Fatal(err)
	}
	twice := newScalars(nil)
	twice.AddAll(kernelBase(t, 0, 8))
	twice.Add(&Struct{Name: "list", Size: 8})
	other := newScalars(binary.BigEndian)
	var unsigned, short Builder
	for _, typ := range kernelBase(t, 0, 8).All() {
		n, isInt := typ.(*Int)
		e, isEnum := typ.(*Enum)
		switch {
		case isInt && n.Name == "long":
			unsigned.Add(&Int{Name: "long", Size: 8})
			short.Add(typ)
		case isEnum && e.Name == "color":
			unsigned.Add(typ)
			short.Add(&Enum{Name: "color", Size: 1, Values: e.Values})
		default:
			unsigned.Add(typ)
			short.Add(typ)
		}
	}
	for name, base := range map[string]*Types{
		"a struct of another size": kernelBase(t, 0, 16),
		"nothing is there":         build(t, &Builder{}),
		"two structs of the size":  build(t, &twice.Builder),
		"the other byte order":     build(t, &other.Builder),
		"an int without a sign":    build(t, &unsigned),
		"an enum of another size":  build(t, &short),
	} {
		if _, _, err := split.Rebase(base); !errors.Is(err, ErrBase) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := mod.Base().Rebase(mod.Base()); !errors.Is(err, ErrBase) {
		t.Errorf("no base: %v", err)
	}
	if _, _, err := module(t, mod).Rebase(mod.Base()); !errors.Is(err, ErrBase) {
		t.Errorf("a base with a base: %v", err)
	}
	if _, _, err := mod.Base().Distill(); !errors.Is(err, ErrBase) {
		t.Errorf("nothing to distill: %v", err)
	}
	if _, err := Parse(split.Bytes(), Options{}); err == nil {
		t.Error("split types were read without their base")
	}
}

// TestDistillKernel makes a module of the types of this kernel independent of it, and puts it back.
func TestDistillKernel(t *testing.T) {
	kernel := vmlinux(t)
	b := Builder{Base: kernel}
	task := find(t, kernel, "task_struct", KindStruct)
	list := find(t, kernel, "list_head", KindStruct)
	b.Add(&Struct{Name: "of_module", Size: 24, Members: []Member{{Name: "l", Type: list}, {Name: "t", Type: b.Add(&Pointer{task}), Offset: 128}}})
	mod := build(t, &b)
	base, split, err := mod.Distill()
	if err != nil {
		t.Fatal(err)
	}
	if base.Len() != 3 {
		t.Errorf("the distilled base has %d types\n%s", base.Len(), rawDump(t, base))
	}
	got, ids, err := split.Rebase(kernel)
	if err != nil {
		t.Fatal(err)
	}
	if ids[find(t, base, "task_struct", KindFwd)] != task {
		t.Error("task_struct is not found again")
	}
	compareLines(t, rawDump(t, got), rawDump(t, mod))
}

// TestDistillDeep goes through a chain of a million types without names.
func TestDistillDeep(t *testing.T) {
	const n = maxTypes - 10
	chain := make([]uint32, 0, 3*n)
	for i := uint32(2); i <= n; i++ {
		chain = append(chain, 0, info(KindPointer, 0), i-1)
	}
	base, err := Parse(afterInt(chain...), Options{})
	if err != nil {
		t.Fatal(err)
	}
	b := Builder{Base: base}
	b.Add(&Pointer{n})
	raw, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	split, err := Parse(raw, Options{Base: base})
	if err != nil {
		t.Fatal(err)
	}
	small, moved, err := split.Distill()
	if err != nil || small.Len() != 2 || moved.Len() != n+2 {
		t.Errorf("%d and %d types, %v", small.Len(), moved.Len(), err)
	}
}
