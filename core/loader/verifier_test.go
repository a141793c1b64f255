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
	"github.com/bpfhost/bpfhost/internal/testenv"
)

func TestVerifierError(t *testing.T) {
	needKernel(t)
	p := program("bad", asm.LoadImm64(asm.R2, 1<<40), asm.Mov64Imm(asm.R0, 0), asm.LoadMem(asm.R0, asm.R1, 2000, asm.Word), asm.Exit())
	p.Insns.Edit(func(in []spec.Insn) { in[2].Line = btf.NewLineInfo("bad.c", "  return ctx->nothing;", 7, 0) })
	_, err := Load(collection([]*spec.Program{p}), Options{})
	var v *VerifierError
	if !errors.As(err, &v) {
		t.Fatalf("got %v", err)
	}
	if v.Insn != 2 || v.Slot != 3 || v.Program != "bad" || v.Truncated || v.Source != "bad.c:7: return ctx->nothing;" || v.Text == "" {
		t.Errorf("%+v", v)
	}
	if !errors.Is(err, sys.EACCES) || errors.Is(err, ErrPermission) { // an access that is not allowed is not about rights
		t.Errorf("%#v", v.Err)
	}
	if got := err.Error(); strings.Contains(got, "\n") || !strings.Contains(got, "invalid bpf_context access") || !strings.Contains(got, "(instruction 2 [3]: ") {
		t.Errorf("short form: %s", got)
	}
	if got := fmt.Sprintf("%+v", v); !strings.HasPrefix(got, v.Error()+"\n") || !strings.Contains(got, "processed ") {
		t.Errorf("long form: %s", got)
	}
	if got := fmt.Sprintf("%s|%v", v, v); got != v.Error()+"|"+v.Error() {
		t.Errorf("%%s and %%v: %s", got)
	}
}

// TestArgumentIsNamed refuses a call whose cause begins like what kernels write of accepted functions.
func TestArgumentIsNamed(t *testing.T) {
	testenv.NeedKernel(t, "6.5", "bpf_dynptr_size")
	needKernel(t)
	p := program("sized", asm.CallKfunc("bpf_dynptr_size"), asm.Mov64Imm(asm.R0, 0), asm.Exit())
	p.Type, p.Flags = spec.ProgramSyscall, spec.FlagSleepable
	c := collection([]*spec.Program{p})
	c.Externs = []spec.Extern{{Name: "bpf_dynptr_size", Kind: spec.ExternKfunc}}
	_, err := Load(c, Options{})
	var v *VerifierError
	if !errors.As(err, &v) || v.Insn != 0 || !strings.Contains(v.Cause, " expected pointer to stack or const struct bpf_dynptr") {
		t.Errorf("got %v", err)
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

func TestRefusal(t *testing.T) {
	p := &prepared{Program: &bind.Program{Spec: program("x", asm.Mov64Imm(asm.R0, 0), asm.Exit())}, slots: []asm.Slot{0, 1}}
	l := newSession(fakeKernel(6<<16 | 12<<8))
	const sums = "processed 0 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n"
	for _, c := range []struct {
		log      string
		err      sys.Errno
		verifier bool
		is       error
		text     string
	}{
		{"", sys.EPERM, false, ErrPermission, "permission denied: "},
		{sums, sys.EPERM, false, ErrPermission, "permission denied: "},
		{"0: (95) exit\n'struct x' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN\n" + sums, sys.EPERM, false, ErrPermission,
			"; the verifier says: 'struct x' access is allowed only to CAP_PERFMON"},
		{"", sys.EACCES, false, ErrPermission, "permission denied: "},
		{"0: (95) exit\nR0 !read_ok\n" + sums, sys.EACCES, true, sys.EACCES, "the verifier refused it: R0 !read_ok (instruction 0: "},
		{"0: (95) exit\n" + sums, sys.EMFILE, false, sys.EMFILE, "ulimit -n"},
		{"0: (95) exit\n" + sums, sys.ENOMEM, false, sys.ENOMEM, ""},
		{sums, sys.ENOTSUPP, false, ErrNotSupported, "not supported by the kernel"},
		{"JIT does not support calling kernel function\n" + sums, sys.ENOTSUPP, true, ErrNotSupported, "JIT does not"},
		{sums, sys.EINVAL, true, sys.EINVAL, "the verifier refused it: invalid argument"},
		{"", sys.EINVAL, false, sys.EINVAL, "invalid argument"},
	} {
		err := l.refusal(p, verifierLog{text: c.log}, c.err)
		var v *VerifierError
		if got := errors.As(err, &v); got != c.verifier || !errors.Is(err, c.is) || !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%v after %q: %v (refused by the verifier: %v)", c.err, c.log, err, got)
		}
	}
}
