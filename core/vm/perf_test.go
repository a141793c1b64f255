package vm_test

import (
	"bytes"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

func TestPerf(t *testing.T) {
	// BPF_F_CURRENT_CPU, with 4 bytes of the packet
	const text = "*(u64 *)(r10 - 8) = 7\nr2 = map[m] ll\nr3 = 0x4ffffffff ll\nr4 = r10\nr4 += -8\nr5 = 8\ncall bpf_perf_event_output\nexit"
	c := collection(t, spec.ProgramXDP, text, &spec.Map{Name: "m", Type: spec.MapPerfEventArray, KeySize: 4, ValueSize: 4})
	m, err := newMachine(c, vm.Options{CPUs: 2})
	if err != nil {
		t.Fatal(err)
	}
	packet := frame(1, 1)
	copy(packet, "abcd")
	p := m.Perf("m")
	for cpu := range 2 {
		if r := run(t, m, vm.Input{Packet: packet, CPU: cpu}); r.Return != 0 {
			t.Errorf("R0 is %d", int64(r.Return))
		}
	}
	for want := range 2 {
		data, cpu, ok := p.Read()
		if !ok || cpu != want || !bytes.Equal(data, append(u64(7), "abcd"...)) {
			t.Errorf("read %x, %d, %v", data, cpu, ok)
		}
	}
	if _, _, ok := p.Read(); ok {
		t.Error("there is a third sample")
	}
	n := 0
	for ; p.Lost() == 0; n++ {
		r := run(t, m, vm.Input{Packet: packet})
		if full := p.Lost() > 0; full != (int64(r.Return) == -28) {
			t.Fatalf("R0 is %d", int64(r.Return))
		}
	}
	if n != 64<<10/12+1 {
		t.Errorf("%d samples fill the buffer", n)
	}
}
