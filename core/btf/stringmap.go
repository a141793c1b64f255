package btf

import (
	"bytes"
	"fmt"
	"math/bits"
)

// stringMap assigns the strings of a table that are in use their offsets in another one. First all
// of them are marked, then they are copied in the order that they have, and then asked for.
type stringMap struct {
	t     *Types
	keep  uint32        // strings below this offset have the same one in both tables
	pages []*stringPage // by offset from keep on; nil where no string is in use
	spare []stringPage
	count int      // of strings in use, when all are marked
	to    []uint32 // their new offsets
}

// pageShift is for the offsets of a page. Types that belong together have names next to each other,
// so most pages of a kernel's strings are not in use.
const pageShift = 10

// stringPage says which strings of 1<<pageShift offsets are in use.
type stringPage struct {
	used   [1 << pageShift / 64]uint64 // a bit for each offset
	before [1 << pageShift / 64]uint32 // how many are used before each word of bits
}

func newStringMap(t *Types, keep uint32) *stringMap {
	m := &stringMap{t: t, keep: keep}
	m.pages = make([]*stringPage, m.room()>>pageShift+1)
	return m
}

// room is how many bytes all strings take that may be marked.
func (m *stringMap) room() int { return int(m.t.strBase) + len(m.t.strs.data) - int(m.keep) }

// mark says that a string is in use. Offsets that are out of range are found by get.
func (m *stringMap) mark(off uint32) {
	n := off - m.keep
	if uint64(n>>pageShift) >= uint64(len(m.pages)) {
		return
	}
	p := m.pages[n>>pageShift]
	if p == nil {
		p = m.page(n)
	}
	p.used[n>>6%uint32(len(p.used))] |= 1 << (n & 63)
}

// page makes a page.
func (m *stringMap) page(n uint32) *stringPage {
	if len(m.spare) == 0 {
		m.spare = make([]stringPage, min(32, len(m.pages)))
	}
	p := &m.spare[0]
	m.pages[n>>pageShift], m.spare = p, m.spare[1:]
	return p
}

// rank counts the strings when all are marked.
func (m *stringMap) rank() {
	m.count = 0
	for _, p := range m.pages {
		if p == nil {
			continue
		}
		for w, word := range p.used {
			p.before[w] = uint32(m.count)
			m.count += bits.OnesCount64(word)
		}
	}
}

// get returns the new offset of a string that was marked.
func (m *stringMap) get(off uint32) (uint32, bool) {
	n := off - m.keep
	if off < m.keep {
		return off, true
	}
	if uint64(n>>pageShift) >= uint64(len(m.pages)) {
		return 0, false
	}
	p, w := m.pages[n>>pageShift], n>>6%uint32(len(stringPage{}.used))
	below := p.used[w] & (1<<(n&63) - 1)
	to := m.to[p.before[w]+uint32(bits.OnesCount64(below))]
	return to, to != noString
}

// noString is the new offset of one that there is none at.
const noString = 1<<32 - 1

// copy adds the strings to others. If they are plain, they are copied as they are, without looking
// for equal ones.
func (m *stringMap) copy(e *encoder, plain bool) error {
	m.to = make([]uint32, 0, m.count)
	r := run{e: e}
	for i, p := range m.pages {
		if p == nil {
			continue
		}
		for w, word := range p.used {
			for ; word != 0; word &= word - 1 {
				off := m.keep + uint32(i)<<pageShift + uint32(w)*64 + uint32(bits.TrailingZeros64(word))
				to, err := m.one(&r, off, plain)
				if err != nil {
					return err
				}
				m.to = append(m.to, to)
			}
		}
	}
	return r.flush()
}

// one copies a string and returns its new offset.
func (m *stringMap) one(r *run, off uint32, plain bool) (uint32, error) {
	s := m.t
	for off < s.strBase {
		s = s.base
	}
	if off -= s.strBase; plain {
		return r.add(&s.strs, off)
	}
	b, ok := s.strs.bytes(off)
	if !ok {
		return noString, nil
	}
	return r.e.bytes(b)
}

// run is bytes of a table that are copied at once. As strings come in their order, each byte is
// copied once at most, even if strings begin inside of others.
type run struct {
	e          *encoder
	from       *table
	begin, end uint32
}

// add takes one more string.
func (r *run) add(from *table, at uint32) (uint32, error) {
	data := from.data
	if uint64(at) >= uint64(len(data)) {
		return noString, nil
	}
	if data[at] == 0 {
		return 0, nil
	}
	if r.from != from || at > r.end {
		if err := r.flush(); err != nil {
			return 0, err
		}
		r.from, r.begin, r.end = from, at, at
	}
	if at == r.end {
		r.end = at + uint32(bytes.IndexByte(data[at:], 0)) + 1
	}
	return r.e.strBase + uint32(len(r.e.strs)) + at - r.begin, nil
}

// flush copies what was taken.
func (r *run) flush() error {
	if r.from == nil {
		return nil
	}
	if uint64(r.e.strBase)+uint64(len(r.e.strs))+uint64(r.end-r.begin) > 1<<32-1 {
		return fmt.Errorf("%w: strings exceed 4 GiB", ErrBuild)
	}
	r.e.strs = append(r.e.strs, r.from.data[r.begin:r.end]...)
	return nil
}
