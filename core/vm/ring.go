package vm

import (
	"encoding/binary"
	"math/bits"

	"github.com/bpfhost/bpfhost/core/spec"
)

// Bits of the length in the header of a record (BPF_RINGBUF_…_BIT, include/uapi/linux/bpf.h).
const (
	ringBusy    = 1 << 31
	ringDiscard = 1 << 30
	ringHeader  = 8
)

// Ring is the consumer of a ring buffer. Records lie in memory as they do in the kernel: each after
// a header of 8 bytes, in order. Where the kernel maps the pages twice, so that no record is in two
// pieces, the buffer is twice as long.
type Ring struct {
	mem       *memory
	data      uint64
	mask      uint64
	positions uint64 // address of those of the consumer and of the producer
}

func newRing(m *Machine, s *spec.Map, _ []byte) (table, error) {
	size := max(uint64(s.MaxEntries), 4096)
	size = 1 << bits.Len64(size-1) // as a loader rounds it
	addr, err := m.mem.alloc(2*size, FaultRelease, s.Name)
	if err != nil {
		return nil, err
	}
	positions, err := m.mem.alloc(16, FaultRelease, s.Name)
	if err != nil {
		return nil, err
	}
	m.rings[s.Name] = &Ring{mem: &m.mem, data: addr, mask: size - 1, positions: positions}
	return nil, nil
}

// consumer and producer return how many bytes were read, and how many were reserved, since the start.
func (r *Ring) consumer() uint64 { return binary.LittleEndian.Uint64(r.mem.at(r.positions, 8)) }
func (r *Ring) producer() uint64 { return binary.LittleEndian.Uint64(r.mem.at(r.positions+8, 8)) }

func (r *Ring) setConsumer(n uint64) { binary.LittleEndian.PutUint64(r.mem.at(r.positions, 8), n) }
func (r *Ring) setProducer(n uint64) { binary.LittleEndian.PutUint64(r.mem.at(r.positions+8, 8), n) }

// Ring returns the consumer of the ring buffer of that name, or nil.
func (m *Machine) Ring(name string) *Ring { return m.rings[name] }

// Read returns the next record that was submitted, and makes its bytes free. It is valid until the
// next run. ok is false if there is none, or the next one is still reserved.
func (r *Ring) Read() (record []byte, ok bool) {
	for consumer := r.consumer(); consumer < r.producer(); {
		at := r.at(consumer)
		n := binary.LittleEndian.Uint32(r.mem.at(at, 4))
		if n&ringBusy != 0 {
			return nil, false
		}
		size := uint64(n &^ ringDiscard)
		consumer += ringSpace(size)
		r.setConsumer(consumer)
		if n&ringDiscard == 0 {
			return r.mem.at(at+ringHeader, size), true
		}
	}
	return nil, false
}

// at returns the address of a position.
func (r *Ring) at(pos uint64) uint64 { return r.data + pos&r.mask }

// ringSpace is what a record of n bytes takes.
func ringSpace(n uint64) uint64 { return (n + ringHeader + 7) &^ 7 }

// reserve returns the address of a new record of n bytes, 0 if the ring is full.
func (r *Ring) reserve(n uint64) uint64 {
	const longest = 1<<30 - 1 // RINGBUF_MAX_RECORD_SZ
	space := ringSpace(n)
	if n > longest || space > r.mask+1 || r.producer()+space-r.consumer() > r.mask {
		return 0
	}
	at := r.at(r.producer())
	r.setProducer(r.producer() + space)
	head := r.mem.at(at, ringHeader)
	binary.LittleEndian.PutUint32(head, uint32(n)|ringBusy)
	binary.LittleEndian.PutUint32(head[4:], uint32((at-r.data)>>12))
	r.mem.own(at+ringHeader, n, false)
	return at + ringHeader
}

// release ends the reservation of a record. It reports whether there was one.
func (r *Ring) release(record uint64, discard bool) bool {
	head := record - ringHeader
	if record%8 != 0 || head < r.data || head > r.data+r.mask {
		return false
	}
	b := r.mem.at(head, ringHeader)
	n := binary.LittleEndian.Uint32(b)
	if n&ringBusy == 0 || binary.LittleEndian.Uint32(b[4:]) != uint32((head-r.data)>>12) {
		return false
	}
	n &^= ringBusy
	r.mem.disown(record, uint64(n))
	if discard {
		n |= ringDiscard
	}
	binary.LittleEndian.PutUint32(b, n)
	return true
}

// ringOf returns the ring buffer that a reserved record is in, or nil.
func ringOf(m *Machine, record uint64) *Ring {
	if r := m.mem.regionOf(record); r != nil && r.outside == FaultRelease {
		return m.rings[r.name]
	}
	return nil
}

// Pending reports whether the ring has a record that was not read, submitted or still reserved.
func (r *Ring) Pending() bool { return r.consumer() < r.producer() }
