package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/elftest"
)

func TestProgramStack(t *testing.T) {
	own := func(name string, in asm.Insn) spec.Insn { return spec.Insn{Insn: in, Func: &btf.FuncInfo{Name: name}} }
	calls := &spec.Program{Insns: spec.NewInsns(
		own("entry", asm.StoreImm(asm.R10, -8, 1, asm.DWord)), spec.Insn{Insn: asm.CallFunc("sub")}, spec.Insn{Insn: asm.Exit()},
		own("sub", asm.StoreImm(asm.R10, -100, 1, asm.Word)), spec.Insn{Insn: asm.Exit()},
	)}
	d := newProgramDoc(calls)
	if diff := cmp.Diff(&stackDoc{Bytes: 16 + 112, Exact: true, Frames: 2}, d.Stack); diff != "" {
		t.Errorf("-want +have:\n%s", diff)
	}
	if diff := cmp.Diff([]functionDoc{{"entry", 3, 8}, {"sub", 2, 100}}, d.Functions); diff != "" {
		t.Errorf("-want +have:\n%s", diff)
	}
	if d.Code != 5*8 || d.Insns != 5 {
		t.Errorf("%d bytes, %d instructions", d.Code, d.Insns)
	}
	for want, s := range map[string]*stackDoc{"?": nil, "recursive": {Recursive: true}, "≥8": {Bytes: 8}, "8": {Bytes: 8, Exact: true}} {
		if s.String() != want {
			t.Errorf("%+v is %q, want %q", s, s.String(), want)
		}
	}
	undefined := &spec.Program{Insns: spec.NewInsns(own("entry", asm.CallFunc("elsewhere")), spec.Insn{Insn: asm.Exit()})}
	if d := newProgramDoc(undefined); d.Stack != nil || d.Code != 16 {
		t.Errorf("a call of what is not there: %+v", d)
	}
}

func TestProgramJumpTables(t *testing.T) {
	p := objectFile(t, "jump-el.o").Programs[0]
	if len(p.JumpTables) == 0 || p.JumpTables[0].Entries == 0 {
		t.Errorf("jump tables %+v", p.JumpTables)
	}
}

// TestIngress shows the hook whose number is 0.
func TestIngress(t *testing.T) {
	for _, tt := range []struct {
		section, want string
	}{{"cgroup_skb/ingress", "cgroup_inet_ingress"}, {"cgroup_skb/egress", "cgroup_inet_egress"}, {"socket", ""}} {
		d, err := readObject(elftest.MustBytes("license GPL\nsection "+tt.section+"\n.func prog\nr0 = 1\nexit"), elf.Options{Lenient: true}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Programs[0].AttachType; got != tt.want {
			t.Errorf("%s: attach type %q, want %q", tt.section, got, tt.want)
		}
	}
}
