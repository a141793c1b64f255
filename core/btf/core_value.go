package btf

import "fmt"

// coreValue is the value of a relocation for one access spec. It has no more fields than registers
// hold.
type coreValue struct {
	value    uint64
	size     uint32 // of a field that is not a bit-field, or of an element if it is an array, in bytes, with CoreByteOffset
	wider    Kind   // of that field: KindPointer of a pointer, KindInt of an unsigned number, 0 of all else
	validate bool
}

// resizes says whether a load or store of a field of one width may be made as wide as another one:
// unsigned numbers and pointers only, since they are extended with zeroes.
func (v coreValue) resizes(to coreValue) bool { return v.wider == to.wider && v.wider != 0 }

// value computes what a relocation of a kind asks for.
func (s *accessSpec) value(k CoreKind) (coreValue, error) {
	t := s.types
	switch k {
	case CoreExists, CoreTypeExists, CoreTypeMatches, CoreEnumvalExists:
		return coreValue{value: 1, validate: true}, nil
	case CoreTypeIDTarget:
		return coreValue{value: uint64(s.root)}, nil
	case CoreTypeSize:
		n, err := t.size(s.root)
		return coreValue{value: uint64(n), validate: true}, err
	case CoreEnumvalValue:
		return coreValue{value: s.bits, validate: true}, nil
	}
	switch f := s.end; {
	case f.err != nil:
		return coreValue{}, f.err
	case k == CoreByteOffset && (f.width == 0 || !s.last.member): // most of them
		return s.offsetValue(), nil
	case s.last.member:
		return s.fieldValue(k)
	case k == CoreByteSize:
		return coreValue{value: uint64(f.size), validate: true}, nil
	}
	return coreValue{}, fmt.Errorf("%w: %v needs a member", ErrAccess, k)
}

// coreEnumValue is the value of the nth enumerator for CoreEnumvalValue.
func (t *Types) coreEnumValue(r record, n int) uint64 {
	v := t.enumValue(r, n)
	if r.kind() == KindEnum {
		v = uint64(int64(int32(v))) // older compilers do not say which enums are signed; libbpf takes all for it
	}
	return v
}

// offsetValue is value for CoreByteOffset of what is not a bit-field. The access to an array has
// the width of an element, and keeps it, since the offset of the next one is in the program.
func (s *accessSpec) offsetValue() coreValue {
	f := s.end
	return coreValue{value: s.bits / 8, validate: true, size: f.load, wider: f.wider}
}

// fieldValue is value for an access that ends at a member.
func (s *accessSpec) fieldValue(k CoreKind) (coreValue, error) {
	width := s.end.width
	in := window{bits: s.bits + uint64(s.end.shift), width: uint64(width), size: uint64(s.end.size), at: s.bits / 8}
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
		if s.end.signed {
			v.value = 1
		}
	case CoreLShift:
		if v.value = 64 - (in.bits + in.width - in.at*8); s.types.big {
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

// widen finds the smallest window, from the size of the declared type upwards, that has the whole
// bit-field.
func (w *window) widen() error {
	for ; powerOfTwo(uint32(w.size), 8); w.size *= 2 {
		w.at = w.bits / 8 / w.size * w.size
		if w.bits+w.width <= (w.at+w.size)*8 {
			return nil
		}
	}
	return fmt.Errorf("%w: a bit-field of %d bits at %d cannot be loaded at once", ErrType, w.width, w.bits)
}
