package vm

import (
	"encoding/binary"

	"github.com/bpfhost/bpfhost/core/asm"
)

var mapHelpers = []helper{
	{asm.HelperMapLookupElem, mapLookup},
	{asm.HelperMapUpdateElem, mapUpdate},
	{asm.HelperMapDeleteElem, mapDelete},
	{asm.HelperMapLookupPerCPUElem, mapLookupPerCPU},
	{asm.HelperForEachMapElem, mapForEach},
}

// keyedMap returns the map of a helper's argument, which has keys, or ends the run.
func (m *Machine) keyedMap(h asm.Helper, p uint64) *Map {
	mp := m.byHandle(p)
	switch {
	case mp == nil:
		m.stopf("%v: %#x is not a map", h, p)
	case mp.table == nil:
		m.stopf("%v takes no map of type %v", h, mp.spec.Type)
		return nil
	}
	return mp
}

func mapLookup(m *Machine, p, key, _, _, _ uint64) uint64 {
	mp := m.keyedMap(asm.HelperMapLookupElem, p)
	if mp == nil {
		return 0
	}
	k := m.read(key, uint64(mp.spec.KeySize))
	if k == nil {
		return 0
	}
	if o, ok := mp.table.(outer); ok {
		return innerOf(m, o, k)
	}
	return mp.table.lookup(m.input.CPU, k)
}

func mapLookupPerCPU(m *Machine, p, key, cpu, _, _ uint64) uint64 {
	mp := m.keyedMap(asm.HelperMapLookupPerCPUElem, p)
	if mp == nil {
		return 0
	}
	if !mp.spec.Type.PerCPU() {
		return m.stopf("%v takes no map of type %v", asm.HelperMapLookupPerCPUElem, mp.spec.Type)
	}
	k := m.read(key, uint64(mp.spec.KeySize))
	if k == nil || uint64(uint32(cpu)) >= uint64(m.options.CPUs) {
		return 0
	}
	return mp.table.lookup(int(uint32(cpu)), k)
}

func mapUpdate(m *Machine, p, key, value, flags, _ uint64) uint64 {
	mp := m.keyedMap(asm.HelperMapUpdateElem, p)
	if mp == nil {
		return 0
	}
	k, v := m.read(key, uint64(mp.spec.KeySize)), m.read(value, uint64(mp.spec.ValueSize))
	if k == nil || v == nil {
		return 0
	}
	return errno(mp.table.update(m.input.CPU, k, v, flags))
}

func mapDelete(m *Machine, p, key, _, _, _ uint64) uint64 {
	mp := m.keyedMap(asm.HelperMapDeleteElem, p)
	if mp == nil {
		return 0
	}
	k := m.read(key, uint64(mp.spec.KeySize))
	if k == nil {
		return 0
	}
	return errno(mp.table.remove(k))
}

// mapForEach calls a function for each entry until it returns 1.
func mapForEach(m *Machine, p, f, ctx, flags, _ uint64) uint64 {
	mp := m.keyedMap(asm.HelperForEachMapElem, p)
	pc, ok := m.callee(f)
	if mp == nil || !ok {
		return 0
	}
	if flags != 0 {
		return errno(eINVAL)
	}
	n := uint64(0)
	for i := range mp.table.slots() {
		key, ok := mp.table.slot(i)
		if !ok {
			continue
		}
		addr := mp.table.keyAddr(i)
		value := mp.table.lookup(m.input.CPU, key)
		if addr == 0 { // an array has its keys nowhere
			addr = m.scratch + uint64(m.depth-1)*8
			binary.LittleEndian.PutUint32(m.mem.at(addr, 4), uint32(i))
		}
		n++
		if r := m.call(pc, p, addr, value, ctx); r != 0 || m.fault != nil {
			break
		}
	}
	return n
}
