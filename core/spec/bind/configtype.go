package bind

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/btf"
)

// configKind is what a variable can hold of the kernel's configuration (enum kcfg_type of libbpf.c).
type configKind uint8

const (
	configBool configKind = iota + 1
	configChar
	configInt
	configTristate
	configString
)

// tristateName is the enum of bpf_helpers.h that has values for y, m and n.
const tristateName = "libbpf_tristate"

// configType is the type of a configuration value.
type configType struct {
	kind   configKind
	size   uint32 // bytes
	signed bool
	name   string // in C
}

// configTypeOf returns what a variable of that size and type can hold. Without a type it holds a
// number of its size.
func configTypeOf(types *btf.Types, id btf.ID, size uint32) (configType, error) {
	t := configType{size: size, name: fmt.Sprintf("number of %d bytes", size)}
	if types == nil || id == 0 {
		if t.kind = configInt; !isNumberSize(size) {
			return t, fmt.Errorf("its %d bytes are not a number", size)
		}
		return t, nil
	}
	t.name = types.TypeName(id)
	own, err := types.Size(id)
	if err != nil {
		return t, fmt.Errorf("its type %s: %w", t.name, err)
	}
	if own != size {
		return t, fmt.Errorf("its type %s has %d bytes, its variable %d", t.name, own, size)
	}
	if t.kind, t.signed = configKindOf(types, id); t.kind == 0 {
		return t, fmt.Errorf("its type %s is none that configuration values have", t.name)
	}
	return t, nil
}

// configKindOf applies libbpf's rules (find_kcfg_type). The kind is 0 for other types.
func configKindOf(types *btf.Types, id btf.ID) (kind configKind, signed bool) {
	typ, err := types.Type(types.Strip(id))
	if err != nil {
		return 0, false
	}
	switch t := typ.(type) {
	case *btf.Int:
		signed = t.Encoding&btf.IntSigned != 0
		switch {
		case t.Encoding&btf.IntBool != 0 && t.Size != 1, !isNumberSize(t.Size):
			return 0, false
		case t.Encoding&btf.IntBool != 0:
			return configBool, false
		case t.Size == 1:
			return configChar, signed
		}
		return configInt, signed
	case *btf.Enum:
		if t.Name == tristateName && (t.Size == 4 || t.Wide && t.Size == 8) {
			return configTristate, false
		}
	case *btf.Array:
		if element, err := types.Type(types.Strip(t.Type)); err == nil && t.Count > 0 {
			if c, ok := element.(*btf.Int); ok && c.Size == 1 && c.Encoding&btf.IntBool == 0 {
				return configString, false
			}
		}
	}
	return 0, false
}

func isNumberSize(size uint32) bool { return size == 1 || size == 2 || size == 4 || size == 8 }

// holds reports whether a number, whose bits are n, fits the type. As with libbpf, 8 bytes take any
// 64 bits: the configuration has addresses that programs read as signed numbers.
func (t configType) holds(n uint64) bool {
	bits := 8 * t.size
	switch {
	case t.size == 8:
		return true
	case t.signed:
		return n+1<<(bits-1) < 1<<bits
	}
	return n>>bits == 0
}

// refuse is the error of a value that the type cannot hold.
func (t configType) refuse(value, why string) error {
	return fmt.Errorf("value %s %s: its type is %s", value, why, t.name)
}
