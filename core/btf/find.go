package btf

import (
	"cmp"
	"errors"
	"fmt"
	"hash/maphash"
	"math/bits"
	"slices"
)

// ErrNotFound says that no type has the name and kind asked for.
var ErrNotFound = errors.New("not found")

// fewFinds is how many searches by name are made by reading the types before an index is built.
const fewFinds = 4

// Find returns the first type with a name and kind; KindVoid is any kind. The base is searched
// first. The error is ErrNotFound.
func (t *Types) Find(name string, kind Kind) (ID, error) {
	found := ID(0)
	t.each(name, func(id ID, r record) bool {
		if kind == KindVoid || r.kind() == kind {
			found = id
		}
		return found == 0
	})
	return found, notFound(found, name, kind)
}

// FindOwn is Find without the base: what a module has itself.
func (t *Types) FindOwn(name string, kind Kind) (ID, error) {
	found := ID(0)
	if name != "" {
		t.eachOwn(name, func(id ID, r record) bool {
			if kind == KindVoid || r.kind() == kind {
				found = id
			}
			return found == 0
		})
	}
	return found, notFound(found, name, kind)
}

// FindAs returns the first type with a name that is of a Go type, with its id: FindAs[*Enum] finds
// enums of either width, FindAs[*Struct] structs and unions. The base is searched first. Types that
// are malformed are passed over. The error is ErrNotFound.
func FindAs[T Type](t *Types, name string) (id ID, typ T, err error) {
	t.each(name, func(at ID, _ record) bool {
		found, err := t.Type(at)
		if as, ok := found.(T); ok && err == nil {
			id, typ = at, as
		}
		return id == 0
	})
	if id == 0 {
		return 0, typ, fmt.Errorf("find %T %q: %w", typ, name, ErrNotFound)
	}
	return id, typ, nil
}

// notFound is the error of a search that found no id.
func notFound(id ID, name string, kind Kind) error {
	switch {
	case id != 0:
		return nil
	case kind == KindVoid:
		return fmt.Errorf("find type %q: %w", name, ErrNotFound)
	}
	return fmt.Errorf("find %v %q: %w", kind, name, ErrNotFound)
}

// FindAll returns every type with a name in the order of ids, those of the base first.
func (t *Types) FindAll(name string) []ID {
	var ids []ID
	t.each(name, func(id ID, _ record) bool {
		ids = append(ids, id)
		return true
	})
	return ids
}

// each visits the types with a name in the order of ids until f says stop.
func (t *Types) each(name string, f func(ID, record) bool) {
	for n := t.depth(); n > 0 && name != ""; n-- {
		if !t.outer(n-1).eachOwn(name, f) {
			return
		}
	}
}

// depth returns the length of the chain of tables: 1 plus the number of bases.
func (t *Types) depth() int {
	n := 0
	for ; t != nil; t = t.base {
		n++
	}
	return n
}

// outer returns the nth base, the table itself for 0.
func (t *Types) outer(n int) *Types {
	for range n {
		t = t.base
	}
	return t
}

// chain lists the bases and then the table, the outermost base first.
func (t *Types) chain() []*Types {
	var c []*Types
	for ; t != nil; t = t.base {
		c = append(c, t)
	}
	slices.Reverse(c)
	return c
}

// eachOwn is each for the types that are not in the base.
func (t *Types) eachOwn(name string, f func(ID, record) bool) bool {
	if x := t.index(); x != nil {
		return x.each(t, name, x.hash(name), f)
	}
	return t.headers(func(id ID, off, nameOff, _ uint32) bool {
		if !t.named(nameOff, name) {
			return true
		}
		r, _ := t.sizedRecordAt(off)
		return f(id, r)
	})
}

// headers visits the types that are not in the base, until f says stop; it is then false.
func (t *Types) headers(f func(id ID, off, name, info uint32) bool) bool {
	id, end := t.first, uint32(len(t.types))
	for off := uint32(0); off < end; id++ {
		b := t.types[off:][:12]
		info := t.u32(b[4:])
		s := t.kindLayouts[info>>24&0x7f]
		if !f(id, off, t.u32(b), info) {
			return false
		}
		off += 12 + uint32(s.fixed) + uint32(s.each)*(info&maxVlen)
	}
	return true
}

// FindMany returns every type that has one of the names, as FindAll does for each, but reads the
// types once for all of them. Names without a type are left out.
func (t *Types) FindMany(names []string) map[string][]ID {
	found := make(map[string][]ID, len(names))
	set := newNameSet(names)
	for _, o := range t.chain() {
		o.matchOwn(set, func(b []byte) []byte { return b }, func(name string, id ID, _ Kind) {
			found[name] = append(found[name], id)
		})
	}
	return found
}

// appendNamed adds the types of this table alone that a root may mean, in the order of ids.
func (t *Types) appendNamed(list []Candidate, x *nameIndex, name rootName, target int) []Candidate {
	hash, begin := x.hash(name.text), len(list)
	if name.plain {
		for n := x.buckets[hash&uint32(len(x.buckets)-1)]; n != 0; n = x.next[n-1] {
			b := t.types[x.offsets[n-1]:][:8]
			if t.named(t.u32(b), name.text) && sameKind(name.kind, Kind(t.u32(b[4:])>>24&0x7f)) {
				list = append(list, Candidate{Target: target, Type: t.first + ID(n-1)})
			}
		}
	}
	if x.flavored[hash>>6%uint32(len(x.flavored))]>>(hash&63)&1 == 0 {
		return list
	}
	for _, f := range x.flavorsOf(hash) {
		r := t.record(f.id)
		b, _ := t.nameBytes(r.name)
		if string(essential(b)) == name.text && sameKind(name.kind, r.kind()) {
			list = append(list, Candidate{Target: target, Type: f.id})
		}
	}
	slices.SortFunc(list[begin:], func(a, b Candidate) int { return cmp.Compare(a.Type, b.Type) })
	return list
}

// flavorsOf returns the types whose essential name is not all of their name and has a hash.
func (x *nameIndex) flavorsOf(hash uint32) []flavor {
	order := func(f flavor, h uint32) int { return cmp.Compare(f.hash, h) }
	at, ok := slices.BinarySearchFunc(x.flavors, hash, order)
	if !ok {
		return nil
	}
	end := at
	for end < len(x.flavors) && x.flavors[end].hash == hash {
		end++
	}
	return x.flavors[at:end]
}

// nameSet is a set of names and of what names begin with: two bytes decide for nearly all types.
type nameSet struct {
	begins [1 << 16 / 64]uint64
	names  map[string]string
}

func newNameSet(names []string) *nameSet {
	s := &nameSet{names: make(map[string]string, len(names))}
	for _, n := range names {
		switch len(n) {
		case 0:
			continue
		case 1: // the whole name, or a flavor of it
			s.begin(n[0], 0)
			s.begin(n[0], flavorSep[0])
		default:
			s.begin(n[0], n[1])
		}
		s.names[n] = n
	}
	return s
}

func (s *nameSet) begin(a, b byte) {
	k := uint16(a) | uint16(b)<<8
	s.begins[k>>6] |= 1 << (k & 63)
}

// matchOwn calls f for each type of this table alone whose name, after key made something of it, is
// in the set.
func (t *Types) matchOwn(set *nameSet, key func([]byte) []byte, f func(string, ID, Kind)) {
	t.headers(func(id ID, _, name, info uint32) bool {
		if name == 0 {
			return true
		}
		s := t
		for name < s.strBase {
			s = s.base
		}
		at, data := uint64(name-s.strBase), s.strs.data
		if at+1 >= uint64(len(data)) {
			return true
		}
		k := uint16(data[at]) | uint16(data[at+1])<<8
		if set.begins[k>>6]>>(k&63)&1 == 0 {
			return true
		}
		b, _ := s.strs.bytes(uint32(at))
		if n, ok := set.names[string(key(b))]; ok {
			f(n, id, record{info: info}.kind())
		}
		return true
	})
}

// nameIndex finds the types of one table by name. Types of one bucket are linked in the order of
// ids, whatever their names, so a table full of equal names costs no more to build than any other.
type nameIndex struct {
	seed    maphash.Seed
	buckets []uint32 // number of the first type + 1, by hash
	next    []uint32 // number of the next type + 1, by number
	offsets []uint32 // of each type, by number
	flavors []flavor // types whose name has more than the essential part, by its hash

	flavored [16]uint64 // a bit for each hash among flavors, and for others like it
}

// flavor is a type and the hash of its essential name.
type flavor struct {
	hash uint32
	id   ID
}

// index returns the index of the table's own names, building it when searches have come in numbers;
// until then it is nil.
func (t *Types) index() *nameIndex {
	if x := t.names.Load(); x != nil {
		return x
	}
	if t.finds.Add(1) <= fewFinds {
		return nil
	}
	t.grow.Lock()
	defer t.grow.Unlock()
	if x := t.names.Load(); x != nil {
		return x
	}
	x := t.buildIndex()
	t.names.Store(x)
	return x
}

// buildIndex makes the index, and with it the offset of every type.
func (t *Types) buildIndex() *nameIndex {
	x := &nameIndex{
		seed:    maphash.MakeSeed(),
		buckets: make([]uint32, 1<<bits.Len32(t.count)),
		next:    make([]uint32, t.count),
	}
	hashes := x.next // the hash of a type waits in its link
	offsets := make([]uint32, t.count)
	t.headers(func(id ID, off, name, _ uint32) bool {
		offsets[id-t.first] = off
		b, _ := t.nameBytes(name)
		if len(b) > 0 {
			hashes[id-t.first] = uint32(maphash.Bytes(x.seed, b))&uint32(len(x.buckets)-1) + 1
			if n := essentialLen(b); n < len(b) {
				hash := uint32(maphash.Bytes(x.seed, b[:n]))
				x.flavors = append(x.flavors, flavor{hash, id})
				x.flavored[hash>>6%uint32(len(x.flavored))] |= 1 << (hash & 63)
			}
		}
		return true
	})
	for n := len(x.next) - 1; n >= 0; n-- {
		if h := hashes[n]; h != 0 {
			x.next[n], x.buckets[h-1] = x.buckets[h-1], uint32(n)+1
		}
	}
	slices.SortStableFunc(x.flavors, func(a, b flavor) int { return cmp.Compare(a.hash, b.hash) })
	x.offsets = offsets
	t.offsets.Store(&offsetIndex{offsets: offsets})
	return x
}

func (x *nameIndex) hash(name string) uint32 { return uint32(maphash.String(x.seed, name)) }

// each visits the types of t with a name of that hash until f says stop; it is then false.
func (x *nameIndex) each(t *Types, name string, hash uint32, f func(ID, record) bool) bool {
	for n := x.buckets[hash&uint32(len(x.buckets)-1)]; n != 0; n = x.next[n-1] {
		id := t.first + ID(n-1)
		if r := t.recordAt(x.offsets[n-1]); t.named(r.name, name) && !f(id, r) {
			return false
		}
	}
	return true
}
