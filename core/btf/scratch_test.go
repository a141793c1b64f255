package btf

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRead compares with Type, for types that need more room than those before them and less.
func TestRead(t *testing.T) {
	for name, types := range map[string]*Types{"fixture": fixture(t), "kernel": vmlinux(t)} {
		var s Scratch
		for id := types.Len() - 1; id >= 0; id-- {
			got, err := types.Read(ID(id), &s)
			if err != nil {
				t.Fatal(err)
			}
			want, err := types.Type(ID(id))
			if err != nil {
				t.Fatal(err)
			}
			if !cmp.Equal(got, want) {
				t.Fatalf("%s: type %d: %s", name, id, cmp.Diff(want, got))
			}
		}
	}
}

// TestReadKeepsNothing sees that the memory is used again and that the table has nothing of it.
func TestReadKeepsNothing(t *testing.T) {
	types := fixture(t)
	task := find(t, types, "task___local", KindStruct)
	kept, err := types.Type(task)
	if err != nil {
		t.Fatal(err)
	}
	var s Scratch
	read := func() Type {
		typ, err := types.Read(task, &s)
		if err != nil {
			t.Fatal(err)
		}
		return typ
	}
	first := read()
	if first == kept || first != read() {
		t.Error("Read gives the type that the table keeps, or new memory each time")
	}
	if n := testing.AllocsPerRun(10, func() { read() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestReadErrors(t *testing.T) {
	types := fixture(t)
	var s Scratch
	if _, err := types.Read(ID(types.Len()), &s); !errors.Is(err, ErrID) {
		t.Error(err)
	}
	var b Builder
	b.Add(&Pointer{Type: 7})
	raw, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	bad, err := Parse(raw, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var format *FormatError
	if _, err := bad.Read(1, &s); !errors.As(err, &format) {
		t.Error(err)
	}
}
