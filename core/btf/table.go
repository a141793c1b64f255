package btf

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math/bits"
	"sync"
	"sync/atomic"

	"github.com/bpfhost/bpfhost/internal/wire"
)

// Options tell Parse what the bytes do not say.
type Options struct {
	Base  *Types           // the table that a split one goes on from, e.g. vmlinux for a kernel module
	Order binary.ByteOrder // refuse every other byte order; nil accepts both
}

// Types is a table of types. It keeps the bytes that it was parsed from and makes a Type from them
// when one is asked for. It is safe for concurrent use.
type Types struct {
	blob        []byte
	types       []byte // the type section
	typesAt     uint64 // its offset in blob
	big         bool   // big endian
	order       binary.ByteOrder
	base        *Types
	first       ID     // id of the first type of its own
	count       uint32 // how many types of its own
	strs        table
	strBase     uint32 // offset of the first string of its own
	kindLayouts *[maxKinds]kindLayout
	layout      []byte // the layout section

	offsets    atomic.Pointer[offsetIndex]
	scans      atomic.Uint32 // how often a type was found by a scan from an indexed one
	pages      atomic.Pointer[[]atomic.Pointer[page]]
	names      atomic.Pointer[nameIndex]
	finds      atomic.Uint32
	longChains longChains
	members    memberIndexes
	localSpecs localSpecs // of programs that have these types
	grow       sync.Mutex // held to make pages, types and indexes
}

// offsetIndex says where types begin: it has the offset of each type whose number, counted from first, is a
// multiple of 1<<shift.
type offsetIndex struct {
	offsets []uint32
	shift   uint8 // sparse or 0
}

// indexShift is the shift of the index that Parse makes: 64 types per offset.
const indexShift = 6

// scansPerType says after how many scans it pays to index all offsets: indexing one costs an eighth
// of a scan.
const scansPerType = 8

// page holds 64 types. A type may be read once its bit in ready is set.
type page struct {
	ready atomic.Uint64
	types [64]Type
	full  bool // every type that is not malformed is there; guarded by grow
}

// Parse opens BTF (Documentation/bpf/btf.rst of Linux). It reads the whole type section once to
// find where types begin and keeps b, which must not change afterwards. Each type is checked when
// it is asked for; call Validate for BTF of unknown origin. Errors are of type *FormatError.
func Parse(b []byte, o Options) (*Types, error) {
	h, err := parseHeader(b, o.Order)
	if err != nil {
		return nil, err
	}
	t := &Types{
		blob: b, types: h.types, typesAt: h.typesAt, order: h.order, big: h.order == binary.BigEndian,
		first: 1, layout: h.layout,
	}
	t.strs.data = h.strs
	if o.Base != nil {
		t.base, t.first = o.Base, ID(o.Base.Len())
		t.strBase = o.Base.strBase + uint32(len(o.Base.strs.data))
	}
	if err := t.checkStrings(h); err != nil {
		return nil, err
	}
	if t.kindLayouts, err = h.parseLayout(); err != nil {
		return nil, err
	}
	if err := t.scan(); err != nil {
		return nil, err
	}
	return t, nil
}

// checkStrings holds the string section against the rules: it begins with an empty string unless
// the table is split, and ends with a NUL.
func (t *Types) checkStrings(h header) error {
	c := wire.NewAt(section, h.order, h.strs, h.stringsAt)
	switch n := len(h.strs); {
	case t.base != nil && t.base.big != t.big:
		return c.FailAt(0, fmt.Errorf("%w: it has the other byte order", ErrBase))
	case t.base != nil && uint64(t.strBase)+uint64(n) > 1<<32-1:
		return c.FailAt(h.stringsAt, fmt.Errorf("%w: strings exceed 4 GiB", ErrLimit))
	case n == 0 && t.base != nil:
		return nil
	case n == 0:
		return c.FailAt(h.stringsAt, fmt.Errorf("%w: no string section", ErrHeader))
	case h.strs[n-1] != 0:
		return c.FailAt(h.stringsAt+uint64(n)-1, fmt.Errorf("%w: strings do not end with a NUL", ErrHeader))
	case t.base == nil && h.strs[0] != 0:
		return c.Fail(fmt.Errorf("%w: strings do not begin with an empty one, as in split BTF without its base", ErrBase))
	}
	return nil
}

// scan reads the type section once and indexes the offset of each 64th type.
func (t *Types) scan() error {
	const mask = 1<<indexShift - 1
	offsets := make([]uint32, 0, len(t.types)/(32<<indexShift)+1)
	n, end := uint32(0), uint64(len(t.types))
	for at := uint64(0); at < end; n++ {
		if n&mask == 0 {
			offsets = append(offsets, uint32(at))
		}
		size := uint64(12)
		if end-at >= size {
			info := t.u32(t.types[at+4:])
			s := t.kindLayouts[info>>24&0x7f]
			if s == unknownLayout {
				return t.fail(at+4, fmt.Errorf("%w: type %d has %v", ErrKind, t.first+ID(n), Kind(info>>24&0x7f)))
			}
			size += uint64(s.fixed) + uint64(s.each)*uint64(info&maxVlen)
		}
		if end-at < size {
			return t.fail(at, fmt.Errorf("type %d needs %d bytes: %w", t.first+ID(n), size, wire.ErrTruncated))
		}
		if uint64(t.first)+uint64(n) >= maxTypes {
			return t.fail(at, fmt.Errorf("%w: more than %d", ErrLimit, maxTypes-1))
		}
		at += size
	}
	t.count = n
	t.offsets.Store(&offsetIndex{offsets: offsets, shift: indexShift})
	return nil
}

// u32 reads a word in the table's byte order.
func (t *Types) u32(b []byte) uint32 {
	v := binary.LittleEndian.Uint32(b)
	if t.big {
		v = bits.ReverseBytes32(v)
	}
	return v
}

// fail makes the error for an offset in the type section.
func (t *Types) fail(at uint64, err error) error {
	return wire.NewAt(section, t.order, nil, t.typesAt+at).Fail(err)
}

// Len is the number of ids: those of the base and void included, so that valid ids are below it.
func (t *Types) Len() int { return int(t.first) + int(t.count) }

// First is the id of the first type that is not in the base: 1 when there is no base.
func (t *Types) First() ID { return t.first }

// Base is the table that this one goes on from, or nil.
func (t *Types) Base() *Types { return t.base }

// Order is the byte order of the bytes.
func (t *Types) Order() binary.ByteOrder { return t.order }

// Bytes returns the bytes that the table was parsed from, without the base. They must not be
// changed.
func (t *Types) Bytes() []byte { return t.blob }

// record is a type as it is written. Methods of a record need no checks: Parse found where types
// begin.
//
// record reads one by id, recordAt by offset; both are for who knows how long the body is, which runs
// on to the end of the section. sizedRecordAt cuts it, rawRecord returns the bytes instead, and
// checkedRecord is for types that check has not seen.
type record struct {
	name uint32
	info uint32
	word uint32 // size or type, as the kind says
	body []byte // begins with what follows the three words
}

func (r record) kind() Kind { return Kind(r.info >> 24 & 0x7f) }

func (r record) vlen() int { return int(r.info & maxVlen) }

func (r record) flag() bool { return r.info>>31 != 0 }

// sizedRecordAt returns the record at an offset of the type section with a body that ends where the
// record does, and its size in bytes.
func (t *Types) sizedRecordAt(off uint32) (record, uint32) {
	r := t.recordAt(off)
	s := t.kindLayouts[r.kind()]
	n := uint32(s.fixed) + uint32(s.each)*uint32(r.vlen())
	r.body = r.body[:n:n]
	return r, 12 + n
}

// recordAt returns the record at an offset of the type section. Its body is all that follows there.
func (t *Types) recordAt(off uint32) record {
	b := t.types[off:]
	h := b[:12]
	r := record{binary.LittleEndian.Uint32(h), binary.LittleEndian.Uint32(h[4:]), binary.LittleEndian.Uint32(h[8:]), b[12:]}
	if t.big {
		r.name, r.info, r.word = bits.ReverseBytes32(r.name), bits.ReverseBytes32(r.info), bits.ReverseBytes32(r.word)
	}
	return r
}

// rawRecord returns the bytes of a type of this table, and its kind.
func (t *Types) rawRecord(id ID) ([]byte, Kind) {
	b := t.types[t.offset(id):]
	info := t.u32(b[4:])
	k := Kind(info >> 24 & 0x7f)
	s := t.kindLayouts[k]
	return b[:12+uint32(s.fixed)+uint32(s.each)*(info&maxVlen)], k
}

// owner returns the table of the chain of bases that holds id. The id must be below Len.
func (t *Types) owner(id ID) *Types {
	for id < t.first && t.base != nil {
		t = t.base
	}
	return t
}

// offset finds where a type of this table begins.
func (t *Types) offset(id ID) uint32 {
	p := t.offsets.Load()
	n := uint32(id - t.first)
	if p.shift == 0 {
		return p.offsets[n]
	}
	off := p.offsets[n>>indexShift]
	k := n & (1<<indexShift - 1)
	if k > 0 && t.scans.Add(1) > t.count/scansPerType && t.grow.TryLock() { // any holder of the lock, even this caller, may keep it
		t.indexOffsets()
		t.grow.Unlock()
		return t.offsets.Load().offsets[n]
	}
	for ; k > 0; k-- {
		info := t.u32(t.types[off+4:])
		s := t.kindLayouts[info>>24&0x7f]
		off += 12 + uint32(s.fixed) + uint32(s.each)*(info&maxVlen)
	}
	return off
}

// record returns the record of a type as recordAt does. For void and ids out of range that is a
// record of kind void.
func (t *Types) record(id ID) record {
	if id == 0 || int(id) >= t.Len() {
		return record{}
	}
	t = t.owner(id)
	return t.recordAt(t.offset(id))
}

// Kind returns the kind of a type; KindVoid for 0 and for ids out of range.
func (t *Types) Kind(id ID) Kind {
	if id == 0 || int(id) >= t.Len() {
		return KindVoid
	}
	t = t.owner(id)
	return record{info: t.u32(t.types[t.offset(id)+4:])}.kind()
}

// Name returns the name of a type as it is written, empty if it has none.
func (t *Types) Name(id ID) string { return t.str(t.record(id).name) }

// Type returns one type, and the same value every time. Errors: ErrID if the table has no such id,
// otherwise a *FormatError.
func (t *Types) Type(id ID) (Type, error) {
	if id == 0 {
		return &Void{}, nil
	}
	if int(id) >= t.Len() {
		return nil, t.noType(id)
	}
	t = t.owner(id)
	n := uint32(id - t.first)
	if p := t.page(n>>indexShift, false); p != nil && p.ready.Load()>>(n&63)&1 != 0 {
		return p.types[n&63], nil
	}
	return t.materialise(id)
}

func (t *Types) noType(id ID) error {
	return fmt.Errorf("find type %d: %w: there are %d", id, ErrID, t.Len())
}

// page returns a page of types, making it if asked to. The lock must be held for making.
func (t *Types) page(n uint32, create bool) *page {
	pages := t.pages.Load()
	if pages == nil {
		if !create {
			return nil
		}
		made := make([]atomic.Pointer[page], t.count>>indexShift+1)
		pages = &made
		t.pages.Store(pages)
	}
	p := (*pages)[n].Load()
	if p == nil && create {
		p = new(page)
		(*pages)[n].Store(p)
	}
	return p
}

// checkedRecord returns the record of a type that passes check.
func (t *Types) checkedRecord(id ID) (record, error) {
	if id == 0 {
		return record{}, nil
	}
	if int(id) >= t.Len() {
		return record{}, t.noType(id)
	}
	t = t.owner(id)
	off := t.offset(id)
	r, _ := t.sizedRecordAt(off)
	if err := t.check(id, r); err != nil {
		return r, t.fail(uint64(off), fmt.Errorf("type %d: %w", id, err))
	}
	return r, nil
}

// materialise checks and decodes a type of this table and keeps it.
func (t *Types) materialise(id ID) (Type, error) {
	r, err := t.checkedRecord(id)
	if err != nil {
		return nil, err
	}
	typ := t.decode(r)
	t.grow.Lock()
	defer t.grow.Unlock()
	n := uint32(id - t.first)
	p, bit := t.page(n>>indexShift, true), uint64(1)<<(n&63)
	if ready := p.ready.Load(); ready&bit == 0 {
		p.types[n&63] = typ
		p.ready.Store(ready | bit)
	}
	return p.types[n&63], nil
}

// All returns every type of the table with its id, in order, those of the base not included. It
// leaves out types that are malformed; Validate finds them.
func (t *Types) All() iter.Seq2[ID, Type] {
	return func(yield func(ID, Type) bool) {
		for n := range (t.count + 63) >> indexShift {
			p := t.whole(n)
			ready := p.ready.Load()
			for i, typ := range p.types {
				if ready>>i&1 != 0 && !yield(t.first+ID(n<<indexShift)+ID(i), typ) {
					return
				}
			}
		}
	}
}

// whole materialises a page of types at once, those of a kind next to each other.
func (t *Types) whole(n uint32) *page {
	t.grow.Lock()
	defer t.grow.Unlock()
	p := t.page(n, true)
	if p.full {
		return p
	}
	p.full = true
	s, ready := slabs{}, p.ready.Load()
	first := n << indexShift
	count := min(t.count-first, 64)
	begin := t.offset(t.first + ID(first))
	off := begin
	for range count {
		r, size := t.sizedRecordAt(off)
		s.count(r)
		off += size
	}
	s.make()
	off = begin
	for i := range count {
		r, size := t.sizedRecordAt(off)
		if bit := uint64(1) << i; ready&bit == 0 && t.check(t.first+ID(first+i), r) == nil {
			p.types[i] = s.decode(t, r)
			ready |= bit
		}
		off += size
	}
	p.ready.Store(ready)
	return p
}

// ready indexes the offset of every type of the table and its bases, for work on most of them.
func (t *Types) ready() {
	for ; t != nil; t = t.base {
		t.dense()
	}
}
