package vm_test

import (
	"bytes"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

// TestRing fills a ring: records of 24 bytes take 32, and one of the ring's bytes stays free.
func TestRing(t *testing.T) {
	const text = "r6 = *(u64 *)(r1 + 0)\nr1 = map[m] ll\nr2 = 24\nr3 = 0\ncall bpf_ringbuf_reserve\nif r0 == 0 goto L1\n*(u64 *)(r0 + 16) = r6\nr1 = r0\nr2 = 0\nif r6 & 1 goto L2\n" +
		"call bpf_ringbuf_submit\nr0 = 0\nexit\nL2:\ncall bpf_ringbuf_discard\nr0 = 0\nexit\nL1:\nr0 = 1\nexit"
	m := machine(t, spec.ProgramSyscall, text, &spec.Map{Name: "m", Type: spec.MapRingbuf, MaxEntries: 4096})
	r := m.Ring("m")
	n, next := uint64(0), uint64(0)
	for range 3 { // around the end more than once
		for ; run(t, m, vm.Input{Context: u64(n)}).Return == 0; n++ {
		}
		for {
			record, ok := r.Read()
			if !ok {
				break
			}
			if !bytes.Equal(record[16:], u64(next)) || len(record) != 24 {
				t.Fatalf("record %x, want %d", record, next)
			}
			next += 2
		}
	}
	if n != 3*(4096/32-1) {
		t.Errorf("%d records fit", n)
	}
}

func TestRingOutput(t *testing.T) {
	const text = "*(u32 *)(r10 - 4) = 0x64636261\nr1 = map[m] ll\nr2 = r10\nr2 += -4\nr3 = 4\nr4 = 0\ncall bpf_ringbuf_output\nr1 = map[m] ll\nr2 = 0\ncall bpf_ringbuf_query\nexit"
	m := machine(t, spec.ProgramSyscall, text, &spec.Map{Name: "m", Type: spec.MapRingbuf, MaxEntries: 4096})
	if r := run(t, m, vm.Input{}); r.Return != 16 {
		t.Errorf("R0 is %d", r.Return)
	}
	if record, ok := m.Ring("m").Read(); !ok || string(record) != "abcd" {
		t.Errorf("read %q, %v", record, ok)
	}
}

// TestRingHuge holds that a size that no ring has is refused, however large.
func TestRingHuge(t *testing.T) {
	const text = "r1 = map[m] ll\nr2 = -16\nr3 = 0\ncall bpf_ringbuf_reserve\nexit"
	m := machine(t, spec.ProgramSyscall, text, &spec.Map{Name: "m", Type: spec.MapRingbuf, MaxEntries: 4096})
	if r := run(t, m, vm.Input{}); r.Return != 0 {
		t.Errorf("R0 is %#x", r.Return)
	}
}
