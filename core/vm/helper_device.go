package vm

import (
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

var deviceHelpers = []helper{
	{asm.HelperCloneRedirect, cloneRedirect},
	{asm.HelperCheckMtu, checkMTU},
}

// Clone is a copy of the packet that a program sent out of an interface, with bpf_clone_redirect.
type Clone struct {
	Interface int    // number
	Ingress   bool   // it arrives there instead
	Packet    []byte // valid until the next run
	Tagged    bool   // it has a VLAN tag that is not among the bytes
	TCI       uint16 // of the tag
	Proto     uint16 // of the tag, as __sk_buff has it: 0x0081 is 802.1Q
}

// maxClones is how many copies a run can make.
const maxClones = 64

func cloneRedirect(m *Machine, _, ifindex, flags, _, _ uint64) uint64 {
	const ingress = 1 // BPF_F_INGRESS
	ifindex = uint64(uint32(ifindex))
	switch {
	case flags&^ingress != 0 || ifindex == 0:
		return errno(eINVAL)
	case len(m.clones) == maxClones:
		return errno(eNOMEM)
	}
	from := len(m.cloned)
	m.cloned = append(m.cloned, m.mem.at(m.packet.start, m.packet.end-m.packet.start)...)
	// Packet has only the right length until the run is over, as m.cloned may move.
	m.clones = append(m.clones, Clone{
		Interface: int(ifindex), Ingress: flags == ingress, Packet: m.cloned[from:],
		Tagged: skbField(m, skbVlanPresent) != 0, TCI: uint16(skbField(m, skbVlanTCI)), Proto: uint16(skbField(m, skbVlanProto)),
	})
	return 0
}

// takeClones returns the copies that the run made, nil if none.
func takeClones(m *Machine) []Clone {
	at := 0
	for i := range m.clones {
		n := len(m.clones[i].Packet)
		m.clones[i].Packet = m.cloned[at : at+n : at+n]
		at += n
	}
	return m.clones
}

// checkMTU says whether the packet, or one of the length that is given, fits through an interface after its
// length changes (bpf_skb_check_mtu and bpf_xdp_check_mtu, net/core/filter.c). An interface has the MTU of
// its first route, or 1500 bytes.
func checkMTU(m *Machine, _, ifindex, mtu, diff, flags uint64) uint64 {
	const segments = 1 // BPF_MTU_CHK_SEGS
	const fits, fragmentNeeded = 0, 1
	b := m.write(mtu, 4)
	if b == nil {
		return 0
	}
	given, delta := getUint(b), int64(int32(diff))
	xdp := m.started.spec.Type == spec.ProgramXDP
	if flags&^segments != 0 || flags != 0 && (xdp || delta != 0 || given != 0) {
		return errno(eINVAL)
	}
	most := uint64(mtuOf(m, int(uint32(ifindex))))
	size := int64(m.packet.end - m.packet.start)
	if given != 0 {
		size = int64(given) + etherLen
	}
	putUint(b, most)
	if size+delta > int64(most)+etherLen {
		return fragmentNeeded
	}
	return fits
}

// mtuOf returns the MTU of an interface; 0 is the interface of the packet.
func mtuOf(m *Machine, ifindex int) int {
	if ifindex == 0 {
		at := uint64(skbIfindex)
		if m.started.spec.Type == spec.ProgramXDP {
			at = xdpIfindex
		}
		ifindex = int(skbField(m, at))
	}
	for i := range m.options.Routes {
		if r := &m.options.Routes[i]; r.Interface == ifindex && r.MTU != 0 {
			return r.MTU
		}
	}
	return defaultMTU
}
