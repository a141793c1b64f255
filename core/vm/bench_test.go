package vm_test

import (
	"math"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
	"github.com/bpfhost/bpfhost/internal/kerneltest"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// workload is what benchmarks run and what must not allocate.
type workload struct {
	name    string
	spec    *spec.Collection
	machine *vm.Machine
	program string
	packet  []byte
	before  func(update func(name string, key, value []byte) error) error // of maps; nil is nothing
	ring    string                                                        // that has to be read; empty is none
}

// after reads what a run reported.
func (w *workload) after() {
	for r := w.machine.Ring(w.ring); r != nil; {
		if _, ok := r.Read(); !ok {
			return
		}
	}
}

// workloads are programs of XDP, so that kernels run them too.
func workloads(t testing.TB, e engine) []workload {
	large := &spec.Map{Name: "a", Type: spec.MapArray, KeySize: 4, ValueSize: 8192, MaxEntries: 1}
	block := func(update func(name string, key, value []byte) error) error {
		return update("blocked", []byte{192, 0, 2, 1}, u64(0))
	}
	list := []workload{
		{name: "nothing", spec: collection(t, spec.ProgramXDP, "r0 = 2\nexit"), program: "main", packet: frame(6, 1)},
		{name: "arithmetic", spec: collection(t, spec.ProgramXDP, arithmetic), program: "main", packet: frame(6, 1)},
		{name: "copy", spec: collection(t, spec.ProgramXDP, copying, large), program: "main", packet: frame(6, 1)},
		{name: "quickstart 1/1", spec: quickstart(t, 1), program: "count", packet: frame(17, 1), ring: "samples"},
		{name: "quickstart 1/100", spec: quickstart(t, 100), program: "count", packet: frame(17, 1), ring: "samples"},
		{name: "pktguard pass", spec: pktguard(t), program: "pktguard", packet: frame(6, 1), before: block},
		{name: "pktguard drop", spec: pktguard(t), program: "pktguard", packet: frame(6, 0xc0000201), before: block, ring: "drops"},
	}
	for i := range list {
		w := &list[i]
		m, err := vm.New(w.spec, e.options)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close() })
		if w.machine = m; w.before != nil {
			err := w.before(func(name string, key, value []byte) error { return m.Map(name).Update(key, value, vm.Any) })
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return list
}

const (
	arithmetic = "r0 = 1\nr1 = 1000\nL1:\nr0 *= 31\nr0 += r1\nr2 = r0\nr2 >>= 7\nr0 ^= r2\nr1 -= 1\nif r1 != 0 goto L1\nexit"
	copying    = "r1 = value[a] ll\nr2 = value[a] + 4096 ll\nr3 = 512\nL1:\nr0 = *(u64 *)(r1 + 0)\n*(u64 *)(r2 + 0) = r0\nr1 += 8\nr2 += 8\nr3 -= 1\nif r3 != 0 goto L1\nr0 = 0\nexit"
)

// executed is how many instructions a run of the workloads without branches that depend on input takes.
var executed = map[string]float64{"arithmetic": 7003, "copy": 512*6 + 5}

// TestNoAllocations holds that a run allocates nothing.
func TestNoAllocations(t *testing.T) {
	for _, e := range engines {
		for _, w := range workloads(t, e) {
			in := vm.Input{Packet: w.packet}
			run := func() {
				if _, err := w.machine.Run(w.program, in); err != nil {
					t.Fatal(err)
				}
				w.after()
			}
			if n := testing.AllocsPerRun(100, run); n != 0 {
				t.Errorf("%s, %s: %v allocations", e.name, w.name, n)
			}
			e.translated(t, w.machine, w.program)
		}
	}
}

// BenchmarkRun measures one run on a packet: interpreted, translated, and in the kernel, where it can be asked.
// It reports the best of many rounds, since others use the machine too.
func BenchmarkRun(b *testing.B) {
	for _, e := range engines {
		for _, w := range workloads(b, e) {
			b.Run(w.name+"/"+e.name, func(b *testing.B) { benchmarkMachine(b, &w) })
		}
	}
	for _, w := range workloads(b, engines[0]) {
		b.Run(w.name+"/kernel", func(b *testing.B) { benchmarkKernel(b, &w) })
	}
}

// benchmarkMachine runs a program on its machine.
func benchmarkMachine(b *testing.B, w *workload) {
	b.ReportAllocs()
	in, round := vm.Input{Packet: w.packet}, 1+int(20000/(1+executed[w.name]))
	round = min(round, 100)
	best := time.Duration(math.MaxInt64)
	for b.Loop() {
		start := time.Now()
		for range round {
			if _, err := w.machine.Run(w.program, in); err != nil {
				b.Fatal(err)
			}
			w.after()
		}
		best = min(best, time.Since(start))
	}
	b.ReportMetric(float64(best.Nanoseconds())/float64(round), "ns/op")
	if n := executed[w.name]; n != 0 {
		b.ReportMetric(float64(best.Nanoseconds())/float64(round)/n, "ns/insn")
	}
}

// benchmarkKernel has the kernel run a program, a thousand times each time that it is loaded, so that no ring
// is full.
func benchmarkKernel(b *testing.B, w *workload) {
	testenv.NeedKernel(b, "5.15", "test runs")
	best := time.Duration(math.MaxInt64)
	for b.Loop() {
		c, err := loader.Load(w.spec, loader.Options{})
		kerneltest.Check(b, err)
		if w.before != nil {
			err = w.before(func(name string, key, value []byte) error {
				return c.Map(name).Update(key, value, loader.UpdateAny)
			})
		}
		var r loader.TestRun
		if err == nil {
			r, err = c.Program(w.program).TestRun(loader.TestRunOptions{Data: w.packet, Repeat: 1000})
		}
		c.Close()
		if err != nil {
			b.Fatal(err)
		}
		best = min(best, r.Duration)
	}
	b.ReportMetric(float64(best.Nanoseconds()), "ns/op")
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
