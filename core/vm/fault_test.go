package vm_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

// TestReadsZero holds that programs with typed pointers into the kernel read 0 where nothing is, and still
// are stopped where they write or leave what is theirs.
func TestReadsZero(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		typ        spec.ProgramType
		ok         bool
	}{
		{"NULL", "r0 = 1\nr1 = 0\nr0 = *(u64 *)(r1 + 8)\nexit", spec.ProgramTracing, true},
		{"nothing is there", "r1 = 0x123456789abc ll\nr0 = *(s8 *)(r1 + 0)\nexit", spec.ProgramLSM, true},
		{"the current task", "call bpf_get_current_task_btf\nr0 = *(u32 *)(r0 + 100)\nexit", spec.ProgramTracing, true},
		{"of another type", "r1 = 0\nr0 = *(u64 *)(r1 + 8)\nexit", spec.ProgramKprobe, false},
		{"write", "r0 = 0\n*(u64 *)(r0 + 8) = 1\nexit", spec.ProgramTracing, false},
		{"stack", "r0 = *(u64 *)(r10 - 520)\nexit", spec.ProgramTracing, false},
		{"atomic", "r1 = 1\nr2 = 0\nlock *(u64 *)(r2 + 8) += r1\nr0 = 0\nexit", spec.ProgramTracing, false},
	} {
		r, err := machine(t, tt.typ, tt.text).Run("main", vm.Input{})
		if (err == nil) != tt.ok || r.Return != 0 {
			t.Errorf("%s: %d, %v", tt.name, r.Return, err)
		}
	}
}

// TestFaults runs a program for each way to be stopped. Line 100 is that of instruction 0.
func TestFaults(t *testing.T) {
	hash := &spec.Map{Name: "h", Type: spec.MapHash, KeySize: 4, ValueSize: 12, MaxEntries: 4}
	ro := &spec.Map{Name: "ro", Type: spec.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1, Flags: spec.FlagReadOnlyProg}
	array := &spec.Map{Name: "a", Type: spec.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 4}
	ring := &spec.Map{Name: "r", Type: spec.MapRingbuf, MaxEntries: 4096}
	const packet = "r2 = *(u32 *)(r1 + 0)\nr3 = *(u32 *)(r1 + 4)\n"
	const reserve = "r1 = map[r] ll\nr2 = 16\nr3 = 0\ncall bpf_ringbuf_reserve\nr6 = r0\nr1 = r0\nr2 = 0\n"
	const lookup = "*(u64 *)(r10 - 8) = 3\nr1 = map[a] ll\nr2 = r10\nr2 += -8\ncall bpf_map_lookup_elem\n"
	for _, tt := range []struct {
		name, text string
		kind       vm.FaultKind
		insn       int
		size       uint64
		write      bool
	}{
		{"NULL", "r1 = 0\nr0 = *(u64 *)(r1 + 8)\nexit", vm.FaultNull, 1, 8, false},
		{"below NULL", "r1 = 0\nr0 = *(u64 *)(r1 - 8)\nexit", vm.FaultNull, 1, 8, false},
		{"entry not found", "*(u32 *)(r10 - 8) = 3\nr1 = map[h] ll\nr2 = r10\nr2 += -8\ncall bpf_map_lookup_elem\n*(u32 *)(r0 + 0) = 1\nexit", vm.FaultNull, 5, 4, true},
		{"wild pointer", "r1 = 0x123456789abc ll\nr0 = *(u8 *)(r1 + 0)\nexit", vm.FaultWild, 1, 1, false},
		{"upper half of a pointer", "r2 = 0x100000000 ll\nr10 = r10\nexit", vm.FaultWild, 0, 0, false},
		{"past data_end", packet + "r0 = *(u8 *)(r3 + 0)\nexit", vm.FaultPacket, 2, 1, false},
		{"across data_end", packet + "r0 = *(u32 *)(r3 - 2)\nexit", vm.FaultPacket, 2, 4, false},
		{"before data", packet + "r0 = *(u16 *)(r2 - 2)\nexit", vm.FaultPacket, 2, 2, false},
		{"past the context", "r0 = *(u32 *)(r1 + 24)\nexit", vm.FaultContext, 0, 4, false},
		{"below the stack", "r0 = *(u64 *)(r10 - 520)\nexit", vm.FaultStack, 0, 8, false},
		{"above the stack", "*(u64 *)(r10 + 0) = 1\nexit", vm.FaultStack, 0, 8, true},
		{"below the stack of a function", "call f\nexit\nf:\n*(u8 *)(r10 - 513) = 1\nr0 = 0\nexit", vm.FaultStack, 2, 1, true},
		{"past a map value", lookup + "r0 = *(u64 *)(r0 + 8)\nexit", vm.FaultMap, 5, 8, false},
		{"across the end of a map value", lookup + "r0 = *(u64 *)(r0 + 4)\nexit", vm.FaultMap, 5, 8, false},
		{"past part of a word", "r1 = map[h] ll\nr2 = r10\nr2 += -4\nr3 = r10\nr3 += -16\nr4 = 0\ncall bpf_map_update_elem\nr1 = map[h] ll\nr2 = r10\nr2 += -4\ncall bpf_map_lookup_elem\nr0 = *(u8 *)(r0 + 12)\nexit", vm.FaultMap, 11, 1, false},
		{"key past the stack", "r1 = map[a] ll\nr2 = r10\nr2 += -2\ncall bpf_map_lookup_elem\nexit", vm.FaultStack, 3, 4, false},
		{"handle of a map", "r1 = map[a] ll\nr0 = *(u32 *)(r1 + 0)\nexit", vm.FaultHandle, 1, 4, false},
		{"submitted record", reserve + "call bpf_ringbuf_submit\n*(u64 *)(r6 + 0) = 1\nexit", vm.FaultRelease, 8, 8, true},
		{"discarded record", reserve + "call bpf_ringbuf_discard\nr0 = *(u8 *)(r6 + 0)\nexit", vm.FaultRelease, 8, 1, false},
		{"past a record", reserve + "r0 = *(u8 *)(r6 + 16)\nexit", vm.FaultRelease, 7, 1, false},
		{"submitted twice", reserve + "call bpf_ringbuf_submit\nr1 = r6\nr2 = 0\ncall bpf_ringbuf_submit\nexit", vm.FaultRelease, 10, 0, false},
		{"read-only data", "r1 = value[ro] ll\n*(u32 *)(r1 + 0) = 1\nexit", vm.FaultReadOnly, 1, 4, true},
		{"read-only data, atomic", "r1 = value[ro] ll\nr2 = 1\nlock *(u64 *)(r1 + 0) += r2\nexit", vm.FaultReadOnly, 2, 8, true},
		{"endless loop", "L1:\nr0 = 1\ngoto L1", vm.FaultFuel, 1, 0, false},
		{"recursion", "call f\nexit\nf:\ncall f\nexit", vm.FaultDepth, 2, 0, false},
		{"not a map", "r1 = 5\nr2 = r10\nr2 += -8\ncall bpf_map_lookup_elem\nexit", vm.FaultArgument, 3, 0, false},
		{"map of another type", "r1 = map[a] ll\nr2 = 8\nr3 = 0\ncall bpf_ringbuf_reserve\nexit", vm.FaultArgument, 3, 0, false},
		{"not a function", "r1 = 4\nr2 = r10\nr3 = 0\nr4 = 0\ncall bpf_loop\nexit", vm.FaultJump, 4, 0, false},
		{"gotox", "r1 = r10\ngotox r1", vm.FaultJump, 1, 0, false},
	} {
		if tt.name == "upper half of a pointer" {
			tt.text, tt.insn, tt.size = "r2 = 0x100000000 ll\nr2 += r10\nr0 = *(u64 *)(r2 - 8)\nexit", 2, 8
		}
		t.Run(tt.name, func(t *testing.T) {
			m, err := newMachine(collection(t, spec.ProgramXDP, tt.text, hash, ro, array, ring), vm.Options{Fuel: 1000})
			if err != nil {
				t.Fatal(err)
			}
			_, err = m.Run("main", vm.Input{Packet: make([]byte, 61)})
			var f *vm.Fault
			if !errors.As(err, &f) {
				t.Fatalf("got %v, want a fault", err)
			}
			if f.Kind != tt.kind || f.Insn != tt.insn || f.Size != tt.size || f.Write != tt.write || f.Program != "main" {
				t.Errorf("got %+v", f)
			}
			if f.Line == nil || f.Line.File() != "main.bpf.c" || f.Line.Line != uint32(100+tt.insn) {
				t.Errorf("line is %v", f.Line)
			}
			if _, err := m.Run("main", vm.Input{Packet: make([]byte, 61)}); err == nil {
				t.Error("a second run is not stopped")
			}
			byDefault.translated(t, m, "main")
		})
	}
}

func ExampleFault() {
	f := &vm.Fault{Program: "guard", Insn: 12, Addr: 0x14034, Size: 4, Kind: vm.FaultPacket}
	fmt.Println(f)
	// Output: run program "guard": instruction 12 reads 4 bytes at 0x14034: outside the packet
}
