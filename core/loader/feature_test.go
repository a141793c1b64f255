package loader

import (
	"errors"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

func TestExplainProgram(t *testing.T) {
	old, now := fakeKernel(5<<16|10<<8), fakeKernel(6<<16|18<<8)
	for _, c := range []struct {
		p    spec.Program
		want string
	}{
		{spec.Program{Type: spec.ProgramSyscall}, "syscall programs need Linux 5.14, this is 5.10"},
		{spec.Program{Type: spec.ProgramCgroupSockAddr, AttachType: spec.AttachTypeCgroupUnixConnect}, "cgroup_unix_connect programs need Linux 6.7, this is 5.10"},
		{spec.Program{Type: spec.ProgramXDP, Flags: spec.FlagXDPFrags}, "XDP programs for packets in fragments need Linux 5.18, this is 5.10"},
		{spec.Program{Type: spec.ProgramXDP, Insns: spec.NewInsns(spec.Insn{Insn: asm.LoadFunc(asm.R2, "each")})}, "callbacks need Linux 5.13, this is 5.10"},
	} {
		err := explainProgram(old, &c.p, nil, sys.EINVAL)
		if err.Error() != c.want || !errors.Is(err, ErrNotSupported) || !errors.Is(err, sys.EINVAL) {
			t.Errorf("got %v, want %s", err, c.want)
		}
		if err := explainProgram(now, &c.p, nil, sys.EINVAL); err != sys.EINVAL {
			t.Errorf("on a new kernel: %v", err)
		}
	}
	for _, p := range []spec.Program{
		{Type: spec.ProgramXDP},
		{Type: spec.ProgramSchedCls, AttachType: spec.AttachTypeTCXEgress}, // which is looked at when it is attached
	} {
		if err := explainProgram(old, &p, nil, sys.EINVAL); err != sys.EINVAL {
			t.Errorf("a %v program for %v, which Linux 5.10 loads: %v", p.Type, p.AttachType, err)
		}
	}
}

// TestExplainInsn holds that only the instruction at which the verifier stopped is blamed.
func TestExplainInsn(t *testing.T) {
	old := fakeKernel(5<<16 | 10<<8)
	p := &spec.Program{Type: spec.ProgramXDP, Insns: spec.NewInsns(
		spec.Insn{Insn: asm.Call(asm.HelperLoop)}, spec.Insn{Insn: asm.Mov64Imm(asm.R0, 0)}, spec.Insn{Insn: asm.Exit()},
	)}
	for at, want := range map[int]string{0: "calls of bpf_loop need Linux 5.17, this is 5.10", 1: "", -1: "calls of bpf_loop need Linux 5.17, this is 5.10"} {
		err := explainProgram(old, p, &VerifierError{Insn: at}, sys.EINVAL)
		if want == "" && err != sys.EINVAL || want != "" && err.Error() != want {
			t.Errorf("stopped at %d: %v", at, err)
		}
	}
}

func TestExplainMap(t *testing.T) {
	l := &session{kernel: fakeKernel(6<<16 | 1<<8)}
	err := l.explainMap(&spec.Map{Type: spec.MapArena}, sys.EINVAL)
	if err.Error() != "arena maps need Linux 6.9, this is 6.1" {
		t.Errorf("got %v", err)
	}
	err = l.explainMap(&spec.Map{Type: spec.MapStructOps, Flags: spec.FlagLink}, sys.EINVAL)
	if err.Error() != "links of struct_ops need Linux 6.4, this is 6.1" {
		t.Errorf("got %v", err)
	}
	if err := l.explainMap(&spec.Map{Type: spec.MapHash}, sys.EINVAL); err != sys.EINVAL {
		t.Errorf("a hash: %v", err)
	}
}

// TestMissingOption loads what this kernel was built without.
func TestMissingOption(t *testing.T) {
	needKernel(t)
	p := program("remote", asm.Mov64Imm(asm.R0, 0), asm.Exit())
	p.Type, p.AttachType = spec.ProgramLircMode2, spec.AttachTypeLircMode2
	k := NewKernel()
	if _, built, err := k.Config(p.Type.Option()); err != nil || built {
		t.Skipf("needs a kernel that says it has no %s (%v)", p.Type.Option(), err)
	}
	_, err := Load(collection([]*spec.Program{p}), Options{Kernel: k})
	want := `load program "remote": lirc_mode2 programs need CONFIG_BPF_LIRC_MODE2, which this kernel was built without`
	if !errors.Is(err, ErrNotSupported) || !errors.Is(err, sys.EINVAL) || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestMissingOptionOfMap asks what a refusal of a map means on a kernel without what it takes.
func TestMissingOptionOfMap(t *testing.T) {
	l := &session{kernel: kernel.New(kernel.Options{Version: 6<<16 | 1<<8, Config: map[string]string{"CONFIG_INET": "y"}})}
	err := l.explainMap(&spec.Map{Type: spec.MapXskmap}, sys.EINVAL)
	if err.Error() != "xskmap maps need CONFIG_XDP_SOCKETS, which this kernel was built without" || !errors.Is(err, ErrNotSupported) {
		t.Errorf("got %v", err)
	}
	if err := l.explainMap(&spec.Map{Type: spec.MapReuseportSockarray}, sys.EINVAL); err != sys.EINVAL {
		t.Errorf("got %v", err)
	}
}
