package vm

import (
	"github.com/bpfhost/bpfhost/core/asm"
)

var socketHelpers = []helper{
	{asm.HelperGetHashRecalc, flowHash},
	{asm.HelperSetHashInvalid, forgetHash},
	{asm.HelperGetSocketCookie, socketCookie},
	{asm.HelperGetNetnsCookie, netnsCookie},
}

// flowHash returns a number, not 0, that is the same for all packets of a flow: those of IPv4 and IPv6
// with the same addresses, protocol and ports, and otherwise those of the same Ethernet header.
func flowHash(m *Machine, _, _, _, _, _ uint64) uint64 { return uint64(uint32(flow(m, 1))) | 1 }

// forgetHash has nothing to forget: the hash is made of the packet each time.
func forgetHash(*Machine, uint64, uint64, uint64, uint64, uint64) uint64 { return 0 }

// socketCookie returns a number for the flow: each has a socket. Programs without a packet see one.
func socketCookie(m *Machine, _, _, _, _, _ uint64) uint64 {
	if !HasPacket(m.started.spec.Type) {
		return 1
	}
	return flow(m, 2) | 1
}

// netnsCookie is that of the first network namespace.
func netnsCookie(*Machine, uint64, uint64, uint64, uint64, uint64) uint64 { return 1 }

// flow returns a hash of what the packets of a flow have in common.
func flow(m *Machine, seed uint64) uint64 {
	p := &m.packet
	b := m.mem.at(p.mac, p.end-p.mac)
	if len(b) < etherLen {
		return mix(seed, b)
	}
	ip := b[etherLen:]
	proto, addrs, header := byte(0), []byte(nil), 0
	switch {
	case b[12] == 8 && b[13] == 0 && len(ip) >= 20:
		proto, addrs, header = ip[9], ip[12:20], int(ip[0]&15)*4
	case b[12] == 0x86 && b[13] == 0xdd && len(ip) >= 40:
		proto, addrs, header = ip[6], ip[8:40], 40
	default:
		return mix(seed, b[:etherLen])
	}
	h := mix(seed+uint64(proto), addrs)
	if (proto == 6 || proto == 17) && header >= 20 && len(ip) >= header+4 {
		h = mix(h, ip[header:header+4])
	}
	return h
}
