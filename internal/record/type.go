package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/internal/nearest"
	"github.com/bpfhost/bpfhost/internal/quote"
)

// Bounds of a type.
const (
	maxNesting = 16   // structs inside each other
	maxFields  = 1024 // of a record
)

// Type is the type of a record: a struct or union, or anything else as one field.
type Type struct {
	types  *btf.Types
	id     btf.ID
	fields []Field
}

// NewType returns the type with this id. The error says that it has no size, or too many fields.
func NewType(types *btf.Types, id btf.ID) (*Type, error) {
	t := &Type{types: types, id: id}
	if _, err := types.Size(id); err != nil {
		return nil, fmt.Errorf("read type of records: %w", err)
	}
	top := btf.Field{Type: id}
	if err := t.collect("", top, 0); err != nil {
		return nil, fmt.Errorf("read type of records %s: %w", types.TypeName(id), err)
	}
	return t, nil
}

// Name returns the name of the type, "struct event".
func (t *Type) Name() string { return t.types.TypeName(t.id) }

// Size returns bytes of a record, without a flexible array at its end.
func (t *Type) Size() uint32 {
	n, _ := t.types.Size(t.id) // NewType asked
	return n
}

// Fields returns the fields in the order of the struct. Those of nested structs are in their place,
// those of anonymous ones belong to what is around them.
func (t *Type) Fields() []Field { return t.fields }

// collect adds the fields at a place.
func (t *Type) collect(path string, at btf.Field, depth int) error {
	typ, err := t.types.Type(t.types.Strip(at.Type))
	if err != nil {
		return err
	}
	s, ok := typ.(*btf.Struct)
	if !ok || isIPv6(s) {
		if len(t.fields) == maxFields {
			return fmt.Errorf("it has more than %d fields", maxFields)
		}
		if path == "" {
			path = "value"
		}
		t.fields = append(t.fields, NewField(t.types, path, at))
		return nil
	}
	if depth == maxNesting {
		return fmt.Errorf("%s: more than %d structs inside each other", path, maxNesting)
	}
	for _, m := range s.Members {
		if err := t.member(path, at, m, depth); err != nil {
			return err
		}
	}
	return nil
}

// member adds the fields of a member of the struct at a place.
func (t *Type) member(path string, at btf.Field, m btf.Member, depth int) error {
	f := btf.Field{Type: m.Type, Offset: at.Offset + m.Offset/8, Bit: m.Offset % 8, BitSize: m.BitSize}
	if m.Name == "" {
		if m.BitSize != 0 { // padding
			return nil
		}
		return t.collect(path, f, depth+1)
	}
	if path != "" {
		path += "."
	}
	return t.collect(path+m.Name, f, depth+1)
}

// Field finds a field by its path: "args.flags", "ports[2]". The error names what is near.
func (t *Type) Field(path string) (Field, error) {
	for i := range t.fields {
		if t.fields[i].Path == path {
			return t.fields[i], nil
		}
	}
	f, err := t.types.Path(t.id, path)
	if err == nil && path != "" {
		typ, terr := t.types.Type(t.types.Strip(f.Type))
		if s, ok := typ.(*btf.Struct); terr == nil && ok && !isIPv6(s) {
			return Field{}, fmt.Errorf("%s is a %s%s", quote.Plain(path, 64), t.types.TypeName(f.Type), nearest.Hint(path+".", t.paths()))
		}
		return NewField(t.types, path, f), nil
	}
	if errors.Is(err, btf.ErrPath) {
		return Field{}, err
	}
	return Field{}, fmt.Errorf("%s has no field %q%s", t.Name(), path, nearest.Hint(path, t.paths()))
}

// Select returns fields by their paths, in that order. The path of a struct selects all that is in it.
func (t *Type) Select(paths []string) ([]Field, error) {
	if len(paths) == 0 {
		return t.fields, nil
	}
	var list []Field
	for _, p := range paths {
		n := len(list)
		for _, f := range t.fields {
			if strings.HasPrefix(f.Path, p+".") {
				list = append(list, f)
			}
		}
		if len(list) > n {
			continue
		}
		f, err := t.Field(p)
		if err != nil {
			return nil, err
		}
		list = append(list, f)
	}
	return list, nil
}

func (t *Type) paths() []string {
	list := make([]string, len(t.fields))
	for i, f := range t.fields {
		list[i] = f.Path
	}
	return list
}

// NewField returns the field that is at a place of a type, which need not be the type of a record.
func NewField(types *btf.Types, path string, at btf.Field) Field {
	f := Field{Path: path, Kind: KindOther, Type: at.Type, Offset: at.Offset, types: types, order: types.Order()}
	size, err := types.Size(at.Type)
	typ, terr := types.Type(types.Strip(at.Type))
	if err != nil || terr != nil {
		return f
	}
	f.Size = size
	switch typ := typ.(type) {
	case *btf.Int:
		f.integer(typ, at)
	case *btf.Enum:
		f.Kind, f.signed, f.values = KindEnum, typ.Signed, typ.Values
		f.width(at, 8*size)
	case *btf.Pointer:
		f.Kind = KindAddress
		f.width(at, 64)
	case *btf.Float:
		f.Kind = KindFloat
	case *btf.Array:
		f.Kind, f.elements = arrayKind(types, typ), &elements{}
	case *btf.Struct:
		if isIPv6(typ) {
			f.Kind = KindIPv6
		}
	}
	return f
}

// integer says how an integer is read.
func (f *Field) integer(t *btf.Int, at btf.Field) {
	switch {
	case t.Size > 8:
		f.Kind = KindBytes
		return
	case t.Encoding&btf.IntBool != 0:
		f.Kind = KindBool
	case t.Encoding&btf.IntSigned != 0:
		f.Kind, f.signed = KindSigned, true
	default:
		f.Kind = KindUnsigned
	}
	if at.BitSize == 0 && (t.Offset != 0 || uint32(t.Bits) != 8*t.Size) { // a bit-field as old compilers write it
		at.Bit, at.BitSize = at.Bit+uint32(t.Offset), uint32(t.Bits)
	}
	f.width(at, 8*t.Size)
	if at.BitSize != 0 {
		return
	}
	switch networkOrder(f.types, f.Type) {
	case "__be16", "__be64":
		f.Kind, f.order = KindNetwork, binary.BigEndian
	case "__be32":
		f.Kind, f.order = KindIPv4, binary.BigEndian
	}
}

// width sets which bits of its bytes are the number, all of them unless it is a bit-field.
func (f *Field) width(at btf.Field, all uint32) {
	f.bits = all
	if at.BitSize == 0 {
		return
	}
	f.bits, f.shift, f.Size = min(at.BitSize, 64), at.Bit, (at.Bit+at.BitSize+7)/8
	if f.order == binary.BigEndian {
		f.shift = 8*f.Size - at.Bit - f.bits
	}
	if f.Size > 8 {
		f.Kind = KindOther
	}
}

// arrayKind says what an array is by its elements.
func arrayKind(types *btf.Types, a *btf.Array) Kind {
	typ, err := types.Type(types.Strip(a.Type))
	i, ok := typ.(*btf.Int)
	switch {
	case err != nil || !ok || i.Size != 1 || i.Encoding&btf.IntBool != 0:
		return KindArray
	case i.Name == "char" || i.Encoding&btf.IntChar != 0:
		return KindText
	}
	return KindBytes
}

// isIPv6 reports whether a struct is an IPv6 address.
func isIPv6(s *btf.Struct) bool { return s.Name == "in6_addr" && s.Size == 16 }

// maxTypedefs bounds how many names a type may have one after the other.
const maxTypedefs = 32

// networkOrder returns the name that says that a number is in network byte order, or empty.
func networkOrder(types *btf.Types, id btf.ID) string {
	for range maxTypedefs {
		typ, err := types.Type(id)
		if err != nil {
			return ""
		}
		switch typ := typ.(type) {
		case *btf.Typedef:
			switch typ.Name {
			case "__be16", "__be32", "__be64":
				return typ.Name
			}
			id = typ.Type
		case *btf.Const:
			id = typ.Type
		case *btf.Volatile:
			id = typ.Type
		default:
			return ""
		}
	}
	return ""
}
