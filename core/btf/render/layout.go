package render

import "github.com/bpfhost/bpfhost/core/btf"

// structLayout is how C, or Go, lays out a struct.
type structLayout struct {
	align   uint8 // bytes
	packed  bool  // it needs the attribute
	asBytes bool  // its members cannot be laid out, so that it is an array of bytes
}

// memberLayout is where a member is in its struct.
type memberLayout struct {
	offset uint64 // bits from the start of the struct
	size   uint64 // bits
	width  uint32 // bits of a bit-field, 0 for other members
	unit   uint64 // bits of the type of a bit-field
}

// typeLayout is what the layout of a member of the type depends on.
type typeLayout struct {
	size      uint32 // bytes; 0 if the type has none
	align     uint8  // bytes, as the header defines the type; only layouts know
	bits      uint8  // of an integer that is narrower than its size, as those of bit-fields in old BTF; otherwise 0
	bitOffset uint8  // bits from its start to them
	known     bool
}

// typeLayoutOf returns the layout of a type, but for its alignment.
func typeLayoutOf(t *btf.Types, id btf.ID) typeLayout {
	size, _ := t.Size(id)
	m := typeLayout{size: size, known: true}
	if id = t.Strip(id); t.Kind(id) != btf.KindInt {
		return m
	}
	if typ, err := t.Type(id); err == nil {
		if i, ok := typ.(*btf.Int); ok && i.Bits > 0 && (uint32(i.Bits) != i.Size*8 || i.Offset != 0) {
			m.bits, m.bitOffset = i.Bits, i.Offset
		}
	}
	return m
}

// memberLayoutOf returns the layout of a member. In old BTF the type of a bit-field says where in
// its unit it is.
func memberLayoutOf(t *btf.Types, m *btf.Member) memberLayout {
	return newMemberLayout(m, typeLayoutOf(t, m.Type))
}

func newMemberLayout(m *btf.Member, typ typeLayout) memberLayout {
	f := memberLayout{offset: uint64(m.Offset), size: uint64(typ.size) * 8, width: m.BitSize}
	if f.width == 0 && typ.bits > 0 {
		f.width = uint32(typ.bits)
		f.offset += uint64(typ.bitOffset)
	}
	if f.width > 0 {
		f.unit, f.size = f.size, uint64(f.width)
	}
	return f
}

// layouts lay out structs. What they find out of types they remember.
type layouts struct {
	t       *btf.Types
	structs byID[structLayout] // of structs
	types   byID[typeLayout]
}

func newLayouts(t *btf.Types) layouts {
	return layouts{t: t, structs: newByID[structLayout](t), types: newByID[typeLayout](t)}
}

// typeLayout is typeLayoutOf with the alignment.
func (l *layouts) typeLayout(id btf.ID) typeLayout {
	if int(id) >= l.t.Len() {
		return typeLayout{align: 1}
	}
	m := l.types.at(id)
	if !m.known {
		*m = typeLayoutOf(l.t, id)
		m.align, m.known = l.alignOf(id)
	}
	return *m
}

func (l *layouts) memberLayout(m *btf.Member) memberLayout {
	return newMemberLayout(m, l.typeLayout(m.Type))
}

// alignOf returns the alignment in bytes of a type as the header defines it. It is not final for
// structs that are not laid out yet, which happens in malformed types only.
func (l *layouts) alignOf(id btf.ID) (align uint8, final bool) {
	for range maxNesting {
		id = l.t.Strip(id)
		switch k := l.t.Kind(id); {
		case k == btf.KindArray:
			id, _ = l.t.Ref(id, 0)
			continue
		case k == btf.KindPointer:
			return 8, true
		case k.Composite():
			a := l.structs.at(id).align
			return max(a, 1), a > 0
		case k == btf.KindInt || k == btf.KindFloat || k.Enum():
			size, _ := l.t.Size(id)
			return scalarAlign(size), true
		}
		break
	}
	return 1, true
}

// scalarAlign is the alignment of a number. Those that C does not have are arrays of bytes.
func scalarAlign(size uint32) uint8 {
	switch size {
	case 1, 2, 4, 8, 16:
		return uint8(size)
	}
	return 1
}

// structLayout finds out how C can lay out a struct whose members are laid out.
func (l *layouts) structLayout(s *btf.Struct) structLayout {
	for _, packed := range []bool{false, true} {
		if align, ok := l.fits(s, packed); ok {
			return structLayout{align: uint8(align), packed: packed}
		}
	}
	return structLayout{align: 1, asBytes: true}
}

// fits reports whether C puts members at their offsets, with padding between them, and the
// alignment that the struct then has.
func (l *layouts) fits(s *btf.Struct, packed bool) (align uint64, ok bool) {
	end := uint64(0)
	align = 1
	for i := range s.Members {
		typ := l.typeLayout(s.Members[i].Type)
		f := newMemberLayout(&s.Members[i], typ)
		a := typ.alignIn(packed)
		if f.offset < end || nextOffset(f.offset, f, a, packed) != f.offset || f.width > 0 && uint64(f.width) > f.unit {
			return 0, false
		}
		if s.Union && f.offset != 0 {
			return 0, false
		}
		align = max(align, a)
		if !s.Union {
			end = f.offset + f.size
		}
		if f.offset+f.size > uint64(s.Size)*8 {
			return 0, false
		}
	}
	return align, uint64(s.Size)%align == 0
}

// alignIn is the alignment of a member.
func (m typeLayout) alignIn(packed bool) uint64 {
	if packed {
		return 1
	}
	return uint64(m.align)
}

// nextOffset returns where C puts a member when bits up to at are taken.
func nextOffset(at uint64, f memberLayout, align uint64, packed bool) uint64 {
	if f.width == 0 {
		return roundUp(at, 8*align)
	}
	if packed || f.unit == 0 || at/f.unit == (at+f.size-1)/f.unit {
		return at
	}
	return roundUp(at, f.unit)
}

func roundUp(n, to uint64) uint64 { return (n + to - 1) / to * to }

// padUnits are the types of unnamed bit-fields that fill gaps.
var padUnits = [...]struct {
	bits uint64
	name string
}{{64, "long long"}, {32, "int"}, {16, "short"}, {8, "char"}}

// maxPadFields is how many units a gap may have before an array of bytes fills it.
const maxPadFields = 8

// gap is one member of padding.
type gap struct {
	typ  string
	bits uint64
}

// gaps cuts the bits from at up to end into members that C puts exactly there, whatever comes
// before.
func gaps(at, end uint64) []gap {
	var list []gap
	for at < end {
		n := gap{"char", min(8-at%8, end-at)}
		for _, u := range padUnits {
			if at%u.bits == 0 && at+u.bits <= end {
				n = gap{u.name, u.bits}
				break
			}
		}
		if whole := (end - at) / 64; n.bits == 64 && whole > maxPadFields {
			n = gap{"", whole * 64}
		}
		list = append(list, n)
		at += n.bits
	}
	return list
}
