package plan

import (
	"bytes"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

func TestRequirements(t *testing.T) {
	program := func(typ spec.ProgramType, insns ...spec.Insn) *spec.Collection {
		return &spec.Collection{Programs: []*spec.Program{{Name: "p", Type: typ, Insns: spec.NewInsns(insns...)}}}
	}
	for _, tt := range []struct {
		name string
		c    *spec.Collection
		want string
	}{
		{"nothing", &spec.Collection{}, "kernel 5.10, kernel BTF: no"},
		{"xdp", program(spec.ProgramXDP), "kernel 5.10, CAP_BPF + CAP_NET_ADMIN, kernel BTF: no"},
		{"socket filter", program(spec.ProgramSocketFilter), "kernel 5.10, CAP_BPF, kernel BTF: no"},
		{"tracing", program(spec.ProgramTracing), "kernel 5.10, CAP_BPF + CAP_PERFMON, kernel BTF: yes"},
		{"relocated", program(spec.ProgramTracepoint, spec.Insn{Core: &btf.CoreRelo{}}), "kernel 5.10, CAP_BPF + CAP_PERFMON, kernel BTF: yes"},
		{"kernel function", program(spec.ProgramXDP, spec.Insn{Insn: asm.Insn{Ref: asm.RefKfunc}}), "kernel 5.10, CAP_BPF + CAP_NET_ADMIN, kernel BTF: yes"},
		{"arena and tcx", &spec.Collection{
			Maps:   []*spec.Map{{Type: spec.MapArena}, {Type: spec.MapArena}},
			Attach: []spec.Attach{{Kind: spec.HookTCX}},
		}, "kernel 6.9 (arena maps (6.9), tcx links (6.6)), CAP_BPF, kernel BTF: no"},
		{"tcx where there is that", &spec.Collection{Attach: []spec.Attach{{Kind: spec.HookTCX, Optional: true}}}, "kernel 5.10, kernel BTF: no"},
	} {
		if got := requirementLine(requirementsOf([]Object{{After: tt.c}, {}}, false)); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		want := tt.want
		if tt.name == "relocated" {
			want = strings.Replace(want, "yes", "no", 1)
		}
		if got := requirementLine(requirementsOf([]Object{{After: tt.c}}, true)); got != want {
			t.Errorf("%s with types given: %q, want %q", tt.name, got, want)
		}
	}
}

// TestOptionalText tells optional parts of a plan apart from what it needs.
func TestOptionalText(t *testing.T) {
	guarded := spec.NewInsns(
		spec.Insn{Insn: asm.Mov64Imm(asm.R0, 1), Core: &btf.CoreRelo{Kind: btf.CoreEnumvalExists}},
		spec.Insn{Insn: asm.JumpImm(asm.Equal, asm.R0, 0, 1)},
		spec.Insn{Insn: asm.Call(asm.HelperKtimeGetTaiNs)},
		spec.Insn{Insn: asm.Insn{Op: asm.OpExit, Label: 1}},
	)
	p := &Plan{Objects: []Object{{Name: "o", After: &spec.Collection{
		Programs: []*spec.Program{{Name: "p", Type: spec.ProgramSocketFilter, Insns: guarded}},
		Attach:   []spec.Attach{{Kind: spec.HookTCX, Optional: true}},
	}}}}
	p.Require(false)
	var b bytes.Buffer
	if err := p.WriteText(&b, TextOptions{}); err != nil {
		t.Fatal(err)
	}
	want := "Needs: kernel 5.10, CAP_BPF, kernel BTF: yes.\nUsed where the kernel has it: tcx links (6.6), calls of bpf_ktime_get_tai_ns (6.1).\n"
	if !strings.Contains(b.String(), want) {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
