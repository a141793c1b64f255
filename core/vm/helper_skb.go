package vm

import (
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

var skbHelpers = []helper{
	{asm.HelperSkbLoadBytes, skbLoad},
	{asm.HelperSkbLoadBytesRelative, skbLoadRelative},
	{asm.HelperSkbStoreBytes, skbStore},
	{asm.HelperSkbPullData, skbPull},
	{asm.HelperSkbChangeTail, skbChangeTail},
	{asm.HelperSkbChangeHead, skbChangeHead},
	{asm.HelperRedirect, redirect},
	{asm.HelperRedirectPeer, redirectElse},
	{asm.HelperRedirectNeigh, redirectNeighbour},
	{asm.HelperSkbChangeType, skbChangeType},
}

func skbLoad(m *Machine, _, off, to, n, _ uint64) uint64 {
	return loadFrom(m, m.packet.start, off, to, n)
}

// skbLoadRelative loads from the link header (BPF_HDR_START_MAC) or the network header on.
func skbLoadRelative(m *Machine, _, off, to, n, header uint64) uint64 {
	switch header {
	case 0:
		return loadFrom(m, m.packet.mac, off, to, n)
	case 1:
		return loadFrom(m, m.packet.mac+etherLen, off, to, n)
	}
	if b := m.write(to, uint64(uint32(n))); b != nil {
		clear(b)
	}
	return errno(eFAULT)
}

// loadFrom copies bytes of the packet; what is not there is zero.
func loadFrom(m *Machine, from, off, to, n uint64) uint64 {
	off, n = uint64(uint32(off)), uint64(uint32(n))
	b := m.write(to, n)
	if b == nil {
		return 0
	}
	data := within(m, from, off, n)
	if data == nil {
		clear(b)
		return errno(eFAULT)
	}
	copy(b, data)
	return 0
}

func skbStore(m *Machine, _, off, from, n, flags uint64) uint64 {
	const known = 3 // BPF_F_RECOMPUTE_CSUM, BPF_F_INVALIDATE_HASH
	off, n = uint64(uint32(off)), uint64(uint32(n))
	b := m.read(from, n)
	if b == nil {
		return 0
	}
	if flags&^known != 0 {
		return errno(eINVAL)
	}
	data := within(m, m.packet.start, off, n)
	if data == nil {
		return errno(eFAULT)
	}
	copy(data, b)
	return 0
}

// skbPull finds that all of the packet can be read already.
func skbPull(m *Machine, _, n, _, _, _ uint64) uint64 {
	if uint64(uint32(n)) > m.packet.end-m.packet.start {
		return errno(eNOMEM)
	}
	return 0
}

func skbChangeTail(m *Machine, _, n, flags, _, _ uint64) uint64 {
	p := &m.packet
	end := p.start + uint64(uint32(n))
	if flags != 0 || end < p.mac+etherLen || end > p.hardEnd {
		return errno(eINVAL)
	}
	m.setEnd(end)
	return 0
}

// skbChangeHead puts zero bytes before the packet.
func skbChangeHead(m *Machine, _, n, flags, _, _ uint64) uint64 {
	n = uint64(uint32(n))
	switch {
	case flags != 0 || m.packet.end-m.packet.start+n > MaxPacket:
		return errno(eINVAL)
	case !pushRoom(m, 0, n):
		return errno(eNOMEM)
	}
	return 0
}

// redirectElse is a redirection to the other end of an interface, with flags that must be 0.
func redirectElse(m *Machine, ifindex, flags, _, _, _ uint64) uint64 {
	const tcShot = 2
	if flags != 0 {
		return tcShot
	}
	return redirect(m, ifindex, 0, 0, 0, 0)
}

// redirectNeighbour is a redirection whose link header the neighbour's address makes.
func redirectNeighbour(m *Machine, ifindex, params, size, flags, _ uint64) uint64 {
	if size != 0 && m.read(params, uint64(uint32(size))) == nil {
		return 0
	}
	return redirectElse(m, ifindex, flags, 0, 0, 0)
}

// skbChangeType changes who a packet is for, between host, broadcast, multicast and another host.
func skbChangeType(m *Machine, _, typ, _, _, _ uint64) uint64 {
	const pktType, otherHost = 4, 3 // offset in __sk_buff; PACKET_OTHERHOST
	at := m.mem.at(m.context+pktType, 4)
	if typ = uint64(uint32(typ)); typ > otherHost || getUint(at) > otherHost {
		return errno(eINVAL)
	}
	putUint(at, typ)
	return 0
}

// redirect notes the interface and returns the verdict of the program's type.
func redirect(m *Machine, ifindex, flags, _, _, _ uint64) uint64 {
	const ingress = 1 // BPF_F_INGRESS
	const xdpAborted, xdpRedirect, tcShot, tcRedirect = 0, 4, 2, 7
	xdp := m.started.spec.Type == spec.ProgramXDP
	switch {
	case xdp && flags != 0:
		return xdpAborted
	case flags&^ingress != 0:
		return tcShot
	}
	m.redirect = int(uint32(ifindex))
	if xdp {
		return xdpRedirect
	}
	return tcRedirect
}
