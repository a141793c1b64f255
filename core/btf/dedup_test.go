package btf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/internal/testenv"
)

// units are three objects of one program: two know a list and an item each in part, one knows both.
func units(t testing.TB) []*Types {
	part := func(list, item bool) *Types {
		s := newScalars(nil)
		add := func(known bool, to *Struct) ID {
			if known {
				return s.Add(to)
			}
			return s.Add(&Fwd{Name: to.Name})
		}
		l, i := &Struct{Name: "list", Size: 8}, &Struct{Name: "item", Size: 16}
		lid, iid := add(list, l), add(item, i)
		lp, ip := s.Add(&Pointer{lid}), s.Add(&Pointer{iid})
		l.Members = []Member{{Name: "head", Type: ip}}
		i.Members = []Member{{Name: "next", Type: ip}, {Name: "of", Type: lp, Offset: 64}}
		v := s.Add(&Var{Name: "it", Type: ip, Linkage: LinkGlobal})
		s.Add(&Datasec{Name: ".bss", Vars: []SecVar{{v, 0, 8}}})
		return build(t, &s.Builder)
	}
	return []*Types{part(true, false), part(false, true), part(true, true)}
}

// TestMerge puts the parts together: declarations find their definitions through a cycle, and variables stay.
func TestMerge(t *testing.T) {
	tables := units(t)
	got, ids, err := Merge(tables...)
	if err != nil {
		t.Fatal(err)
	}
	if err := got.Validate(); err != nil {
		t.Fatal(err)
	}
	want := string(rawDump(t, got))
	if n := strings.Count(want, "FWD"); n != 0 || len(got.FindAll("list")) != 1 || len(got.FindAll("item")) != 1 {
		t.Errorf("%d declarations are left in\n%s", n, want)
	}
	if len(got.FindAll("it")) != 3 || len(got.FindAll(".bss")) != 3 || len(got.FindAll("int")) != 1 {
		t.Error(want)
	}
	for i, one := range tables {
		for old := range ID(one.Len()) {
			a, b := one.TypeName(old), got.TypeName(ids[i][old])
			if a != b {
				t.Errorf("table %d, type %d: %q became %q", i, old, a, b)
			}
		}
	}
	once, same, err := got.Dedup()
	if err != nil || !bytes.Equal(once.Bytes(), got.Bytes()) {
		t.Errorf("once more gives other types: %v", err)
	}
	for old, id := range same {
		if ID(old) != id {
			t.Errorf("once more: %d became %d", old, id)
		}
	}
	if _, _, err := Merge(); err == nil {
		t.Error("nothing was merged")
	}
}

// TestDedupAmbiguous leaves a declaration alone that may be of either of two structs.
func TestDedupAmbiguous(t *testing.T) {
	s := newScalars(nil)
	one := s.Add(&Struct{Name: "s", Size: 4, Members: []Member{{Name: "a", Type: s.int}}})
	two := s.Add(&Struct{Name: "s", Size: 4, Members: []Member{{Name: "b", Type: s.int}}})
	fwd := s.Add(&Fwd{Name: "s"})
	ptr := s.Add(&Pointer{fwd})
	s.Add(&Fwd{Name: "s", Union: true})
	e := s.Add(&Enum{Name: "e", Size: 4})
	full := s.Add(&Enum{Name: "e", Size: 4, Values: []Enumerator{{"A", 1}}})
	long := s.Add(&Enum{Name: "e", Size: 8})
	_, ids, err := build(t, &s.Builder).Dedup()
	if err != nil {
		t.Fatal(err)
	}
	if ids[one] == ids[two] || ids[fwd] == ids[one] || ids[fwd] == ids[two] || ids[ptr] == 0 {
		t.Errorf("structs are %d and %d, the declaration is %d", ids[one], ids[two], ids[fwd])
	}
	if ids[e] != ids[full] || ids[long] == ids[full] {
		t.Errorf("enums are %d, %d and %d", ids[e], ids[full], ids[long])
	}
}

// TestDedupDeclaredEnum finds the definition of an enum that has no size where it is declared, unless there are two.
func TestDedupDeclaredEnum(t *testing.T) {
	for _, sizes := range [][]uint32{{4}, {8}, {4, 8}, {}} {
		var s Builder
		for _, size := range sizes {
			s.Add(&Enum{Name: "e", Size: size, Values: []Enumerator{{"A", 1}}})
		}
		s.Add(&Pointer{s.Add(&Enum{Name: "e"})})
		got, ids, err := build(t, &s).Dedup()
		if err != nil {
			t.Fatal(err)
		}
		want := len(sizes) // definitions, and the declaration where it stays
		if len(sizes) != 1 {
			want++
		}
		if n := len(got.FindAll("e")); n != want {
			t.Errorf("sizes %v: %d enums, %v\n%s", sizes, n, ids, rawDump(t, got))
		}
	}
}

// TestDedupSplit finds the types of the base, which do not change.
func TestDedupSplit(t *testing.T) {
	s := newScalars(nil)
	inner := s.Add(&Struct{Name: "inner", Size: 4, Members: []Member{{Name: "a", Type: s.int}}})
	s.Add(&Fwd{Name: "mine"})
	twice := s.Add(&Pointer{inner})
	base := build(t, &s.Builder)
	b := Builder{Base: base}
	in := b.Add(&Int{Name: "int", Size: 4, Encoding: IntSigned})
	again := b.Add(&Struct{Name: "inner", Size: 4, Members: []Member{{Name: "a", Type: in}}})
	p := b.Add(&Pointer{again})
	decl := b.Add(&Fwd{Name: "mine"})
	mine := b.Add(&Struct{Name: "mine", Size: 8, Members: []Member{{Name: "p", Type: p}}})
	b.Add(&Pointer{decl})
	b.Add(&Pointer{mine})
	got, ids, err := build(t, &b).Dedup()
	if err != nil {
		t.Fatal(err)
	}
	if ids[in] != s.int || ids[again] != inner || ids[p] != twice || ids[decl] != ids[mine] {
		t.Error(ids)
	}
	if got.Base() != base || got.Len() != base.Len()+2 || ids[base.Len()-1] != ID(base.Len()-1) {
		t.Errorf("%d types\n%s", got.Len(), rawDump(t, got))
	}
	if err := got.Validate(); err != nil {
		t.Error(err)
	}
	if _, _, err := Merge(base, got); err == nil {
		t.Error("tables on different bases were merged")
	}
}

// TestDedupRandom holds Dedup against refinement in the plainest way, on graphs full of cycles.
func TestDedupRandom(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		n := 2 + r.IntN(40)
		var b Builder
		any := func() ID { return ID(1 + r.IntN(n)) }
		for range n {
			switch r.IntN(5) {
			case 0:
				b.Add(&Int{Name: fmt.Sprint("i", r.IntN(2)), Size: 4})
			case 1, 2:
				b.Add(&Pointer{any()})
			case 3:
				b.Add(&Struct{Size: 64, Members: []Member{{Name: "a", Type: any()}, {Name: "b", Type: any(), Offset: 64}}})
			case 4:
				b.Add(&FuncProto{Return: any()})
			}
		}
		raw, err := b.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		types, err := Parse(raw, Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, ids, err := types.Dedup()
		if err != nil {
			t.Fatal(err)
		}
		want := plainClasses(types)
		for i := range n + 1 {
			for j := range i {
				if (want[i] == want[j]) != (ids[i] == ids[j]) {
					t.Fatalf("seed %d: types %d and %d: same %v, ids %d and %d", seed, i, j, want[i] == want[j], ids[i], ids[j])
				}
			}
		}
	}
}

// plainClasses divides types by what they are and by the classes of what they refer to, as often as there are types.
func plainClasses(t *Types) []string {
	class := make([]string, t.Len())
	for range t.Len() {
		next, number := make([]string, t.Len()), map[string]string{}
		for id := range next {
			r := t.record(ID(id))
			s := fmt.Sprint(r.kind(), t.Name(ID(id)), r.vlen())
			for to := range t.Refs(ID(id)) {
				s += "," + class[to]
			}
			if number[s] == "" {
				number[s] = fmt.Sprint(len(number) + 1)
			}
			next[id] = number[s]
		}
		class = next
	}
	return class
}

// B09: chains and rings of a million types.
func TestDedupDeep(t *testing.T) {
	const n = maxTypes - 2
	chain := make([]uint32, 0, 3*n)
	for i := uint32(2); i <= n; i++ {
		chain = append(chain, 0, info(KindPointer, 0), i-1)
	}
	ring := append([]uint32{}, chain...)
	ring[2] = n // the first leads to the last
	for name, c := range map[string]struct {
		words []uint32
		want  int
	}{"chain": {chain, n + 1}, "ring": {ring, 3}} {
		types, err := Parse(afterInt(c.words...), Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := types.Dedup()
		if err != nil || got.Len() != c.want {
			t.Errorf("%s: %d types, %v", name, got.Len(), err)
		}
	}
}

// TestDedupStrings removes a string that a table has twice, also where it has no empty name.
func TestDedupStrings(t *testing.T) {
	for _, named := range []bool{true, false} {
		var b Builder
		b.Add(&Int{Name: "one", Size: 4, Bits: 32})
		b.Add(&Int{Name: "two", Size: 8, Bits: 64})
		if !named {
			b.Add(&Pointer{Type: 1})
		}
		raw, err := b.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		types, err := Parse(bytes.ReplaceAll(raw, []byte("two"), []byte("one")), Options{})
		if err != nil {
			t.Fatal(err)
		}
		small, _, err := types.Dedup()
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(small.Bytes(), []byte("one")); n != 1 || small.Len() != types.Len() || small.Name(2) != "one" {
			t.Errorf("the string is there %d times, and the second type is %q", n, small.Name(2))
		}
	}
}

// TestDedupMalformed refuses what cannot be taken apart.
func TestDedupMalformed(t *testing.T) {
	for name, blob := range map[string][]byte{
		"id":     afterInt(0, info(KindPointer, 0), 9),
		"name":   afterInt(99, info(KindFwd, 0), 0),
		"member": afterInt(0, info(KindStruct, 1), 4, 99, 1, 0),
	} {
		types, err := Parse(blob, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := types.Dedup(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestMergeKernel merges the kernel's types with themselves: nothing is left over but variables and sections.
func TestMergeKernel(t *testing.T) {
	types := vmlinux(t)
	once, _, err := types.Dedup()
	if err != nil {
		t.Fatal(err)
	}
	got, ids, err := Merge(once, once)
	if err != nil {
		t.Fatal(err)
	}
	places := 0
	for id := once.First(); int(id) < once.Len(); id++ {
		if k := once.Kind(id); k == KindVar || k == KindDatasec {
			places++
		} else if ids[0][id] != ids[1][id] {
			t.Fatalf("type %d is both %d and %d", id, ids[0][id], ids[1][id])
		}
	}
	if n := got.Len() - once.Len(); n > places || n == 0 && places > 0 {
		t.Errorf("%d types are left over, %d of them variables and sections", n, places)
	}
}

// TestMergeLibbpf holds what is left of several tables against what libbpf leaves: the same types, none more.
func TestMergeLibbpf(t *testing.T) {
	raw, _, err := vmlinux(t).Sanitise(AllFeatures &^ FeatureLayout) // which libbpf may not know
	if err != nil {
		t.Fatal(err)
	}
	kernel, err := Parse(raw, Options{})
	if err != nil {
		t.Fatal(err)
	}
	tool := filepath.Join(t.TempDir(), "dedup")
	if text, err := exec.Command("clang-19", "-o", tool, "testdata/dedup.c", "-lbpf").CombinedOutput(); err != nil {
		testenv.Skip(t, testenv.Clang, fmt.Sprintf("%v with libbpf: %.300s", err, text))
	}
	for name, tables := range map[string][]*Types{
		"objects": {units(t)[0], fixture(t), units(t)[2], units(t)[1], fixture(t)},
		"kernel":  {fixture(t), kernel, units(t)[2], kernel},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			holdMerge(t, tables, libbpfMerge(t, tool, tables))
		})
	}
}

// holdMerge merges tables and compares with what libbpf made of them.
func holdMerge(t *testing.T, tables []*Types, theirs *Types) {
	t.Helper()
	ours, _, err := Merge(tables...)
	if err != nil {
		t.Fatal(err)
	}
	_, ids, err := Merge(ours, theirs)
	if err != nil {
		t.Fatal(err)
	}
	here := map[ID]bool{}
	for _, id := range ids[0] {
		here[id] = true
	}
	for id, kind := range theirs.Kinds() {
		if kind != KindVar && kind != KindDatasec && kind != KindDeclTag && !here[ids[1][id]] { // those and their tags stay apart
			t.Errorf("only libbpf has %v %s", kind, theirs.TypeName(id))
		}
	}
	if ours.Len() != theirs.Len() {
		t.Errorf("%d types, libbpf has %d", ours.Len(), theirs.Len())
	}
}

// libbpfMerge is Merge by libbpf, by a program that was compiled of testdata/dedup.c.
func libbpfMerge(t *testing.T, tool string, tables []*Types) *Types {
	t.Helper()
	dir := t.TempDir()
	out := filepath.Join(dir, "out.btf")
	args := []string{out}
	for i, types := range tables {
		args = append(args, filepath.Join(dir, fmt.Sprint(i)))
		if err := os.WriteFile(args[len(args)-1], types.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := exec.Command(tool, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	raw, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	types, err := Parse(raw, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return types
}

// TestMergeOrders merges tables of both byte orders.
func TestMergeOrders(t *testing.T) {
	little, big := Builder{}, Builder{Order: binary.BigEndian}
	for _, typ := range oneOfEach() {
		little.Add(typ)
		big.Add(typ)
	}
	got, ids, err := Merge(build(t, &little), build(t, &big))
	if err != nil {
		t.Fatal(err)
	}
	if ids[0][5] != ids[1][5] || got.Order() != binary.LittleEndian {
		t.Error(ids)
	}
}

func BenchmarkDedupKernel(b *testing.B) {
	raw := vmlinuxBytes(b)
	b.ReportAllocs()
	for b.Loop() {
		types, _ := Parse(raw, Options{})
		if _, _, err := types.Dedup(); err != nil {
			b.Fatal(err)
		}
	}
}
