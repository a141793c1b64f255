package vm

import (
	"encoding/binary"
	"net/netip"
)

// Socket is a socket of the world around the machine, for bpf_sk_lookup_tcp and those like it. Programs see it
// as a struct bpf_sock.
type Socket struct {
	Protocol  uint8          // IPPROTO_TCP, 6, or IPPROTO_UDP, 17
	Local     netip.AddrPort // the address may be unspecified: any
	Remote    netip.AddrPort // none is a socket that listens, or is not connected
	Mark      uint32
	Priority  uint32
	Interface int // number of that it is bound to; 0 is none
}

// sizeOfSock is sizeof(struct bpf_sock); a struct bpf_tcp_sock, which is zero, follows.
const sizeOfSock, sizeOfTCPSock = 80, 120

// States of sockets (include/net/tcp_states.h).
const tcpEstablished, tcpClose, tcpListen = 1, 7, 10

// addSockets puts the sockets into memory.
func (m *builder) addSockets() error {
	for i := range m.options.Sockets {
		addr, err := m.mem.alloc(sizeOfSock+sizeOfTCPSock, FaultObject, "")
		if err != nil {
			return err
		}
		m.mem.own(addr, sizeOfSock+sizeOfTCPSock, false)
		m.options.Sockets[i].put(m.mem.at(addr, sizeOfSock))
		m.sockets = append(m.sockets, addr)
	}
	return nil
}

// put writes a struct bpf_sock.
func (s *Socket) put(b []byte) {
	const inet, inet6, stream, dgram, tcp = 2, 10, 1, 2, 6
	le := binary.LittleEndian
	field := func(off int, v uint32) { le.PutUint32(b[off:], v) }
	field(0, uint32(s.Interface))
	typ := uint32(dgram)
	if s.Protocol == tcp {
		typ = stream
	}
	field(8, typ)
	field(12, uint32(s.Protocol))
	field(16, s.Mark)
	field(20, s.Priority)
	field(44, uint32(s.Local.Port()))
	binary.BigEndian.PutUint16(b[48:], s.Remote.Port())
	if local := s.Local.Addr(); local.Is4() {
		field(4, inet)
		copy(b[24:], local.AsSlice())
		copy(b[52:], s.Remote.Addr().AsSlice())
	} else {
		field(4, inet6)
		copy(b[28:], local.AsSlice())
		copy(b[56:], s.Remote.Addr().AsSlice())
	}
	field(72, s.state())
	field(76, 1<<32-1) // rx_queue_mapping: none
}

func (s *Socket) state() uint32 {
	const tcp = 6
	switch {
	case s.Remote.IsValid():
		return tcpEstablished
	case s.Protocol == tcp:
		return tcpListen
	}
	return tcpClose
}

// fit says how well a socket takes packets between two addresses: 0 is not at all.
func (s *Socket) fit(from, to netip.AddrPort) int {
	score := 1
	switch local := s.Local.Addr(); {
	case s.Local.Port() != to.Port() || local.Is4() != to.Addr().Is4():
		return 0
	case local == to.Addr():
		score += 2
	case !local.IsUnspecified():
		return 0
	}
	switch {
	case s.Remote == from:
		score += 4
	case s.Remote.IsValid():
		return 0
	}
	return score
}

// socketFor returns the socket that takes packets of a protocol between two addresses best, nil if none does.
func socketFor(m *Machine, protocol uint8, from, to netip.AddrPort) (addr uint64) {
	best := 0
	for i := range m.options.Sockets {
		s := &m.options.Sockets[i]
		if s.Protocol != protocol {
			continue
		}
		if fit := s.fit(from, to); fit > best {
			best, addr = fit, m.sockets[i]
		}
	}
	return addr
}

// socketAt returns the socket at an address, nil if there is none.
func socketAt(m *Machine, addr uint64) *Socket {
	for i, at := range m.sockets {
		if at == addr {
			return &m.options.Sockets[i]
		}
	}
	return nil
}
