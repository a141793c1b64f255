package btf

import "sync"

// nearHops is how many links of a chain are followed without a memory. No chain of a compiler is longer.
const nearHops = 64

// longChains remembers where long chains of types end. Only hostile input has any: without it, many members that
// refer into one chain of a million typedefs would each walk all of it.
type longChains struct {
	lock sync.Mutex
	ends map[longChainKey]longChainEnd
}

// longChainKey is a type on a chain, and which chain: that of Strip or that of Size.
type longChainKey struct {
	id     ID
	strips bool
}

// longChainEnd is what a chain comes to from some type on: its end, or the size of a value in bytes, which may be an error.
type longChainEnd struct {
	id   ID
	size uint32
	err  error
}

// note is a place on a chain at which its end will be remembered, and the number of elements between it
// and the next note.
type note struct {
	id    ID
	times uint64
}

func (f *longChains) get(k longChainKey) (longChainEnd, bool) {
	f.lock.Lock()
	defer f.lock.Unlock()
	e, ok := f.ends[k]
	return e, ok
}

func (f *longChains) put(k longChainKey, e longChainEnd) {
	f.lock.Lock()
	defer f.lock.Unlock()
	if f.ends == nil {
		f.ends = map[longChainKey]longChainEnd{}
	}
	f.ends[k] = e
}

// stripLong is Strip for a long chain.
func (t *Types) stripLong(id ID) (ID, record) {
	var notes []ID
	for n := range t.Len() {
		if n%nearHops == 0 {
			if e, ok := t.longChains.get(longChainKey{id, true}); ok {
				id = e.id
				break
			}
			notes = append(notes, id)
		}
		r := t.record(id)
		if !r.kind().Modifier() {
			break
		}
		id = ID(r.word)
	}
	for _, n := range notes {
		t.longChains.put(longChainKey{n, true}, longChainEnd{id: id})
	}
	return id, t.record(id)
}

// sizeLong is size for a long chain. It goes to the end with notes, and back from note to note.
func (t *Types) sizeLong(id ID) (uint32, error) {
	var notes []note
	end := longChainEnd{err: ErrCycle}
	for n := range t.Len() + 1 {
		if n%nearHops == 0 {
			if e, ok := t.longChains.get(longChainKey{id, false}); ok {
				end = e
				break
			}
			notes = append(notes, note{id: id, times: 1})
		}
		r := t.record(id)
		next, times, more := t.sizeStep(r)
		if !more {
			end.size, end.err = t.sizeEnd(id, r)
			break
		}
		last := &notes[len(notes)-1].times
		*last = saturate(*last, times)
		id = next
	}
	for i := len(notes) - 1; i >= 0; i-- {
		if end.err == nil {
			size := saturate(notes[i].times, uint64(end.size))
			if end.size = uint32(size); size > 1<<32-1 {
				end.err = ErrTooBig
			}
		}
		t.longChains.put(longChainKey{notes[i].id, false}, end)
	}
	return end.size, end.err
}

// saturate multiplies two numbers of which neither exceeds 1<<32; nor does the result.
func saturate(a, b uint64) uint64 {
	if a > 0 && b > 1<<32/a {
		return 1 << 32
	}
	return a * b
}
