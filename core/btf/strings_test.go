package btf

import (
	"fmt"
	"testing"
)

// TestStrings reads names by every offset of the string section, also those in the middle of a string.
func TestStrings(t *testing.T) {
	types := findWorld(t)
	base := types.Base()
	n := uint32(len(base.strs.data))
	for off, want := range map[uint32]string{0: "", 1: "int", 2: "nt", 4: "", n: "list", n + 5: "own", n + 8: ""} {
		if s, ok := types.String(off); s != want || !ok {
			t.Errorf("%d: %q, %v", off, s, ok)
		}
	}
	for _, off := range []uint32{n + 9, 1 << 31, 1<<32 - 1} {
		if s, ok := types.String(off); ok {
			t.Errorf("%d: %q", off, s)
		}
		if types.nameless(off) || types.named(off, "own") || types.namedEssential(off, "") {
			t.Errorf("%d is taken for a string", off)
		}
	}
	if s, ok := base.String(n); ok {
		t.Errorf("the base knows %q of the split table", s)
	}
}

// TestStringsLarge asks a large table for more names than it copies one by one.
func TestStringsLarge(t *testing.T) {
	var b Builder
	for i := range 2 * manyNames {
		b.Add(&Fwd{Name: fmt.Sprintf("a_rather_long_name_number_%d", i)})
	}
	types := build(t, &b)
	if len(types.strs.data) <= smallTable {
		t.Fatal("the table is small")
	}
	for i := range 2 * manyNames {
		got, ok := types.String(types.record(ID(i + 1)).name)
		if want := fmt.Sprintf("a_rather_long_name_number_%d", i); got != want || !ok {
			t.Fatalf("%q, want %q, %v", got, want, ok)
		}
	}
	if types.strs.text.Load() == nil {
		t.Error("the table was not converted")
	}
}
