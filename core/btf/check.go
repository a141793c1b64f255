package btf

import "fmt"

// check holds a type against the rules that need no other type: ids and strings exist, sizes and
// counts make sense. Validate checks the rest.
func (t *Types) check(id ID, r record) error {
	if err := t.checkName(r.name); err != nil {
		return fmt.Errorf("name: %w", err)
	}
	k := r.kind()
	if k > lastKind {
		return nil
	}
	if k.refers() {
		if err := t.checkID(r.word); err != nil {
			return err
		}
	}
	if f := checks[k]; f != nil {
		if err := f(t, r); err != nil {
			return fmt.Errorf("%v: %w", k, err)
		}
	}
	return nil
}

// checks are the rules of single kinds; ids in the third word are checked before.
var checks = [lastKind + 1]func(*Types, record) error{
	KindInt:       checkInt,
	KindArray:     checkArray,
	KindStruct:    checkStruct,
	KindUnion:     checkStruct,
	KindEnum:      checkEnum,
	KindFunc:      checkFunc,
	KindFuncProto: checkFuncProto,
	KindVar:       checkVar,
	KindDatasec:   checkDatasec,
	KindFloat:     checkFloat,
	KindEnum64:    checkEnum,
}

func (t *Types) checkID(id uint32) error {
	if uint64(id) >= uint64(t.Len()) {
		return fmt.Errorf("%w: %d of %d", ErrID, id, t.Len())
	}
	return nil
}

// checkValue is checkID for what holds a value, where void cannot be.
func (t *Types) checkValue(id uint32) error {
	if id == 0 {
		return fmt.Errorf("%w: void has no value", ErrType)
	}
	return t.checkID(id)
}

func (t *Types) checkName(off uint32) error {
	o := t
	for off < o.strBase {
		o = o.base
	}
	if uint64(off-o.strBase) >= uint64(len(o.strs.data)) && off != 0 {
		return fmt.Errorf("%w (%#x)", ErrString, off)
	}
	return nil
}

func checkInt(t *Types, r record) error {
	w := t.word(r, 0)
	width := w & 0xff
	if width > 128 || width+w>>16&0xff > r.word*8 || !powerOfTwo(r.word, 16) {
		return fmt.Errorf("%w: %d bits at %d in %d bytes", ErrType, width, w>>16&0xff, r.word)
	}
	return nil
}

// powerOfTwo says whether n is one of 1, 2, 4 … up to most.
func powerOfTwo(n, most uint32) bool { return n > 0 && n <= most && n&(n-1) == 0 }

func checkArray(t *Types, r record) error {
	if err := t.checkID(t.word(r, 0)); err != nil {
		return err
	}
	return t.checkID(t.word(r, 1))
}

func checkStruct(t *Types, r record) error {
	for i := range r.vlen() {
		m := t.member(r, i)
		if err := t.checkName(m.name); err != nil {
			return fmt.Errorf("member %d: %w", i, err)
		}
		if err := t.checkID(uint32(m.typ)); err != nil {
			return fmt.Errorf("member %d: %w", i, err)
		}
		if m.typ == 0 {
			continue // see Untyped; it has no place either
		}
		if uint64(m.offset)+uint64(m.bits) > uint64(r.word)*8 {
			return fmt.Errorf("member %d: %w: bit %d is past the end of %d bytes", i, ErrType, m.offset+m.bits, r.word)
		}
	}
	return nil
}

func checkEnum(t *Types, r record) error {
	declared := r.word == 0 && r.vlen() == 0 // and no more than that, as clang writes it
	if !powerOfTwo(r.word, 8) && !declared {
		return fmt.Errorf("%w: size of %d bytes", ErrType, r.word)
	}
	for i := range r.vlen() {
		if err := t.checkName(t.enumName(r, i)); err != nil {
			return fmt.Errorf("value %d: %w", i, err)
		}
	}
	return nil
}

func checkFunc(_ *Types, r record) error {
	if r.vlen() > int(LinkExtern) {
		return fmt.Errorf("%w: linkage %d", ErrType, r.vlen())
	}
	return nil
}

func checkFuncProto(t *Types, r record) error {
	for i := range r.vlen() {
		name, typ := t.word(r, 2*i), t.word(r, 2*i+1)
		if err := t.checkName(name); err != nil {
			return fmt.Errorf("parameter %d: %w", i, err)
		}
		if err := t.checkID(typ); err != nil {
			return fmt.Errorf("parameter %d: %w", i, err)
		}
	}
	return nil
}

func checkVar(t *Types, r record) error {
	if l := t.word(r, 0); l > uint32(LinkExtern) {
		return fmt.Errorf("%w: linkage %d", ErrType, l)
	}
	return nil
}

func checkDatasec(t *Types, r record) error {
	for i := range r.vlen() {
		if err := t.checkValue(t.word(r, 3*i)); err != nil {
			return fmt.Errorf("variable %d: %w", i, err)
		}
		at, size := t.word(r, 3*i+1), t.word(r, 3*i+2)
		if r.word != 0 && uint64(at)+uint64(size) > uint64(r.word) {
			return fmt.Errorf("variable %d: %w: %d bytes at %d in a section of %d", i, ErrType, size, at, r.word)
		}
	}
	return nil
}

func checkFloat(_ *Types, r record) error {
	if !powerOfTwo(r.word, 16) && r.word != 12 {
		return fmt.Errorf("%w: size of %d bytes", ErrType, r.word)
	}
	return nil
}
