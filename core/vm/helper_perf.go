package vm

import (
	"encoding/binary"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

var perfHelpers = []helper{
	{asm.HelperPerfEventOutput, perfOutput},
	{asm.HelperSkbOutput, skbOutput},
	{asm.HelperXDPOutput, xdpOutput},
}

// perfOutput writes a sample; programs that have a packet can have its first bytes after it.
func perfOutput(m *Machine, _, p, flags, data, size uint64) uint64 {
	packet := []byte(nil)
	if HasPacket(m.started.spec.Type) {
		packet = m.mem.at(m.packet.start, m.packet.end-m.packet.start)
	}
	return writeSample(m, asm.HelperPerfEventOutput, p, flags, data, size, packet)
}

// skbOutput is perfOutput for programs of tracing that have a struct sk_buff, as the input laid it out.
func skbOutput(m *Machine, skb, p, flags, data, size uint64) uint64 {
	packet := []byte(nil)
	if flags>>32 != 0 {
		at, n := kernelField(m, skb, "sk_buff", "data"), kernelField(m, skb, "sk_buff", "len")
		packet = bytesAt(m, at, uint64(uint32(n)))
	}
	return writeSample(m, asm.HelperSkbOutput, p, flags, data, size, packet)
}

// xdpOutput is perfOutput for programs of tracing that have a struct xdp_buff.
func xdpOutput(m *Machine, xdp, p, flags, data, size uint64) uint64 {
	packet := []byte(nil)
	if flags>>32 != 0 {
		at, end := kernelField(m, xdp, "xdp_buff", "data"), kernelField(m, xdp, "xdp_buff", "data_end")
		packet = bytesAt(m, at, end-at)
	}
	return writeSample(m, asm.HelperXDPOutput, p, flags, data, size, packet)
}

// bytesAt returns n bytes if they are all there, otherwise none.
func bytesAt(m *Machine, addr, n uint64) []byte {
	if n == 0 || !m.access(addr, n, false) {
		return []byte{}
	}
	return m.mem.at(addr, n)
}

// kernelField reads a field of a structure of a kernel that the input has at an address, 0 if it is not there
// or the types do not say where it is.
func kernelField(m *Machine, object uint64, structure, field string) uint64 {
	off, size, ok := fieldOffset(m, structure, field)
	if !ok || size > 8 || object == 0 || !m.access(object+off, size, false) {
		return 0
	}
	b := [8]byte{}
	copy(b[:], m.mem.at(object+off, size))
	return binary.LittleEndian.Uint64(b[:])
}

// writeSample writes what a helper is to write to a map, and the first bytes of a packet that flags ask for;
// nil is none.
func writeSample(m *Machine, h asm.Helper, p, flags, data, size uint64, packet []byte) uint64 {
	const currentCPU = 1<<32 - 1 // BPF_F_CURRENT_CPU
	const packetBits = 0xfffff   // of the upper half of flags (BPF_F_CTXLEN_MASK)
	mp := m.byHandle(p)
	if mp == nil || mp.spec.Type != spec.MapPerfEventArray {
		return m.stopf("%v takes a map of type perf_event_array", h)
	}
	b := m.read(data, size)
	if b == nil {
		return 0
	}
	n := flags >> 32
	switch {
	case n == 0:
	case n > packetBits || packet == nil:
		return errno(eINVAL)
	case n > uint64(len(packet)):
		return errno(eFAULT)
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
		return errno(eOPNOTSUPP)
	case !m.perfs[mp.spec.Name].write(m.input.CPU, b, packet[:n]):
		return errno(eNOSPC)
	}
	return 0
}
