package cfg

import (
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/google/go-cmp/cmp"
)

func TestCheck(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"clean", "r0 = r1\nexit", ""},
		{"empty result", "exit", "insn 0: read of a register that has no value: r0"},
		{"falls off", "r0 = 1", "insn 0: control runs past the end of the function"},
		{"falls off behind a condition", "r0 = 1\nL1: if r0 == 0 goto L1", "insn 1: control runs past the end of the function"},
		{"falls into the next function", "call f\nexit\n.func g\nr0 = 0\n.func f\nr0 = 0\nexit",
			"insn 2: unreachable code"},
		{"frame pointer", "r10 += 8\nr10 = 5\nr10 = *(u64 *)(r1 + 0)\nr0 = 0\nexit",
			"insn 0: write to the frame pointer r10\ninsn 1: write to the frame pointer r10\ninsn 2: write to the frame pointer r10"},
		{"fetch to the frame pointer", "lock *(u64 *)(r10 - 8) += r1\nr0 = 0\nexit", ""},
		{"fetch into the frame pointer", "r10 = atomic_fetch_add((u64 *)(r1 + 0), r10)\nr0 = 0\nexit",
			"insn 0: write to the frame pointer r10"},
		{"uninitialised", "r0 = r2\nr0 += r3\nif r6 == r7 goto L1\n*(u64 *)(r8 + 0) = r9\nL1: exit", `insn 0: read of a register that has no value: r2
insn 1: read of a register that has no value: r3
insn 2: read of a register that has no value: r6
insn 2: read of a register that has no value: r7
insn 3: read of a register that has no value: r8
insn 3: read of a register that has no value: r9`},
		{"initialised on one path", "if r1 == 0 goto L1\nr2 = 0\nL1: r0 = r2\nexit", ""},
		{"initialised in a loop", "r0 = 0\nL1: if r0 == 0 goto L2\nr0 = r2\nexit\nL2: r2 = 1\nr0 += 1\ngoto L1", ""},
		{"lost by a call", "call bpf_get_prandom_u32#7\nr0 = r1\nexit", "insn 1: read of a register that has no value: r1"},
		{"lost by a packet load", "r6 = r1\nr2 = 0\nr0 = *(u8 *)skb[r2 + 4]\nr0 += r2\nexit", "insn 3: read of a register that has no value: r2"},
		{"packet load needs r6", "r0 = *(u8 *)skb[4]\nexit", "insn 0: read of a register that has no value: r6"},
		{"helper arguments", "call bpf_map_lookup_elem#1\nexit", "insn 0: read of a register that has no value: r2"},
		{"helper without arguments", "call bpf_ktime_get_ns#5\nexit", ""},
		{"function of five arguments", "r0 = 0\ncall f\nexit\n.func f\nr0 = r5\nr0 += r6\nexit", "insn 4: read of a register that has no value: r6"},
		{"function without result", "call f\nr0 = 0\nexit\n.func f\nexit", ""},
		{"compare and exchange", "r2 = 1\nr0 = cmpxchg_64(r10 - 8, r0, r2)\nexit", "insn 1: read of a register that has no value: r0"},
		{"store-release", "store_release((u64 *)(r1 + 0), r2)\nr0 = 0\nexit", "insn 0: read of a register that has no value: r2"},
		{"load-acquire", "r2 = load_acquire((u64 *)(r1 + 0))\nr0 = r2\nexit", ""},
		{"unreachable", "r0 = 0\nexit\nr0 = 1\nL1: r0 = 2\ngoto L1", "insns 2 to 4: unreachable code"},
		{"unreachable reads are not told", "r0 = 0\nexit\nr0 = r9\nexit", "insns 2 to 3: unreachable code"},
		{"below the stack", "*(u64 *)(r10 - 600) = 1\nr0 = *(u8 *)(r10 - 513)\nr0 = 0\nexit",
			"insn 0: memory access outside of the stack: r10-600 is not in the 512 bytes below r10\n" +
				"insn 1: memory access outside of the stack: r10-513 is not in the 512 bytes below r10"},
		{"below the stack by another register", "r2 = r10\nr2 += -600\nr3 = r2\nlock *(u64 *)(r3 + 8) += r2\nr0 = 0\nexit",
			"insn 3: memory access outside of the stack: r10-592 is not in the 512 bytes below r10"},
		{"above the stack", "r2 = r10\n*(u32 *)(r2 - 2) = 1\nr0 = 0\nexit",
			"insn 1: memory access outside of the stack: r10-2 is not in the 512 bytes below r10"},
		{"edges of the stack", "*(u64 *)(r10 - 512) = 1\n*(u8 *)(r10 - 1) = 1\nr2 = r10\nr2 += -600\n*(u8 *)(r2 + 90) = 1\nr0 = 0\nexit", ""},
		{"perhaps below the stack", "r2 = r10\nif r1 == 0 goto L1\nr2 += -600\nL1: *(u8 *)(r2 - 1) = 1\nr0 = 0\nexit", ""},
		{"unknown", "r0 = 0\n.raw 0x00000000000000ff\nr0 = r9\nexit", "insn 1: unknown instruction"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, f := range graph(t, tt.text).Check(CheckOptions{}) {
				got = append(got, f.String())
			}
			if d := cmp.Diff(tt.want, strings.Join(got, "\n")); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
	if got := graph(t, "exit").Check(CheckOptions{NoResult: true}); len(got) != 0 {
		t.Errorf("without a result: %v", got)
	}
	if got := DiagnosticKind(99).String(); got != "finding kind 99" {
		t.Errorf("unknown kind: %q", got)
	}
}

// TestCheckLenient checks what only lenient decoding lets through.
func TestCheckLenient(t *testing.T) {
	code := unhex(t, "1500010000000000 1800000001000000 0000000000000000 0500ff0000000000 1800000001000000")
	insns, err := asm.Decode(code, asm.DecodeOptions{Lenient: true})
	if err != nil {
		t.Fatal(err)
	}
	g, err := New(insns, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range g.Check(CheckOptions{}) {
		got = append(got, f.String())
	}
	want := []string{
		"insn 0: unknown instruction", "insn 0: jump into the middle of a 64-bit load",
		"insn 2: unknown instruction", "insn 2: jump out of the program",
		"insn 3: unknown instruction", "insn 3: control runs past the end of the function",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// TestCheckPrograms demands that compiled programs have no findings but those of references that are
// not resolved.
func TestCheckPrograms(t *testing.T) {
	for name, code := range readPrograms(t) {
		insns, err := asm.Decode(code, asm.DecodeOptions{RawCalls: true})
		if err != nil {
			t.Fatal(err)
		}
		g, err := New(insns, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range g.Check(CheckOptions{}) {
			if f.Kind == FindUnknown || f.Kind == FindWriteR10 || f.Kind == FindJumpMiddle {
				t.Errorf("%s: %v", name, f)
			}
		}
	}
}
