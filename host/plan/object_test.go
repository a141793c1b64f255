package plan

import (
	"bytes"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

// What a plan says about an object follows from what it was and what it is.
func TestObject(t *testing.T) {
	insns := []spec.Insn{{Insn: asm.Mov64Imm(asm.R0, 1)}, {Insn: asm.Exit()}}
	before := &spec.Collection{Programs: []*spec.Program{{Name: "p", Type: spec.ProgramXDP, Insns: spec.NewInsns(insns...)}}}
	after := before.Clone()
	after.Attach = append(after.Attach, spec.Attach{Program: "p", Kind: spec.HookXDP, Target: "eth0"})
	o := Object{Name: "o", Source: "o.o", Before: before, After: after}
	if err := o.Complete(nil); err != nil {
		t.Fatal(err)
	}
	if o.Edited() || o.Wrote("p", 0) {
		t.Errorf("attached only: edited %v, wrote %v", o.Edited(), o.Wrote("p", 0))
	}
	if err := after.Programs[0].Splice(1, 0, []spec.Insn{{Insn: asm.Mov64Imm(asm.R1, 7)}}, spec.SpliceOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := o.Complete(nil); err != nil {
		t.Fatal(err)
	}
	if !o.Edited() || o.Wrote("p", 0) || !o.Wrote("p", 1) || o.Wrote("p", 2) || o.Wrote("q", 1) {
		t.Errorf("edited %v, changes %+v", o.Edited(), o.Changes)
	}
	o.Before = nil
	if err := o.Complete(nil); err != nil || o.Edited() || !o.Wrote("p", 2) {
		t.Errorf("the plugin's own: edited %v, %v", o.Edited(), err)
	}
	o.After = nil
	if err := o.Complete(nil); err != nil || o.Changes != nil {
		t.Errorf("left out: %v, %v", o.Changes, err)
	}
}

// A plan says which way the packets of a tcx attachment go.
func TestDirection(t *testing.T) {
	c := &spec.Collection{Programs: []*spec.Program{
		{Name: "in", Type: spec.ProgramSchedCls, AttachType: spec.AttachTypeTCXIngress},
		{Name: "out", Type: spec.ProgramSchedCls, AttachType: spec.AttachTypeTCXEgress},
		{Name: "any", Type: spec.ProgramSchedCls}, {Name: "x", Type: spec.ProgramXDP},
	}}
	c.Attach = []spec.Attach{
		{Program: "in", Kind: spec.HookTCX, Target: "a"}, {Program: "out", Kind: spec.HookTCX, Target: "a"},
		{Program: "any", Kind: spec.HookTCX, Target: "a", Flags: 1}, {Program: "x", Kind: spec.HookXDP, Target: "a"},
	}
	p := &Plan{Objects: []Object{{Name: "o", After: c}}}
	var text bytes.Buffer
	if err := p.WriteText(&text, TextOptions{NoInsns: true}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"link  in   tcx:a ingress\n", "link  out  tcx:a egress\n", "link  any  tcx:a ingress flags 0x1\n", "link  x    xdp:a\n"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	doc, err := p.MarshalJSON()
	if err != nil || !strings.Contains(string(doc), `"optional":false,"direction":"egress"}`) {
		t.Errorf("%s, %v", doc, err)
	}
}

// A plan shows where an attachment takes effect, not how it was written.
func TestResolved(t *testing.T) {
	c := &spec.Collection{Programs: []*spec.Program{
		{Name: "typed", AttachTo: "vmlinux:f"}, {Name: "traced", AttachTo: "sched/sched_switch"}, {Name: "x", AttachTo: "elsewhere"},
	}}
	for _, tt := range []struct {
		a    spec.Attach
		want string
	}{
		{spec.Attach{Program: "typed", Kind: spec.HookTracing}, "tracing:f"},
		{spec.Attach{Program: "traced", Kind: spec.HookTracepoint}, "tracepoint:sched/sched_switch"},
		{spec.Attach{Program: "x", Kind: spec.HookNetns, Netns: "/run/netns/a"}, "netns:/run/netns/a"},
		{spec.Attach{Program: "x", Kind: spec.HookXDP, Target: "eth0", Netns: "/run/netns/a"}, "xdp:eth0 in /run/netns/a"},
		{spec.Attach{Program: "x", Kind: spec.HookXDP}, "xdp"},
		{spec.Attach{Program: "nosuch", Kind: spec.HookXDP, Target: "eth0"}, "xdp:eth0"},
	} {
		if got := AttachText(resolved(spec.NewIndex(c), tt.a)); got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.a, got, tt.want)
		}
	}
}
