package vm

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/bpfhost/bpfhost/core/spec"
)

// chunk is how many entries a hash map allocates at once.
const chunk = 64

// hash is a hash map, with a value for each CPU if asked. Buckets and entries are in memory, where
// translated programs look keys up: a bucket is the address of its first entry, in 32 bits. An entry is
// the key, the address of the next entry of the bucket and the number of this one, 32 bits each, and
// each value with 8 bytes after it that belong to nothing. An entry that is deleted is used again
// by the next one that is made, and its value stays readable until then, as in the kernel.
//
// With lru, making an entry in a full map removes the one that was looked up or updated least
// recently. The kernel comes near to that with two lists and a bit, and evicts several at once.
type hash struct {
	mem       *memory
	name      string
	keySize   uint64
	valueSize uint64
	values    uint64 // offset of the first value in an entry
	stride    uint64 // of the values of an entry
	size      uint64 // of an entry
	max       uint32
	private   bool // each CPU has a value
	full      int  // error number when there is no place for another entry
	readOnly  bool
	freed     func(value, size uint64) // what to call with a value that is deleted or replaced; nil is nothing

	buckets uint64 // address
	mask    uint64 // of the number of a bucket
	link    uint64 // offset in an entry of the address of the next one
	live    []bool
	chunks  []uint64 // addresses
	free    []uint32
	count   uint32

	lru          bool
	older, newer []uint32 // by entry: its neighbours in order of use, plus 1
	last, first  uint32   // the most and the least recently used entry, plus 1
}

func newHash(m *Machine, s *spec.Map, _ []byte) (table, error) {
	h := &hash{mem: &m.mem, name: s.Name, keySize: uint64(s.KeySize), valueSize: uint64(s.ValueSize), max: s.MaxEntries, full: eBIG}
	h.private = s.Type.PerCPU()
	h.lru = s.Type == spec.MapLRUHash || s.Type == spec.MapLRUPerCPUHash
	h.readOnly = s.Flags&spec.FlagReadOnlyProg != 0
	h.link = (h.keySize + 7) &^ 7
	h.values = h.link + 8
	h.stride = (h.valueSize+7)&^7 + 8
	cpus := uint64(1)
	if h.private {
		cpus = uint64(m.options.CPUs)
	}
	h.size = h.values + h.stride*cpus
	n := min(max(uint64(h.max), 1), 1<<22)
	h.mask = 1<<bits.Len64(n-1) - 1
	var err error
	if h.buckets, err = m.mem.alloc(4*(h.mask+1), FaultMap, s.Name); err != nil {
		return nil, err
	}
	if !h.grow() {
		return nil, h.tooLarge()
	}
	return h, nil
}

// tooLarge says that there is no memory for the first entries.
func (h *hash) tooLarge() error {
	_, err := h.mem.alloc(h.size*min(chunk, uint64(h.max)), FaultMap, h.name)
	return err
}

// grow makes place for more entries. It reports whether there is memory.
func (h *hash) grow() bool {
	n := min(chunk, h.max-uint32(len(h.live)))
	addr, err := h.mem.alloc(h.size*uint64(n), FaultMap, h.name)
	if err != nil {
		return false
	}
	h.chunks = append(h.chunks, addr)
	from := uint32(len(h.live))
	h.live = append(h.live, make([]bool, n)...)
	if h.lru {
		h.older = append(h.older, make([]uint32, n)...)
		h.newer = append(h.newer, make([]uint32, n)...)
	}
	h.free = slices.Grow(h.free, len(h.live)-len(h.free)) // for all of them
	for i := n; i > 0; i-- {
		h.free = append(h.free, from+i-1)
	}
	return true
}

func (h *hash) entry(i uint32) uint64 { return h.chunks[i/chunk] + uint64(i%chunk)*h.size }

func (h *hash) keyOf(i uint32) []byte { return h.mem.at(h.entry(i), h.keySize) }

func (h *hash) value(i uint32, cpu int) uint64 {
	addr := h.entry(i) + h.values
	if h.private {
		addr += h.stride * uint64(cpu)
	}
	return addr
}

// bucket returns where the address of the first entry with the hash of a key is.
func (h *hash) bucket(key []byte) uint64 { return h.buckets + mix(0, key)&h.mask*4 }

// load and store access an address in memory, of 32 bits.
func (h *hash) load(addr uint64) uint64 { return uint64(binary.LittleEndian.Uint32(h.mem.at(addr, 4))) }
func (h *hash) store(addr, v uint64)    { binary.LittleEndian.PutUint32(h.mem.at(addr, 4), uint32(v)) }

// mix returns a hash of the bytes.
func mix(seed uint64, b []byte) uint64 {
	const prime = 0x9e3779b97f4a7c15
	x := (seed + uint64(len(b)) + 1) * prime
	for ; len(b) >= 8; b = b[8:] {
		x = (bits.RotateLeft64(x, 29) ^ binary.LittleEndian.Uint64(b)) * prime
	}
	for _, c := range b {
		x = (bits.RotateLeft64(x, 29) ^ uint64(c)) * prime
	}
	return x ^ x>>32
}

// entryOf returns the entry of a key, plus 1, or 0, and where its address is.
func (h *hash) entryOf(key []byte) (entry uint32, place uint64) {
	for place = h.bucket(key); ; {
		at := h.load(place)
		if at == 0 {
			return 0, place
		}
		if string(h.mem.at(at, h.keySize)) == string(key) {
			return uint32(h.load(at+h.link+4)) + 1, place
		}
		place = at + h.link
	}
}

func (h *hash) lookup(cpu int, key []byte) uint64 {
	e, _ := h.entryOf(key)
	if e == 0 {
		return 0
	}
	h.use(e)
	return h.value(e-1, cpu)
}

func (h *hash) update(cpu int, key, value []byte, flags uint64) int {
	if flags > Exist {
		return eINVAL
	}
	e, _ := h.entryOf(key)
	switch {
	case e != 0 && flags == NoExist:
		return eEXIST
	case e == 0 && flags == Exist:
		return eNOENT
	case e == 0:
		var n int
		if e, n = h.insert(key); n != errnoNone {
			return n
		}
	}
	h.use(e)
	at := h.value(e-1, cpu)
	copy(h.mem.at(at, h.valueSize), value)
	if h.freed != nil {
		h.freed(at, h.valueSize)
	}
	return errnoNone
}

// insert makes the entry of a key, its values zero.
func (h *hash) insert(key []byte) (entry uint32, err int) {
	if h.count == h.max {
		if !h.lru {
			return 0, h.full
		}
		h.drop(h.first)
	}
	if len(h.free) == 0 && !h.grow() {
		return 0, eNOMEM
	}
	i := h.free[len(h.free)-1]
	h.free = h.free[:len(h.free)-1]
	addr := h.entry(i)
	copy(h.mem.at(addr, h.keySize), key)
	h.mem.own(addr, h.keySize, true)
	for at := addr + h.values; at < addr+h.size; at += h.stride {
		clear(h.mem.at(at, h.valueSize))
		h.mem.own(at, h.valueSize, h.readOnly)
	}
	b := h.bucket(key)
	h.store(addr+h.link, h.load(b))
	h.store(addr+h.link+4, uint64(i))
	h.store(b, addr)
	h.live[i] = true
	h.count++
	return i + 1, errnoNone
}

func (h *hash) remove(key []byte) int {
	e, place := h.entryOf(key)
	if e == 0 {
		return eNOENT
	}
	h.store(place, h.load(h.entry(e-1)+h.link))
	h.live[e-1] = false
	h.free = append(h.free, e-1)
	h.count--
	h.unlink(e)
	if h.freed != nil {
		h.freed(h.value(e-1, 0), h.valueSize)
	}
	return errnoNone
}

// drop removes an entry.
func (h *hash) drop(e uint32) { h.remove(h.keyOf(e - 1)) }

// use makes an entry the most recently used.
func (h *hash) use(e uint32) {
	if !h.lru || h.last == e {
		return
	}
	h.unlink(e)
	h.older[e-1], h.newer[e-1] = h.last, 0
	if h.last != 0 {
		h.newer[h.last-1] = e
	}
	h.last = e
	if h.first == 0 {
		h.first = e
	}
}

// unlink takes an entry out of the order of use, if it is there.
func (h *hash) unlink(e uint32) {
	if !h.lru {
		return
	}
	older, newer := h.older[e-1], h.newer[e-1]
	if older != 0 {
		h.newer[older-1] = newer
	} else if h.first == e {
		h.first = newer
	}
	if newer != 0 {
		h.older[newer-1] = older
	} else if h.last == e {
		h.last = older
	}
	h.older[e-1], h.newer[e-1] = 0, 0
}

func (h *hash) slots() int { return len(h.live) }

func (h *hash) slot(i int) ([]byte, bool) {
	if !h.live[i] {
		return nil, false
	}
	return h.keyOf(uint32(i)), true
}

func (h *hash) find(key []byte) int {
	e, _ := h.entryOf(key)
	return int(e) - 1
}

func (h *hash) keyAddr(i int) uint64 { return h.entry(uint32(i)) }
