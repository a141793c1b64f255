package asm

import "sync"

// scratches keeps the tables of finished calls, so that decoding and encoding in a loop do not
// allocate them anew. It is a cache: what is in it has no meaning.
var scratches sync.Pool

// scratch is room whose size follows the program.
type scratch struct {
	table []int32
	code  []byte
	chunk *[chunkSize]Insn
}

func getScratch() *scratch {
	if s, ok := scratches.Get().(*scratch); ok {
		return s
	}
	return &scratch{}
}

// sized returns the table with n undefined elements.
func (s *scratch) sized(n int) []int32 {
	if cap(s.table) < n {
		s.table = make([]int32, n+min(n/4, 4096)) // a little more, so that slightly larger programs find room
	}
	return s.table[:n]
}

// maxScratch is the largest table that is kept, in elements, and as many slots of code.
const maxScratch = 1 << 20

func (s *scratch) release() {
	if cap(s.table) <= maxScratch && cap(s.code) <= maxScratch*SlotSize {
		scratches.Put(s)
	}
}
