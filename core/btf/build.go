package btf

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
)

// Builder makes BTF of Type values and of types of other tables. Its zero value makes a
// little-endian table of its own. The same calls make the same bytes.
type Builder struct {
	Base  *Types           // the types go on from this table; it is not copied
	Order binary.ByteOrder // nil is that of Base, or little-endian without one
	parts []part
	count int // types in all parts
}

// part is some of the types, in their order: values, or copies of those of another table.
type part struct {
	values []Type
	from   *Types
	list   []ID       // which types of from
	ids    []ID       // new ids by those in from
	some   *subset    // instead of ids
	strs   *stringMap // has the names of list; nil before they are known
	bytes  int        // what list takes, if names are known
}

// manyValues is how many values a part has at most, so that values are not moved again and again.
const manyValues = 1024

// Add adds a type under the next id, which it returns. The type may be changed until Bytes is
// called, so types that refer to each other are added first and filled in later. A type may refer
// to ids that are not taken yet.
func (b *Builder) Add(t Type) ID {
	n := len(b.parts)
	if n == 0 || b.parts[n-1].from != nil || len(b.parts[n-1].values) == manyValues {
		b.parts = append(b.parts, part{values: make([]Type, 0, min(b.count+4, manyValues))})
		n++
	}
	b.parts[n-1].values = append(b.parts[n-1].values, t)
	return b.take(1)
}

// take returns the first of the next n ids.
func (b *Builder) take(n int) ID {
	next := ID(1 + b.count)
	if b.Base != nil {
		next = ID(b.Base.Len() + b.count)
	}
	b.count += n
	return next
}

// AddAll adds all types of another table in their order, those of its base too unless Base is that
// base. It returns the new ids by the old ones, which must stay as they are until Bytes was called.
func (b *Builder) AddAll(from *Types) []ID {
	from.ready()
	shared := b.shared(from)
	list := make([]ID, 0, from.Len()-int(shared))
	for id := shared; int(id) < from.Len(); id++ {
		list = append(list, id)
	}
	ids := make([]ID, from.Len())
	for id := range shared {
		ids[id] = id
	}
	next := b.addCopies(from, list, ids)
	for i, id := range list {
		ids[id] = next + ID(i)
	}
	return ids
}

// AddTypes adds some types of another table and what they refer to, in the order of their ids.
// Types that Base has are not added. Declaration tags refer to types and not the other way round,
// so they come only if they are asked for. It returns a function from old ids to new ones, which
// returns 0 for what was not added.
func (b *Builder) AddTypes(from *Types, roots ...ID) func(ID) ID {
	from.ready()
	shared := b.shared(from)
	c := closure{
		t: from, shared: uint32(shared), end: uint32(from.Len()), seen: make([]uint64, from.Len()/64+1),
		open: make([]ID, 0, 1024), strs: newStringMap(from, b.kept(from)),
	}
	for _, id := range roots {
		c.add(uint32(id))
	}
	for len(c.open) > 0 {
		id := c.open[len(c.open)-1]
		c.open = c.open[:len(c.open)-1]
		c.refs(id)
	}
	list := make([]ID, 0, c.count)
	some := &subset{bits: c.seen, before: make([]uint32, len(c.seen)), shared: shared}
	for i, word := range c.seen {
		some.before[i] = uint32(len(list))
		for ; word != 0; word &= word - 1 {
			list = append(list, ID(i*64+bits.TrailingZeros64(word)))
		}
	}
	if some.first = b.take(len(list)); len(list) > 0 {
		b.parts = append(b.parts, part{from: from, list: list, some: some, strs: c.strs, bytes: c.bytes})
	}
	return func(id ID) ID {
		if int(id) >= from.Len() {
			return 0
		}
		return some.id(id)
	}
}

// subset is some types of a table, which have ids one after the other in another one.
type subset struct {
	bits   []uint64 // a bit for each id
	before []uint32 // how many are before each word of bits
	first  ID       // the new id of the first
	shared ID       // ids below stay as they are
}

// id returns a new id, 0 for types that are not in the subset.
func (s *subset) id(old ID) ID {
	word, bit := s.bits[old/64], uint64(1)<<(old%64)
	switch {
	case old < s.shared:
		return old
	case word&bit == 0:
		return 0
	}
	return s.first + ID(s.before[old/64]) + ID(bits.OnesCount64(word&(bit-1)))
}

// closure is types and what they refer to.
type closure struct {
	t           *Types
	shared, end uint32     // ids from shared to end count
	seen        []uint64   // a bit for each id
	open        []ID       // seen, but not what they refer to
	strs        *stringMap // has the names of those whose references were seen
	count       int
	bytes       int // of those whose references were seen
}

func (c *closure) add(id uint32) {
	if bit := uint64(1) << (id & 63); id >= c.shared && id < c.end && c.seen[id>>6]&bit == 0 {
		c.seen[id>>6] |= bit
		c.open = append(c.open, ID(id))
		c.count++
	}
}

// refs adds what a type refers to. It is Refs without a call for each id, and looks at names too.
func (c *closure) refs(id ID) {
	t := c.t.owner(id)
	b, k := t.rawRecord(id)
	c.bytes += len(b)
	c.strs.mark(t.u32(b))
	if k.refers() {
		c.add(t.u32(b[8:]))
	}
	if k > lastKind {
		return
	}
	at := &referencesOf[k]
	for i := range int(at.fixed) {
		c.add(t.u32(b[12+4*i:]))
	}
	if at.step == 0 {
		return
	}
	size := 4 * int(at.step)
	for b = b[12:]; len(b) >= size; b = b[size:] {
		if at.name {
			c.strs.mark(t.u32(b))
		}
		if at.id >= 0 {
			c.add(t.u32(b[4*at.id:]))
		}
	}
}

// strings is about what the strings of a part take, in bytes.
func (p *part) strings() int {
	if p.some == nil {
		return p.strs.room() // nearly all of them
	}
	const average = 16
	return min(p.strs.room(), average*p.strs.count)
}

// survey marks the names of a part and counts the bytes of its types, unless that was done. Strings
// below keep stay as they are.
func (p *part) survey(keep uint32) {
	if p.strs != nil {
		return
	}
	p.strs = newStringMap(p.from, keep)
	for _, id := range p.list {
		t := p.from.owner(id)
		b, k := t.rawRecord(id)
		p.bytes += len(b)
		p.strs.mark(t.u32(b))
		if k <= lastKind && referencesOf[k].name {
			size := 4 * int(referencesOf[k].step)
			for b = b[12:]; len(b) >= size; b = b[size:] {
				p.strs.mark(t.u32(b))
			}
		}
	}
}

// shared returns the first id of from that Base does not have.
func (b *Builder) shared(from *Types) ID {
	for t := from; t != nil && b.Base != nil; t = t.base {
		if t == b.Base {
			return ID(t.Len())
		}
	}
	return 1
}

// kept is where the strings of from begin that Base does not have.
func (b *Builder) kept(from *Types) uint32 {
	if b.shared(from) == 1 {
		return 0
	}
	return b.Base.strBase + uint32(len(b.Base.strs.data))
}

// addCopies adds types of another table, for which the caller fills in ids. It returns the id of
// the first.
func (b *Builder) addCopies(from *Types, list, ids []ID) ID {
	if len(list) > 0 {
		b.parts = append(b.parts, part{from: from, list: list, ids: ids})
	}
	return b.take(len(list))
}

// Bytes writes the types. Strings are in the order of first use, those of copies in the order that
// their table has them in, each of them once; only if all types are copies from one table, a string
// that this has twice stays so. The error wraps ErrBuild.
func (b *Builder) Bytes() ([]byte, error) {
	e, err := b.encode(len(b.parts) == 1 && b.parts[0].from != nil)
	if err != nil {
		return nil, err
	}
	return e.blob(nil), nil
}

// What types take in kernels, in bytes: a little more than the average with and without strings.
const (
	typeBytes   = 48
	stringBytes = 26
)

// encode writes types and strings, without a header. Strings of copies are not held against others
// if they are plain.
func (b *Builder) encode(plain bool) (*encoder, error) {
	order, strBase, id := b.Order, uint32(0), ID(1)
	if b.Base != nil {
		strBase, id = b.Base.strBase+uint32(len(b.Base.strs.data)), ID(b.Base.Len())
		if order == nil {
			order = b.Base.order
		}
	}
	e := newEncoder(order == binary.BigEndian, strBase)
	if !plain {
		e.known.room(2 * b.count)
		e.out = slices.Grow(e.out, (typeBytes+stringBytes)*b.count)
		e.strs = slices.Grow(e.strs, stringBytes*b.count)
	}
	for i := range b.parts {
		p := &b.parts[i]
		if p.from != nil {
			p.survey(b.kept(p.from))
			if p.strs.rank(); plain {
				e.place(p.bytes, p.strings())
			}
			t := recordCopier{e: e, t: p.from, ids: p.ids, some: p.some, strs: p.strs}
			if err := t.copyAll(p.list, plain); err != nil {
				return nil, err
			}
			id += ID(len(p.list))
			continue
		}
		for _, t := range p.values {
			if err := e.encode(t); err != nil {
				return nil, fmt.Errorf("encode type %d: %w", id, err)
			}
			id++
		}
	}
	return e, nil
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
