package btf

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestExtRoundTrip writes types and what is known of instructions and reads both back.
func TestExtRoundTrip(t *testing.T) {
	types := fixture(t)
	ext, err := ParseExt(fixtureBytes(t, "kinds.btfext"), types)
	if err != nil {
		t.Fatal(err)
	}
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		want := &Ext{Sections: slices.Clone(ext.Sections)}
		for i := range want.Sections {
			want.Sections[i].Funcs = slices.Clone(want.Sections[i].Funcs)
			want.Sections[i].Relos = slices.Clone(want.Sections[i].Relos)
		}
		b := Builder{Order: order}
		b.Add(&Int{Name: "first", Size: 4})
		if err := want.Remap(b.AddAll(types)); err != nil {
			t.Fatal(err)
		}
		raw, rawExt, err := b.BytesExt(want)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(raw, Options{})
		if err == nil {
			err = again.Validate()
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseExt(rawExt, again)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%v: %s", order, d)
		}
	}
}

// TestExtTails keeps what records have after the fields that are known.
func TestExtTails(t *testing.T) {
	order := binary.BigEndian
	types := extTypes(t, order)
	raw := extBlob(order,
		[]uint32{12, 5, 2, 0, 3, 77, 8, 3, 78, 7, 1, 16, 3, 79},
		[]uint32{24, 5, 1, 8, 1, 7, 5 << 10, 1, 2},
		[]uint32{20, 5, 1, 24, 1, 12, 0, 9})
	ext, err := ParseExt(raw, types)
	if err != nil {
		t.Fatal(err)
	}
	s := ext.Section("f")
	want := Tails{4, []byte{0, 0, 0, 77, 0, 0, 0, 78}}
	if d := cmp.Diff(want, s.FuncTails); d != "" {
		t.Error(d)
	}
	if s.LineTails.Size != 8 || s.ReloTails.Size != 4 || len(s.LineTails.Bytes) != 8 {
		t.Errorf("%+v", s)
	}
	b := Builder{Order: order}
	b.AddAll(types)
	blob, rawExt, err := b.BytesExt(ext)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(blob, Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseExt(rawExt, again)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(ext, got); d != "" {
		t.Error(d)
	}
}

func TestExtCannotBeWritten(t *testing.T) {
	for name, s := range map[string]ExtSection{
		"name with a NUL":  {Name: "a\x00", Funcs: make([]FuncInfoAt, 1)},
		"no name":          {Funcs: make([]FuncInfoAt, 1)},
		"odd tail":         {Name: "a", Funcs: make([]FuncInfoAt, 1), FuncTails: Tails{Size: 3}},
		"line too far":     {Name: "a", Lines: []LineInfoAt{{LineInfo: LineInfo{Line: 1 << 22}}}},
		"access with NULs": {Name: "a", Relos: []CoreReloAt{{CoreRelo: CoreRelo{Access: "\x00"}}}},
	} {
		var b Builder
		if _, _, err := b.BytesExt(&Ext{Sections: []ExtSection{s}}); !errors.Is(err, ErrBuild) {
			t.Errorf("%s: %v", name, err)
		}
	}
	e := &Ext{Sections: []ExtSection{{Name: "a", Relos: []CoreReloAt{{CoreRelo: CoreRelo{Type: 7}}}}}}
	if err := e.Remap(make([]ID, 7)); !errors.Is(err, ErrID) {
		t.Error(err)
	}
}
