package loader

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/spec/bind"
	"github.com/bpfhost/bpfhost/internal/sys"
)

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
		{"nothing but statistics", "processed 1 insns\n", "", -1},
		{"empty", "", "", -1},
	} {
		if cause, slot := readLog(c.log); cause != c.cause || slot != c.slot {
			t.Errorf("%s: %q at %d, want %q at %d", c.name, cause, slot, c.cause, c.slot)
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
		if e := verifierError(p, log, false, sys.EINVAL); e != nil && (e.Cause == "" || e.Insn >= 2 || e.Log != log) {
			t.Errorf("%+v", e)
		}
	})
}

func TestVerifierError(t *testing.T) {
	needKernel(t)
	p := program("bad", asm.LoadImm64(asm.R2, 1<<40), asm.Mov64Imm(asm.R0, 0), asm.LoadMem(asm.R0, asm.R1, 2000, asm.Word), asm.Exit())
	p.Insns.Edit(func(in []spec.Insn) { in[2].Line = btf.NewLineInfo("bad.c", "  return ctx->nothing;", 7, 0) })
	_, err := Load(collection([]*spec.Program{p}), Options{})
	var v *VerifierError
	if !errors.As(err, &v) {
		t.Fatalf("got %v", err)
	}
	if v.Insn != 2 || v.Program != "bad" || v.Truncated || v.Source != "bad.c:7: return ctx->nothing;" || v.Text == "" {
		t.Errorf("%+v", v)
	}
	if !errors.Is(err, ErrPermission) { // the kernel's answer to an access that is not allowed is EACCES
		t.Errorf("errno is lost: %v", v.Err)
	}
	if got := err.Error(); strings.Contains(got, "\n") || !strings.Contains(got, "invalid bpf_context access") || !strings.Contains(got, "instruction 2") {
		t.Errorf("short form: %s", got)
	}
	if got := fmt.Sprintf("%+v", v); !strings.HasPrefix(got, v.Error()+"\n") || !strings.Contains(got, "processed ") {
		t.Errorf("long form: %s", got)
	}
	if got := fmt.Sprintf("%s|%v", v, v); got != v.Error()+"|"+v.Error() {
		t.Errorf("%%s and %%v: %s", got)
	}
}

func TestPoisonIsNamed(t *testing.T) {
	needKernel(t)
	c := collection([]*spec.Program{program("weak", asm.Mov64Imm(asm.R1, 0), asm.CallKfunc("no_such_kfunc"), asm.Mov64Imm(asm.R0, 0), asm.Exit())})
	c.Externs = []spec.Extern{{Name: "no_such_kfunc", Kind: spec.ExternKfunc, Weak: true}}
	_, err := Load(c, Options{})
	var v *VerifierError
	if !errors.As(err, &v) || v.Insn != 1 || v.Cause != `kernel function "no_such_kfunc" does not exist` {
		t.Errorf("got %v", err)
	}
	// Never reached, it does no harm.
	c.Programs[0] = program("weak", asm.Mov64Imm(asm.R0, 0), asm.LoadKsym(asm.R1, "no_such_kfunc"),
		asm.JumpImm(asm.Equal, asm.R1, 0, 1), asm.CallKfunc("no_such_kfunc"), asm.Mov64Imm(asm.R0, 0), asm.Exit())
	c.Programs[0].Insns.Edit(func(in []spec.Insn) { in[5].Label = 1 })
	loadT(t, c, Options{})
}

// TestLongLog refuses a program whose log does not fit the first buffer.
func TestLongLog(t *testing.T) {
	var insns []asm.Insn
	for i := range int32(6000) {
		insns = append(insns, asm.Mov64Imm(asm.R2, i))
	}
	insns = append(insns, asm.LoadMem(asm.R0, asm.R1, 2000, asm.Word), asm.Exit())
	needKernel(t)
	_, err := Load(collection([]*spec.Program{program("long", insns...)}), Options{})
	var v *VerifierError
	if !errors.As(err, &v) || v.Truncated || len(v.Log) < firstLog || v.Insn != len(insns)-2 {
		t.Errorf("got %v", err)
	}
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
