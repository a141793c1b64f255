package btf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// oneOfEach are types that use every field of every kind.
func oneOfEach() []Type {
	return []Type{
		&Int{Name: "int", Size: 4, Encoding: IntSigned, Bits: 32},
		&Int{Name: "old", Size: 4, Encoding: IntBool, Offset: 3, Bits: 5},
		&Pointer{Type: 3},
		&Array{Type: 1, Index: 2, Count: 7},
		&Struct{Name: "s", Size: 8, Members: []Member{{"a", 1, 0, 0}, {"b", 1, 40, 3}, {"", 1, 43, 1}}},
		&Struct{Name: "u", Union: true, Size: 1 << 24, Members: []Member{{"far", 1, 1 << 26, 0}}},
		&Enum{Name: "e", Size: 4, Values: []Enumerator{{"A", 0}, {"B", 1<<32 - 1}}},
		&Enum{Name: "e", Size: 4, Signed: true, Values: []Enumerator{{"C", 1<<64 - 1}}},
		&Enum{Name: "w", Size: 8, Wide: true, Values: []Enumerator{{"D", 1<<64 - 2}}},
		&Enum{Name: "ws", Size: 8, Wide: true, Signed: true, Values: []Enumerator{{"E", 1 << 63}}},
		&Fwd{Name: "fs"}, &Fwd{Name: "fu", Union: true},
		&Typedef{"t", 1}, &Volatile{1}, &Const{1}, &Restrict{3},
		&FuncProto{Return: 1, Params: []Param{{"a", 1}, {"", 0}}},
		&Func{"f", 17, LinkExtern},
		&Var{"v", 1, LinkGlobal},
		&Datasec{".d", 12, []SecVar{{19, 4, 4}}},
		&Float{"double", 8},
		&DeclTag{Tag: "d", Type: 5, Component: 1},
		&DeclTag{Tag: "d", Type: 5, Component: -1, Attr: true},
		&TypeTag{Tag: "t", Type: 1}, &TypeTag{Tag: "t", Type: 1, Attr: true},
	}
}

// TestBuildRoundTrip writes every kind and reads it back, in both byte orders.
func TestBuildRoundTrip(t *testing.T) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		b := Builder{Order: order}
		want := oneOfEach()
		for _, typ := range want {
			b.Add(typ)
		}
		types := build(t, &b)
		if types.Order() != order {
			t.Errorf("order is %v, want %v", types.Order(), order)
		}
		var got []Type
		for _, typ := range types.All() {
			got = append(got, typ)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%v: %s", order, d)
		}
		again, err := b.Bytes()
		if err != nil || !bytes.Equal(again, types.Bytes()) {
			t.Errorf("%v: the same types give other bytes, %v", order, err)
		}
		if n := bytes.Count(types.strs.data, []byte("\x00t\x00")); n != 1 {
			t.Errorf("%v: a string is there %d times", order, n)
		}
		if _, err := Parse(again, Options{Order: order}); err != nil {
			t.Error(err)
		}
	}
	b := Builder{Order: binary.BigEndian}
	raw, _ := b.Bytes()
	if _, err := Parse(raw, Options{Order: binary.LittleEndian}); !errors.Is(err, ErrMagic) {
		t.Errorf("wrong byte order: %v", err)
	}
}

// TestBuildValues writes what clang wrote from values, and copies it: the bytes are the same.
func TestBuildValues(t *testing.T) {
	types := fixture(t)
	var values, copies Builder
	copies.AddAll(types)
	for _, typ := range types.All() {
		values.Add(typ)
	}
	if a, b := build(t, &values), build(t, &copies); !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Errorf("%s\nfrom values, copied\n%s", rawDump(t, a), rawDump(t, b))
	}
}

// TestBuildWidth builds integers whose width is left out: they have the bits that Offset leaves.
func TestBuildWidth(t *testing.T) {
	for _, tt := range []struct {
		size        uint32
		offset, out uint8
	}{{4, 0, 32}, {16, 0, 128}, {4, 8, 24}, {4, 32, 0}} {
		var b Builder
		b.Add(&Int{Name: "int", Size: tt.size, Offset: tt.offset})
		types, err := b.Types()
		if err == nil {
			err = types.Validate()
		}
		if err != nil {
			t.Errorf("%+v: %v", tt, err)
			continue
		}
		typ, err := types.Type(1)
		if n, ok := typ.(*Int); !ok || n.Bits != tt.out {
			t.Errorf("%+v: %+v, %v", tt, typ, err)
		}
	}
}

// TestBuildOrder takes the byte order of the base where the builder sets none.
func TestBuildOrder(t *testing.T) {
	big := Builder{Order: binary.BigEndian}
	id := big.Add(&Int{Name: "int", Size: 4})
	split := Builder{Base: build(t, &big)}
	split.Add(&Pointer{id})
	if types := build(t, &split); types.Order() != binary.BigEndian || types.TypeName(2) != "int *" {
		t.Errorf("%v, %s", types.Order(), types.TypeName(2))
	}
}

// TestBuildFarBit has bit-fields as far from the start as they can be, and one bit further.
func TestBuildFarBit(t *testing.T) {
	for offset, want := range map[uint32]error{1<<24 - 1: nil, 1 << 24: ErrBuild} {
		var b Builder
		id := b.Add(&Int{Name: "int", Size: 4})
		b.Add(&Struct{Name: "s", Size: 1<<21 + 4, Members: []Member{{Name: "a", Type: id, Offset: offset, BitSize: 1}}})
		if _, err := b.Types(); !errors.Is(err, want) {
			t.Errorf("bit %d: %v", offset, err)
		}
	}
}

// TestBuildMany builds types with more parts than the old format has room for (16 bits), in both
// byte orders.
func TestBuildMany(t *testing.T) {
	const n = 70_000
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		b := Builder{Order: order}
		i := b.Add(&Int{Name: "int", Size: 4})
		s, e, w := &Struct{Name: "s", Size: 4 * n}, &Enum{Name: "e", Size: 4}, &Enum{Name: "w", Size: 8, Wide: true}
		f, d := &FuncProto{Return: i}, &Datasec{Name: ".d", Size: 4 * n}
		for k := range uint32(n) {
			name := fmt.Sprint("m", k)
			s.Members = append(s.Members, Member{Name: name, Type: i, Offset: 32 * k})
			e.Values = append(e.Values, Enumerator{name, uint64(k)})
			w.Values = append(w.Values, Enumerator{name, uint64(k) << 32})
			f.Params = append(f.Params, Param{name, i})
			d.Vars = append(d.Vars, SecVar{7, 4 * k, 4})
		}
		want := []Type{s, e, w, f, d, &Var{Name: "v", Type: i}}
		for _, typ := range want {
			b.Add(typ)
		}
		types := build(t, &b)
		for k, typ := range want {
			if got, err := types.Type(ID(k + 2)); err != nil || !reflect.DeepEqual(got, typ) {
				t.Errorf("%v: %v is another one, %v", order, typ.Kind(), err)
			}
		}
		if at, err := types.Path(2, "m69999"); err != nil || at.Offset != 4*(n-1) {
			t.Errorf("%v: the last member is at %d, %v", order, at.Offset, err)
		}
		again, _, err := Merge(types, types)
		if err != nil || again.Len() != types.Len()+2 { // the variable and its section
			t.Errorf("%v: merged with itself it has %d types, %v", order, again.Len(), err)
		}
	}
}

// TestBuildStrings copies types of a table that has a name twice: that stays so when there is
// nothing else, and equal names are one when there is.
func TestBuildStrings(t *testing.T) {
	raw := rawBlob("\x00same\x00same\x00", 1, info(KindFwd, 0), 0, 6, info(KindFwd, 0), 0)
	from, err := Parse(raw, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var alone, more Builder
	alone.AddAll(from)
	more.AddAll(from)
	more.Add(&Fwd{Name: "same"})
	for n, b := range map[int]*Builder{2: &alone, 1: &more} {
		types := build(t, b)
		if got := bytes.Count(types.strs.data, []byte("same\x00")); got != n {
			t.Errorf("a name is there %d times, want %d", got, n)
		}
		if ids := types.FindAll("same"); len(ids) != types.Len()-1 {
			t.Errorf("types %v of %d have the name", ids, types.Len())
		}
	}
	merged, _, err := from.Dedup()
	if err != nil || merged.Len() != 2 || len(merged.strs.data) != 6 {
		t.Errorf("without duplicates there are %d types and %q, %v", merged.Len(), merged.strs.data, err)
	}
}

// TestBuildPlaced copies types of which the names take more or less room than usual.
func TestBuildPlaced(t *testing.T) {
	for _, name := range []string{"", "a", strings.Repeat("long", 3), strings.Repeat("very long", 300)} {
		var first, second Builder
		one := first.Add(&Int{Name: name + "_t", Size: 4, Bits: 32})
		two := first.Add(&Const{Type: first.Add(&Typedef{Name: name, Type: one})})
		from, err := Parse(must(first.Bytes()), Options{})
		if err != nil {
			t.Fatal(err)
		}
		ids := second.AddTypes(from, two)
		got, err := Parse(must(second.Bytes()), Options{})
		if err != nil || got.Len() != 4 || got.TypeName(ids(two)) != from.TypeName(two) || got.Name(ids(one)) != name+"_t" {
			t.Errorf("%.20q: %d types, %q, %v", name, got.Len(), got.TypeName(ids(two)), err)
		}
	}
}

// must returns bytes that are there.
func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

// TestBuildParts adds more values than a part has, with copies between them: ids go on.
func TestBuildParts(t *testing.T) {
	from := fixture(t)
	var b Builder
	for i := range 2*manyValues + 5 {
		if id := b.Add(&Pointer{Type: 1}); id != ID(i+1) {
			t.Fatalf("value %d has id %d", i, id)
		}
	}
	ids := b.AddAll(from)
	last := b.Add(&Const{Type: ids[1]})
	types := build(t, &b)
	if int(last) != types.Len()-1 || types.Len() != 2*manyValues+5+from.Len()+1 {
		t.Errorf("the last of %d types is %d", types.Len(), last)
	}
	for id := ID(1); int(id) < from.Len(); id++ {
		if a, b := from.TypeName(id), types.TypeName(ids[id]); a != b {
			t.Errorf("type %d was %q and is %q", id, a, b)
		}
	}
}

func TestBuildRefuses(t *testing.T) {
	for name, typ := range map[string]Type{
		"nul in a name":         &Fwd{Name: "a\x00b"},
		"nul in a member":       &Struct{Members: []Member{{Name: "\x00"}}},
		"nul in a parameter":    &FuncProto{Params: []Param{{Name: "\x00"}}},
		"nul in an enumerator":  &Enum{Values: []Enumerator{{Name: "\x00"}}},
		"bit-field too far":     &Struct{Members: []Member{{Offset: 1 << 24}, {BitSize: 1}}},
		"bit-field too wide":    &Struct{Members: []Member{{BitSize: 256}}},
		"value too large":       &Enum{Size: 4, Values: []Enumerator{{"A", 1 << 32}}},
		"signed value too low":  &Enum{Size: 4, Signed: true, Values: []Enumerator{{"A", 1 << 31}}},
		"nothing":               nil,
		"unknown kind":          &Unknown{42},
		"void":                  &Void{},
		"linkage out of bounds": &Func{Linkage: 1 << 24},
	} {
		var b Builder
		b.Add(typ)
		if _, err := b.Bytes(); !errors.Is(err, ErrBuild) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var b Builder
	b.Add(&Pointer{Type: 7})
	if _, err := b.Types(); !errors.Is(err, ErrID) {
		t.Errorf("pointer to nothing: %v", err)
	}
}

// TestAddTypes copies types and what they refer to into another table, in another byte order,
// beside types of its own.
func TestAddTypes(t *testing.T) {
	types := fixture(t)
	root := find(t, types, "task___local", KindStruct)
	b := Builder{Order: binary.BigEndian}
	b.Add(&Float{"double", 8})
	ids := b.AddTypes(types, root)
	last := b.Add(&Pointer{ids(root)})
	again := b.AddTypes(types, root)
	got := build(t, &b)
	if a, b := types.TypeName(root)+" *", got.TypeName(last); a != b {
		t.Errorf("%q became %q", a, b)
	}
	reached := 0
	types.Visit(func(id ID) bool {
		reached++
		for _, to := range []ID{ids(id), again(id)} {
			if a, b := types.TypeName(id), got.TypeName(to); a != b {
				t.Errorf("%q became %q", a, b)
			}
		}
		return true
	}, root)
	if got.Len() != 2*reached+3 {
		t.Errorf("%d types of %d", got.Len(), reached)
	}
	added := 0
	for id := range ID(types.Len() + 100) {
		if ids(id) != 0 {
			added++
		} else if again(id) != 0 {
			t.Errorf("type %d was added the second time only", id)
		}
	}
	if added != reached {
		t.Errorf("%d types have ids, %d can be reached", added, reached)
	}
	a, err := types.Path(root, "pairs[2].b")
	if err != nil {
		t.Fatal(err)
	}
	if p, err := got.Path(ids(root), "pairs[2].b"); err != nil || p.Offset != a.Offset {
		t.Errorf("%+v, %v", p, err)
	}
}

// TestAddAllSplit goes on from a base, and puts a table and its base into one.
func TestAddAllSplit(t *testing.T) {
	s := newScalars(nil)
	s.Add(&Typedef{"base_t", s.int})
	base := build(t, &s.Builder)
	b := Builder{Base: base}
	own := b.Add(&Typedef{"own_t", s.int})
	split := build(t, &b)
	on := Builder{Base: base}
	ids := on.AddAll(split)
	if ids[own] != own || ids[s.int] != s.int {
		t.Errorf("on the base: %v", ids)
	}
	if got := build(t, &on); !bytes.Equal(got.Bytes(), split.Bytes()) {
		t.Error("on the base: other bytes")
	}
	var flat Builder
	flat.Add(&Float{"double", 8})
	ids = flat.AddAll(split)
	got := build(t, &flat)
	if got.Len() != split.Len()+1 || got.TypeName(ids[own]) != "own_t" || got.TypeName(ID(got.record(ids[own]).word)) != "int" {
		t.Errorf("in one: %v\n%s", ids, rawDump(t, got))
	}
}

// TestCopyRefuses copies what is malformed, or of a kind that only its layout describes.
func TestCopyRefuses(t *testing.T) {
	for name, blob := range map[string][]byte{
		"id":     afterInt(0, info(KindPointer, 0), 9),
		"name":   afterInt(99, info(KindFwd, 0), 0),
		"member": afterInt(0, info(KindStruct, 1), 4, 0, 9, 0),
	} {
		types, err := Parse(blob, Options{})
		if err != nil {
			t.Fatal(err)
		}
		var b Builder
		b.AddAll(types)
		if _, err := b.Bytes(); !errors.Is(err, ErrID) && !errors.Is(err, ErrString) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// BenchmarkMarshal writes task_struct and all that it refers to.
func BenchmarkMarshal(b *testing.B) {
	types := vmlinux(b)
	root := find(b, types, "task_struct", KindStruct)
	b.ReportAllocs()
	for b.Loop() {
		var out Builder
		out.AddTypes(types, root)
		raw, err := out.Bytes()
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(raw)), "out-bytes")
	}
}
