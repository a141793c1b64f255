package btf

import "hash/maphash"

// interner finds strings that are already in a string section. Its zero value is not ready; see
// newInterner.
type interner struct {
	seed  maphash.Seed
	slots []internSlot // their number is a power of two
	used  int
}

// internSlot is a string: its hash and its offset in the section; empty if next to it is nothing.
type internSlot struct {
	hash uint32
	at   uint32 // offset + 1
}

func newInterner() interner {
	return interner{seed: maphash.MakeSeed(), slots: make([]internSlot, 256)}
}

// tableSize is a number of slots for n strings.
func tableSize(n int) int {
	size := 256
	for size < 2*n {
		size *= 2
	}
	return size
}

// room makes room for n strings before there are any.
func (x *interner) room(n int) {
	if size := tableSize(n); size > len(x.slots) {
		x.slots = make([]internSlot, size)
	}
}

func (x *interner) hashBytes(s []byte) uint32  { return uint32(maphash.Bytes(x.seed, s)) }
func (x *interner) hashString(s string) uint32 { return uint32(maphash.String(x.seed, s)) }

// findString returns the slot of a string in strs: one that holds it, or the empty one where it
// belongs.
func findString[S string | []byte](x *interner, strs []byte, s S, hash uint32) *internSlot {
	mask := uint32(len(x.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		p := &x.slots[i]
		if p.at == 0 {
			return p
		}
		if p.hash == hash {
			at, n := int(p.at-1), len(s)
			if at+n < len(strs) && strs[at+n] == 0 && string(strs[at:at+n]) == string(s) {
				return p
			}
		}
	}
}

// fill puts a string into the empty slot that findString returned.
func (x *interner) fill(p *internSlot, hash, at uint32) {
	*p = internSlot{hash, at + 1}
	if x.used++; x.used*3 < len(x.slots)*2 {
		return
	}
	old := x.slots
	x.slots = make([]internSlot, 2*len(old))
	mask := uint32(len(x.slots) - 1)
	for _, s := range old {
		if s.at == 0 {
			continue
		}
		i := s.hash & mask
		for x.slots[i].at != 0 {
			i = (i + 1) & mask
		}
		x.slots[i] = s
	}
}

// offsetMap is a map of offsets to offsets; that of 0 is not kept.
type offsetMap struct {
	slots []offsetSlot // their number is a power of two
	used  int
}

type offsetSlot struct{ from, to uint32 }

func (m *offsetMap) get(from uint32) (uint32, bool) {
	if len(m.slots) == 0 {
		return 0, false
	}
	s := m.slots[m.slot(from)]
	return s.to, s.from == from
}

// slot finds the slot of an offset. The multiplier spreads offsets, which are close to each other.
func (m *offsetMap) slot(from uint32) uint32 {
	mask := uint32(len(m.slots) - 1)
	i := from * 0x9e3779b1 >> 7 & mask
	for m.slots[i].from != 0 && m.slots[i].from != from {
		i = (i + 1) & mask
	}
	return i
}

// put keeps an offset that get did not find.
func (m *offsetMap) put(from, to uint32) {
	if m.used*2 >= len(m.slots) {
		old := m.slots
		m.slots = make([]offsetSlot, max(16, 4*len(old)))
		for _, s := range old {
			if s.from != 0 {
				m.slots[m.slot(s.from)] = s
			}
		}
	}
	m.used++
	m.slots[m.slot(from)] = offsetSlot{from, to}
}
