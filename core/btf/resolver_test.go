package btf

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// oneField makes a table with a struct that has a single field at an offset.
func oneField(t testing.TB, base *Types, name string, at uint32) *Types {
	b := Builder{Base: base}
	typ := b.Add(&Int{Name: "int", Size: 4, Encoding: IntSigned})
	b.Add(&Struct{Name: name, Size: 64, Members: []Member{{Name: "x", Type: typ, Offset: at * 8}}})
	return build(t, &b)
}

func TestResolveCandidates(t *testing.T) {
	local := oneField(t, nil, "s___mine", 0)
	relo := CoreRelo{Type: 2, Access: "0:0", Kind: CoreByteOffset}
	kernel, other := oneField(t, nil, "s", 8), oneField(t, nil, "s", 12)
	empty := oneField(t, nil, "t", 0)
	module := oneField(t, empty, "s___mod", 16)
	for _, c := range []struct {
		name    string
		targets []Target
		value   uint64
		target  int
		err     error
	}{
		{"the kernel goes first", []Target{{"kernel", kernel}, {"other", other}}, 8, 0, nil},
		{"modules when the kernel has none", []Target{{"kernel", empty}, {"mod", module}}, 16, 1, nil},
		{"modules must agree", []Target{{"kernel", empty}, {"a", other}, {"b", module}}, 0, -1, ErrAmbiguous},
		{"modules agree", []Target{{"kernel", empty}, {"a", other}, {"b", oneField(t, empty, "s", 12)}}, 12, 1, nil},
		{"a base is searched once", []Target{{"kernel", kernel}, {"mod", oneField(t, kernel, "u", 0)}}, 8, 0, nil},
		{"a base comes with its module", []Target{{"mod", oneField(t, kernel, "u", 0)}}, 8, 0, nil},
		{"no target", nil, 0, -1, nil},
	} {
		f, err := Resolve(local, relo, c.targets...)
		if !errors.Is(err, c.err) || f.Value != c.value || f.Target != c.target {
			t.Errorf("%s: value %d of target %d, %v", c.name, f.Value, f.Target, err)
		}
		if f.Poison != (c.err == nil && c.target < 0) {
			t.Errorf("%s: poison is %v: %s", c.name, f.Poison, f.Reason)
		}
	}
	shared := []Target{{"kernel", empty}, {"a", oneField(t, kernel, "u", 0)}, {"b", oneField(t, kernel, "u", 0)}}
	if f, err := Resolve(local, relo, shared...); err != nil || f.Target != 1 || len(f.Found) != 1 {
		t.Errorf("a base of two modules gives %v, %v", f.Found, err)
	}
	_, err := Resolve(local, relo, Target{"kernel", empty}, Target{"a", other}, Target{"b", module})
	want := "resolve byte_off struct s___mine.x: candidates disagree: type 2 in a resolves to 12 (4 bytes at 12), type 4 in b resolves to 16 (4 bytes at 16)"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

// TestResolveAmbiguous has candidates with the same number, of which the error must tell what is
// different.
func TestResolveAmbiguous(t *testing.T) {
	s := newScalars(nil)
	id := s.Add(&Struct{Name: "s___mine", Size: 8, Members: []Member{{Name: "x", Type: s.u32}, {Name: "b", Type: s.u32, Offset: 32, BitSize: 3}}})
	local := build(t, &s.Builder)
	s = newScalars(nil)
	for i, typ := range []ID{s.u32, s.u64, s.u32} {
		s.Add(&Struct{Name: "s", Size: 24, Members: []Member{
			{Name: "x", Type: typ, Offset: 64 * uint32(i/2)}, {Name: "b", Type: s.u32, Offset: 128 + uint32(i), BitSize: 3},
		}})
	}
	kernel := Target{"kernel", build(t, &s.Builder)}
	for _, c := range []struct {
		access string
		kind   CoreKind
		want   string
	}{
		{"0:0", CoreByteOffset, "type 8 in kernel resolves to 0 (4 bytes at 0), type 9 in kernel resolves to 0 (8 bytes at 0), type 10 in kernel resolves to 8 (4 bytes at 8)"},
		{"0:0", CoreExists, "type 8 in kernel resolves to 1 (4 bytes at 0), type 9 in kernel resolves to 1 (8 bytes at 0), type 10 in kernel resolves to 1 (4 bytes at 8)"},
		{"0:1", CoreRShift, "type 8 in kernel resolves to 61 (3 bits at 16:0), type 9 in kernel resolves to 61 (3 bits at 16:1), type 10 in kernel resolves to 61 (3 bits at 16:2)"},
		{"0", CoreTypeIDTarget, "type 8 in kernel resolves to 8, type 9 in kernel resolves to 9, type 10 in kernel resolves to 10"},
	} {
		_, err := Resolve(local, CoreRelo{id, c.access, c.kind}, kernel)
		if !errors.Is(err, ErrAmbiguous) || !strings.HasSuffix(err.Error(), ": candidates disagree: "+c.want) {
			t.Errorf("%v %s: %v, want %s", c.kind, c.access, err, c.want)
		}
	}
}

// TestResolveIndexed asks more often than types are searched one by one.
func TestResolveIndexed(t *testing.T) {
	var b Builder
	typ := b.Add(&Int{Name: "int", Size: 4})
	var want []ID
	for _, name := range []string{"s___1", "s", "s_", "s__2", "s___2", "___s", "s____3"} {
		id := b.Add(&Struct{Name: name, Size: 4, Members: []Member{{Name: "x", Type: typ}}})
		if Essential(name) == "s" {
			want = append(want, id)
		}
	}
	types := build(t, &b)
	for range 2 * fewFinds {
		f, err := Resolve(types, CoreRelo{want[0], "0:0", CoreExists}, Target{"kernel", types})
		if err != nil || f.Value != 1 {
			t.Fatal(f, err)
		}
		var got []ID
		for _, c := range f.Found {
			got = append(got, c.Type)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("candidates %v, want %v", got, want)
		}
	}
	if types.names.Load() == nil {
		t.Error("no index was built, so this test shows nothing")
	}
}

// manyStructs makes a table of structs with members of different sizes, each of another place in
// another table.
func manyStructs(t testing.TB, structs, members, shift int) *Types {
	s := newScalars(nil)
	for i := range structs {
		list := &Struct{Name: fmt.Sprintf("s%d", i), Size: uint32(8 * (members + shift))}
		for k := range members {
			typ := []ID{s.u64, s.u32, s.short, s.ptr}[k%4]
			list.Members = append(list.Members, Member{Name: fmt.Sprintf("m%d", k), Type: typ, Offset: uint32(64 * (k + shift))})
		}
		s.Add(list)
	}
	return build(t, &s.Builder)
}

// TestResolverRemembers computes many relocations twice, in one pass and one after the other: all
// return what each returns alone, and what is remembered costs no memory.
func TestResolverRemembers(t *testing.T) {
	local := manyStructs(t, 20, 12, 0)
	first, second := manyStructs(t, 10, 12, 3), manyStructs(t, 15, 6, 5)
	targets := []Target{{"first", first}, {"second", second}, {"third", manyStructs(t, 18, 12, 5)}}
	var relos []CoreRelo
	for i := range 20 {
		id := find(t, local, fmt.Sprintf("s%d", i), KindStruct)
		for k := range 12 {
			for kind := range CoreTypeIDLocal {
				relos = append(relos, CoreRelo{id, fmt.Sprintf("0:%d", k), kind})
			}
		}
		relos = append(relos, CoreRelo{id, "0", CoreTypeSize}, CoreRelo{id, "0", CoreTypeIDLocal})
	}
	one, prepared := NewResolver(local, targets...), NewResolver(local, targets...)
	prepared.Prepare(relos[:len(relos)/2])
	prepared.Prepare(relos)
	for range 2 {
		for _, relo := range relos {
			want, err1 := Resolve(local, relo, targets...)
			a, err2 := one.Resolve(relo)
			b, err3 := prepared.Resolve(relo)
			if fmt.Sprint(err1) != fmt.Sprint(err2) || fmt.Sprint(err1) != fmt.Sprint(err3) {
				t.Fatalf("%v: %v alone, %v, %v prepared", relo, err1, err2, err3)
			}
			equal := []cmp.Option{cmpopts.IgnoreUnexported(CoreResult{}), cmpopts.EquateEmpty()}
			if d := cmp.Diff(want, a, equal...) + cmp.Diff(want, b, equal...); d != "" {
				t.Fatalf("%s:\n%s", want.Text(), d)
			}
		}
	}
	relos = slices.DeleteFunc(relos, func(relo CoreRelo) bool { // errors are not remembered
		_, err := one.Resolve(relo)
		return err != nil
	})
	if len(one.cached.list) != len(relos) {
		t.Errorf("%d results are remembered of %d relocations", len(one.cached.list), len(relos))
	}
	if n := testing.AllocsPerRun(10, func() {
		for _, relo := range relos {
			if _, err := one.Resolve(relo); err != nil {
				t.Fatal(err)
			}
		}
	}); n > 0 {
		t.Errorf("%v allocations for relocations that are remembered", n)
	}
}

// TestResolveAllocates computes relocations with candidates in one table alone: only the list of
// them needs memory.
func TestResolveAllocates(t *testing.T) {
	local, target := manyStructs(t, 1, 12, 0), manyStructs(t, 30, 12, 2)
	target.buildIndexes(t)
	targets := []Target{{"kernel", target}}
	id := find(t, local, "s0", KindStruct)
	for _, relo := range []CoreRelo{{id, "0:9", CoreByteOffset}, {id, "0", CoreTypeSize}, {id, "0", CoreTypeExists}} {
		if n := testing.AllocsPerRun(100, func() {
			if f, err := Resolve(local, relo, targets...); err != nil || f.Poison {
				t.Fatal(f, err)
			}
		}); n > 1 {
			t.Errorf("%v: %v allocations", relo, n)
		}
	}
}

// TestResolverFresh computes a few relocations with a new Resolver each time: that takes memory
// once.
func TestResolverFresh(t *testing.T) {
	local, target := manyStructs(t, 2, 3, 0), manyStructs(t, 30, 12, 2)
	target.buildIndexes(t)
	a, b := find(t, local, "s0", KindStruct), find(t, local, "s1", KindStruct)
	relos := []CoreRelo{{a, "0:0", CoreByteOffset}, {a, "0", CoreTypeIDLocal}, {a, "0:1", CoreExists}, {b, "0:2", CoreByteSize}, {a, "0:1", CoreSigned}}
	targets := []Target{{"kernel", target}}
	if n := testing.AllocsPerRun(100, func() {
		r := NewResolver(local, targets...)
		r.Prepare(relos)
		for _, relo := range relos {
			if f, err := r.Resolve(relo); err != nil || f.Poison {
				t.Fatal(f, err)
			}
		}
	}); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

// TestResolverMemory computes relocations against types of the kernel that were just opened. That
// takes little more than the offset index of Parse: nothing is indexed, and no type is made.
func TestResolverMemory(t *testing.T) {
	raw := vmlinuxBytes(t)
	s := newScalars(nil)
	var relos []CoreRelo
	for name, member := range map[string]string{"task_struct": "pid", "file": "f_mode", "inode": "i_ino", "mm_struct": "mmap_base"} {
		id := s.Add(&Struct{Name: name, Size: 8, Members: []Member{{Name: member, Type: s.u64}}})
		for k := range CoreTypeIDLocal {
			relos = append(relos, CoreRelo{id, "0:0", k})
		}
	}
	relos = slices.Repeat(relos, 50)
	local := build(t, &s.Builder)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	types, err := Parse(raw, Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := NewResolver(local, Target{"vmlinux", types})
	r.Prepare(relos)
	for _, relo := range relos {
		if f, err := r.Resolve(relo); err != nil || f.Poison {
			t.Fatalf("%s: %s, %v", f.Text(), f.Reason, err)
		}
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 128<<10 {
		t.Errorf("%d bytes for %d relocations", n, len(relos))
	}
}

// buildIndexes searches until names are indexed.
func (t *Types) buildIndexes(tb testing.TB) {
	for range 2 * fewFinds {
		find(tb, t, "s0", KindStruct)
	}
}
