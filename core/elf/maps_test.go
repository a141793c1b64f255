package elf_test

import (
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/elftest"
)

// mapTypes builds the BTF of one map definition.
type mapTypes struct {
	*btf.Builder
	u32, u64 btf.ID
}

func (b mapTypes) num(n uint32) btf.ID {
	return b.Add(&btf.Pointer{Type: b.Add(&btf.Array{Type: b.u32, Index: b.u32, Count: n})})
}

func (b mapTypes) ptr(id btf.ID) btf.ID { return b.Add(&btf.Pointer{Type: id}) }

func (b mapTypes) def(members ...btf.Member) btf.ID {
	for i := range members {
		members[i].Offset = uint32(i) * 64
	}
	return b.Add(&btf.Struct{Size: uint32(len(members)) * 8, Members: members})
}

// mapObject makes an object with one map m whose type do builds.
func mapObject(t *testing.T, do func(b mapTypes) btf.ID) []byte {
	t.Helper()
	b := mapTypes{Builder: &btf.Builder{}}
	b.u32 = b.Add(&btf.Int{Name: "u32", Size: 4})
	b.u64 = b.Add(&btf.Int{Name: "u64", Size: 8})
	v := b.Add(&btf.Var{Name: "m", Type: do(b), Linkage: btf.LinkGlobal})
	b.Add(&btf.Datasec{Name: ".maps", Vars: []btf.SecVar{{Type: v, Size: 64}}})
	raw, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	f := &elftest.File{
		Machine: 247,
		Sections: []elftest.Section{
			{Name: ".maps", Data: make([]byte, 128)},
			{Name: ".BTF", Data: raw},
		},
		Symbols: []elftest.Symbol{{Name: "m", Section: ".maps", Size: 64, Bind: elftest.Global, Type: elftest.Object}},
	}
	return f.Bytes()
}

func TestMapDefinitions(t *testing.T) {
	tests := []struct {
		name string
		do   func(b mapTypes) btf.ID
		want string // part of the error; empty is fine
	}{
		{"key and its size agree", func(b mapTypes) btf.ID {
			return b.def(btf.Member{Name: "type", Type: b.num(1)}, btf.Member{Name: "key", Type: b.ptr(b.u32)}, btf.Member{Name: "key_size", Type: b.num(4)})
		}, ""},
		{"typedef of the definition", func(b mapTypes) btf.ID {
			return b.Add(&btf.Typedef{Name: "t", Type: b.Add(&btf.Const{Type: b.def(btf.Member{Name: "type", Type: b.num(27)})})})
		}, ""},
		{"number as enum", func(b mapTypes) btf.ID {
			e := b.Add(&btf.Enum{Size: 8, Wide: true, Values: []btf.Enumerator{{Name: "v", Value: 1 << 40}}})
			return b.def(btf.Member{Name: "type", Type: b.num(33)}, btf.Member{Name: "map_extra", Type: e})
		}, ""},
		{"key and its size differ", func(b mapTypes) btf.ID {
			return b.def(btf.Member{Name: "type", Type: b.num(1)}, btf.Member{Name: "key", Type: b.ptr(b.u64)}, btf.Member{Name: "key_size", Type: b.num(4)})
		}, `member "key_size": size 4 contradicts 8`},
		{"no struct", func(b mapTypes) btf.ID { return b.u32 }, "its type is u32, not a struct"},
		{"union", func(b mapTypes) btf.ID { return b.Add(&btf.Struct{Union: true, Size: 8}) }, "not a struct"},
		{"no type", func(b mapTypes) btf.ID { return b.def(btf.Member{Name: "max_entries", Type: b.num(1)}) }, `member "type" is missing`},
		{"unknown attribute", func(b mapTypes) btf.ID { return b.def(btf.Member{Name: "colour\x1b", Type: b.num(1)}) }, `unknown attribute`},
		{"number of another kind", func(b mapTypes) btf.ID { return b.def(btf.Member{Name: "type", Type: b.u32}) }, `member "type": u32 is neither`},
		{"pointer to no array", func(b mapTypes) btf.ID { return b.def(btf.Member{Name: "type", Type: b.ptr(b.u32)}) }, "is neither a pointer to an array nor an enum"},
		{"enum with two values", func(b mapTypes) btf.ID {
			return b.def(btf.Member{Name: "type", Type: b.Add(&btf.Enum{Size: 4, Values: []btf.Enumerator{{Name: "a"}, {Name: "b"}}})})
		}, "enum has 2 values, not one"},
		{"enum above 32 bits", func(b mapTypes) btf.ID {
			e := b.Add(&btf.Enum{Size: 8, Wide: true, Values: []btf.Enumerator{{Name: "v", Value: 1 << 40}}})
			return b.def(btf.Member{Name: "max_entries", Type: e})
		}, "has more than 32 bits"},
		{"key is not a pointer", func(b mapTypes) btf.ID { return b.def(btf.Member{Name: "key", Type: b.u32}) }, `member "key": u32 is not a pointer`},
		{"key has no size", func(b mapTypes) btf.ID { return b.def(btf.Member{Name: "key", Type: b.ptr(0)}) }, "size of void"},
		{"unknown pinning", func(b mapTypes) btf.ID {
			return b.def(btf.Member{Name: "type", Type: b.num(1)}, btf.Member{Name: "pinning", Type: b.num(2)})
		}, "pinning 2 is neither 0"},
		{"values not last", func(b mapTypes) btf.ID {
			return b.def(btf.Member{Name: "values", Type: b.num(1)}, btf.Member{Name: "type", Type: b.num(12)})
		}, "it has to be the last member"},
		{"values are not an array", func(b mapTypes) btf.ID {
			return b.def(btf.Member{Name: "type", Type: b.num(12)}, btf.Member{Name: "values", Type: b.u32})
		}, "u32 is not an array"},
		{"values are not pointers", func(b mapTypes) btf.ID {
			return b.def(btf.Member{Name: "type", Type: b.num(12)}, btf.Member{Name: "values", Type: b.Add(&btf.Array{Type: b.u32, Index: b.u32})})
		}, "its elements are u32, not pointers"},
		{"values of a hash", func(b mapTypes) btf.ID {
			inner := b.def(btf.Member{Name: "type", Type: b.num(2)})
			return b.def(btf.Member{Name: "type", Type: b.num(1)}, btf.Member{Name: "values", Type: b.Add(&btf.Array{Type: b.ptr(inner), Index: b.u32})})
		}, "a hash cannot be initialised with"},
		{"inner map of an inner map (E23)", func(b mapTypes) btf.ID {
			leaf := b.def(btf.Member{Name: "type", Type: b.num(2)})
			inner := b.def(btf.Member{Name: "type", Type: b.num(12)}, btf.Member{Name: "values", Type: b.Add(&btf.Array{Type: b.ptr(leaf), Index: b.u32})})
			return b.def(btf.Member{Name: "type", Type: b.num(12)}, btf.Member{Name: "values", Type: b.Add(&btf.Array{Type: b.ptr(inner), Index: b.u32})})
		}, "inner maps cannot have inner maps"},
		{"inner map is itself (E23)", func(b mapTypes) btf.ID {
			arr := &btf.Array{Index: b.u32}
			s := &btf.Struct{Size: 16, Members: []btf.Member{{Name: "type", Type: b.num(12)}, {Name: "values", Type: b.Add(arr), Offset: 64}}}
			id := b.Add(s)
			arr.Type = b.ptr(id)
			return id
		}, "inner maps cannot have inner maps"},
		{"pinned inner map", func(b mapTypes) btf.ID {
			inner := b.def(btf.Member{Name: "type", Type: b.num(2)}, btf.Member{Name: "pinning", Type: b.num(1)})
			return b.def(btf.Member{Name: "type", Type: b.num(12)}, btf.Member{Name: "values", Type: b.Add(&btf.Array{Type: b.ptr(inner), Index: b.u32})})
		}, "an inner map cannot be pinned"},
		{"values of the wrong size", func(b mapTypes) btf.ID {
			inner := b.def(btf.Member{Name: "type", Type: b.num(2)})
			return b.def(btf.Member{Name: "type", Type: b.num(12)}, btf.Member{Name: "value_size", Type: b.num(8)}, btf.Member{Name: "values", Type: b.Add(&btf.Array{Type: b.ptr(inner), Index: b.u32})})
		}, "size 4 contradicts 8"},
		{"larger than its section", func(b mapTypes) btf.ID {
			return b.Add(&btf.Struct{Size: 4096, Members: []btf.Member{{Name: "type", Type: b.num(27)}}})
		}, "its 4096 bytes do not fit the section"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := elf.LoadBytes(mapObject(t, tt.do), elf.Options{})
			if tt.want == "" {
				if err != nil || len(c.Maps) != 1 {
					t.Errorf("got %v, %v", c, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestMapDefaults(t *testing.T) {
	c, err := elf.LoadBytes(mapObject(t, func(b mapTypes) btf.ID {
		return b.def(btf.Member{Name: "type", Type: b.num(uint32(spec.MapPerfEventArray))})
	}), elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if m := c.Maps[0]; m.KeySize != 4 || m.ValueSize != 4 {
		t.Errorf("got %+v", m)
	}
	c, err = elf.LoadBytes(mapObject(t, func(b mapTypes) btf.ID {
		return b.def(btf.Member{Name: "type", Type: b.num(uint32(spec.MapRingbuf))}, btf.Member{Name: "value", Type: b.ptr(b.u64)})
	}), elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if m := c.Maps[0]; m.ValueSize != 0 || m.Value == 0 {
		t.Errorf("got %+v", m)
	}
}

func TestLegacyMaps(t *testing.T) {
	f, err := elftest.Assemble("nobtf\nmap a hash 4 8 16 1\nmap b array 4 8 1\nsection xdp\n.func main\nr1 = map[b] ll\nexit")
	if err != nil {
		t.Fatal(err)
	}
	c, err := elf.LoadBytes(f.Bytes(), elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if a := c.Map("a"); a.Type != spec.MapHash || a.KeySize != 4 || a.ValueSize != 8 || a.MaxEntries != 16 || a.Flags != 1 {
		t.Errorf("got %+v", a)
	}
	if got := codes(c); got != "N02 N06 N06" {
		t.Errorf("notes %q", got)
	}
	maps := f.Section("maps")
	maps.Data = append(maps.Data, 1, 2, 3, 4)
	f.Symbol("b").Size += 4
	if c, err = elf.LoadBytes(f.Bytes(), elf.Options{}); err != nil || !strings.Contains(c.Notes[2].Text, "map b has 4 more bytes whose meaning is not known") {
		t.Errorf("got %v, %v", c, err)
	}
	maps.Data = maps.Data[:24]
	f.Symbol("b").Size = 4
	if _, err := elf.LoadBytes(f.Bytes(), elf.Options{}); err == nil || !strings.Contains(err.Error(), `maps+0x14: map "b" has 4 bytes, at least 16 are needed`) {
		t.Errorf("got %v", err)
	}
}
