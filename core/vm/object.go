package vm

import "fmt"

// objectChunk is how many bytes for objects are allocated at once.
const objectChunk = 64 << 10

// objects is memory for what contexts point to: structures of a kernel, strings, buffers.
type objects struct {
	chunks []chunkOfObjects
	used   int // chunks that hold something
}

// chunkOfObjects is a region that objects are in, one after the other.
type chunkOfObjects struct{ start, next, end uint64 }

// Place copies bytes into memory that programs can read and write, and returns their address, for
// contexts and for other objects to point to. They stay until Clear.
func (m *Machine) Place(b []byte) (addr uint64, err error) {
	o, n := &m.objects, (uint64(len(b))+7)&^7+8 // 8 bytes that belong to nothing follow each
	for o.used < len(o.chunks) && n > o.chunks[o.used].end-o.chunks[o.used].next {
		o.used++
	}
	if o.used == len(o.chunks) {
		size := max(n, objectChunk)
		start, err := m.mem.alloc(size, FaultObject, "")
		if err != nil {
			return 0, fmt.Errorf("place an object of %d bytes: %w", len(b), err)
		}
		o.chunks = append(o.chunks, chunkOfObjects{start, start, start + size})
	}
	c := &o.chunks[o.used]
	addr = c.next
	c.next += n
	m.mem.own(addr, uint64(len(b)), false)
	copy(m.mem.at(addr, uint64(len(b))), b)
	return addr, nil
}

// Clear takes away the objects that Place made. A program that still uses one is stopped.
func (m *Machine) Clear() {
	o := &m.objects
	for i := range o.chunks {
		c := &o.chunks[i]
		m.mem.disown(c.start, c.next-c.start)
		clear(m.mem.at(c.start, c.next-c.start))
		c.next = c.start
	}
	o.used = 0
	for _, mp := range m.ordered {
		if s, ok := mp.table.(*storage); ok {
			s.forget()
		}
	}
}
