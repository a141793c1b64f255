package vm

import (
	"encoding/binary"

	"github.com/bpfhost/bpfhost/core/spec"
)

// devices is a map that packets are redirected through: to interfaces (devmap), CPUs (cpumap), or
// sockets (xskmap). Its values begin with the number of an interface, the length of a CPU's queue or a
// socket; 0 is none. Programs can only look up.
type devices struct{ table }

func newDevices(m *Machine, s *spec.Map, data []byte) (table, error) {
	make := newArray
	if s.Type == spec.MapDevmapHash {
		make = newHash
	}
	t, err := make(m, s, data)
	return devices{t}, err
}

func (d devices) lookup(cpu int, key []byte) uint64 {
	addr := d.table.lookup(cpu, key)
	if addr == 0 || d.first(addr) == 0 {
		return 0
	}
	return addr
}

// first returns the number that a value begins with.
func (d devices) first(addr uint64) uint32 {
	mem := d.memory()
	return binary.LittleEndian.Uint32(mem.at(addr, 4))
}

func (d devices) memory() *memory {
	if a, ok := d.table.(*array); ok {
		return a.mem
	}
	return d.table.(*hash).mem
}

func (d devices) remove(key []byte) int {
	a, ok := d.table.(*array)
	if !ok {
		return d.table.remove(key)
	}
	addr := a.lookup(0, key)
	if addr == 0 {
		return eINVAL
	}
	clear(a.mem.at(addr, a.valueSize))
	return errnoNone
}

func (d devices) slot(i int) ([]byte, bool) {
	key, ok := d.table.slot(i)
	return key, ok && d.lookup(0, key) != 0
}

// redirectMap notes the entry of a map and returns XDP_REDIRECT, or where there is none the verdict that
// the flags have (__bpf_xdp_redirect_map, include/linux/filter.h).
func redirectMap(m *Machine, p, key, flags, _, _ uint64) uint64 {
	const onMiss, broadcast, excludeIngress = 3, 1 << 3, 1 << 4
	const aborted, redirected = 0, 4
	mp := m.byHandle(p)
	if mp == nil {
		return m.stopf("bpf_redirect_map: %#x is not a map", p)
	}
	d, ok := mp.table.(devices)
	if !ok {
		return m.stopf("bpf_redirect_map takes no map of type %v", mp.spec.Type)
	}
	known := uint64(onMiss)
	if mp.spec.Type == spec.MapDevmap || mp.spec.Type == spec.MapDevmapHash {
		known |= broadcast | excludeIngress
	}
	if flags&^known != 0 {
		return aborted
	}
	addr := d.lookup(m.input.CPU, binary.LittleEndian.AppendUint32(nil, uint32(key)))
	if addr == 0 && flags&broadcast == 0 {
		return flags & onMiss
	}
	m.redirect, m.redirectTo = 0, RedirectTo{Map: mp.spec.Name, Key: uint32(key), Broadcast: flags&broadcast != 0}
	if addr != 0 && known > onMiss {
		m.redirect = int(d.first(addr))
	}
	return redirected
}
