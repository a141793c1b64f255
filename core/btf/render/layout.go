package render

import "github.com/bpfhost/bpfhost/core/btf"

// shape is how a struct is laid out in C.
type shape struct {
	align  uint8 // bytes
	packed bool  // it needs the attribute
	bytes  bool  // C cannot lay it out
}

// field is where a member is.
type field struct {
	at    uint64 // bits from the start of the struct
	size  uint64 // bits
	width uint32 // bits of a bit-field, 0 for other members
	unit  uint64 // bits of the type of a bit-field
}

// fieldOf measures a member. In old BTF the type of a bit-field says where in its unit it is.
func fieldOf(t *btf.Types, m *btf.Member) field {
	f := field{at: uint64(m.Offset), width: m.BitSize}
	size, _ := t.Size(m.Type)
	f.size = uint64(size) * 8
	if f.width == 0 {
		if typ, err := t.Type(t.Strip(m.Type)); err == nil {
			if i, ok := typ.(*btf.Int); ok && i.Bits > 0 && (uint32(i.Bits) != i.Size*8 || i.Offset != 0) {
				f.width = uint32(i.Bits)
				f.at += uint64(i.Offset)
			}
		}
	}
	if f.width > 0 {
		f.unit, f.size = f.size, uint64(f.width)
	}
	return f
}

// alignOf gives the alignment in bytes of a type as the header defines it.
func (h *header) alignOf(id btf.ID) uint64 {
	for range maxNesting {
		id = h.t.Strip(id)
		typ, err := h.t.Type(id)
		if err != nil {
			return 1
		}
		switch typ := typ.(type) {
		case *btf.Array:
			id = typ.Type
			continue
		case *btf.Pointer:
			return 8
		case *btf.Struct:
			return uint64(max(h.shapes[id].align, 1))
		case *btf.Int:
			return scalarAlign(typ.Size)
		case *btf.Float:
			return scalarAlign(typ.Size)
		case *btf.Enum:
			return scalarAlign(typ.Size)
		}
		break
	}
	return 1
}

// scalarAlign is the alignment of a number. Those that C does not have are arrays of bytes.
func scalarAlign(size uint32) uint64 {
	switch size {
	case 1, 2, 4, 8, 16:
		return uint64(size)
	}
	return 1
}

// shape finds out how C can lay out a struct whose members are laid out.
func (h *header) shape(s *btf.Struct) shape {
	for _, packed := range []bool{false, true} {
		if align, ok := h.fits(s, packed); ok {
			return shape{align: uint8(align), packed: packed}
		}
	}
	return shape{align: 1, bytes: true}
}

// fits says whether members come to stand where they should, with padding between them, and the alignment that the
// struct then has.
func (h *header) fits(s *btf.Struct, packed bool) (align uint64, ok bool) {
	end := uint64(0)
	align = 1
	for i := range s.Members {
		f := fieldOf(h.t, &s.Members[i])
		a := h.memberAlign(&s.Members[i], packed)
		if f.at < end || place(f.at, f, a, packed) != f.at || f.width > 0 && uint64(f.width) > f.unit {
			return 0, false
		}
		if s.Union && f.at != 0 {
			return 0, false
		}
		align = max(align, a)
		if !s.Union {
			end = f.at + f.size
		}
		if f.at+f.size > uint64(s.Size)*8 {
			return 0, false
		}
	}
	return align, uint64(s.Size)%align == 0
}

func (h *header) memberAlign(m *btf.Member, packed bool) uint64 {
	if packed {
		return 1
	}
	return h.alignOf(m.Type)
}

// place gives where C puts a member when bits up to at are taken.
func place(at uint64, f field, align uint64, packed bool) uint64 {
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

// gap is one piece of padding.
type gap struct {
	typ  string
	bits uint64
}

// gaps cuts the bits from at up to end into pieces that C puts exactly there, whatever stands before.
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
