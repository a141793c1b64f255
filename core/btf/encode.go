package btf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// ErrBuild says that a type cannot be written.
var ErrBuild = errors.New("type cannot be encoded")

// encoder writes types and gathers their strings.
type encoder struct {
	order   binary.AppendByteOrder
	big     bool
	out     []byte
	strs    []byte
	known   interner // the strings that were added
	strBase uint32
	scratch []byte
}

// newEncoder starts with the strings that a table of its own begins with; strBase is not zero for a split one.
func newEncoder(big bool, strBase uint32) *encoder {
	e := &encoder{order: binary.LittleEndian, big: big, strBase: strBase, known: newInterner()}
	if big {
		e.order = binary.BigEndian
	}
	if strBase == 0 {
		e.strs = []byte{0}
	}
	return e
}

// str gives the offset of a string, adding it when it is new.
func (e *encoder) str(s string) (uint32, error) {
	if strings.IndexByte(s, 0) >= 0 {
		return 0, fmt.Errorf("%w: name %q has a NUL", ErrBuild, s)
	}
	e.scratch = append(e.scratch[:0], s...)
	return e.bytes(e.scratch)
}

// bytes is str for a string that has no NUL.
func (e *encoder) bytes(s []byte) (uint32, error) {
	if len(s) == 0 {
		return 0, nil
	}
	slot, hash := e.known.find(e.strs, s)
	if slot.at != 0 {
		return e.strBase + slot.at - 1, nil
	}
	at := uint64(len(e.strs))
	if uint64(e.strBase)+at+uint64(len(s)) >= 1<<32-1 {
		return 0, fmt.Errorf("%w: strings exceed 4 GiB", ErrBuild)
	}
	e.strs = append(append(e.strs, s...), 0)
	e.known.fill(slot, hash, uint32(at))
	return e.strBase + uint32(at), nil
}

func (e *encoder) words(w ...uint32) {
	for _, v := range w {
		e.out = e.order.AppendUint32(e.out, v)
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
	case *Function:
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
	for _, m := range t.Members {
		flag = flag || m.BitSize > 0
	}
	if err := e.head(t.Name, t.Kind(), len(t.Members), flag, t.Size); err != nil {
		return err
	}
	for _, m := range t.Members {
		off, err := e.str(m.Name)
		if err != nil {
			return err
		}
		if flag && (m.Offset > 0xffffff || m.BitSize > 0xff) {
			return fmt.Errorf("%w: member %q of %q is too far in for a struct with bit-fields", ErrBuild, m.Name, t.Name)
		}
		e.words(off, uint32(m.Type), m.BitSize<<24|m.Offset)
	}
	return nil
}

func (e *encoder) encodeEnum(t *Enum) error {
	if err := e.head(t.Name, t.Kind(), len(t.Values), t.Signed, t.Size); err != nil {
		return err
	}
	for _, v := range t.Values {
		off, err := e.str(v.Name)
		if err != nil {
			return err
		}
		if t.Wide {
			e.words(off, uint32(v.Value), uint32(v.Value>>32))
			continue
		}
		if t.Signed && int64(v.Value) != int64(int32(v.Value)) || !t.Signed && v.Value>>32 != 0 {
			return fmt.Errorf("%w: value of %q needs an enum64", ErrBuild, v.Name)
		}
		e.words(off, uint32(v.Value))
	}
	return nil
}

func (e *encoder) encodeProto(t *FuncProto) error {
	if err := e.head("", KindFuncProto, len(t.Params), false, uint32(t.Return)); err != nil {
		return err
	}
	for _, p := range t.Params {
		off, err := e.str(p.Name)
		if err != nil {
			return err
		}
		e.words(off, uint32(p.Type))
	}
	return nil
}

// blob puts a header before the types and the strings behind them.
func (e *encoder) blob(layout []byte) []byte {
	size := headerSize
	if len(layout) > 0 {
		size = layoutHeaderSize
	}
	types, strs := uint32(len(e.out)), uint32(len(e.strs))
	b := make([]byte, 0, size+len(e.out)+len(layout)+len(e.strs))
	b = e.order.AppendUint16(b, magic)
	b = append(b, 1, 0)
	for _, w := range []uint32{uint32(size), 0, types, types + uint32(len(layout)), strs} {
		b = e.order.AppendUint32(b, w)
	}
	if len(layout) > 0 {
		b = e.order.AppendUint32(b, types)
		b = e.order.AppendUint32(b, uint32(len(layout)))
	}
	return append(append(append(b, e.out...), layout...), e.strs...)
}
