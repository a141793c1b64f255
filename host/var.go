package host

import (
	"math"
	"strings"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// variable gives the variable behind a handle.
func (x *instance) variable(h uint32) (varRef, error) {
	obj, err := x.handles.get(h, abi.KindVar)
	if err != nil {
		return varRef{}, err
	}
	return obj.(varRef), nil
}

// span refuses bytes that are not all inside the variable.
func span(r varRef, off uint32, n int) error {
	if uint64(off)+uint64(n) > uint64(r.v.Size) {
		return failf(abi.ErrRange, "%d bytes at offset %d are not within the %d of variable %q", n, off, r.v.Size, r.v.Name)
	}
	return nil
}

// VarRead reads initial bytes of a variable.
func (x *instance) VarRead(v, off uint32, data []byte) int32 {
	r, err := x.variable(v)
	if err == nil {
		err = span(r, off, len(data))
	}
	if err != nil {
		return x.reply("var_read", 0, err)
	}
	n, err := r.v.Read(r.o.work, off, data)
	return x.reply("var_read", n, err)
}

// VarWrite writes initial bytes of a variable.
func (x *instance) VarWrite(v, off uint32, data []byte) int32 {
	r, err := x.variable(v)
	if err == nil {
		err = span(r, off, len(data))
	}
	if err == nil {
		err = x.writeVar(r, off, data, "bytes")
	}
	return x.reply("var_write", len(data), err)
}

// writeVar changes bytes of a variable and logs it.
func (x *instance) writeVar(r varRef, off uint32, data []byte, what string) error {
	if err := x.mayEdit(r.o); err != nil {
		return err
	}
	old := make([]byte, min(len(data), maxShownBytes+1))
	if _, err := r.v.Read(r.o.work, off, old); err != nil {
		return err
	}
	if err := r.v.Write(r.o.work, off, data); err != nil {
		return err
	}
	plain := abi.Property{Type: abi.PlainBytes}
	return x.overlay.log(Edit{Object: r.o.name, Kind: "var", Name: r.v.Name, What: what, Old: showBytes(plain, old), New: showBytes(plain, data)})
}

// VarSetPath sets a number inside a variable.
func (x *instance) VarSetPath(obj uint32, path []byte, value uint64) int32 {
	o, err := x.handles.get(obj, abi.KindObject)
	if err != nil {
		return x.reply("var_set_path", 0, err)
	}
	return x.reply("var_set_path", 0, x.setPath(o.(*object), string(path), value))
}

func (x *instance) setPath(o *object, path string, value uint64) error {
	name, rest := path, ""
	if i := strings.IndexAny(path, ".["); i > 0 {
		name, rest = path[:i], path[i:]
	}
	v := o.work.Var(name)
	if v == nil {
		return failf(abi.ErrNoent, "object %s has no variable %q", o.name, name)
	}
	p, err := placeOf(o.work, v, rest)
	if err != nil {
		return err
	}
	if !p.fits(value) {
		return failf(abi.ErrRange, "%d does not fit the %d bits of %s", int64(value), p.bits, path)
	}
	var b [8]byte
	if _, err := v.Read(o.work, p.off, b[:p.size]); err != nil {
		return err
	}
	p.put(b[:p.size], value, o.work.Order)
	return x.writeVar(varRef{o, v}, p.off, b[:p.size], "."+strings.TrimPrefix(rest, "."))
}

// scalar is where a number is inside a variable.
type scalar struct {
	off, size uint32 // bytes of the storage
	shift     uint32 // bits below the number in the storage, read as one number
	bits      uint32
	sign      sign
}

// sign says how a number is read. Of a variable without type information nothing is known.
type sign uint8

const (
	eitherSign sign = iota
	unsigned
	signed
)

// placeOf finds the number that a path leads to. Without type information only a variable that is
// a number itself can be set.
func placeOf(c *spec.Collection, v *spec.Var, rest string) (scalar, error) {
	if v.Type == 0 || c.BTF == nil {
		if rest != "" {
			return scalar{}, failf(abi.ErrBTF, "variable %q has no type information, so a path into it leads nowhere", v.Name)
		}
		return whole(v.Name, v.Size)
	}
	if v.Size == 0 {
		return scalar{}, failf(abi.ErrRange, "variable %q has no bytes", v.Name)
	}
	// The path begins at the variable itself: an index may come first, a dot may not.
	f, err := c.BTF.Path(v.Type, strings.TrimPrefix(rest, "."))
	if err != nil {
		return scalar{}, &callError{code: abi.ErrBTF, text: err.Error()}
	}
	s, err := whole(v.Name+rest, f.Size)
	if err != nil {
		return scalar{}, err
	}
	s.off = f.Offset
	if err := s.typed(c.BTF, f); err != nil {
		return scalar{}, err
	}
	if f.BitSize > 0 {
		s.size = (f.Bit + f.BitSize + 7) / 8
		s.bits, s.shift = f.BitSize, f.Bit
		if c.Order == asm.BigEndian {
			s.shift = s.size*8 - f.Bit - f.BitSize
		}
		if s.size > 8 {
			return scalar{}, failf(abi.ErrBTF, "bit-field %s%s spans more than 8 bytes", v.Name, rest)
		}
	}
	return s, nil
}

func whole(what string, size uint32) (scalar, error) {
	switch size {
	case 1, 2, 4, 8:
		return scalar{size: size, bits: size * 8}, nil
	}
	return scalar{}, failf(abi.ErrBTF, "%s has %d bytes and is no number", what, size)
}

// typed takes over the sign of a field, and refuses what is no number.
func (s *scalar) typed(t *btf.Types, f btf.Field) error {
	typ, err := t.Type(t.Strip(f.Type))
	if err != nil {
		return &callError{code: abi.ErrBTF, text: err.Error()}
	}
	negative := false
	switch typ := typ.(type) {
	case *btf.Int:
		negative = typ.Encoding&btf.IntSigned != 0
	case *btf.Enum:
		negative = typ.Signed
	default:
		return failf(abi.ErrBTF, "%s is no number", t.TypeName(f.Type))
	}
	if s.sign = unsigned; negative {
		s.sign = signed
	}
	return nil
}

// fits reports whether the low bits of v, read as the field's type reads them, are v again.
func (s scalar) fits(v uint64) bool {
	if s.bits >= 64 {
		return true
	}
	low := v & (1<<s.bits - 1)
	plain := low == v
	extended := uint64(int64(low<<(64-s.bits))>>(64-s.bits)) == v
	switch s.sign {
	case signed:
		return extended
	case unsigned:
		return plain
	}
	return plain || extended
}

// put stores a number into the bytes of its storage.
func (s scalar) put(b []byte, v uint64, order asm.ByteOrder) {
	var all uint64
	for i := range b {
		all |= uint64(b[s.byteAt(i, order)]) << (8 * i)
	}
	mask := uint64(math.MaxUint64)
	if s.bits < 64 {
		mask = 1<<s.bits - 1
	}
	all = all&^(mask<<s.shift) | v&mask<<s.shift
	for i := range b {
		b[s.byteAt(i, order)] = byte(all >> (8 * i))
	}
}

// byteAt is the index of the byte that holds bits 8*i and up.
func (s scalar) byteAt(i int, order asm.ByteOrder) int {
	if order == asm.BigEndian {
		return int(s.size) - 1 - i
	}
	return i
}
