package elftest

import (
	"encoding/binary"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
)

// mapSize is the size in bytes of a map definition: five pointers.
const mapSize = 40

// types makes the BTF of maps, variables and externs.
func (a *assembler) types() ([]byte, error) {
	b := &btf.Builder{Order: binary.LittleEndian}
	if a.f.Order == asm.BigEndian {
		b.Order = binary.BigEndian
	}
	t := typer{b: b}
	t.u32 = b.Add(&btf.Int{Name: "unsigned int", Size: 4})
	t.u8 = b.Add(&btf.Int{Name: "unsigned char", Size: 1})
	t.maps(a.maps)
	t.vars(a.vars)
	t.externs(a.externs)
	return b.Bytes()
}

type typer struct {
	b       *btf.Builder
	u8, u32 btf.ID
}

// number makes the type that stands for a number in a map definition.
func (t *typer) number(n uint32) btf.ID {
	return t.b.Add(&btf.Pointer{Type: t.b.Add(&btf.Array{Type: t.u32, Index: t.u32, Count: n})})
}

func (t *typer) maps(maps []mapLine) {
	if len(maps) == 0 {
		return
	}
	sec := &btf.Datasec{Name: ".maps", Size: uint32(len(maps)) * mapSize}
	for i, m := range maps {
		def := &btf.Struct{Size: mapSize}
		for k, name := range []string{"type", "key_size", "value_size", "max_entries", "map_flags"} {
			n := uint32(m.typ)
			if k > 0 {
				n = m.nums[k-1]
			}
			def.Members = append(def.Members, btf.Member{Name: name, Type: t.number(n), Offset: uint32(k) * 64})
		}
		v := t.b.Add(&btf.Var{Name: m.name, Type: t.b.Add(def), Linkage: btf.LinkGlobal})
		sec.Vars = append(sec.Vars, btf.SecVar{Type: v, Offset: uint32(i) * mapSize, Size: mapSize})
	}
	t.b.Add(sec)
}

func (t *typer) vars(vars []varLine) {
	secs := map[string]*btf.Datasec{}
	var order []*btf.Datasec
	for _, v := range vars {
		s := secs[v.section]
		if s == nil {
			s = &btf.Datasec{Name: v.section}
			secs[v.section] = s
			order = append(order, s)
		}
		size := uint32(len(v.data))
		typ := t.u32
		if size != 4 {
			typ = t.b.Add(&btf.Array{Type: t.u8, Index: t.u32, Count: size})
		}
		s.Vars = append(s.Vars, btf.SecVar{Type: t.b.Add(&btf.Var{Name: v.name, Type: typ, Linkage: btf.LinkGlobal}), Offset: uint32(v.offset), Size: size})
		s.Size = uint32(v.offset) + size
	}
	for _, s := range order {
		t.b.Add(s)
	}
}

func (t *typer) externs(externs []externLine) {
	if len(externs) == 0 {
		return
	}
	sec := &btf.Datasec{Name: ".ksyms"}
	for _, e := range externs {
		v := btf.SecVar{}
		if e.kind == "kfunc" {
			v.Type = t.b.Add(&btf.Func{Name: e.name, Type: t.b.Add(&btf.FuncProto{}), Linkage: btf.LinkExtern})
		} else {
			v.Type = t.b.Add(&btf.Var{Name: e.name, Linkage: btf.LinkExtern})
		}
		sec.Vars = append(sec.Vars, v)
	}
	t.b.Add(sec)
}
