package btf

import "fmt"

// coreValue is what a relocation gives for one way through types.
type coreValue struct {
	value    uint64
	validate bool
	size     uint32 // of a field that is no bit-field, or of an element if it is an array, in bytes, with CoreByteOffset
	kind     Kind   // of that field
	signed   bool   // that field is a signed integer
}

// resizes says whether a load or store of a field of one width may be made as wide as another one:
// unsigned numbers and pointers only, since they are extended with zeroes.
func (v coreValue) resizes(to coreValue) bool {
	if v.kind == KindPointer && to.kind == KindPointer {
		return true
	}
	return v.kind == KindInt && to.kind == KindInt && !v.signed && !to.signed
}

// value computes what a relocation of a kind asks for.
func (w *way) value(k CoreKind) (coreValue, error) {
	t := w.types
	switch k {
	case CoreExists, CoreTypeExists, CoreTypeMatches, CoreEnumvalExists:
		return coreValue{value: 1, validate: true}, nil
	case CoreTypeIDTarget:
		return coreValue{value: uint64(w.root)}, nil
	case CoreTypeSize:
		n, err := t.size(w.root)
		return coreValue{value: uint64(n), validate: true}, err
	case CoreEnumvalValue:
		return coreValue{value: w.bits, validate: true}, nil
	}
	if w.end.err != nil {
		return coreValue{}, w.end.err
	}
	if w.last.member {
		return w.fieldValue(k)
	}
	return w.elementValue(k)
}

// coreEnumValue is the value of the nth enumerator for CoreEnumvalValue.
func (t *Types) coreEnumValue(r record, n int) uint64 {
	v := t.enumValue(r, n)
	if r.kind() == KindEnum {
		v = uint64(int64(int32(v))) // older compilers do not say which enums are signed; libbpf takes all for it
	}
	return v
}

// elementValue is value for a way that ends at an element of an array, or at the root.
func (w *way) elementValue(k CoreKind) (coreValue, error) {
	switch k {
	case CoreByteOffset:
		v := coreValue{value: w.bits / 8, validate: true}
		err := v.access(w)
		return v, err
	case CoreByteSize:
		return coreValue{value: uint64(w.end.size), validate: true}, nil
	}
	return coreValue{}, fmt.Errorf("%w: %v needs a member", ErrAccess, k)
}

// access says how a load or store of what the way ends at may be. That of an array has the width of an element, and
// keeps it, since the distance to the next one is in the program.
func (v *coreValue) access(w *way) (err error) {
	v.size = w.end.size
	v.kind, v.signed = w.types.number(&w.end.typ)
	if v.kind != KindArray {
		return nil
	}
	id, r := w.end.id, w.end.typ
	for n := 0; r.kind() == KindArray && n < maxPath; n++ {
		id, r = w.types.strip(ID(w.types.word(r, 0)))
	}
	v.size, err = w.types.sizeOf(id, r)
	return err
}

// number gives the kind of a type without modifiers and whether it is a signed number.
func (t *Types) number(r *record) (Kind, bool) {
	switch k := r.kind(); k {
	case KindInt:
		return k, IntEncoding(t.word(*r, 0)>>24)&IntSigned != 0
	case KindEnum, KindEnum64:
		return k, r.flag()
	default:
		return k, false
	}
}

// fieldValue is value for a way that ends at a member.
func (w *way) fieldValue(k CoreKind) (coreValue, error) {
	width := w.end.width
	if k == CoreByteOffset && width == 0 { // most of them
		v := coreValue{value: w.bits / 8, validate: true}
		err := v.access(w)
		return v, err
	}
	in := window{bits: w.bits + uint64(w.end.shift), width: uint64(width), size: uint64(w.end.size), at: w.bits / 8}
	if width > 0 {
		if err := in.widen(); err != nil {
			return coreValue{}, err
		}
	} else {
		in.width = in.size * 8
	}
	v := coreValue{validate: width == 0}
	switch k {
	case CoreByteOffset:
		v.value = in.at
	case CoreByteSize:
		v.value = in.size
	case CoreSigned:
		v.validate = true
		if _, signed := w.types.number(&w.end.typ); signed {
			v.value = 1
		}
	case CoreLShift:
		if v.value = 64 - (in.bits + in.width - in.at*8); w.types.big {
			v.value = (8-in.size)*8 + in.bits - in.at*8
		}
	case CoreRShift:
		v.validate = true
		v.value = 64 - in.width
	}
	return v, nil
}

// window is the aligned piece of memory that is loaded to read a field.
type window struct {
	bits  uint64 // where the field begins, in bits
	width uint64 // of the field, in bits
	at    uint64 // where the window begins, in bytes
	size  uint64 // of the window, in bytes
}

// widen finds the smallest window, from the size of the declared type upwards, that has the whole bit-field.
func (w *window) widen() error {
	for ; powerOfTwo(uint32(w.size), 8); w.size *= 2 {
		w.at = w.bits / 8 / w.size * w.size
		if w.bits+w.width <= (w.at+w.size)*8 {
			return nil
		}
	}
	return fmt.Errorf("%w: a bit-field of %d bits at %d cannot be loaded at once", ErrType, w.width, w.bits)
}
