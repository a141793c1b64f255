package btf

import (
	"hash/maphash"
	"sync/atomic"
)

// memberPlace is a member of a struct, or of an anonymous one inside of it, or an enumerator.
type memberPlace struct {
	member
	in    ID     // the struct or enum that has it
	index uint32 // its number there
	at    uint64 // bits from the start of the outer struct; of an enumerator its value

	length uint32 // in an index: of the part of the name that counts, in bytes
}

// eachMember visits the members of a struct that have names, those of anonymous structs and unions
// after those around them, until f says stop.
func (t *Types) eachMember(id ID, r record, f func(memberPlace) bool) {
	type place struct {
		id ID
		r  record
		at uint64
	}
	var seen map[ID]bool
	var first [4]place
	for list := append(first[:0], place{id, r, 0}); len(list) > 0; list = list[1:] {
		p := list[0]
		for i := range p.r.vlen() {
			m := t.member(p.r, i)
			if !t.nameless(m.name) {
				if !f(memberPlace{member: m, in: p.id, index: uint32(i), at: p.at + uint64(m.offset)}) {
					return
				}
				continue
			}
			in, r := t.strip(m.typ)
			if !r.kind().Composite() || seen[in] {
				continue
			}
			if seen == nil {
				seen = map[ID]bool{}
			}
			seen[in] = true
			list = append(list, place{in, r, p.at + uint64(m.offset)})
		}
	}
}

// scanMember finds the first member of a struct with a name.
func (t *Types) scanMember(id ID, r record, name string) (found memberPlace, ok bool) {
	t.eachMember(id, r, func(p memberPlace) bool {
		if ok = t.named(p.name, name); ok {
			found = p
		}
		return !ok
	})
	return found, ok
}

// scanEnumerator finds the first enumerator with an essential name.
func (t *Types) scanEnumerator(r record, name string) (int, bool) {
	for i := range r.vlen() {
		if t.namedEssential(t.enumName(r, i), name) {
			return i, true
		}
	}
	return 0, false
}

// memberIndexes find members and enumerators of the structs and enums of one table, which are those
// that were asked for more than once.
type memberIndexes struct{ memo[memberIndex] }

// memberIndex finds the members of a struct, or the enumerators of an enum, by name.
type memberIndex struct {
	id    ID
	names atomic.Pointer[memberNames] // nil when it was asked for once
}

// known returns the index of a type if it was made, nil otherwise.
func (a *memberIndexes) known(id ID) *memberNames {
	if x := a.find(id); x != nil {
		return x.names.Load()
	}
	return nil
}

// of returns the index of a struct or enum, making it at the second request; nil at the first.
func (a *memberIndexes) of(t *Types, id ID, r record) *memberNames {
	x := a.find(id)
	if x == nil {
		a.lock.Lock()
		defer a.lock.Unlock()
		if a.find(id) == nil {
			a.put(&memberIndex{id: id}, func(x *memberIndex) uint32 { return hashID(x.id) })
		}
		return nil
	}
	n := x.names.Load()
	if n == nil {
		if n = newMemberNames(t, id, r); !x.names.CompareAndSwap(nil, n) {
			n = x.names.Load()
		}
	}
	return n
}

func (a *memberIndexes) find(id ID) *memberIndex {
	m := a.table.Load()
	if m == nil {
		return nil
	}
	for hash := hashID(id); ; hash++ {
		if x := m.at(hash); x == nil || x.id == id {
			return x
		}
	}
}

// hashID spreads ids, which are close to each other.
func hashID(id ID) uint32 { return uint32(id) * 0x9e3779b1 >> 7 }

// memberNames are the names of members or enumerators.
type memberNames struct {
	seed  maphash.Seed
	slots []uint32 // number of a member + 1; their number is a power of two
	list  []memberPlace
	ends  []atomic.Pointer[field] // of members that were asked for
}

func newMemberNames(t *Types, id ID, r record) *memberNames {
	x := &memberNames{seed: maphash.MakeSeed()}
	if r.kind().Enum() {
		x.list = make([]memberPlace, r.vlen())
		for i := range x.list {
			name := t.enumName(r, i)
			b, _ := t.nameBytes(name)
			x.list[i] = memberPlace{member: member{name: name}, in: id, index: uint32(i), at: t.coreEnumValue(r, i), length: uint32(essentialLen(b))}
		}
	} else {
		t.eachMember(id, r, func(p memberPlace) bool {
			b, _ := t.nameBytes(p.name)
			p.length = uint32(len(b))
			x.list = append(x.list, p)
			return true
		})
	}
	x.ends = make([]atomic.Pointer[field], len(x.list))
	size := 8
	for size < 2*len(x.list) {
		size *= 2
	}
	x.slots = make([]uint32, size)
	for i := range x.list {
		b, _ := t.nameBytes(x.list[i].name)
		if s := x.slot(t, string(b[:x.list[i].length])); *s == 0 { // the first of a name counts
			*s = uint32(i) + 1
		}
	}
	return x
}

// slot returns the slot that has a name, or the free one where it belongs.
func (x *memberNames) slot(t *Types, name string) *uint32 {
	mask := uint32(len(x.slots) - 1)
	for i := uint32(maphash.String(x.seed, name)); ; i++ {
		s := &x.slots[i&mask]
		if *s == 0 {
			return s
		}
		if p := &x.list[*s-1]; int(p.length) == len(name) && t.begins(p.name, name) {
			return s
		}
	}
}

// find returns the number of a name.
func (x *memberNames) find(t *Types, name string) (int, bool) {
	n := *x.slot(t, name)
	return int(n) - 1, n != 0
}

// field returns the type of the nth member.
func (x *memberNames) field(t *Types, n int) *field {
	f := x.ends[n].Load()
	if f == nil {
		f = newMemberField(t, x.list[n].member)
		x.ends[n].Store(f) // if others made it too, it is the same
	}
	return f
}
