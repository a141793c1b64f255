package btf

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestPath(t *testing.T) {
	types := fixture(t)
	task := find(t, types, "task___local", KindStruct)
	pairs := find(t, types, "counts", KindVar)
	for path, want := range map[string]struct {
		Field
		typ string
	}{
		"":           {Field{Size: 88}, "struct task___local"},
		"pid":        {Field{Size: 4}, "int"},
		"flags":      {Field{Offset: 4, Size: 4, BitSize: 3}, "u32"},
		"more":       {Field{Offset: 4, Size: 4, BitSize: 9, Bit: 3}, "u32"},
		"sign":       {Field{Offset: 5, Size: 4, BitSize: 5, Bit: 4}, "int"},
		"cookie":     {Field{Offset: 8, Size: 8}, "u64"},
		"name":       {Field{Offset: 8, Size: 16}, "char[16]"},
		"name[15]":   {Field{Offset: 23, Size: 1}, "char"},
		"pairs[3].b": {Field{Offset: 38, Size: 2}, "short"},
		"pairs[0]":   {Field{Offset: 24, Size: 4}, "struct inner"},
		"comm":       {Field{Offset: 40, Size: 8}, "const volatile char *restrict"},
		"call":       {Field{Offset: 64, Size: 8}, "int (*)(struct task___local *, int, ...)"},
		"tail":       {Field{Offset: 88}, "int[]"},
		"tail[100]":  {Field{Offset: 488, Size: 4}, "int"},
	} {
		f, err := types.Path(task, path)
		want.Type = f.Type
		if f != want.Field || types.TypeName(f.Type) != want.typ || err != nil {
			t.Errorf("%q: %+v %s, want %+v %s, %v", path, f, types.TypeName(f.Type), want.Field, want.typ, err)
		}
	}
	if _, err := types.Path(pairs, "key"); !errors.Is(err, ErrPath) {
		t.Errorf("a variable is not a type: %v", err)
	}
	for path, want := range map[string]error{
		"none": ErrNotFound, "pid.x": ErrPath, "pid[0]": ErrPath, "pairs[4]": ErrPath, "pairs[-1]": ErrPath,
		"pairs[a]": ErrPath, "pairs[]": ErrPath, "pairs[1": ErrPath, "pairs[1]b": ErrPath, "pairs.b": ErrPath,
		".pid": ErrPath, "pid.": ErrPath, "pid..x": ErrPath, "pid]": ErrPath, "comm[0]": ErrPath,
		"tail[4294967295]": nil, "tail[4294967296]": ErrPath, "[0]": ErrPath, "name[0][0]": ErrPath,
		strings.Repeat("a.", 100) + "a": ErrNotFound, "pairs[1].": ErrPath, "\x00": ErrNotFound,
	} {
		f, err := types.Path(task, path)
		if want == nil {
			want = ErrTooBig
		}
		if !errors.Is(err, want) {
			t.Errorf("%.20q: %+v, %v, want %v", path, f, err, want)
		}
	}
	if _, err := types.Path(ID(types.Len()), ""); !errors.Is(err, ErrID) {
		t.Errorf("no such type: %v", err)
	}
	for path, want := range map[string]string{
		"pid.x":   "int has no members",
		"pid]":    `no . or [ before "]"`,
		"comm[0]": "const volatile char *restrict is a pointer, which no path follows: begin again at const volatile char",
		"call.x":  "int (*)(struct task___local *, int, ...) is a pointer, which no path follows: begin again at int (struct task___local *, int, ...)",
	} {
		_, err := types.Path(task, path)
		if want = fmt.Sprintf("find %q in struct task___local: path is wrong: %s", path, want); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestPathArrays steps through arrays of arrays, and old bit-fields that are a property of their type.
func TestPathArrays(t *testing.T) {
	var b Builder
	i := b.Add(&Int{Name: "int", Size: 4})
	old := b.Add(&Int{Name: "int", Size: 4, Offset: 2, Bits: 5})
	aa := b.Add(&Array{Type: b.Add(&Array{Type: i, Index: i, Count: 3}), Index: i, Count: 2})
	s := b.Add(&Struct{Name: "s", Size: 52, Members: []Member{
		{Name: "m", Type: aa}, {Name: "next", Type: b.Add(&Typedef{"alias", aa}), Offset: 24 * 8}, {Name: "old", Type: old, Offset: 48 * 8}}})
	types := build(t, &b)
	for path, want := range map[string]Field{
		"m[1][2]": {Offset: 20, Size: 4}, "next[1]": {Offset: 36, Size: 12}, "old": {Offset: 48, Size: 4, BitSize: 5, Bit: 2},
	} {
		f, err := types.Path(s, path)
		want.Type = f.Type
		if f != want || err != nil {
			t.Errorf("%q: %+v, want %+v, %v", path, f, want, err)
		}
	}
	if f, err := types.Path(aa, "[1][1]"); err != nil || f.Offset != 16 {
		t.Errorf("from an array: %+v, %v", f, err)
	}
}

func TestKernelPath(t *testing.T) {
	types := vmlinux(t)
	task, err := types.Find("task_struct", KindStruct)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := types.Path(task, "pid")
	if err != nil || pid.Size != 4 || pid.Offset == 0 {
		t.Errorf("pid is %+v, %v", pid, err)
	}
	if comm, err := types.Path(task, "comm"); err != nil || types.TypeName(comm.Type) != "char[16]" {
		t.Errorf("comm is %+v %s, %v", comm, types.TypeName(comm.Type), err)
	}
}
