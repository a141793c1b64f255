package sim

import "encoding/binary"

// vlan is the VLAN tag that the kernel keeps beside a packet: programs that have a __sk_buff see it in the fields
// vlan_… and not among the bytes. It is zero where there is none.
type vlan struct{ present, tci, proto uint32 }

// Offsets of its fields in __sk_buff, and of the tag in a packet (include/uapi/linux/bpf.h).
const vlanFields, vlanAt, vlanLen = 20, 12, 4

// get reads what a program left in its context.
func (v *vlan) get(skb []byte) {
	le := binary.LittleEndian
	v.present, v.tci, v.proto = le.Uint32(skb[vlanFields:]), le.Uint32(skb[vlanFields+4:]), le.Uint32(skb[vlanFields+8:])
}

// put writes it into a context.
func (v *vlan) put(skb []byte) {
	le := binary.LittleEndian
	le.PutUint32(skb[vlanFields:], v.present)
	le.PutUint32(skb[vlanFields+4:], v.tci)
	le.PutUint32(skb[vlanFields+8:], v.proto)
}

// take takes the outermost tag out of a packet, if it has one, as the kernel does before tcx
// (__netif_receive_skb_core, net/core/dev.c). The result is a new slice then.
func (v *vlan) take(b []byte) []byte {
	const ethernet = vlanAt + 2
	if len(b) < ethernet+vlanLen || !tagged(b) {
		return b
	}
	v.present, v.tci = 1, uint32(binary.BigEndian.Uint16(b[vlanAt+2:]))
	v.proto = uint32(binary.LittleEndian.Uint16(b[vlanAt:]))
	return append(append([]byte(nil), b[:vlanAt]...), b[vlanAt+vlanLen:]...)
}

// tagged reports whether a packet begins with a VLAN tag.
func tagged(b []byte) bool {
	const dot1q, dot1ad = 0x8100, 0x88a8
	t := binary.BigEndian.Uint16(b[vlanAt:])
	return t == dot1q || t == dot1ad
}

// insert puts the tag into a copy of a packet, where it is on the wire.
func (v *vlan) insert(b []byte) []byte {
	if v.present == 0 || len(b) < vlanAt {
		return b
	}
	out := binary.LittleEndian.AppendUint16(append([]byte(nil), b[:vlanAt]...), uint16(v.proto))
	return append(binary.BigEndian.AppendUint16(out, uint16(v.tci)), b[vlanAt:]...)
}
