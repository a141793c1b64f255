package btf

import (
	"hash/maphash"
	"sync"
)

// memberPlace is a member of a struct, or of an anonymous one inside of it.
type memberPlace struct {
	member
	in    ID     // the struct that has it
	index uint32 // its number there
	at    uint64 // bits from the start of the outer struct
}

// members visits the members of a struct that have names, those of anonymous structs and unions after those
// around them, until f says stop.
func (t *Types) members(id ID, r record, f func(memberPlace) bool) {
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
				if !f(memberPlace{m, p.id, uint32(i), p.at + uint64(m.offset)}) {
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

// structIndex finds members by name. It is made when a struct is asked for more than once, and kept with the table.
type structIndex struct {
	seed  maphash.Seed
	slots []uint32 // number of a member + 1; their number is a power of two
	list  []memberPlace
}

// structIndexes are those of one table by struct; nil for a struct that was asked for once.
type structIndexes struct {
	lock sync.Mutex
	all  map[ID]*structIndex
}

// of gives the index of a struct, making it at the second request; nil at the first.
func (x *structIndexes) of(t *Types, id ID, r record) *structIndex {
	x.lock.Lock()
	defer x.lock.Unlock()
	if x.all == nil {
		x.all = map[ID]*structIndex{}
	}
	i, again := x.all[id]
	if again && i == nil {
		i = newStructIndex(t, id, r)
	}
	x.all[id] = i
	return i
}

// memberByName finds the first member of a struct with a name.
func (t *Types) memberByName(id ID, r record, name string) (found memberPlace, ok bool) {
	if r.vlen() > fewMembers {
		if x := t.structs.of(t, id, r); x != nil {
			return x.find(t, name)
		}
	}
	t.members(id, r, func(p memberPlace) bool {
		if ok = t.named(p.name, name); ok {
			found = p
		}
		return !ok
	})
	return found, ok
}

// fewMembers is up to how many members a struct is searched without an index.
const fewMembers = 4

func newStructIndex(t *Types, id ID, r record) *structIndex {
	x := &structIndex{seed: maphash.MakeSeed()}
	t.members(id, r, func(p memberPlace) bool {
		x.list = append(x.list, p)
		return true
	})
	size := 8
	for size < 2*len(x.list) {
		size *= 2
	}
	x.slots = make([]uint32, size)
	for i, p := range x.list {
		b, _ := t.nameBytes(p.name)
		s := uint32(maphash.Bytes(x.seed, b)) & uint32(size-1)
		for x.slots[s] != 0 && !t.named(x.list[x.slots[s]-1].name, string(b)) {
			s = (s + 1) & uint32(size-1)
		}
		if x.slots[s] == 0 { // the first of a name counts
			x.slots[s] = uint32(i) + 1
		}
	}
	return x
}

func (x *structIndex) find(t *Types, name string) (memberPlace, bool) {
	mask := uint32(len(x.slots) - 1)
	for s := uint32(maphash.String(x.seed, name)); x.slots[s&mask] != 0; s++ {
		if p := x.list[x.slots[s&mask]-1]; t.named(p.name, name) {
			return p, true
		}
	}
	return memberPlace{}, false
}
