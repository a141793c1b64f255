package loader

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec/bind"
	"github.com/bpfhost/bpfhost/internal/sys"
	"github.com/google/go-cmp/cmp"
)

// kernelLogs is where the kernel lab keeps what kernels said of wrong programs, as CASE.KERNEL.log, and
// in causes.txt what the short form should take from each: case, kernel, slot and cause.
const kernelLogs = "../../internal/lab/testdata/verifier"

// TestCauses holds the short form against the logs of real kernels. BPFHOST_WRITE_CAUSES=1 writes the
// table again; read the diff.
func TestCauses(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(kernelLogs, "*.log"))
	if err != nil || len(files) < 200 {
		t.Fatalf("%d logs, %v", len(files), err)
	}
	var got bytes.Buffer
	for _, f := range files {
		log, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		cause, slot := readLog(string(log))
		name, kernel, _ := strings.Cut(strings.TrimSuffix(filepath.Base(f), ".log"), ".")
		if cause == "" || strings.Contains(cause, "processed ") {
			t.Errorf("%s on %s: cause %q", name, kernel, cause)
		}
		fmt.Fprintf(&got, "%s %s %d %s\n", name, kernel, slot, cause)
	}
	file := filepath.Join(kernelLogs, "causes.txt")
	if os.Getenv("BPFHOST_WRITE_CAUSES") != "" {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); d != "" {
		t.Error(d)
	}
}

func TestReadLog(t *testing.T) {
	for _, c := range []struct {
		name, log, cause string
		slot             int
	}{
		{"5.10", "0: (61) r0 = *(u32 *)(r1 +2000)\ninvalid bpf_context access off=2000 size=4\nprocessed 1 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n",
			"invalid bpf_context access off=2000 size=4", 0},
		{"state before", "func#0 @0\n0: R1=ctx(id=0,off=0,imm=0) R10=fp0\n; return *p; @ a.c:3\n1: (79) r0 = *(u64 *)(r0 +0)\nR0 invalid mem access 'scalar'\nprocessed 2 insns (limit 1000000)\n",
			"R0 invalid mem access 'scalar'", 1},
		{"state behind", "0: (b7) r1 = 1 ; R1_w=1\n1: (95) exit\nR0 !read_ok\nverification time 11 usec\nstack depth 0\nprocessed 2 insns\n", "R0 !read_ok", 1},
		{"precision", "5: (2d) if r1 > r2 goto pc+1\nlast_idx 5 first_idx 0\nregs=4 stack=0 before 4: (bf) r2 = r1\nmark_precise: frame0: last_idx 5\nmath between pkt pointer and register with unbounded min value is not allowed\n",
			"math between pkt pointer and register with unbounded min value is not allowed", 5},
		{"no instruction", "unreachable insn 18\nprocessed 0 insns\n", "unreachable insn 18", 18},
		{"7.3", "0: R1=ctx() R10=fp0\n0: (95) exit\nR0 !read_ok\n\nVerification failed: Register Type Safety: Unreadable register\n\nReason:\n  R0 has never been initialized on this path, so the verifier cannot use it as an input.\n\nAt:\n  insn 0\n        | ^-- error: R0 is not readable\n  Instruction context:\n  >>> 0 | (95) exit\n\nSuggestion:\n  Initialize R0 on every path before this instruction.\n\nprocessed 1 insns\n",
			"R0 !read_ok", 0},
		{"7.3, report alone", "0: (95) exit\n\nVerification failed: Policy: Not allowed\n\nReason:\n  This goes\n  on.\n\nAt:\n  insn 0\n\nprocessed 1 insns\n",
			"Policy: Not allowed: This goes on.", 0},
		{"newline forgotten", "3: (85) call bpf_tail_call#12\nexpected prog array map for tail callprocessed 3 insns (limit 1000000)\n",
			"expected prog array map for tail call", 3},
		{"atomic of a newer kernel", "0: (7a) *(u64 *)(r10 -8) = 1 ; R10=fp0 fp-8_w=mmmmmmmm\n1: BUG_db\nBPF_ATOMIC uses invalid atomic opcode 100\nprocessed 2 insns\n",
			"BPF_ATOMIC uses invalid atomic opcode 100", 1},
		{"7.3 without a reason", "Verification failed: Something\nprocessed 1 insns\n", "Something", -1},
		{"two lines", "5: (79) r0 = *(u64 *)(r1 +56)\ninvalid access to map value, value_size=32 off=56 size=8\nR1 min value is outside of the allowed memory range\nprocessed 6 insns\n",
			"invalid access to map value, value_size=32 off=56 size=8; R1 min value is outside of the allowed memory range", 5},
		{"many lines", "5: (85) call f#1\na\nb\nc\nd\ne\n", "a; b; d; e", 5},
		{"argument", "0: R1=ctx() R10=fp0\n0: (85) call bpf_dynptr_size#4711\narg#0 expected pointer to stack or const struct bpf_dynptr\nprocessed 1 insns\n",
			"arg#0 expected pointer to stack or const struct bpf_dynptr", 0},
		{"another argument", "3: (85) call f#1\narg#1 pointer type STRUCT x must point to scalar\n", "arg#1 pointer type STRUCT x must point to scalar", 3},
		{"argument of an accepted function", "arg#0 type is not a struct\n0: R1=ctx() R10=fp0\n0: (95) exit\nR0 !read_ok\n", "R0 !read_ok", 0},
		{"the same without the walk", "arg#0 type is not a struct\nR0 !read_ok\n", "R0 !read_ok", -1},
		{"argument of a function that is not", "Validating f() func#1...\narg#0 reference type('UNKNOWN ') size cannot be determined: -22\nprocessed 0 insns\n",
			"arg#0 reference type('UNKNOWN ') size cannot be determined: -22", -1},
		{"type of an argument", "0: (79) r1 = *(u64 *)(r1 +0)\nfunc 'f' arg0 has btf_id 12 type STRUCT 'x'\naccess beyond struct x at off 9 size 8\n",
			"access beyond struct x at off 9 size 8", 0},
		{"states after it", "1: (05) goto pc-1\ninfinite loop detected at insn 1\ncur state: R0_w=0 R1=ctx() R10=fp0\nold state: R0_w=0\n", "infinite loop detected at insn 1", 1},
		{"begins like a state", "1: (bf) r10 = r1\nframe pointer is read only\n", "frame pointer is read only", 1},
		{"level 2", "Live regs before insn:\n  0: .1........ (b7) r0 = 0\n0: R1=ctx() R10=fp0\n0: (15) if r1 == 0x0 goto pc+1\nfrom 0 to 2: safe\n7: safe\n2: R0=0\n2: (95) exit\nframe 0: propagating r6,r7\nR0 !read_ok\n", "R0 !read_ok", 2},
		{"all looked at", "combined stack size of 2 calls is 832. Too large\nprocessed 9 insns\n", "combined stack size of 2 calls is 832. Too large", -1},
		{"nothing but statistics", "processed 1 insns\n", "", -1},
		{"empty", "", "", -1},
	} {
		if cause, slot := readLog(c.log); cause != c.cause || slot != c.slot {
			t.Errorf("%s: %q at %d, want %q at %d", c.name, cause, slot, c.cause, c.slot)
		}
	}
}

func TestRenumber(t *testing.T) {
	slots := []asm.Slot{0, 2, 3, 5} // two 64-bit loads
	for cause, want := range map[string]string{
		"unreachable insn 3":                               "unreachable insn 2 [3]",
		"unreachable insn 0":                               "unreachable insn 0",
		"jump out of range from insn 3 to 9":               "jump out of range from insn 2 [3] to [9]",
		"back-edge from insn 5 to 2":                       "back-edge from insn 3 [5] to 1 [2]",
		"Unreleased reference id=2 alloc_insn=5; x":        "Unreleased reference id=2 alloc_insn=3 [5]; x",
		"infinite loop detected at insn 4":                 "infinite loop detected at insn 2 [4]",
		"last insn is not an exit or jmp":                  "last insn is not an exit or jmp",
		"BPF program is too large. Processed 1000001 insn": "BPF program is too large. Processed 1000001 insn",
		"R2 min value is 5":                                "R2 min value is 5",
	} {
		if got := renumber(cause, slots); got != want {
			t.Errorf("%s: %q, want %q", cause, got, want)
		}
	}
}

func FuzzReadLog(f *testing.F) {
	f.Add("0: (95) exit\nR0 !read_ok\ninvalid func unknown#195896081\n")
	f.Add("Verification failed: x\nReason:\n y")
	p := &prepared{Program: &bind.Program{Spec: program("x", asm.Mov64Imm(asm.R0, 0), asm.Exit())}}
	p.Code, _ = p.Spec.Resolve()
	p.slots, _ = asm.Layout(p.Code, asm.EncodeOptions{})
	p.Poison = []string{"", "why"}
	f.Fuzz(func(t *testing.T, log string) {
		if e := verifierError(p, verifierLog{text: log}, sys.EINVAL); e != nil && (e.Cause == "" || e.Insn >= 2 || e.Log != log || (e.Insn < 0) != (e.Slot < 0)) {
			t.Errorf("%+v", e)
		}
	})
}

func TestInsnAt(t *testing.T) {
	slots := []asm.Slot{0, 2, 3, 6} // a 64-bit load; a condition that takes three slots
	for slot, want := range map[int]int{-1: -1, 0: 0, 1: 0, 2: 1, 3: 2, 5: 2, 6: 3, 7: 3, 8: -1, 1 << 30: -1} {
		if got := insnAt(slots, slot); got != want {
			t.Errorf("slot %d belongs to instruction %d, want %d", slot, got, want)
		}
	}
	if insnAt(nil, 0) != -1 {
		t.Error("an empty program has an instruction")
	}
}
