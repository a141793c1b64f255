package btf

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// untyped builds types as compilers of C++ write them.
func untyped(t *testing.T) *Types {
	t.Helper()
	var b Builder
	u32 := b.Add(&Int{Name: "u32", Size: 4})
	ref := b.Add(&Typedef{Name: "ref"})
	refs := b.Add(&Array{Type: ref, Index: u32, Count: 2})
	s := b.Add(&Struct{Name: "counter", Size: 32, Members: []Member{
		{Name: "", Type: 0}, {Name: "n", Type: u32, Offset: 64}, {Name: "at", Type: ref, Offset: 128},
		{Name: "last", Type: u32, Offset: 192}, {Name: "inc", Type: 0, Offset: 256},
	}})
	b.Add(&DeclTag{Tag: "last", Type: s, Component: 3})
	b.Add(&DeclTag{Tag: "method", Type: s, Component: 4})
	b.Add(&DeclTag{Tag: "whole", Type: s, Component: -1})
	b.Add(&Struct{Name: "both", Union: true, Size: 4, Members: []Member{{Name: "a", Type: u32}, {Name: "get", Offset: 256}}})
	p := b.Add(&FuncProto{Return: u32, Params: []Param{{Name: "c"}, {Type: u32}, {Name: "r", Type: ref}, {}}})
	b.Add(&Func{Name: "add", Type: p, Linkage: LinkGlobal})
	b.Add(&FuncProto{Params: []Param{{}, {Type: u32}}})
	v := b.Add(&Var{Name: "which", Type: ref, Linkage: LinkGlobal})
	w := b.Add(&Var{Name: "all", Type: refs, Linkage: LinkGlobal})
	b.Add(&Datasec{Name: ".bss", Size: 24, Vars: []SecVar{{Type: v, Size: 8}, {Type: w, Offset: 8, Size: 16}}})
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	if err := types.Validate(); err != nil {
		t.Fatal(err)
	}
	return types
}

// TestUntyped finds what C does not have, and leaves it out for the kernel.
func TestUntyped(t *testing.T) {
	types := untyped(t)
	if got, want := slices.Collect(types.Untyped()), []ID{3, 4, 8, 9, 11}; !slices.Equal(got, want) {
		t.Errorf("types %v, want %v", got, want)
	}
	if n, err := types.Align(4); n != 4 || err != nil {
		t.Errorf("alignment %d, %v", n, err)
	}
	blob, _, err := types.ForKernel(KernelOptions{})
	if err != nil {
		t.Fatal(err)
	}
	fixed, err := Parse(blob, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []byte
	for id := range fixed.All() {
		if got, err = fixed.AppendRaw(got, id); err != nil {
			t.Fatal(err)
		}
	}
	const want = `[1] INT 'u32' size=4 bits_offset=0 nr_bits=32 encoding=(none)
[2] TYPEDEF 'ref' type_id=0
[3] ARRAY '(anon)' type_id=15 index_type_id=1 nr_elems=2
[4] STRUCT 'counter' size=32 vlen=2
	'n' type_id=1 bits_offset=64
	'last' type_id=1 bits_offset=192
[5] DECL_TAG 'last' type_id=4 component_idx=1
[6] CONST '(anon)' type_id=0
[7] DECL_TAG 'whole' type_id=4 component_idx=-1
[8] UNION 'both' size=4 vlen=1
	'a' type_id=1 bits_offset=0
[9] FUNC_PROTO '(anon)' ret_type_id=1 vlen=4
	'c' type_id=16
	'dummy_ksym' type_id=1
	'r' type_id=16
	'(anon)' type_id=0
[10] FUNC 'add' type_id=9 linkage=static
[11] FUNC_PROTO '(anon)' ret_type_id=0 vlen=2
	'(anon)' type_id=16
	'(anon)' type_id=1
[12] VAR 'which' type_id=15, linkage=global
[13] VAR 'all' type_id=15, linkage=global
[14] DATASEC '.bss' size=24 vlen=2
	type_id=12 offset=0 size=8 (VAR 'which')
	type_id=13 offset=8 size=16 (VAR 'all')
[15] STRUCT '(anon)' size=0 vlen=0
[16] PTR '(anon)' type_id=0
`
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Errorf("for the kernel (-want +got):\n%s", d)
	}
	if left := slices.Collect(fixed.Untyped()); len(left) > 0 {
		t.Errorf("types %v are still there", left)
	}
}

// TestKernelTakesUntyped loads what is left of such types.
func TestKernelTakesUntyped(t *testing.T) {
	needKernel(t)
	blob, _, err := untyped(t).ForKernel(KernelOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if log, err := load(plain(t, blob)); err != nil {
		t.Errorf("%v\n%s", err, log)
	}
}
