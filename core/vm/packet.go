package vm

import (
	"encoding/binary"
	"fmt"

	"github.com/bpfhost/bpfhost/core/spec"
)

// MaxPacket is how many bytes a packet may have.
const MaxPacket = 64 << 10

const (
	headroom   = 256 // before the packet (XDP_PACKET_HEADROOM)
	tailroom   = 320 // after it
	etherLen   = 14
	maxContext = 4096
)

// packet is where the packet is: [meta, start) is metadata, [start, end) the packet.
type packet struct {
	hardStart, hardEnd uint64 // of the buffer
	meta, start, end   uint64
	lowest             uint64 // that meta has been; what is before it is zero
	mac                uint64 // start of the link header, which start may be after
}

// hasSkb reports whether the context of programs is a __sk_buff.
func hasSkb(t spec.ProgramType) bool {
	switch t {
	case spec.ProgramSocketFilter, spec.ProgramSchedCls, spec.ProgramSchedAct, spec.ProgramCgroupSkb,
		spec.ProgramLWTIn, spec.ProgramLWTOut, spec.ProgramLWTXmit, spec.ProgramSkSkb:
		return true
	}
	return false
}

// HasPacket reports whether programs of a type run on packets.
func HasPacket(t spec.ProgramType) bool { return t == spec.ProgramXDP || hasSkb(t) }

// startsAtNetwork reports whether programs see the packet without its link header.
func startsAtNetwork(t spec.ProgramType) bool {
	switch t {
	case spec.ProgramCgroupSkb, spec.ProgramLWTIn, spec.ProgramLWTOut, spec.ProgramLWTXmit:
		return true
	}
	return false
}

// contextSize is the size of the context that the machine fills in.
func contextSize(t spec.ProgramType) int {
	switch {
	case t == spec.ProgramXDP:
		return 24 // struct xdp_md
	case hasSkb(t):
		return 192 // struct __sk_buff
	}
	return 0
}

// Offsets of fields (include/uapi/linux/bpf.h).
const (
	xdpData, xdpDataEnd, xdpDataMeta, xdpIfindex = 0, 4, 8, 12
	skbLen, skbProtocol, skbIngress, skbIfindex  = 0, 16, 36, 40
	skbData, skbDataEnd, skbDataMeta, skbWireLen = 76, 80, 140, 160
)

// putPacket copies the packet into its buffer.
func (m *Machine) putPacket(b []byte) error {
	if len(b) < etherLen || len(b) > MaxPacket {
		return fmt.Errorf("the packet has %d bytes, between %d and %d are possible", len(b), etherLen, MaxPacket)
	}
	p := &m.packet
	at := p.hardStart + headroom
	now := packet{hardStart: p.hardStart, hardEnd: p.hardEnd, mac: at, start: at, meta: at, lowest: at, end: at + uint64(len(b))}
	copy(m.mem.at(at, uint64(len(b))), b)
	if startsAtNetwork(m.started.spec.Type) {
		now.start += etherLen
		now.meta = now.start
	}
	if now == *p { // as the last one was
		return nil
	}
	dropPacket(m)
	*p = now
	p.own(&m.mem)
	return nil
}

// dropPacket leaves a packet without bytes.
func dropPacket(m *Machine) {
	p := &m.packet
	if p.end != 0 {
		m.mem.disown(p.meta&^7, p.end-p.meta&^7)
	}
	at := p.hardStart + headroom
	if p.lowest < at {
		clear(m.mem.at(p.lowest, at-p.lowest))
	}
	p.mac, p.meta, p.start, p.end, p.lowest = at, at, at, at, at
}

// own makes what the packet is now part of an object. That of the first 8 bytes a part is
// before it the shadow cannot say: then access looks closer.
func (p *packet) own(mem *memory) {
	if from := (p.meta + 7) &^ 7; from < p.end {
		mem.own(from, p.end-from, false)
	}
}

// movePacket changes where metadata and packet start and where they end, in memory and context.
func (m *Machine) movePacket(meta, start, end uint64) {
	p := &m.packet
	m.mem.disown(p.meta&^7, p.end-p.meta&^7)
	p.meta, p.start, p.end = meta, start, end
	p.lowest = min(p.lowest, meta)
	p.own(&m.mem)
	m.fillPointers()
}

// fillPointers writes where the packet is into the context.
func (m *Machine) fillPointers() {
	le, p := binary.LittleEndian, &m.packet
	if m.started.spec.Type == spec.ProgramXDP {
		ctx := m.mem.at(m.context, 24)
		le.PutUint32(ctx[xdpData:], uint32(p.start))
		le.PutUint32(ctx[xdpDataEnd:], uint32(p.end))
		le.PutUint32(ctx[xdpDataMeta:], uint32(p.meta))
		return
	}
	ctx := m.mem.at(m.context, 192)
	le.PutUint32(ctx[skbLen:], uint32(p.end-p.start))
	le.PutUint32(ctx[skbData:], uint32(p.start))
	le.PutUint32(ctx[skbDataEnd:], uint32(p.end))
	le.PutUint32(ctx[skbDataMeta:], uint32(p.meta))
}

// fillContext writes what describes the packet into the context, and where the caller gave none
// that it came from interface 1.
func (m *Machine) fillContext(given bool) {
	m.fillPointers()
	le, p := binary.LittleEndian, &m.packet
	if m.started.spec.Type == spec.ProgramXDP {
		if !given {
			le.PutUint32(m.mem.at(m.context+xdpIfindex, 4), 1)
		}
		return
	}
	ctx := m.mem.at(m.context, 192)
	le.PutUint16(ctx[skbProtocol:], uint16(encapsulated(m.mem.at(p.mac+12, p.end-p.mac-12))))
	le.PutUint32(ctx[skbWireLen:], uint32(p.end-p.start))
	if !given {
		le.PutUint32(ctx[skbIngress:], 1)
		le.PutUint32(ctx[skbIfindex:], 1)
	}
}

// loadPacket does a load of LD_ABS or LD_IND: of a number in network byte order at an offset into
// the packet, into R0. It reports whether the bytes are there.
func (m *Machine) loadPacket(in *insn, at uint64) bool {
	const network, link = -0x100000, -0x200000 // SKF_NET_OFF, SKF_LL_OFF (include/uapi/linux/filter.h)
	p, n := &m.packet, uint64(in.size)
	off, from := int64(int32(at)), p.start
	switch {
	case off >= network && off < 0:
		off, from = off-network, p.mac+etherLen
	case off >= link && off < 0:
		off, from = off-link, p.mac
	}
	if off < 0 || from+uint64(off)+n > p.end {
		return false
	}
	b := m.mem.at(from+uint64(off), n)
	var v uint64
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	m.regs[0] = v
	return true
}
