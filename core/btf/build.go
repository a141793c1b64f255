package btf

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
)

// Builder makes BTF of types. Its zero value makes a little-endian table of its own. The same calls give the same bytes.
type Builder struct {
	Base   *Types           // the types go on from this table; it is not copied
	Order  binary.ByteOrder // nil is that of Base, or little-endian without one
	types  []Type           // nil for types that are copied
	copies []copies
}

// copies are types of another table, as many as list has, from the type with number at on.
type copies struct {
	at   int
	from *Types
	list []ID
	ids  []ID // new ids by those in from
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

// AddAll adds all types of another table in their order, those of its base too unless Base is that base. It gives
// the new ids by the old ones, which must stay as they are until Bytes was called.
func (b *Builder) AddAll(from *Types) []ID {
	from.ready()
	shared := b.shared(from)
	list := make([]ID, 0, from.Len()-int(shared))
	for id := shared; int(id) < from.Len(); id++ {
		list = append(list, id)
	}
	return b.addList(from, shared, list)
}

// AddTypes adds some types of another table and what they refer to, in the order of their ids. Types that Base has are not
// added. Declaration tags refer to types and not the other way round, so they come only if they are asked for. It gives
// the new ids by the old ones, 0 for what was not added, as AddAll does.
func (b *Builder) AddTypes(from *Types, roots ...ID) []ID {
	from.ready()
	shared := b.shared(from)
	seen := make([]uint64, from.Len()/64+1)
	n := 0
	from.Visit(func(id ID) bool {
		if id < shared {
			return false
		}
		seen[id/64] |= 1 << (id % 64)
		n++
		return true
	}, roots...)
	list := make([]ID, 0, n)
	for i, word := range seen {
		for ; word != 0; word &= word - 1 {
			list = append(list, ID(i*64+bits.TrailingZeros64(word)))
		}
	}
	return b.addList(from, shared, list)
}

// shared gives the first id of from that Base does not have.
func (b *Builder) shared(from *Types) ID {
	for t := from; t != nil && b.Base != nil; t = t.base {
		if t == b.Base {
			return ID(t.Len())
		}
	}
	return 1
}

func (b *Builder) addList(from *Types, shared ID, list []ID) []ID {
	ids := make([]ID, from.Len())
	for id := range shared {
		ids[id] = id
	}
	next := b.first() + ID(len(b.types))
	for i, id := range list {
		ids[id] = next + ID(i)
	}
	if len(list) > 0 {
		b.copies = append(b.copies, copies{len(b.types), from, list, ids})
		b.types = append(b.types, make([]Type, len(list))...)
	}
	return ids
}

// Bytes writes the types. Each string is written once, in the order of first use. The error wraps ErrBuild.
func (b *Builder) Bytes() ([]byte, error) {
	e, err := b.encode()
	if err != nil {
		return nil, err
	}
	return e.blob(nil), nil
}

// encode writes types and strings, without a header.
func (b *Builder) encode() (*encoder, error) {
	order, strBase := b.Order, uint32(0)
	if b.Base != nil {
		strBase = b.Base.strBase + uint32(len(b.Base.strs.data))
		if order == nil {
			order = b.Base.order
		}
	}
	e := newEncoder(order == binary.BigEndian, strBase)
	more := b.copies
	for i := 0; i < len(b.types); {
		if len(more) > 0 && more[0].at == i {
			if err := b.copy(e, more[0]); err != nil {
				return nil, err
			}
			i += len(more[0].list)
			more = more[1:]
			continue
		}
		if err := e.encode(b.types[i]); err != nil {
			return nil, fmt.Errorf("encode type %d: %w", b.first()+ID(i), err)
		}
		i++
	}
	return e, nil
}

// copy writes types of another table.
func (b *Builder) copy(e *encoder, c copies) error {
	p := transplant{e: e, t: c.from, ids: c.ids}
	p.strs.slots = make([]offsetSlot, tableSize(2*len(c.list)))
	if e.known.used == 0 {
		e.known.slots = make([]internSlot, len(p.strs.slots))
	}
	e.out = slices.Grow(e.out, 64*len(c.list))
	if b.shared(c.from) > 1 {
		p.keep = e.strBase
	}
	for _, id := range c.list {
		if err := p.copy(id); err != nil {
			return fmt.Errorf("encode type %d: %w", c.ids[id], err)
		}
	}
	return nil
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
