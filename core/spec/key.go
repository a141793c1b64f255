package spec

import (
	"hash/maphash"
	"iter"
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
)

// key is a hash of what an instruction defines or refers to. Two that differ are of different
// things; of two that are the same it is probable only, and who finds one looks at the instruction.
type key uint32

// keySeed makes that nobody can choose names whose keys are the same.
var keySeed = maphash.MakeSeed()

// The kinds of keys.
const (
	keyLabel  = iota // a label that is defined
	keyTarget        // a label that is referred to
	keyFunc          // the name of a function that starts
	keySymbol        // a name that is referred to
)

func numberKey(kind uint64, l asm.Label) key {
	return key((uint64(l)<<2 | kind) * 0x9e3779b97f4a7c15 >> 32)
}

func nameKey(kind uint64, name string) key {
	return key((maphash.String(keySeed, name)<<2 | kind) * 0x9e3779b97f4a7c15 >> 32)
}

// appendKeys appends the keys of an instruction.
func appendKeys(dst []key, in *Insn) []key {
	if in.Label != 0 {
		dst = append(dst, numberKey(keyLabel, in.Label))
	}
	if in.Func != nil {
		dst = append(dst, nameKey(keyFunc, in.Func.Name))
	}
	switch in.Ref {
	case asm.RefNone:
	case asm.RefLabel:
		dst = append(dst, numberKey(keyTarget, in.Target))
	default:
		dst = append(dst, nameKey(keySymbol, in.Symbol))
	}
	return dst
}

// bit returns the bit of a mask that says that the key may be in a chunk.
func (k key) bit() uint64 { return 1 << (k >> 26 % 63) }

// maskMade is set in each mask that was made.
const maskMade = 1 << 63

// may reports whether something with the key may be in the chunk.
func (c *chunk) may(k key) bool {
	m := c.mask.Load()
	if m == 0 {
		m = maskMade
		var keys []key
		for i := range c.insns {
			keys = appendKeys(keys[:0], &c.insns[i])
			for _, k := range keys {
				m |= k.bit()
			}
		}
		c.mask.Store(m)
	}
	return m&k.bit() != 0
}

// has reports whether the block has the key.
func (b *block) has(k key) bool {
	keys := b.keys.Load()
	if keys == nil {
		var list []key
		for in := range b.part(0, b.n) {
			list = appendKeys(list, in)
		}
		slices.Sort(list)
		keys = &list
		b.keys.Store(keys)
	}
	_, ok := slices.BinarySearch(*keys, k)
	return ok
}

// manyKeys is how many keys inherit puts into their places one by one.
const manyKeys = 32

// inherit takes over the keys of the block as it was before some instructions were replaced.
func (b *block) inherit(old *block, removed iter.Seq[*Insn], added []Insn) {
	keys := old.keys.Load()
	if keys == nil {
		return
	}
	var out, in []key
	for i := range removed {
		out = appendKeys(out, i)
	}
	for i := range added {
		in = appendKeys(in, &added[i])
	}
	if len(out)+len(in) > manyKeys {
		return // it takes less to make them anew
	}
	list := *keys
	if len(out)+len(in) > 0 {
		list = append(make([]key, 0, len(list)+len(in)), list...)
	}
	for _, k := range out {
		at, _ := slices.BinarySearch(list, k)
		list = slices.Delete(list, at, at+1)
	}
	for _, k := range in {
		at, _ := slices.BinarySearch(list, k)
		list = slices.Insert(list, at, k)
	}
	b.keys.Store(&list)
}

// find yields the indices of the instructions that have the key and that f is true for. A label that
// the key is of, or 0, tells runs apart where all labels are smaller.
func (r *rope) find(k key, l asm.Label, f func(*Insn) bool) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i, b := range r.blocks {
			if b.top < l || !b.has(k) {
				continue
			}
			for j, c := range b.chunks {
				if c.top < l || !c.may(k) {
					continue
				}
				for n := range c.insns {
					if f(&c.insns[n]) && !yield(int(r.starts[i]+b.starts[j])+n) {
						return
					}
				}
			}
		}
	}
}

// labelled yields the index of what carries a label.
func (r *rope) labelled(l asm.Label) iter.Seq[int] {
	return r.find(numberKey(keyLabel, l), l, func(in *Insn) bool { return in.Label == l })
}

// jumps yields the indices of what refers to a label.
func (r *rope) jumps(l asm.Label) iter.Seq[int] {
	return r.find(numberKey(keyTarget, l), l, func(in *Insn) bool { return in.Ref == asm.RefLabel && in.Target == l })
}

// starting yields the index of the start of a function.
func (r *rope) starting(name string) iter.Seq[int] {
	return r.find(nameKey(keyFunc, name), 0, func(in *Insn) bool { return in.Func != nil && in.Func.Name == name })
}

// referring yields the indices of what refers to a name by one of the kinds.
func (r *rope) referring(name string, kinds ...asm.RefKind) iter.Seq[int] {
	return r.find(nameKey(keySymbol, name), 0, func(in *Insn) bool { return in.Symbol == name && slices.Contains(kinds, in.Ref) })
}

// firstOf returns the first index that is yielded, or -1.
func firstOf(at iter.Seq[int]) int {
	for i := range at {
		return i
	}
	return -1
}
