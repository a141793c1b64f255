package btf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/bpfhost/bpfhost/internal/wire"
)

// rawType is the words of a type.
func info(k Kind, vlen uint32) uint32 { return uint32(k)<<24 | vlen }

// rawBlob makes BTF of words for types, without any check.
func rawBlob(strs string, words ...uint32) []byte {
	e := newEncoder(false, 0)
	e.words(words...)
	e.strs = []byte(strs)
	return e.blob(nil)
}

// patch returns a copy of a blob with a word replaced.
func patch(b []byte, at int, word uint32) []byte {
	b = slices.Clone(b)
	binary.LittleEndian.PutUint32(b[at:], word)
	return b
}

// intWords is type 1 of most blobs: int, named by offset 1.
var intWords = []uint32{1, info(KindInt, 0), 4, 1<<24 | 32}

// afterInt makes a blob of an int and what words say.
func afterInt(words ...uint32) []byte {
	return rawBlob("\x00int\x00", append(slices.Clone(intWords), words...)...)
}

// TestMalformed goes through the cases of the list of malformed inputs by their ids. Parse and
// Validate together must refuse each, for the reason and at the offset of the case.
func TestMalformed(t *testing.T) {
	good := afterInt()
	for _, c := range []struct {
		id   string
		blob []byte
		want error
		at   uint64
	}{
		{"B01 string section wraps", patch(patch(good, 16, 0xfffffff0), 20, 0x20), wire.ErrTruncated, 38 + 7},
		{"B01 string section too long", patch(good, 20, 6), wire.ErrTruncated, 40},
		{"B01 type section too long", patch(good, 12, 1<<31), wire.ErrTruncated, 24},
		{"B02 header larger than the blob", patch(good, 4, 1<<16), ErrHeader, 4},
		{"B02 header too small", patch(good, 4, 20), ErrHeader, 4},
		{"B02 unknown header fields", append(patch(good[:24:24], 4, 36), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0), ErrHeader, 32},
		{"B03 name at the end of the strings", patch(good, 24, 5), ErrString, 24},
		{"B03 member name at the end", afterInt(0, info(KindStruct, 1), 4, 5, 1, 0), ErrString, 40},
		{"B03 parameter name far out", afterInt(0, info(KindFuncProto, 1), 0, 1<<31, 1), ErrString, 40},
		{"B03 value name far out", afterInt(0, info(KindEnum, 1), 4, 99, 1), ErrString, 40},
		{"B04 strings without a last NUL", rawBlob("\x00int", intWords...), ErrHeader, 43},
		{"B04 strings without a first NUL", rawBlob("int\x00", intWords...), ErrBase, 40},
		{"B05 no strings", rawBlob("", intWords...), ErrHeader, 40},
		{"B06 65535 members", afterInt(0, info(KindStruct, 65535), 4, 0, 1, 0), wire.ErrTruncated, 40},
		{"B06 2^24-1 values", afterInt(0, info(KindEnum64, maxVlen), 4), wire.ErrTruncated, 40},
		{"B06 half a type", afterInt(0, info(KindPointer, 0)), wire.ErrTruncated, 40},
		{"B07 id out of range", afterInt(0, info(KindPointer, 0), 3), ErrID, 40},
		{"B07 index type out of range", afterInt(0, info(KindArray, 0), 0, 1, 9, 1), ErrID, 40},
		{"B07 variable out of range", afterInt(1, info(KindDatasec, 1), 4, 9, 0, 4), ErrID, 40},
		{"B07 pointer to a variable", afterInt(0, info(KindPointer, 0), 3, 1, info(KindVar, 0), 1, 0), ErrType, 40},
		{"B08 typedef of itself", afterInt(1, info(KindTypedef, 0), 2), ErrCycle, 40},
		{"B08 const of const", afterInt(0, info(KindConst, 0), 3, 0, info(KindConst, 0), 2), ErrCycle, 40},
		{"B08 array of itself", afterInt(0, info(KindArray, 0), 0, 2, 1, 1), ErrCycle, 40},
		{"B08 struct in itself", afterInt(0, info(KindStruct, 1), 4, 0, 2, 0), ErrCycle, 40},
		{"B08 struct in a struct in itself", afterInt(0, info(KindStruct, 1), 4, 0, 3, 0, 0, info(KindUnion, 1), 4, 0, 2, 0), ErrCycle, 40},
		{"B08 prototype of itself", afterInt(0, info(KindFuncProto, 0), 2), ErrCycle, 40},
		{"B10 member larger than 4 GiB", afterInt(0, info(KindArray, 0), 0, 1, 1, 1<<31, 0, info(KindStruct, 1), 1<<32-1, 0, 2, 0), ErrNoSize, 64},
		{"B11 bit-field past the end", afterInt(0, 1<<31|info(KindStruct, 1), 4, 0, 1, 31<<24|2), ErrType, 40},
		{"B11 bit-field wider than its type", afterInt(0, 1<<31|info(KindStruct, 1), 8, 0, 1, 33<<24), ErrType, 40},
		{"B11 member past the end", afterInt(0, info(KindStruct, 1), 4, 0, 1, 8), ErrType, 40},
		{"B11 member far past the end", afterInt(0, info(KindStruct, 1), 4, 0, 1, 1<<32-1), ErrType, 40},
		{"B13 unknown kind", afterInt(0, info(42, 0), 0), ErrKind, 44},
		{"B13 kind 0", afterInt(0, 0, 0), ErrKind, 44},
		{"B18 tag on a tag", afterInt(1, info(KindDeclTag, 0), 2, 0xffffffff), ErrType, 40},
		{"B18 tag on an int", afterInt(1, info(KindDeclTag, 0), 1, 0xffffffff), ErrType, 40},
		{"B18 component of a variable", afterInt(1, info(KindDeclTag, 0), 3, 0, 1, info(KindVar, 0), 1, 0), ErrType, 40},
		{"B18 component out of range", afterInt(1, info(KindDeclTag, 0), 3, 1, 0, info(KindStruct, 1), 4, 1, 1, 0), ErrType, 40},
		{"B18 component below -1", afterInt(1, info(KindDeclTag, 0), 3, 0xfffffffe, 0, info(KindStruct, 1), 4, 1, 1, 0), ErrType, 40},
		{"B18 ring of type tags", afterInt(1, info(KindTypeTag, 0), 3, 1, info(KindTypeTag, 0), 2), ErrCycle, 40},
		{"B20 function that is not a prototype", afterInt(1, info(KindFunc, 0), 1), ErrType, 40},
		{"B20 function of void", afterInt(1, info(KindFunc, 0), 0), ErrType, 40},
		{"B20 linkage 3", afterInt(1, info(KindFunc, 3), 3, 0, info(KindFuncProto, 0), 0), ErrType, 40},
		{"linkage 3 of a variable", afterInt(1, info(KindVar, 0), 1, 3), ErrType, 40},
		{"section that holds an int", afterInt(1, info(KindDatasec, 1), 4, 1, 0, 4), ErrType, 40},
		{"variable past its section", afterInt(1, info(KindDatasec, 1), 4, 3, 1, 4, 1, info(KindVar, 0), 1, 1), ErrType, 40},
		{"int of 3 bytes", patch(good, 32, 3), ErrType, 24},
		{"int of 33 bits", patch(good, 36, 33), ErrType, 24},
		{"int past its size", patch(good, 36, 1<<16|32), ErrType, 24},
		{"enum of no bytes with a value", afterInt(1, info(KindEnum, 1), 0, 1, 1), ErrType, 40},
		{"enum of 3 bytes", afterInt(1, info(KindEnum, 0), 3), ErrType, 40},
		{"float of 3 bytes", afterInt(1, info(KindFloat, 0), 3), ErrType, 40},
		{"magic", patch(good, 0, 0x1eb9e), ErrMagic, 0},
		{"version", patch(good, 0, 0x2eb9f), ErrHeader, 2},
		{"flags", patch(good, 0, 0x101eb9f), ErrHeader, 2},
		{"types not aligned", patch(good, 8, 2), ErrHeader, 8},
		{"empty", nil, wire.ErrTruncated, 0},
		{"header cut", good[:23], ErrHeader, 4},
		{"header cut in the middle", good[:6], wire.ErrTruncated, 4},
	} {
		types, err := Parse(c.blob, Options{})
		if err == nil {
			err = types.Validate()
		}
		var where *FormatError
		if !errors.Is(err, c.want) || !errors.As(err, &where) {
			t.Errorf("%s: %v, want %v", c.id, err, c.want)
			continue
		}
		if where.Section != ".BTF" || where.Offset != c.at {
			t.Errorf("%s: at %s+%#x, want %#x: %v", c.id, where.Section, where.Offset, c.at, err)
		}
	}
}

// B12: types without members are legal.
func TestMalformedEmptyTypes(t *testing.T) {
	var b Builder
	s := b.Add(&Struct{Name: "s"})
	u := b.Add(&Struct{Name: "u", Union: true})
	e := b.Add(&Enum{Name: "e", Size: 4})
	p := b.Add(&FuncProto{})
	d := b.Add(&Datasec{Name: ".d"})
	types := build(t, &b)
	for id, want := range map[ID]string{
		s: "struct s {\n};\n", u: "union u {\n};\n", e: "enum e {\n};\n", p: "void (void);\n", d: "section .d {\n};\n",
	} {
		if got := string(types.AppendC(nil, id)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// B13: a layout table describes kinds that are not known.
func TestMalformedKindWithLayout(t *testing.T) {
	var layout []byte
	for k := range Kind(44) {
		s := kindLayouts[k]
		switch {
		case k == 42:
			s = kindLayout{fixed: 4, each: 8}
		case k == 0 || k > lastKind:
			s = kindLayout{}
		}
		layout = append(layout, byte(s.fixed), byte(s.each), 0, 0)
	}
	e := newEncoder(false, 0)
	e.strs = []byte("\x00int\x00")
	e.words(1, info(42, 2), 0, 7, 7, 7, 7, 7)
	e.words(intWords...)
	e.words(0, info(KindPointer, 0), 2)
	blob := e.blob(layout)
	types, err := Parse(blob, Options{})
	if err == nil {
		err = types.Validate()
	}
	if err != nil {
		t.Fatal(err)
	}
	if typ, err := types.Type(1); err != nil || typ.Kind() != 42 || typ.Kind().String() != "kind 42" {
		t.Errorf("type 1 is %#v, %v", typ, err)
	}
	if s := types.TypeName(3); s != "int *" {
		t.Errorf("type 3 is %q", s)
	}
	if _, err := types.Size(1); !errors.Is(err, ErrNoSize) {
		t.Errorf("size of an unknown kind: %v", err)
	}
	fixed, _, err := types.ForKernel(KernelOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Parse(fixed, Options{}); err != nil || again.Len() != 4 {
		t.Errorf("after ForKernel: %v", err)
	}
	at := len(blob) - len(e.strs) - len(layout)
	for name, bad := range map[string][]byte{
		"layout of a known kind differs": patch(blob, at+4*int(KindPointer), 4),
		"layout is cut":                  patch(blob, 28, 42*4),
		"layout is odd":                  patch(blob, 28, 43*4+1),
		"layout of 129 kinds":            e.blob(append(slices.Clone(layout), make([]byte, 4*85)...)),
	} {
		if _, err := Parse(bad, Options{}); !errors.Is(err, ErrHeader) && !errors.Is(err, ErrKind) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// chain makes n links, each referring to the next, that end at an int. words returns the words of a
// link.
func chain(t *testing.T, n int, words func(to uint32) []uint32) *Types {
	t.Helper()
	e := newEncoder(false, 0)
	e.out = slices.Grow(e.out, n*24+16)
	e.strs = []byte("\x00int\x00")
	e.words(intWords...)
	for i := range uint32(n) {
		e.words(words(i + 1)...)
	}
	types, err := Parse(e.blob(nil), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return types
}

// B09, R9: a million links, and fewer of those that take longer to build.
func TestMalformedChains(t *testing.T) {
	for name, link := range map[string]struct {
		n     int
		words func(to uint32) []uint32
	}{
		"pointers": {1_000_000, func(to uint32) []uint32 { return []uint32{0, info(KindPointer, 0), to} }},
		"typedefs": {1_000_000, func(to uint32) []uint32 { return []uint32{1, info(KindTypedef, 0), to} }},
		"consts":   {200_000, func(to uint32) []uint32 { return []uint32{0, info(KindConst, 0), to} }},
		"arrays":   {100_000, func(to uint32) []uint32 { return []uint32{0, info(KindArray, 0), 0, to, 1, 1} }},
		"structs":  {200_000, func(to uint32) []uint32 { return []uint32{0, info(KindStruct, 1), 4, 0, to, 0} }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkChain(t, name, chain(t, link.n, link.words))
		})
	}
}

// checkChain asks everything of the last link of a chain of the name.
func checkChain(t *testing.T, name string, types *Types) {
	t.Helper()
	last := ID(types.Len() - 1)
	want := uint32(4)
	if name == "pointers" {
		want = 8
	}
	if n, err := types.Size(last); err != nil || n != want {
		t.Errorf("size %d before Validate, %v", n, err)
	}
	if err := types.Validate(); err != nil {
		t.Errorf("%v", err)
	}
	if n, err := types.Size(last); err != nil || n != want {
		t.Errorf("size %d, %v", n, err)
	}
	if n, err := types.Align(last); name != "arrays" && (err != nil || n != want) {
		t.Errorf("alignment %d, %v", n, err)
	}
	if k := types.Kind(types.Strip(last)); (name == "typedefs" || name == "consts") && k != KindInt {
		t.Errorf("stripped to %v", k)
	}
	if s := types.TypeName(last); len(s) > 4096 {
		t.Errorf("name of %d bytes", len(s))
	}
	visited := 0
	types.Visit(func(ID) bool { visited++; return true }, last)
	if visited != types.Len()-1 {
		t.Errorf("%d types visited", visited)
	}
	_, _ = types.Path(last, "a.b")
	Compatible(types, last, types, last)
	matches(types, last, types, last)
	fits(types, last, last)
	if _, _, err := types.ForKernel(KernelOptions{}); err != nil {
		t.Errorf("%v", err)
	}
}

// R7: what is allocated for a chain of a million links, good and with a bad last link.
func TestMalformedMemory(t *testing.T) {
	const n = 1_000_000
	good := chain(t, n, func(to uint32) []uint32 { return []uint32{0, info(KindConst, 0), to} }).Bytes()
	loop := patch(good, len(good)-5-4, n+1) // the last one refers to itself
	for name, c := range map[string]struct {
		blob  []byte
		times uint64
	}{"good": {good, 10}, "bad": {loop, 4}, "fixture": {fixtureBytes(t, "kinds.btf"), 10}} {
		var err error
		allocated := measure(func() {
			var types *Types
			if types, err = Parse(c.blob, Options{}); err == nil {
				err = types.Validate()
			}
		})
		if (err != nil) != (name == "bad") {
			t.Errorf("%s: %v", name, err)
		}
		if limit := 256<<10 + c.times*uint64(len(c.blob)); allocated > limit {
			t.Errorf("%s: %d bytes allocated for %d", name, allocated, len(c.blob))
		}
	}
}

// B09 again: members that refer to twenty thousand places of a chain, each of which is as long.
func TestMalformedChainOfMembers(t *testing.T) {
	const links = 20_000
	for name, link := range map[string]func(to ID) Type{
		"typedefs": func(to ID) Type { return &Typedef{"t", to} },
		"arrays":   func(to ID) Type { return &Array{to, 1, 1} },
		"mixed": func(to ID) Type {
			if to%100 == 0 {
				return &Array{to, 1, 1}
			}
			return &Const{to}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b Builder
			b.Add(&Int{Name: "int", Size: 4})
			s := &Struct{Name: "s", Size: 4 * links}
			for i := range ID(links) {
				id := b.Add(link(i + 1))
				s.Members = append(s.Members, Member{Type: id, Offset: uint32(i) * 32})
			}
			id := b.Add(s)
			types := build(t, &b)
			if _, err := types.Path(id, "missing"); !errors.Is(err, ErrNotFound) {
				t.Error(err)
			}
			if n, err := types.Align(id); name == "typedefs" && (err != nil || n != 4) {
				t.Errorf("alignment %d, %v", n, err)
			}
			for at := ID(2); at < id; at += 777 {
				if n, err := types.Size(at); err != nil || n != 4 {
					t.Fatalf("size of %d is %d, %v", at, n, err)
				}
			}
			_ = types.AppendC(nil, id)
		})
	}
}

// B08 again: what was not validated must end, too.
func TestMalformedCyclesEnd(t *testing.T) {
	for name, words := range map[string][]uint32{
		"typedef":     {1, info(KindTypedef, 0), 2},
		"array":       {0, info(KindArray, 0), 0, 2, 1, 1},
		"empty array": {0, info(KindArray, 0), 0, 2, 1, 0},
		"struct":      {0, info(KindStruct, 1), 4, 0, 2, 0},
		"structs":     {0, info(KindStruct, 1), 4, 0, 3, 0, 0, info(KindUnion, 1), 4, 0, 2, 0},
		"proto":       {0, info(KindFuncProto, 1), 2, 0, 2},
	} {
		types, err := Parse(afterInt(words...), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if types.Kind(2) != KindStruct {
			if n, err := types.Size(2); err == nil {
				t.Errorf("%s: size %d", name, n)
			}
		}
		if n, err := types.Align(2); err == nil {
			t.Errorf("%s: alignment %d", name, n)
		}
		types.Strip(2)
		_ = types.TypeName(2)
		if s := types.AppendC(nil, 2); len(s) > 1<<16 {
			t.Errorf("%s: text of %d bytes", name, len(s))
		}
		if _, err := types.Path(2, "a.b"); err == nil {
			t.Errorf("%s: it has a member", name)
		}
		Compatible(types, 2, types, 2)
		matches(types, 2, types, 2)
		fits(types, 2, 2)
		if _, err := Resolve(types, CoreRelo{2, "0:0:0:0", CoreByteOffset}, Target{"kernel", types}); err == nil {
			t.Errorf("%s: relocation without a name", name)
		}
	}
}

// B17: 100,000 types of one name.
func TestMalformedOneName(t *testing.T) {
	var b Builder
	for range 100_000 {
		b.Add(&Struct{Name: "same", Size: 4})
	}
	types := build(t, &b)
	for range fewFinds + 2 {
		if ids := types.FindAll("same"); len(ids) != 100_000 || !slices.IsSorted(ids) {
			t.Fatalf("%d found", len(ids))
		}
	}
	if types.names.Load() == nil {
		t.Error("no index was built")
	}
	if f, err := Resolve(types, CoreRelo{1, "0", CoreTypeSize}, Target{"kernel", types}); err != nil || f.Value != 4 {
		t.Errorf("relocation gives %d, %v", f.Value, err)
	}
	if _, err := Resolve(types, CoreRelo{1, "0", CoreTypeIDTarget}, Target{"kernel", types}); !errors.Is(err, ErrAmbiguous) || len(err.Error()) > 1000 {
		t.Errorf("ids of all of them: %.100v", err)
	}
}

// B19: split BTF on the wrong base or none. B05: a module without types and strings.
func TestMalformedSplit(t *testing.T) {
	var b Builder
	b.Add(&Int{Name: "int", Size: 4})
	base := build(t, &b)
	s := Builder{Base: base}
	s.Add(&Pointer{Type: 1})
	s.Add(&Typedef{Name: "t", Type: 2})
	split := build(t, &s)
	if split.Len() != 4 || split.First() != 2 || split.TypeName(3) != "t" || split.TypeName(2) != "int *" {
		t.Errorf("split table has %d types", split.Len())
	}
	if _, err := Parse(split.Bytes(), Options{}); !errors.Is(err, ErrBase) {
		t.Errorf("without its base: %v", err)
	}
	big := Builder{Order: binary.BigEndian}
	big.Add(&Int{Name: "int", Size: 4})
	if _, err := Parse(split.Bytes(), Options{Base: build(t, &big)}); !errors.Is(err, ErrBase) {
		t.Errorf("on a base of the other byte order: %v", err)
	}
	var small Builder
	wrong, err := Parse(split.Bytes(), Options{Base: build(t, &small)})
	if err == nil {
		err = wrong.Validate()
	}
	if err == nil {
		t.Error("on a smaller base: no error")
	}
	empty, err := Parse(newEncoder(false, 1).blob(nil), Options{Base: base})
	if err != nil || empty.Len() != 2 || empty.Validate() != nil {
		t.Errorf("module without anything: %v", err)
	}
	if id, err := empty.Find("int", KindInt); err != nil || id != 1 {
		t.Errorf("base through an empty module: %d, %v", id, err)
	}
}

// TestMalformedEverywhere cuts the fixture after every byte and flips every byte of it (R5), and
// then does with it whatever can be done.
func TestMalformedEverywhere(t *testing.T) {
	raw, ext := fixtureBytes(t, "kinds.btf"), fixtureBytes(t, "kinds.btfext")
	flip := func(b []byte, i int, mask byte) []byte {
		b = slices.Clone(b)
		b[i] ^= mask
		return b
	}
	for name, c := range map[string]struct {
		n  int
		do func(i int)
	}{
		"cut types":    {len(raw), func(i int) { exercise(raw[:i], ext) }},
		"flip types":   {len(raw), func(i int) { exercise(flip(raw, i, 0xff), ext) }},
		"low bits":     {len(raw), func(i int) { exercise(flip(raw, i, 1), ext) }},
		"cut records":  {len(ext), func(i int) { exercise(raw, ext[:i]) }},
		"flip records": {len(ext), func(i int) { exercise(raw, flip(ext, i, 0xff)) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i := range c.n {
				c.do(i)
			}
		})
	}
}

// exercise calls everything on a blob, validated or not. It only must not panic or hang.
func exercise(raw, ext []byte) {
	types, err := Parse(raw, Options{})
	if err != nil {
		return
	}
	valid := types.Validate() == nil
	for id := range ID(types.Len() + 1) {
		typ, err := types.Type(id)
		if valid && err != nil && int(id) < types.Len() {
			panic(fmt.Sprintf("type %d of a valid table: %v", id, err))
		}
		_ = typ
		_, _ = types.Size(id)
		_, _ = types.Align(id)
		_, _ = types.Path(id, "cookie")
		_ = types.AppendC(nil, id)
	}
	_, _ = types.Find("task___local", KindStruct)
	_, _, _ = types.ForKernel(KernelOptions{})
	laid := SectionLayout{Size: 16, Vars: []VarLayout{{Name: "x", Size: 4}}}
	sections := map[ID]SectionLayout{}
	for id, kind := range types.Kinds() {
		if kind == KindDatasec {
			sections[id] = laid
		}
	}
	_, _, _ = types.ForKernel(KernelOptions{Sections: sections})
	e, err := ParseExt(ext, types)
	if err != nil {
		return
	}
	r := NewResolver(types, Target{"self", types})
	for _, s := range e.Sections {
		for _, relo := range s.Relos {
			_, _ = r.Resolve(relo.CoreRelo)
		}
	}
}
