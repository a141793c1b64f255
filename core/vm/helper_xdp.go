package vm

import "github.com/bpfhost/bpfhost/core/asm"

var xdpHelpers = []helper{
	{asm.HelperXDPAdjustHead, adjustHead},
	{asm.HelperXDPAdjustMeta, adjustMeta},
	{asm.HelperXDPAdjustTail, adjustTail},
	{asm.HelperXDPGetBuffLen, packetLen},
	{asm.HelperXDPLoadBytes, xdpLoad},
	{asm.HelperXDPStoreBytes, xdpStore},
	{asm.HelperRedirectMap, redirectMap},
}

// frameHeader is what the kernel keeps for itself at the start of the headroom (struct xdp_frame).
const frameHeader = 40

// adjustHead moves the start of the packet, and its metadata with it. What is new has the bytes that
// were there before, of the packet for instance, as in the kernel.
func adjustHead(m *Machine, _, delta, _, _, _ uint64) uint64 {
	p := m.packet
	size := p.start - p.meta
	start := p.start + uint64(int64(int32(delta)))
	if start < p.hardStart+frameHeader+size || start > p.end-etherLen {
		return errno(eINVAL)
	}
	if size > 0 {
		copy(m.mem.at(start-size, size), m.mem.at(p.meta, size))
	}
	m.movePacket(start-size, start, p.end)
	return 0
}

func adjustMeta(m *Machine, _, delta, _, _, _ uint64) uint64 {
	const most = 255
	p := m.packet
	meta := p.meta + uint64(int64(int32(delta)))
	if meta < p.hardStart+frameHeader || meta > p.start {
		return errno(eINVAL)
	}
	if n := p.start - meta; n%4 != 0 || n > most {
		return errno(eACCES)
	}
	m.movePacket(meta, p.start, p.end)
	return 0
}

func adjustTail(m *Machine, _, delta, _, _, _ uint64) uint64 {
	p := m.packet
	end := p.end + uint64(int64(int32(delta)))
	if end > p.hardEnd || end < p.start+etherLen {
		return errno(eINVAL)
	}
	m.setEnd(end)
	return 0
}

// setEnd moves the end of the packet; what is new is zero.
func (m *Machine) setEnd(end uint64) {
	p := m.packet
	if end > p.end {
		clear(m.mem.at(p.end, end-p.end))
	}
	m.movePacket(p.meta, p.start, end)
}

func packetLen(m *Machine, _, _, _, _, _ uint64) uint64 { return m.packet.end - m.packet.start }

// within returns the bytes of the packet from an offset on, nil if it has not as many.
func within(m *Machine, from, off, n uint64) []byte {
	if off > MaxPacket || n > MaxPacket || from+off+n > m.packet.end {
		return nil
	}
	return m.mem.at(from+off, n)
}

func xdpLoad(m *Machine, _, off, to, n, _ uint64) uint64 {
	off, n = uint64(uint32(off)), uint64(uint32(n))
	b := m.write(to, n)
	if b == nil {
		return 0
	}
	data := within(m, m.packet.start, off, n)
	if data == nil {
		return errno(eINVAL)
	}
	copy(b, data)
	return 0
}

func xdpStore(m *Machine, _, off, from, n, _ uint64) uint64 {
	off, n = uint64(uint32(off)), uint64(uint32(n))
	b := m.read(from, n)
	if b == nil {
		return 0
	}
	data := within(m, m.packet.start, off, n)
	if data == nil {
		return errno(eINVAL)
	}
	copy(data, b)
	return 0
}
