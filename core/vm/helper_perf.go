package vm

import (
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

var perfHelpers = []helper{{asm.HelperPerfEventOutput, perfOutput}}

// perfOutput writes a sample; programs that have a packet can have its first bytes after it.
func perfOutput(m *Machine, _, p, flags, data, size uint64) uint64 {
	const currentCPU = 1<<32 - 1 // BPF_F_CURRENT_CPU
	const packetBits = 0xfffff   // of the upper half of flags (BPF_F_CTXLEN_MASK)
	mp := m.byHandle(p)
	if mp == nil || mp.spec.Type != spec.MapPerfEventArray {
		return m.stopf("%v takes a map of type perf_event_array", asm.HelperPerfEventOutput)
	}
	b := m.read(data, size)
	if b == nil {
		return 0
	}
	var tail []byte
	if n := flags >> 32; n != 0 {
		switch {
		case n > packetBits || !hasPacket(m.started.spec.Type):
			return errno(eINVAL)
		case n > m.packet.end-m.packet.start:
			return errno(eFAULT)
		}
		tail = m.mem.at(m.packet.start, n)
	}
	index := flags & currentCPU
	if index == currentCPU {
		index = uint64(m.input.CPU)
	}
	switch entries := uint64(mp.spec.MaxEntries); {
	case entries > 0 && index >= entries:
		return errno(eBIG)
	case index >= uint64(m.options.CPUs):
		return errno(eNOENT)
	case index != uint64(m.input.CPU):
		return errno(eNOTSUPP)
	case !m.perfs[mp.spec.Name].write(m.input.CPU, b, tail):
		return errno(eNOSPC)
	}
	return 0
}
