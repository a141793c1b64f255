package vm_test

import (
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

// workload is what benchmarks run and what must not allocate.
type workload struct {
	name    string
	machine *vm.Machine
	program string
	input   vm.Input
	after   func()
}

func workloads(t testing.TB) []workload {
	made := func(c *spec.Collection) *vm.Machine {
		m, err := vm.New(c, vm.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	drain := func(r *vm.Ring) func() {
		return func() {
			for {
				if _, ok := r.Read(); !ok {
					return
				}
			}
		}
	}
	ctx := vm.Input{Context: make([]byte, 8)}
	every, some := made(quickstart(t, 1)), made(quickstart(t, 100))
	guard := made(pktguard(t))
	if err := guard.Map("blocked").Update([]byte{192, 0, 2, 1}, u64(0), vm.Any); err != nil {
		t.Fatal(err)
	}
	return []workload{
		{"arithmetic", made(collection(t, spec.ProgramSyscall, arithmetic)), "main", ctx, func() {}},
		{"copy", made(collection(t, spec.ProgramSyscall, copying, &spec.Map{Name: "a", Type: spec.MapArray, KeySize: 4, ValueSize: 8192, MaxEntries: 1})), "main", ctx, func() {}},
		{"quickstart 1/1", every, "count", vm.Input{Packet: frame(17, 1)}, drain(every.Ring("samples"))},
		{"quickstart 1/100", some, "count", vm.Input{Packet: frame(17, 1)}, drain(some.Ring("samples"))},
		{"pktguard pass", guard, "pktguard", vm.Input{Packet: frame(6, 1)}, func() {}},
		{"pktguard drop", guard, "pktguard", vm.Input{Packet: frame(6, 0xc0000201)}, drain(guard.Ring("drops"))},
	}
}

const (
	arithmetic = "r0 = 1\nr1 = 1000\nL1:\nr0 *= 31\nr0 += r1\nr2 = r0\nr2 >>= 7\nr0 ^= r2\nr1 -= 1\nif r1 != 0 goto L1\nexit"
	copying    = "r1 = value[a] ll\nr2 = value[a] + 4096 ll\nr3 = 512\nL1:\nr0 = *(u64 *)(r1 + 0)\n*(u64 *)(r2 + 0) = r0\nr1 += 8\nr2 += 8\nr3 -= 1\nif r3 != 0 goto L1\nr0 = 0\nexit"
)

// executed is how many instructions a run of the workloads without branches that depend on input takes.
var executed = map[string]float64{"arithmetic": 7003, "copy": 512*6 + 5}

// TestNoAllocations holds that a run allocates nothing.
func TestNoAllocations(t *testing.T) {
	for _, w := range workloads(t) {
		run := func() {
			if _, err := w.machine.Run(w.program, w.input); err != nil {
				t.Fatal(err)
			}
			w.after()
		}
		if n := testing.AllocsPerRun(100, run); n != 0 {
			t.Errorf("%s: %v allocations", w.name, n)
		}
	}
}

func BenchmarkRun(b *testing.B) {
	for _, w := range workloads(b) {
		b.Run(w.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := w.machine.Run(w.program, w.input); err != nil {
					b.Fatal(err)
				}
				w.after()
			}
			if n := executed[w.name]; n != 0 {
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/insn")
			}
		})
	}
}

func BenchmarkNew(b *testing.B) {
	c := quickstart(b, 1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := vm.New(c, vm.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
