package btf

import (
	"bytes"
	"fmt"
	"math/bits"
)

// stringMap gives the strings of a table that are in use their places in another one. First all of them are marked, then
// they are copied in the order that they have, and then asked for.
type stringMap struct {
	t      *Types
	keep   uint32   // strings below this offset have the same one in both tables
	used   []uint64 // a bit for each offset from keep on
	before []uint32 // how many are used before each word of bits
	to     []uint32 // new offsets of those that are used
}

func newStringMap(t *Types, keep uint32) *stringMap {
	words := (uint64(t.strBase)+uint64(len(t.strs.data))-uint64(keep))/64 + 1
	return &stringMap{t: t, keep: keep, used: make([]uint64, words)}
}

// mark says that a string is in use. Offsets that are out of range are found by get.
func (m *stringMap) mark(off uint32) {
	if n := off - m.keep; uint64(n>>6) < uint64(len(m.used)) {
		m.used[n>>6] |= 1 << (n & 63)
	}
}

// count says how many strings are in use.
func (m *stringMap) count() int {
	n := 0
	for _, word := range m.used {
		n += bits.OnesCount64(word)
	}
	return n
}

// get gives the new offset of a string that was marked.
func (m *stringMap) get(off uint32) (uint32, bool) {
	n := off - m.keep
	if off < m.keep {
		return off, true
	}
	if uint64(n>>6) >= uint64(len(m.used)) {
		return 0, false
	}
	below := m.used[n>>6] & (1<<(n&63) - 1)
	to := m.to[m.before[n>>6]+uint32(bits.OnesCount64(below))]
	return to, to != noString
}

// noString is the new offset of one that there is none at.
const noString = 1<<32 - 1

// copy adds the strings to others. If they are plain, they are copied as they are, without looking for equal ones.
func (m *stringMap) copy(e *encoder, plain bool) error {
	m.before, m.to = make([]uint32, len(m.used)), make([]uint32, 0, m.count())
	r := run{e: e}
	for w, word := range m.used {
		m.before[w] = uint32(len(m.to))
		for ; word != 0; word &= word - 1 {
			off := m.keep + uint32(w)*64 + uint32(bits.TrailingZeros64(word))
			s := m.t
			for off < s.strBase {
				s = s.base
			}
			var to uint32
			var err error
			if at := off - s.strBase; plain {
				to, err = r.add(&s.strs, at)
			} else if b, ok := s.strs.bytes(at); ok {
				to, err = e.bytes(b)
			} else {
				to = noString
			}
			if err != nil {
				return err
			}
			m.to = append(m.to, to)
		}
	}
	return r.flush()
}

// run is bytes of a table that are copied at once. As strings come in their order, each byte is copied once at most, even
// if strings begin inside of others.
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
