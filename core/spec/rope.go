package spec

import (
	"iter"
	"slices"
	"sync/atomic"

	"github.com/bpfhost/bpfhost/core/asm"
)

// The most that a chunk and a block hold. What has less than a quarter takes in its neighbour.
const (
	maxChunk = 32 // instructions
	maxBlock = 64 // chunks
)

// rope holds instructions so that an edit copies few of them, and that labels and names are found
// without looking at all. Nothing in it changes: an edit makes a rope that shares what is as it was.
type rope struct {
	blocks []*block
	starts []int32 // by block: index of its first instruction
	n      int
}

// block is a run of chunks.
type block struct {
	chunks []*chunk
	starts []int32 // by chunk, from the start of the block
	n      int
	summary
	keys atomic.Pointer[[]key] // of its instructions, sorted; made when they are first asked for
}

// chunk is a run of instructions.
type chunk struct {
	insns []Insn
	summary
	mask atomic.Uint64 // which keys may be in it; made when it is first asked for, then not 0
}

// summary is what is known of a run of instructions.
type summary struct {
	top          asm.Label // the largest label that is defined or referred to
	funcs, lines bool      // some have one
}

func (s *summary) add(o summary) {
	s.top = max(s.top, o.top)
	s.funcs, s.lines = s.funcs || o.funcs, s.lines || o.lines
}

// newRope makes a rope of instructions, which it keeps.
func newRope(list []Insn) *rope { return joinBlocks(newBlocks(newChunks(list))) }

// newChunks cuts instructions into chunks of about the same length.
func newChunks(list []Insn) []*chunk {
	var out []*chunk
	for part := range evenly(list, maxChunk) {
		c := &chunk{insns: part}
		for i := range part {
			in := &part[i]
			c.top = max(c.top, in.Label, in.Target)
			c.funcs, c.lines = c.funcs || in.Func != nil, c.lines || in.Line != nil
		}
		out = append(out, c)
	}
	return out
}

// newBlocks cuts chunks into blocks of about the same length.
func newBlocks(chunks []*chunk) []*block {
	var out []*block
	for part := range evenly(chunks, maxBlock) {
		b := &block{chunks: part, starts: make([]int32, len(part))}
		for i, c := range part {
			b.starts[i] = int32(b.n)
			b.n += len(c.insns)
			b.add(c.summary)
		}
		out = append(out, b)
	}
	return out
}

// joinBlocks makes a rope of blocks.
func joinBlocks(blocks []*block) *rope {
	r := &rope{blocks: blocks, starts: make([]int32, len(blocks))}
	for i, b := range blocks {
		r.starts[i] = int32(r.n)
		r.n += b.n
	}
	return r
}

// evenly yields the fewest parts of at most limit elements, which differ by one in length.
func evenly[T any](s []T, limit int) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		for n := (len(s) + limit - 1) / limit; n > 0; n-- {
			k := (len(s) + n - 1) / n
			if !yield(s[:k:k]) {
				return
			}
			s = s[k:]
		}
	}
}

// search returns the last index whose start is not above i, or 0.
func search(starts []int32, i int) int {
	at, found := slices.BinarySearch(starts, int32(i))
	if !found {
		at = max(at-1, 0)
	}
	return at
}

// at returns an instruction, to be read only.
func (r *rope) at(i int) *Insn {
	k := search(r.starts, i)
	b, i := r.blocks[k], i-int(r.starts[k])
	k = search(b.starts, i)
	return &b.chunks[k].insns[i-int(b.starts[k])]
}

// each yields the chunks with the indices of their first instructions.
func (r *rope) each() iter.Seq2[int, *chunk] {
	return func(yield func(int, *chunk) bool) {
		at := 0
		for _, b := range r.blocks {
			for _, c := range b.chunks {
				if !yield(at, c) {
					return
				}
				at += len(c.insns)
			}
		}
	}
}

// part returns a copy of the instructions from index from on, up to but without to.
func (r *rope) part(from, to int) []Insn {
	out := make([]Insn, 0, to-from)
	for at := from; at < to; {
		k := search(r.starts, at)
		b, in := r.blocks[k], at-int(r.starts[k])
		k = search(b.starts, in)
		c := b.chunks[k].insns[in-int(b.starts[k]):]
		c = c[:min(len(c), to-at)]
		out = append(out, c...)
		at += len(c)
	}
	return out
}

// summary returns what is known of all instructions.
func (r *rope) summary() (s summary) {
	for _, b := range r.blocks {
		s.add(b.summary)
	}
	return s
}

// before returns the last index up to i of an instruction that f is true for, or -1. Runs that
// may is false for are passed over.
func (r *rope) before(i int, may func(summary) bool, f func(*Insn) bool) int {
	for k := search(r.starts, i); k >= 0 && i >= 0; k-- {
		b, from := r.blocks[k], int(r.starts[k])
		if !may(b.summary) {
			i = from - 1
			continue
		}
		for j := search(b.starts, i-from); j >= 0; j-- {
			c, start := b.chunks[j], from+int(b.starts[j])
			if may(c.summary) {
				for ; i >= start; i-- {
					if f(&c.insns[i-start]) {
						return i
					}
				}
			}
			i = start - 1
		}
	}
	return -1
}

// splice returns a rope with del instructions from index at on replaced by others.
func (r *rope) splice(at, del int, add []Insn) *rope {
	if r.n == 0 {
		return newRope(slices.Clone(add))
	}
	first := search(r.starts, min(at, r.n-1))
	last := max(search(r.starts, at+del-1), first)
	if n := r.chunksOf(first, last); n < maxBlock/4 && last+1 < len(r.blocks) {
		last++ // what has become small
	}
	chunks := r.blocks[first].chunks
	for _, b := range r.blocks[first+1 : last+1] {
		chunks = slices.Concat(chunks, b.chunks)
	}
	from := at - int(r.starts[first])
	blocks := newBlocks(spliceChunks(chunks, from, del, add))
	if old := r.blocks[first]; first == last && len(blocks) == 1 {
		blocks[0].inherit(old, old.part(from, from+del), add)
	}
	return joinBlocks(slices.Concat(r.blocks[:first], blocks, r.blocks[last+1:]))
}

func (r *rope) chunksOf(first, last int) (n int) {
	for _, b := range r.blocks[first : last+1] {
		n += len(b.chunks)
	}
	return n
}

// part yields a range of instructions of the block.
func (b *block) part(from, to int) iter.Seq[*Insn] {
	return func(yield func(*Insn) bool) {
		for k := search(b.starts, from); from < to; k++ {
			start := int(b.starts[k])
			for list := b.chunks[k].insns; from < min(to, start+len(list)); from++ {
				if !yield(&list[from-start]) {
					return
				}
			}
		}
	}
}

// spliceChunks is splice for a run of chunks.
func spliceChunks(chunks []*chunk, at, del int, add []Insn) []*chunk {
	first := 0
	for ; first < len(chunks)-1 && at > len(chunks[first].insns); first++ {
		at -= len(chunks[first].insns)
	}
	last, rest := first, at+del
	for ; rest > len(chunks[last].insns); last++ {
		rest -= len(chunks[last].insns)
	}
	head, tail := chunks[first].insns[:at], chunks[last].insns[rest:]
	if len(head)+len(add)+len(tail) < maxChunk/4 && last+1 < len(chunks) {
		last++ // what has become small
		tail = slices.Concat(tail, chunks[last].insns)
	}
	return slices.Concat(chunks[:first], newChunks(slices.Concat(head, add, tail)), chunks[last+1:])
}

// update returns a rope with instructions changed: those at the indices, which ascend.
func (r *rope) update(at []int, f func(*Insn)) *rope {
	blocks := slices.Clone(r.blocks)
	for len(at) > 0 {
		k := search(r.starts, at[0])
		old, start := r.blocks[k], int(r.starts[k])
		chunks := slices.Clone(old.chunks)
		var was, now []Insn
		for len(at) > 0 && at[0] < start+old.n {
			j := search(old.starts, at[0]-start)
			list, first := slices.Clone(chunks[j].insns), start+int(old.starts[j])
			for ; len(at) > 0 && at[0] < first+len(list); at = at[1:] {
				in := &list[at[0]-first]
				was = append(was, *in)
				f(in)
				now = append(now, *in)
			}
			chunks[j] = newChunks(list)[0]
		}
		b := newBlocks(chunks)[0]
		b.inherit(old, pointers(was), now)
		blocks[k] = b
	}
	return joinBlocks(blocks)
}

// pointers yields pointers to the elements.
func pointers(list []Insn) iter.Seq[*Insn] {
	return func(yield func(*Insn) bool) {
		for i := range list {
			if !yield(&list[i]) {
				return
			}
		}
	}
}
