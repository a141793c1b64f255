package vm_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
	"github.com/bpfhost/bpfhost/host/sim"
)

// tracedText loops three times, and calls back twice.
const tracedText = `
r6 = 3
loop:
r6 += -1
if r6 != 0 goto loop
r1 = 2
r2 = label[visit] ll
r3 = 0
r4 = 0
call bpf_loop
r0 = 7
exit
visit:
r0 = 0
exit
`

// A tracer sees each instruction with its registers, counts it, and changes nothing.
func TestTracer(t *testing.T) {
	m := machine(t, spec.ProgramXDP, tracedText)
	want := run(t, m, vm.Input{Packet: make([]byte, 60)})
	var seen []string
	tr := vm.NewTracer(m, func(s vm.Step) {
		seen = append(seen, fmt.Sprintf("%s %d r6=%d", s.Program.Name, s.Insn, s.Regs[6]))
	})
	if got := run(t, m, vm.Input{Packet: make([]byte, 60)}); got.Return != want.Return {
		t.Errorf("returned %d with a tracer, %d without", got.Return, want.Return)
	}
	if got, want := tr.Counts("main"), []uint64{1, 3, 3, 1, 1, 1, 1, 1, 1, 1, 2, 2}; !slices.Equal(got, want) {
		t.Errorf("counts %v, want %v", got, want)
	}
	if got, want := seen[:4], []string{"main 0 r6=0", "main 1 r6=3", "main 2 r6=2", "main 1 r6=2"}; !slices.Equal(got, want) {
		t.Errorf("steps %q, want %q", got, want)
	}
	if tr.Counts("none") != nil {
		t.Error("a program that is not there has counts")
	}
	tr.Close()
	n := len(seen)
	run(t, m, vm.Input{Packet: make([]byte, 60)})
	if len(seen) != n {
		t.Error("a closed tracer sees instructions")
	}
	if got := tr.Counts("main")[0]; got != 1 {
		t.Errorf("a closed tracer counts: %d", got)
	}
}

// A fault names the instruction that a tracer stands in for.
func TestTracerFault(t *testing.T) {
	m := machine(t, spec.ProgramXDP, "r0 = *(u8 *)(r1 + 100)\nexit")
	vm.NewTracer(m, nil)
	_, err := m.Run("main", vm.Input{Packet: make([]byte, 60)})
	if err == nil || err.Error() != "run program \"main\": instruction 0 (main.bpf.c:100) reads 1 bytes at "+atContext(t)+": past the context" {
		t.Errorf("got %v", err)
	}
}

// atContext returns the address that the program of TestTracerFault reads.
func atContext(t *testing.T) string {
	m := machine(t, spec.ProgramXDP, "r0 = r1\nexit")
	return fmt.Sprintf("%#x", run(t, m, vm.Input{Packet: make([]byte, 60)}).Return+100)
}

// Addresses are named by what they are in, the same in machines with other maps.
func TestLocate(t *testing.T) {
	counts := &spec.Map{Name: "counts", Type: spec.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 4}
	other := &spec.Map{Name: "other", Type: spec.MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 4}
	const text = "start: r1 = map[counts] ll\nr0 = r10\nr2 = value[counts] + 4 ll\nr3 = label[start] ll\nr4 = 7\nexit"
	for _, maps := range [][]*spec.Map{{counts}, {other, counts}} {
		m := machine(t, spec.ProgramXDP, text, maps...)
		var tr *vm.Tracer
		var got []string
		tr = vm.NewTracer(m, func(s vm.Step) {
			if s.Insn == 5 {
				for r := range 5 {
					object, at, ok := tr.Locate(s.Regs[r])
					got = append(got, fmt.Sprintf("%s+%d %v", object, at, ok))
				}
			}
		})
		run(t, m, vm.Input{Packet: make([]byte, 60)})
		want := []string{"stack+8192 true", "map counts+0 true", "values of map counts+4 true", "code+0 true", "+0 false"}
		if !slices.Equal(got, want) {
			t.Errorf("%d maps: %q, want %q", len(maps), got, want)
		}
	}
}

// With Again, each run has the same random numbers.
func TestAgain(t *testing.T) {
	for _, again := range []bool{false, true} {
		m, err := vm.New(collection(t, spec.ProgramXDP, "call bpf_get_prandom_u32\nexit"), vm.Options{Again: again})
		if err != nil {
			t.Fatal(err)
		}
		in := vm.Input{Packet: make([]byte, 60)}
		if a, b := run(t, m, in), run(t, m, in); (a.Return == b.Return) != again {
			t.Errorf("again %v: %d and %d", again, a.Return, b.Return)
		}
	}
}

// No engine runs what a tracer watches; without it the program is translated again.
func TestTracerEngine(t *testing.T) {
	m, err := vm.New(collection(t, spec.ProgramXDP, tracedText), vm.Options{Engine: sim.NewEngine(), Eager: true})
	if err != nil {
		t.Fatal(err)
	}
	in := vm.Input{Packet: make([]byte, 60)}
	tr := vm.NewTracer(m, nil)
	for range 2 {
		if r := run(t, m, in); r.Return != 7 {
			t.Errorf("returned %d", r.Return)
		}
	}
	if got := tr.Counts("main")[0]; got != 2 {
		t.Errorf("the first instruction was counted %d times", got)
	}
	tr.Close()
	if r := run(t, m, in); r.Return != 7 {
		t.Errorf("returned %d after the tracer was closed", r.Return)
	}
}
