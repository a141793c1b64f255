package btf

import (
	"encoding/binary"
	"fmt"
)

// Builder makes BTF of types. Its zero value makes a little-endian table of its own. The same calls give the same bytes.
type Builder struct {
	Base  *Types           // the types go on from this table; it is not copied
	Order binary.ByteOrder // nil is that of Base, or little-endian without one
	types []Type
}

// Add gives a type the next id. The type may be changed until Bytes is called, so types that
// refer to each other are added first and filled in later. A type may refer to ids that are not taken yet.
func (b *Builder) Add(t Type) ID {
	b.types = append(b.types, t)
	return b.first() + ID(len(b.types)-1)
}

func (b *Builder) first() ID {
	if b.Base != nil {
		return ID(b.Base.Len())
	}
	return 1
}

// Bytes writes the types. Each string is written once, in the order of first use. The error wraps ErrBuild.
func (b *Builder) Bytes() ([]byte, error) {
	order, strBase := b.Order, uint32(0)
	if b.Base != nil {
		strBase = b.Base.strBase + uint32(len(b.Base.strs.data))
		if order == nil {
			order = b.Base.order
		}
	}
	e := newEncoder(order == binary.BigEndian, strBase)
	for i, t := range b.types {
		if err := e.encode(t); err != nil {
			return nil, fmt.Errorf("encode type %d: %w", b.first()+ID(i), err)
		}
	}
	return e.blob(nil), nil
}

// Types writes the types and opens the result, after Validate found nothing wrong with it.
func (b *Builder) Types() (*Types, error) {
	raw, err := b.Bytes()
	if err != nil {
		return nil, err
	}
	t, err := Parse(raw, Options{Base: b.Base})
	if err != nil {
		return nil, err
	}
	return t, t.Validate()
}
