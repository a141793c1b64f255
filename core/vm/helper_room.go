package vm

import (
	"encoding/binary"

	"github.com/bpfhost/bpfhost/core/asm"
)

// roomHelpers make or remove space between the headers of a packet.
var roomHelpers = []helper{
	{asm.HelperSkbVlanPush, vlanPush},
	{asm.HelperSkbVlanPop, vlanPop},
	{asm.HelperSkbChangeProto, changeProto},
	{asm.HelperSkbAdjustRoom, adjustRoom},
}

// Types of Ethernet frames as a context has them: in network byte order, read as a little-endian number.
const (
	protoIPv4  = 0x0008
	protoIPv6  = 0xdd86
	proto8021Q = 0x0081
	protoAD    = 0xa888 // 802.1ad
)

const vlanLen, ipv4Len, ipv6Len = 4, 20, 40

// Offsets of fields of __sk_buff (include/uapi/linux/bpf.h).
const skbVlanPresent, skbVlanTCI, skbVlanProto = 20, 24, 28

func isVlan(proto uint64) bool { return proto == proto8021Q || proto == protoAD }

// skbField returns a field of 4 bytes of the context.
func skbField(m *Machine, off uint64) uint64 { return getUint(m.mem.at(m.context+off, 4)) }

func setSkbField(m *Machine, off, v uint64) { putUint(m.mem.at(m.context+off, 4), v) }

// pushRoom makes n zero bytes after the first off bytes of the packet, and reports whether there is space.
// Where there are too few bytes before the packet, it moves up in its buffer.
func pushRoom(m *Machine, off, n uint64) bool {
	p := m.packet
	if p.start-p.hardStart < n {
		up := n + headroom - (p.start - p.hardStart)
		if p.end+up > p.hardEnd {
			return false
		}
		copy(m.mem.at(p.start+up, p.end-p.start), m.mem.at(p.start, p.end-p.start))
		p.start, p.end = p.start+up, p.end+up
	}
	start := p.start - n
	copy(m.mem.at(start, off), m.mem.at(p.start, off))
	clear(m.mem.at(start+off, n))
	m.packet.mac = start
	m.movePacket(start, start, p.end)
	return true
}

// popRoom removes n bytes after the first off bytes of the packet, which has as many.
func popRoom(m *Machine, off, n uint64) {
	p := m.packet
	copy(m.mem.at(p.start+n, off), m.mem.at(p.start, off))
	m.packet.mac = p.start + n
	m.movePacket(p.start+n, p.start+n, p.end)
}

// vlanPush sets the VLAN tag of a packet. As in the kernel it is kept beside the packet, in the fields
// vlan_… of the context; one that was there is written into the packet.
func vlanPush(m *Machine, _, proto, tci, _, _ uint64) uint64 {
	const macs = 12
	if proto &= 0xffff; !isVlan(proto) {
		proto = proto8021Q
	}
	if skbField(m, skbVlanPresent) != 0 {
		old, outer := skbField(m, skbVlanTCI), skbField(m, skbVlanProto)
		if !pushRoom(m, macs, vlanLen) {
			return errno(eNOMEM)
		}
		tag := m.mem.at(m.packet.start+macs, vlanLen)
		binary.LittleEndian.PutUint16(tag, uint16(outer))
		binary.BigEndian.PutUint16(tag[2:], uint16(old))
		setSkbField(m, skbProtocol, outer)
	}
	setVlan(m, 1, tci&0xffff, proto)
	return 0
}

func setVlan(m *Machine, present, tci, proto uint64) {
	setSkbField(m, skbVlanPresent, present)
	setSkbField(m, skbVlanTCI, tci)
	setSkbField(m, skbVlanProto, proto)
}

// vlanPop removes the VLAN tag beside the packet, or else that in the packet. One that comes next takes its
// place beside the packet.
func vlanPop(m *Machine, _, _, _, _, _ uint64) uint64 {
	if skbField(m, skbVlanPresent) != 0 {
		setVlan(m, 0, 0, 0)
	} else {
		if !isVlan(skbField(m, skbProtocol)) {
			return 0
		}
		if _, ok := takeTag(m); !ok {
			return errno(eNOMEM)
		}
	}
	proto := skbField(m, skbProtocol)
	if !isVlan(proto) {
		return 0
	}
	tci, ok := takeTag(m)
	if !ok {
		return errno(eNOMEM)
	}
	setVlan(m, 1, tci, proto)
	return 0
}

// takeTag removes the outermost tag of the packet, and reports whether the packet is long enough.
func takeTag(m *Machine) (tci uint64, ok bool) {
	const macs, length = 12, etherLen + vlanLen
	p := &m.packet
	if p.end-p.start < length {
		return 0, false
	}
	tag := m.mem.at(p.start+macs+2, 4)
	tci = uint64(binary.BigEndian.Uint16(tag))
	setSkbField(m, skbProtocol, encapsulated(m.mem.at(p.start+macs+4, p.end-p.start-macs-4)))
	popRoom(m, macs, vlanLen)
	return tci, true
}

// encapsulated returns what follows an Ethernet header or a VLAN tag, from the type in it on: of one
// that has a length there what it is in (eth_type_trans, net/ethernet/eth.c; vlan_set_encap_proto,
// include/linux/if_vlan.h).
func encapsulated(b []byte) uint64 {
	const minType, snap, llc = 1536, 0x0100, 0x0400 // ETH_P_802_3_MIN, ETH_P_802_3, ETH_P_802_2
	switch {
	case binary.BigEndian.Uint16(b) >= minType:
		return uint64(binary.LittleEndian.Uint16(b))
	case len(b) >= 4 && b[2] == 0xff && b[3] == 0xff:
		return snap
	}
	return llc
}

// baseLen returns the length of a network header without options, by the type of the frame.
func baseLen(proto uint64) uint64 {
	switch proto {
	case protoIPv4:
		return ipv4Len
	case protoIPv6:
		return ipv6Len
	}
	return 1<<32 - 1
}

// changeProto makes space for the header of IPv6 where that of IPv4 is, or the other way round. What is in
// the headers, that of Ethernet included, is the program's to write.
func changeProto(m *Machine, _, proto, flags, _, _ uint64) uint64 {
	const diff = ipv6Len - ipv4Len
	if flags != 0 {
		return errno(eINVAL)
	}
	p, from := &m.packet, skbField(m, skbProtocol)
	switch proto &= 0xffff; {
	case from == protoIPv4 && proto == protoIPv6:
		if !pushRoom(m, etherLen, diff) {
			return errno(eNOMEM)
		}
	case from == protoIPv6 && proto == protoIPv4:
		if p.end-p.start < etherLen+diff {
			return errno(eNOMEM)
		}
		popRoom(m, etherLen, diff)
	default:
		return errno(eNOTSUPP)
	}
	setSkbField(m, skbProtocol, proto)
	return 0
}

// Flags of bpf_skb_adjust_room (BPF_F_ADJ_ROOM_…).
const (
	roomFixedGSO = 1 << 0
	roomIPv4     = 1 << 1
	roomIPv6     = 1 << 2
	roomGRE      = 1 << 3
	roomUDP      = 1 << 4
	roomNoReset  = 1 << 5
	roomEther    = 1 << 6
	roomToIPv4   = 1 << 7
	roomToIPv6   = 1 << 8
	roomInner    = 0xff << 56 // length of the inner link header
	roomKnown    = roomFixedGSO | roomIPv4 | roomIPv6 | roomGRE | roomUDP | roomNoReset | roomEther | roomToIPv4 | roomToIPv6 | roomInner
)

// adjustRoom makes or removes space after the network header or after the link header
// (bpf_skb_adjust_room, net/core/filter.c).
func adjustRoom(m *Machine, _, diff, mode, flags, _ uint64) uint64 {
	const most = 0xfff
	delta := int64(int32(diff))
	n, proto, off := uint64(max(delta, -delta)), skbField(m, skbProtocol), uint64(etherLen)
	switch {
	case flags&^uint64(roomKnown) != 0:
		return errno(eINVAL)
	case n > most:
		return errno(eFAULT)
	case proto != protoIPv4 && proto != protoIPv6:
		return errno(eNOTSUPP)
	}
	switch uint32(mode) {
	case 0: // BPF_ADJ_ROOM_NET
		off += baseLen(proto)
	case 1: // BPF_ADJ_ROOM_MAC
	default:
		return errno(eNOTSUPP)
	}
	if delta < 0 {
		return shrinkRoom(m, proto, off, n, flags)
	}
	return growRoom(m, proto, off, n, flags)
}

func shrinkRoom(m *Machine, proto, off, n, flags uint64) uint64 {
	least, size := baseLen(proto), m.packet.end-m.packet.start-min(m.packet.end-m.packet.start, etherLen)
	switch flags & (roomToIPv4 | roomToIPv6) {
	case roomToIPv4 | roomToIPv6:
		return errno(eINVAL)
	case roomToIPv4:
		least, proto = ipv4Len, protoIPv4
	case roomToIPv6:
		least, proto = ipv6Len, protoIPv6
	}
	switch {
	case n >= size || size-n < least:
		return errno(eNOTSUPP)
	case flags&^(roomFixedGSO|roomToIPv4|roomToIPv6|roomNoReset) != 0:
		return errno(eINVAL)
	case off+n > m.packet.end-m.packet.start:
		return errno(eNOMEM)
	}
	popRoom(m, off, n)
	setSkbField(m, skbProtocol, proto)
	return 0
}

func growRoom(m *Machine, proto, off, n, flags uint64) uint64 {
	switch {
	case flags&(roomToIPv4|roomToIPv6) != 0:
		return errno(eINVAL)
	case m.packet.end-m.packet.start+n > MaxPacket:
		return errno(eNOTSUPP)
	case flags&(roomIPv4|roomIPv6) != 0 && !encapsulates(n, flags):
		return errno(eINVAL)
	case off > m.packet.end-m.packet.start || !pushRoom(m, off, n):
		return errno(eNOMEM)
	}
	switch {
	case flags&roomIPv4 != 0:
		proto = protoIPv4
	case flags&roomIPv6 != 0:
		proto = protoIPv6
	}
	setSkbField(m, skbProtocol, proto)
	return 0
}

// encapsulates reports whether the flags that say what the space is for agree with its n bytes.
func encapsulates(n, flags uint64) bool {
	both := func(a, b uint64) bool { return flags&a != 0 && flags&b != 0 }
	inner := flags >> 56
	return !both(roomIPv4, roomIPv6) && !both(roomGRE, roomUDP) && inner <= n && (flags&roomEther == 0 || inner >= etherLen)
}
