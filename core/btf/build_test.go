package btf

import (
	"bytes"
	"encoding/binary"
	"errors"
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
		&Function{"f", 17, LinkExtern},
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
		"unknown kind":          &Unknown{42},
		"void":                  &Void{},
		"linkage out of bounds": &Function{Linkage: 1 << 24},
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
