package record

import (
	"encoding/binary"
	"math"

	"github.com/bpfhost/bpfhost/core/btf"
)

// Kind says what a field is.
type Kind uint8

// The kinds of fields.
const (
	KindUnsigned Kind = iota + 1 // a number from 0 up
	KindSigned                   // a number with a sign
	KindBool                     // true or false
	KindEnum                     // a number with names
	KindAddress                  // a pointer, which is not followed
	KindFloat                    // a floating point number
	KindNetwork                  // a number in network byte order: __be16, __be64
	KindIPv4                     // an address in network byte order: __be32
	KindIPv6                     // struct in6_addr
	KindText                     // an array of char, up to its first NUL
	KindBytes                    // an array of bytes
	KindArray                    // any other array
	KindOther                    // anything else
)

// Field is a place in a record and how to read it.
type Field struct {
	Path string // "args.flags"
	Kind Kind
	Type btf.ID // as it is declared, in Types

	Offset uint32 // bytes from the start of the record
	Size   uint32 // bytes; 0 is everything up to the end of the record
	bits   uint32 // width of a number
	shift  uint32 // bits below it, in its bytes read as one number
	order  binary.ByteOrder
	values []btf.Enumerator
	signed bool
	types  *btf.Types

	elements *elements // of an array
}

// elements is what an array is made of, once that is known.
type elements struct {
	of    *element
	known bool
}

// Number reports whether the field is a number, which Uint returns.
func (f *Field) Number() bool {
	switch f.Kind {
	case KindUnsigned, KindSigned, KindBool, KindEnum, KindAddress, KindNetwork, KindIPv4:
		return true
	}
	return false
}

// Signed reports whether Uint returns the bits of an int64.
func (f *Field) Signed() bool { return f.signed }

// TypeName returns the declared type, "__u32".
func (f *Field) TypeName() string { return f.types.TypeName(f.Type) }

// bytes returns the bytes of the field; false where the record ends before it.
func (f *Field) bytes(rec []byte) ([]byte, bool) {
	if uint64(len(rec)) < uint64(f.Offset)+uint64(f.Size) {
		return nil, false
	}
	rec = rec[f.Offset:]
	if f.Size > 0 {
		rec = rec[:f.Size]
	}
	return rec, true
}

// Uint returns the number in a record, sign-extended if it has a sign; false where the record ends
// before it. Numbers in network byte order are those that they mean: an IPv4 address is one whose
// highest byte comes first.
func (f *Field) Uint(rec []byte) (uint64, bool) {
	b, ok := f.bytes(rec)
	if !ok {
		return 0, false
	}
	return f.number(b), true
}

// number reads the number in the bytes of the field.
func (f *Field) number(b []byte) uint64 {
	x := word(f.order, b)
	if f.bits < 64 {
		x = x >> f.shift << (64 - f.bits)
		if f.signed {
			return uint64(int64(x) >> (64 - f.bits))
		}
		return x >> (64 - f.bits)
	}
	return x
}

// Put writes a number, as Uint returns it, into the bytes of the field, which begin at b. The bits
// around a bit-field stay.
func (f *Field) Put(b []byte, x uint64) {
	b = b[:f.Size]
	mask := ^uint64(0) >> (64 - f.bits) << f.shift
	x = word(f.order, b)&^mask | x<<f.shift&mask
	var wide [8]byte
	if f.order == binary.BigEndian {
		binary.BigEndian.PutUint64(wide[:], x)
		copy(b, wide[8-len(b):])
		return
	}
	binary.LittleEndian.PutUint64(wide[:], x)
	copy(b, wide[:])
}

// word reads up to 8 bytes as one number.
func word(order binary.ByteOrder, b []byte) uint64 {
	switch len(b) {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(order.Uint16(b))
	case 4:
		return uint64(order.Uint32(b))
	case 8:
		return order.Uint64(b)
	}
	var wide [8]byte
	if order == binary.BigEndian {
		copy(wide[8-len(b):], b)
		return binary.BigEndian.Uint64(wide[:])
	}
	copy(wide[:], b)
	return binary.LittleEndian.Uint64(wide[:])
}

// Float returns the floating point number in a record; false where the record ends before it.
func (f *Field) Float(rec []byte) (float64, bool) {
	b, ok := f.bytes(rec)
	switch {
	case !ok:
	case len(b) == 4:
		return float64(math.Float32frombits(f.order.Uint32(b))), true
	case len(b) == 8:
		return math.Float64frombits(f.order.Uint64(b)), true
	}
	return 0, false
}

// Text returns the bytes of a text up to its first NUL, or of other fields all their bytes; false
// where the record ends before it. They are part of rec.
func (f *Field) Text(rec []byte) ([]byte, bool) {
	b, ok := f.bytes(rec)
	if f.Kind == KindText {
		b = untilNUL(b)
	}
	return b, ok
}

func untilNUL(b []byte) []byte {
	for i, c := range b {
		if c == 0 {
			return b[:i]
		}
	}
	return b
}

// EnumName returns the name of a value, empty where none has it.
func (f *Field) EnumName(x uint64) string {
	for _, v := range f.values {
		if v.Value == x {
			return v.Name
		}
	}
	return ""
}
