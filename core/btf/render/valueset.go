package render

import (
	"bytes"
	"math"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/btf"
)

// structure writes the members of a struct or union. tail is data with what follows the struct, if
// anything does.
func (v *values) structure(s *btf.Struct, data, tail []byte, depth int) {
	if depth == v.o.MaxDepth {
		v.text("{...}")
		return
	}
	v.text("{")
	wrote := 0
	for i := range s.Members {
		if v.step(); v.full {
			return
		}
		m := &s.Members[i]
		f := memberLayoutOf(v.t, m)
		if f.size == 0 && isVoid(v.t, m.Type) {
			continue
		}
		var flexible *btf.Array
		if i == len(s.Members)-1 && len(tail) > 0 {
			flexible, tail = v.flexible(m, tail)
		}
		if !v.o.Zeros && v.zero(f, data) && (flexible == nil || allZero(tail)) {
			continue
		}
		v.separate(wrote, depth+1)
		wrote++
		if m.Name != "" {
			v.texts(".", identifier(m.Name), " = ")
		}
		if flexible != nil {
			v.array(flexible, tail, depth+1)
		} else {
			v.member(m, f, data, depth+1)
		}
	}
	v.close(wrote, depth)
}

// flexible returns the array that a member is with as many elements as data has, and these; nil if
// the member is not a flexible array.
func (v *values) flexible(m *btf.Member, data []byte) (*btf.Array, []byte) {
	typ, _ := v.resolve(m.Type)
	a, ok := typ.(*btf.Array)
	if !ok || a.Count > 0 || int(m.Offset/8) >= len(data) {
		return nil, nil
	}
	data = data[m.Offset/8:]
	size, err := v.t.Size(a.Type)
	if err != nil || size == 0 {
		return nil, nil
	}
	n := min(uint64(len(data))/uint64(size), math.MaxUint32)
	return &btf.Array{Type: a.Type, Count: uint32(n)}, data[:n*uint64(size)]
}

// separate begins the next member or element.
func (v *values) separate(wrote, depth int) {
	if wrote > 0 {
		v.text(",")
	}
	switch {
	case v.o.Indent != "":
		v.text("\n" + strings.Repeat(v.o.Indent, depth))
	case wrote > 0:
		v.text(" ")
	}
}

// close ends a list.
func (v *values) close(wrote, depth int) {
	if v.o.Indent != "" && wrote > 0 {
		v.text("\n" + strings.Repeat(v.o.Indent, depth))
	}
	v.text("}")
}

// zero says whether all bits of a member are there and zero.
func (v *values) zero(f memberLayout, data []byte) bool {
	end := f.offset + f.size
	if end > uint64(len(data))*8 {
		return false
	}
	if f.width == 0 {
		return allZero(data[f.offset/8 : end/8])
	}
	return v.bitField(f, data) == wide{}
}

func allZero(b []byte) bool { return len(bytes.TrimLeft(b, "\x00")) == 0 }

// bitField reads a bit-field that is in data.
func (v *values) bitField(f memberLayout, data []byte) wide {
	return v.bits(data[f.offset/8:(f.offset+f.size+7)/8], uint32(f.offset%8), f.width)
}

func (v *values) member(m *btf.Member, f memberLayout, data []byte, depth int) {
	if f.width == 0 {
		v.value(m.Type, data[min(f.offset/8, uint64(len(data))):], depth)
		return
	}
	if f.offset+f.size > uint64(len(data))*8 {
		v.text("?")
		return
	}
	w := v.bitField(f, data)
	switch typ, _ := v.resolve(m.Type); typ := typ.(type) {
	case *btf.Int:
		v.integer(typ, w, f.width)
	case *btf.Enum:
		v.enum(typ, w, f.width)
	default:
		v.digits(strconv.AppendUint(v.spare[:0], w.lo, 10))
	}
}

// array writes the elements of an array; text if it is one of characters.
func (v *values) array(a *btf.Array, data []byte, depth int) {
	size, err := v.t.Size(a.Type)
	if err != nil {
		v.text("?")
		return
	}
	if v.character(a.Type) && v.textual(data, a.Count) {
		return
	}
	if depth == v.o.MaxDepth {
		v.text("{...}")
		return
	}
	count := uint64(a.Count)
	if !v.o.Zeros && uint64(len(data)) >= count*uint64(size) {
		for count > 0 && size > 0 && allZero(data[(count-1)*uint64(size):count*uint64(size)]) {
			count--
		}
	}
	v.text("{")
	wrote := 0
	for i := uint64(0); i < count && !v.full; i++ {
		v.separate(wrote, depth+1)
		wrote++
		at := i * uint64(size)
		if wrote > v.o.MaxElements || at > uint64(len(data)) {
			v.text("...")
			break
		}
		v.value(a.Type, data[at:], depth+1)
	}
	v.close(wrote, depth)
}

// character says whether a type is char.
func (v *values) character(id btf.ID) bool {
	typ, _ := v.resolve(id)
	i, ok := typ.(*btf.Int)
	return ok && i.Size == 1 && i.Encoding&btf.IntBool == 0 && (i.Name == "char" || i.Encoding&btf.IntChar != 0)
}

// textual writes characters up to a NUL that only NULs follow. Others are not text.
func (v *values) textual(data []byte, count uint32) bool {
	s, rest, ended := bytes.Cut(data, []byte{0})
	if ended && !allZero(rest) || len(data) < int(count) && !ended {
		return false
	}
	more := len(s) > 4*v.o.MaxElements
	if more {
		s = s[:4*v.o.MaxElements]
	}
	v.quote(s)
	if more {
		v.text("...")
	}
	return true
}
