package vm

import (
	"encoding/binary"
	"net/netip"

	"github.com/bpfhost/bpfhost/core/asm"
)

// Route says where packets to a prefix are forwarded, for bpf_fib_lookup.
type Route struct {
	Prefix    netip.Prefix
	Interface int        // number
	Gateway   netip.Addr // the next hop; none is the destination itself
	SrcMAC    [6]byte    // of the interface
	DstMAC    [6]byte    // of the next hop; zero is one that is not known
	MTU       int        // bytes; 0 is 1500
}

// defaultMTU is that of interfaces whose routes have none.
const defaultMTU = 1500

var fibHelpers = []helper{{asm.HelperFibLookup, fibLookup}}

// Results of bpf_fib_lookup (BPF_FIB_LKUP_RET_…, include/uapi/linux/bpf.h).
const (
	fibSuccess    = 0
	fibNotFwded   = 4
	fibNoNeigh    = 7
	fibFragNeeded = 8
)

// fibLookup fills in struct bpf_fib_lookup from the longest prefix of the routes that the destination is
// in. There are no rules: neither the source nor the interface that the packet came from counts.
func fibLookup(m *Machine, _, params, size, flags, _ uint64) uint64 {
	const length = 64                     // sizeof(struct bpf_fib_lookup)
	const known, skipNeigh = 0x3f, 1 << 2 // BPF_FIB_LOOKUP_…
	const totLen, ifindex, metric = 6, 8, 12
	const dst, vlan, smac, dmac = 32, 48, 52, 58
	if size = uint64(uint32(size)); size < length || flags&^known != 0 {
		return errno(eINVAL)
	}
	b := m.write(params, size)
	if b == nil {
		return 0
	}
	to, gateway, ok := addrOf(b[0], b[dst:])
	if !ok {
		return errno(eAFNOSUPPORT)
	}
	r := route(m, to)
	if r == nil {
		return fibNotFwded
	}
	le, mtu := binary.LittleEndian, r.MTU
	if mtu == 0 {
		mtu = defaultMTU
	}
	if n := int(le.Uint16(b[totLen:])); n > mtu {
		le.PutUint16(b[totLen:], uint16(mtu))
		return fibFragNeeded
	}
	le.PutUint32(b[ifindex:], uint32(r.Interface))
	le.PutUint32(b[metric:], 0)
	if r.Gateway.IsValid() {
		copy(gateway, r.Gateway.AsSlice())
	}
	if flags&skipNeigh == 0 {
		if r.DstMAC == [6]byte{} {
			return fibNoNeigh
		}
		copy(b[smac:], r.SrcMAC[:])
		copy(b[dmac:], r.DstMAC[:])
	}
	le.PutUint32(b[vlan:], 0)
	le.PutUint16(b[totLen:], uint16(mtu))
	return fibSuccess
}

// addrOf reads an address of a family, and returns its bytes too.
func addrOf(family byte, b []byte) (addr netip.Addr, raw []byte, ok bool) {
	const inet, inet6 = 2, 10
	switch family {
	case inet:
		return netip.AddrFrom4([4]byte(b)), b[:4], true
	case inet6:
		return netip.AddrFrom16([16]byte(b)), b[:16], true
	}
	return addr, nil, false
}

// route returns the route with the longest prefix, the first of several; nil if there is none.
func route(m *Machine, to netip.Addr) (best *Route) {
	for i := range m.options.Routes {
		r := &m.options.Routes[i]
		if r.Prefix.Contains(to) && (best == nil || r.Prefix.Bits() > best.Prefix.Bits()) {
			best = r
		}
	}
	return best
}
