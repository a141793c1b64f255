package vm

import (
	"fmt"
	"math/bits"

	"github.com/bpfhost/bpfhost/core/spec"
)

// bloom is a bloom filter of the kernel's size (kernel/bpf/bloom_filter.c). Its hash functions are
// others, so that the values that are falsely found are too.
type bloom struct {
	bits   []uint64
	hashes uint64
}

// newBloom makes a bloom filter of 7/5 bits for each value and hash function, rounded up to a power
// of two.
func newBloom(_ *Machine, s *spec.Map) (queue, error) {
	const usual, most = 5, 1 << 32
	b := &bloom{hashes: s.Extra & 0xf}
	if s.Extra > 0xf {
		return nil, fmt.Errorf("%d hash functions are more than 15", s.Extra)
	}
	if b.hashes == 0 {
		b.hashes = usual
	}
	n := min(uint64(s.MaxEntries)*b.hashes/5*7, most)
	n = max(uint64(1)<<bits.Len64(max(n, 1)-1), 64)
	b.bits = make([]uint64, n/64)
	return b, nil
}

// bit returns the place of a value's bit for a hash function.
func (b *bloom) bit(value []byte, f uint64) (word *uint64, mask uint64) {
	x := mix(f, value)
	i := x & uint64(len(b.bits)*64-1)
	return &b.bits[i/64], 1 << (i % 64)
}

func (b *bloom) push(value []byte, flags uint64) int {
	if flags != Any {
		return eINVAL
	}
	for f := range b.hashes {
		word, mask := b.bit(value, f)
		*word |= mask
	}
	return errnoNone
}

func (b *bloom) pop([]byte) int { return eOPNOTSUPP }

func (b *bloom) peek(value []byte) int {
	for f := range b.hashes {
		if word, mask := b.bit(value, f); *word&mask == 0 {
			return eNOENT
		}
	}
	return errnoNone
}
