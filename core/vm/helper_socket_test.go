package vm_test

import (
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

// TestFlowHash holds that packets of a flow have one hash and one socket.
func TestFlowHash(t *testing.T) {
	for _, text := range []string{"call bpf_get_hash_recalc\nexit", "call bpf_get_socket_cookie\nexit"} {
		m := machine(t, spec.ProgramSchedCls, text)
		of := func(change func(b []byte)) uint64 {
			b := frame(17, 0x0a000002)
			b[35], b[37] = 80, 90 // ports
			change(b)
			return run(t, m, vm.Input{Packet: b}).Return
		}
		same := of(func([]byte) {})
		if other := of(func(b []byte) { b[45] = 1 }); same == 0 || other != same {
			t.Errorf("%q: packets of one flow have %#x and %#x", text, same, other)
		}
		for name, change := range map[string]func(b []byte){
			"port": func(b []byte) { b[35] = 81 }, "address": func(b []byte) { b[29] = 3 }, "protocol": func(b []byte) { b[23] = 6 },
		} {
			if other := of(change); other == same {
				t.Errorf("%q: with another %s it is the same, %#x", text, name, other)
			}
		}
		v6 := func(flow byte) uint64 {
			b := make([]byte, 60)
			b[12], b[13], b[20], b[30] = 0x86, 0xdd, 58, flow
			return run(t, m, vm.Input{Packet: b}).Return
		}
		if a, b := v6(1), v6(2); a == b || v6(1) != a {
			t.Errorf("%q: %#x and %#x of IPv6", text, a, b)
		}
		run(t, m, vm.Input{Packet: make([]byte, 14)})
	}
}
