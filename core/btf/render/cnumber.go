package render

import (
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/btf"
)

// intText spells an integer type as C knows it, with the size that BTF says.
func (h *header) intText(id btf.ID) string {
	name := h.t.Name(id)
	s, ok := h.lookup(id, name)
	if !ok {
		typ, _ := h.t.Type(id)
		if i, isInt := typ.(*btf.Int); isInt {
			s = intName(i)
		}
		h.assign(id, name, s)
	}
	return s
}

func intName(i *btf.Int) string {
	if naturalSize(i.Name) == i.Size {
		return i.Name
	}
	sign := "unsigned "
	if i.Encoding&btf.IntSigned != 0 {
		sign = "signed "
	}
	switch i.Size {
	case 1:
		return sign + "char"
	case 2:
		return sign + "short"
	case 4:
		return sign + "int"
	case 8:
		return sign + "long long"
	case 16:
		return sign + "__int128"
	}
	return bytesName(i.Size)
}

// naturalSize returns the size in bytes that C for BPF uses for an integer type; 0 if C has no such
// type.
func naturalSize(name string) uint32 {
	size := uint32(4)
	words := 0
	for rest := name; rest != ""; words++ {
		var w string
		w, rest, _ = strings.Cut(rest, " ")
		switch w {
		case "char", "_Bool":
			size = 1
		case "short":
			size = 2
		case "long":
			size = 8
		case "__int128":
			size = 16
		case "int", "signed", "unsigned":
		default:
			return 0
		}
	}
	if words == 0 || words > 4 {
		return 0
	}
	return size
}

// floatText spells a floating point type.
func (h *header) floatText(id btf.ID) string {
	size, _ := h.t.Size(id)
	return floatName(size)
}

func floatName(size uint32) string {
	switch size {
	case 4:
		return "float"
	case 8:
		return "double"
	}
	return bytesName(size)
}

// bytesName names the type for numbers that C for BPF does not have, as the long double of other
// machines.
func bytesName(size uint32) string { return "__bytes" + strconv.Itoa(int(size)) }

// bytesType defines the type of a number if C has none.
func (h *header) bytesType(id btf.ID) {
	name, size := "", uint32(0)
	typ, _ := h.t.Type(id)
	switch typ := typ.(type) {
	case *btf.Int:
		name, size = intName(typ), typ.Size
	case *btf.Float:
		name, size = floatName(typ.Size), typ.Size
	}
	if name != bytesName(size) || h.bytesTypes[name] {
		return
	}
	h.bytesTypes[name] = true
	n := strconv.Itoa(int(size))
	align := strconv.Itoa(int(scalarAlign(size)))
	h.texts("typedef struct { unsigned char bytes[", n, "]; } ", name, " __attribute__((aligned(", align, ")));\n\n")
}
