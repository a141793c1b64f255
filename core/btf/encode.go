package btf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// ErrBuild says that a type cannot be written.
var ErrBuild = errors.New("type cannot be encoded")

// encoder writes types and gathers their strings.
type encoder struct {
	big     bool
	out     []byte // what a header takes, and the types
	strs    []byte
	placed  []byte   // memory of both, if it was allocated at once
	known   interner // the strings that were added
	strBase uint32
}

// newEncoder starts with the strings that a table of its own begins with; strBase is not zero for a
// split one.
func newEncoder(big bool, strBase uint32) *encoder {
	e := &encoder{big: big, strBase: strBase, known: newInterner(), out: make([]byte, headerSize)}
	if strBase == 0 {
		e.strs = []byte{0}
	}
	return e
}

// place allocates memory for as many bytes of types, and for strings after them, before there are
// any types.
func (e *encoder) place(types, strs int) {
	types += len(e.out)
	e.placed = slices.Grow(e.out, types+len(e.strs)+strs)
	e.out = e.placed[:len(e.out):types]
	e.strs = append(e.placed[types:types], e.strs...)
}

// join returns the types followed by the strings.
func (e *encoder) join() []byte {
	types, both := len(e.out), len(e.out)+len(e.strs)
	if types == cap(e.out) && both <= cap(e.placed) && cap(e.strs) == cap(e.placed)-types {
		return e.placed[:both:both] // neither had to move
	}
	return append(e.out, e.strs...)
}

// str returns the offset of a string, adding it when it is new.
func (e *encoder) str(s string) (uint32, error) {
	if strings.IndexByte(s, 0) >= 0 {
		return 0, fmt.Errorf("%w: name %q has a NUL", ErrBuild, s)
	}
	return addString(e, s, e.known.hashString(s))
}

// bytes is str for a string that has no NUL.
func (e *encoder) bytes(s []byte) (uint32, error) { return addString(e, s, e.known.hashBytes(s)) }

func addString[S string | []byte](e *encoder, s S, hash uint32) (uint32, error) {
	if len(s) == 0 {
		return 0, nil
	}
	slot := findString(&e.known, e.strs, s, hash)
	if slot.at != 0 {
		return e.strBase + slot.at - 1, nil
	}
	at := uint64(e.strBase) + uint64(len(e.strs))
	if at+uint64(len(s)) >= 1<<32-1 {
		return 0, fmt.Errorf("%w: strings exceed 4 GiB", ErrBuild)
	}
	e.strs = append(append(e.strs, s...), 0)
	e.known.fill(slot, hash, uint32(at)-e.strBase)
	return uint32(at), nil
}

// put writes a word to the start of b.
func (e *encoder) put(b []byte, v uint32) {
	if e.big {
		v = bits.ReverseBytes32(v)
	}
	binary.LittleEndian.PutUint32(b, v)
}

// room appends n bytes to be filled in.
func (e *encoder) room(n int) []byte {
	at := len(e.out)
	e.out = slices.Grow(e.out, n)[:at+n]
	return e.out[at:]
}

func (e *encoder) words(w ...uint32) {
	b := e.room(4 * len(w))
	for i, v := range w {
		e.put(b[4*i:], v)
	}
}

// head writes the three words that each type begins with.
func (e *encoder) head(name string, k Kind, vlen int, flag bool, word uint32) error {
	off, err := e.str(name)
	if err != nil {
		return err
	}
	if vlen < 0 || vlen > maxVlen {
		return fmt.Errorf("%w: %d elements", ErrBuild, vlen)
	}
	info := uint32(k)<<24 | uint32(vlen)
	if flag {
		info |= 1 << 31
	}
	e.words(off, info, word)
	return nil
}

// encode writes one type.
func (e *encoder) encode(typ Type) error {
	if typ == nil {
		return fmt.Errorf("%w: it is nil", ErrBuild)
	}
	k := typ.Kind()
	switch t := typ.(type) {
	case *Int:
		return e.encodeInt(t)
	case *Pointer:
		return e.head("", k, 0, false, uint32(t.Type))
	case *Array:
		err := e.head("", k, 0, false, 0)
		e.words(uint32(t.Type), uint32(t.Index), t.Count)
		return err
	case *Struct:
		return e.encodeStruct(t)
	case *Enum:
		return e.encodeEnum(t)
	case *Fwd:
		return e.head(t.Name, k, 0, t.Union, 0)
	case *Typedef:
		return e.head(t.Name, k, 0, false, uint32(t.Type))
	case *Volatile:
		return e.head("", k, 0, false, uint32(t.Type))
	case *Const:
		return e.head("", k, 0, false, uint32(t.Type))
	case *Restrict:
		return e.head("", k, 0, false, uint32(t.Type))
	case *Func:
		return e.head(t.Name, k, int(t.Linkage), false, uint32(t.Type))
	case *FuncProto:
		return e.encodeProto(t)
	case *Var:
		err := e.head(t.Name, k, 0, false, uint32(t.Type))
		e.words(uint32(t.Linkage))
		return err
	case *Datasec:
		err := e.head(t.Name, k, len(t.Vars), false, t.Size)
		for _, v := range t.Vars {
			e.words(uint32(v.Type), v.Offset, v.Size)
		}
		return err
	case *Float:
		return e.head(t.Name, k, 0, false, t.Size)
	case *DeclTag:
		err := e.head(t.Tag, k, 0, t.Attr, uint32(t.Type))
		e.words(uint32(t.Component))
		return err
	case *TypeTag:
		return e.head(t.Tag, k, 0, t.Attr, uint32(t.Type))
	}
	return fmt.Errorf("%w: %T", ErrBuild, typ)
}

func (e *encoder) encodeInt(t *Int) error {
	width := uint32(t.Bits)
	if all := min(t.Size, 16) * 8; width == 0 {
		width = all - min(all, uint32(t.Offset))
	}
	err := e.head(t.Name, KindInt, 0, false, t.Size)
	e.words(uint32(t.Encoding)<<24 | uint32(t.Offset)<<16 | width)
	return err
}

func (e *encoder) encodeStruct(t *Struct) error {
	flag := false
	for i := range t.Members {
		flag = flag || t.Members[i].BitSize > 0
	}
	if err := e.head(t.Name, t.Kind(), len(t.Members), flag, t.Size); err != nil {
		return err
	}
	b := e.room(12 * len(t.Members))
	for i := range t.Members {
		m := &t.Members[i]
		off, err := e.str(m.Name)
		if err != nil {
			return err
		}
		if flag && (m.Offset > 0xffffff || m.BitSize > 0xff) {
			return fmt.Errorf("%w: member %q of %q is too far in for a struct with bit-fields", ErrBuild, m.Name, t.Name)
		}
		e.put(b[12*i:], off)
		e.put(b[12*i+4:], uint32(m.Type))
		e.put(b[12*i+8:], m.BitSize<<24|m.Offset)
	}
	return nil
}

func (e *encoder) encodeEnum(t *Enum) error {
	if err := e.head(t.Name, t.Kind(), len(t.Values), t.Signed, t.Size); err != nil {
		return err
	}
	size := 8
	if t.Wide {
		size = 12
	}
	b := e.room(size * len(t.Values))
	for i, v := range t.Values {
		off, err := e.str(v.Name)
		if err != nil {
			return err
		}
		e.put(b[size*i:], off)
		e.put(b[size*i+4:], uint32(v.Value))
		switch {
		case t.Wide:
			e.put(b[size*i+8:], uint32(v.Value>>32))
		case t.Signed && int64(v.Value) != int64(int32(v.Value)) || !t.Signed && v.Value>>32 != 0:
			return fmt.Errorf("%w: value of %q needs an enum64", ErrBuild, v.Name)
		}
	}
	return nil
}

func (e *encoder) encodeProto(t *FuncProto) error {
	if err := e.head("", KindFuncProto, len(t.Params), false, uint32(t.Return)); err != nil {
		return err
	}
	b := e.room(8 * len(t.Params))
	for i, p := range t.Params {
		off, err := e.str(p.Name)
		if err != nil {
			return err
		}
		e.put(b[8*i:], off)
		e.put(b[8*i+4:], uint32(p.Type))
	}
	return nil
}

// magic is the first word of a header: the magic number, version 1, no flags.
func (e *encoder) magic() uint32 {
	if e.big {
		return magic<<16 | 1<<8
	}
	return magic | 1<<16
}

// blob puts a header before the types and the strings. The encoder must not be used any more.
func (e *encoder) blob(layout []byte) []byte {
	if len(layout) > 0 {
		e.out = slices.Insert(e.out, headerSize, make([]byte, layoutHeaderSize-headerSize)...)
	}
	size, strs := uint32(headerSize), uint32(len(e.strs))
	if len(layout) > 0 {
		size = layoutHeaderSize
	}
	types := uint32(len(e.out)) - size
	h := e.out[:size]
	for i, w := range []uint32{e.magic(), size, 0, types, types + uint32(len(layout)), strs} {
		e.put(h[4*i:], w)
	}
	if len(layout) > 0 {
		e.put(h[24:], types)
		e.put(h[28:], uint32(len(layout)))
		e.out = append(e.out, layout...)
	}
	return e.join()
}
