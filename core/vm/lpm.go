package vm

import (
	"encoding/binary"
	"fmt"

	"github.com/bpfhost/bpfhost/core/spec"
)

// lpm is a longest-prefix-match trie: a key is the length of a prefix in bits and the bytes that it
// is of. It is a hash map by prefix, asked for each length that there are prefixes of, the longest
// first. Bits past the length of a prefix are 0 in the keys that it lists.
type lpm struct {
	*hash
	longest uint32   // bits
	lengths []uint32 // how many prefixes of each length there are
	masked  []byte
}

func newLPM(m *Machine, s *spec.Map, data []byte) (table, error) {
	t, err := newHash(m, s, data)
	if err != nil {
		return nil, err
	}
	h := t.(*hash)
	h.full = eNOSPC
	if s.KeySize <= 4 || s.KeySize > 4+256 {
		return nil, fmt.Errorf("keys have %d bytes, type %v needs from 5 to 260", s.KeySize, s.Type)
	}
	longest := 8 * (s.KeySize - 4)
	return &lpm{h, longest, make([]uint32, longest+1), make([]byte, s.KeySize)}, nil
}

// mask returns the key of the first n bits of another.
func (l *lpm) mask(key []byte, n uint32) []byte {
	copy(l.masked, key)
	binary.LittleEndian.PutUint32(l.masked, n)
	prefix := l.masked[4:]
	if n%8 != 0 {
		prefix[n/8] &= 0xff << (8 - n%8)
		n += 8 - n%8
	}
	clear(prefix[n/8:])
	return l.masked
}

// prefix returns the key of a prefix, and its length if that is possible.
func (l *lpm) prefix(key []byte) (masked []byte, length uint32, ok bool) {
	length = binary.LittleEndian.Uint32(key)
	if length > l.longest {
		return nil, 0, false
	}
	return l.mask(key, length), length, true
}

func (l *lpm) lookup(cpu int, key []byte) uint64 {
	n := binary.LittleEndian.Uint32(key)
	if n > l.longest {
		return 0
	}
	for ; ; n-- {
		if l.lengths[n] > 0 {
			if addr := l.hash.lookup(cpu, l.mask(key, n)); addr != 0 {
				return addr
			}
		}
		if n == 0 {
			return 0
		}
	}
}

func (l *lpm) find(key []byte) int {
	masked, _, ok := l.prefix(key)
	if !ok {
		return -1
	}
	return l.hash.find(masked)
}

func (l *lpm) update(cpu int, key, value []byte, flags uint64) int {
	masked, n, ok := l.prefix(key)
	if !ok {
		return eINVAL
	}
	before := l.count
	err := l.hash.update(cpu, masked, value, flags)
	l.lengths[n] += l.count - before
	return err
}

func (l *lpm) remove(key []byte) int {
	masked, n, ok := l.prefix(key)
	if !ok {
		return eINVAL
	}
	err := l.hash.remove(masked)
	if err == errnoNone {
		l.lengths[n]--
	}
	return err
}
