package vm

import (
	"encoding/binary"
	"net/netip"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

// lookupHelpers are about the sockets of Options.Sockets, and of contexts.
var lookupHelpers = []helper{
	{asm.HelperSkLookupTCP, lookupTCP}, {asm.HelperSkcLookupTCP, lookupTCP}, {asm.HelperSkLookupUDP, lookupUDP},
	{asm.HelperSkRelease, sockRelease}, {asm.HelperSkAssign, sockAssign},
	{asm.HelperSkFullsock, sameSock}, {asm.HelperTCPSock, tcpSock}, {asm.HelperGetListenerSock, listenerSock},
	{asm.HelperSkcToTCPSock, sameSock}, {asm.HelperSkcToTcp6Sock, sameSock}, {asm.HelperSkcToUDP6Sock, sameSock},
	{asm.HelperSkcToUnixSock, sameSock}, {asm.HelperSockOpsCbFlagsSet, sockOpsFlags},
}

func lookupTCP(m *Machine, _, tuple, size, netns, flags uint64) uint64 {
	return lookupSock(m, 6, tuple, size, netns, flags)
}

func lookupUDP(m *Machine, _, tuple, size, netns, flags uint64) uint64 {
	return lookupSock(m, 17, tuple, size, netns, flags)
}

// lookupSock returns the socket that a packet of a struct bpf_sock_tuple is for, 0 if there is none. All are
// in one network namespace.
func lookupSock(m *Machine, protocol uint8, tuple, size, netns, flags uint64) uint64 {
	const inet, inet6 = 12, 36 // of the tuples
	size = uint64(uint32(size))
	b := m.read(tuple, size)
	if b == nil || flags != 0 || int32(netns) != -1 && netns>>32 != 0 {
		return 0
	}
	n := 0
	switch size {
	case inet:
		n = 4
	case inet6:
		n = 16
	default:
		return 0
	}
	from, _ := netip.AddrFromSlice(b[:n])
	to, _ := netip.AddrFromSlice(b[n : 2*n])
	ports := b[2*n:]
	return socketFor(m, protocol, netip.AddrPortFrom(from, binary.BigEndian.Uint16(ports)), netip.AddrPortFrom(to, binary.BigEndian.Uint16(ports[2:])))
}

// sockRelease counts nothing: the sockets stay.
func sockRelease(m *Machine, sk, _, _, _, _ uint64) uint64 {
	if sk == 0 {
		return m.stopf("%v takes no NULL", asm.HelperSkRelease)
	}
	return 0
}

// sockAssign chooses the socket that takes the packet: Result.Socket. Programs of type sk_lookup have none that
// they could choose, as they take them from maps of sockets, but can choose NULL.
func sockAssign(m *Machine, _, sk, flags, _, _ uint64) uint64 {
	const replace, noReuseport = 1, 2 // BPF_SK_LOOKUP_F_…
	lookup := m.started.spec.Type == spec.ProgramSkLookup
	s := socketAt(m, sk)
	switch {
	case !lookup && flags != 0, flags&^(replace|noReuseport) != 0:
		return errno(eINVAL)
	case s == nil && (sk != 0 || !lookup):
		return m.stopf("%v: %#x is not a socket of the machine", asm.HelperSkAssign, sk)
	}
	m.assigned = s
	return 0
}

// sameSock returns the socket, whose struct begins with those of its kinds.
func sameSock(_ *Machine, sk, _, _, _, _ uint64) uint64 { return sk }

// tcpSock returns the struct bpf_tcp_sock of a socket of TCP, which is zero.
func tcpSock(m *Machine, sk, _, _, _, _ uint64) uint64 {
	if s := socketAt(m, sk); s == nil || s.Protocol != 6 {
		return 0
	}
	return sk + sizeOfSock
}

func listenerSock(m *Machine, sk, _, _, _, _ uint64) uint64 {
	if s := socketAt(m, sk); s == nil || s.state() != tcpListen {
		return 0
	}
	return sk
}

// sockOpsFlags sets which events of the connection a program of type sock_ops is told of
// (bpf_sock_ops_cb_flags_set, net/core/filter.c).
func sockOpsFlags(m *Machine, _, flags, _, _, _ uint64) uint64 {
	const isFullSock, callbacks, length, all = 72, 84, 88, 0x7f // offsets in struct bpf_sock_ops; BPF_SOCK_OPS_ALL_CB_FLAGS
	if m.contextLen < length || skbField(m, isFullSock) == 0 {
		return errno(eINVAL)
	}
	flags = uint64(uint32(flags))
	setSkbField(m, callbacks, flags&all)
	return flags &^ all
}
