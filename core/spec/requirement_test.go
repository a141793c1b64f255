package spec

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
)

func TestNeeds(t *testing.T) {
	loop := NewInsns(Insn{Insn: asm.Call(asm.HelperLoop)}, Insn{Insn: asm.Call(asm.HelperLoop)}, Insn{Insn: asm.LoadFunc(asm.R2, "each")})
	c := &Collection{
		Programs: []*Program{
			{Name: "a", Type: ProgramXDP, Flags: FlagXDPFrags, Insns: loop},
			{Name: "b", Type: ProgramSchedCls, AttachType: AttachTypeTCXIngress, Insns: loop},
			{Name: "unused", Type: ProgramNetfilter, AttachType: AttachTypeNetfilter, Optional: true},
			{Name: "used", Type: ProgramTracing, AttachType: AttachTypeTraceFentry, Optional: true},
			{Name: "weakly", Type: ProgramXDP, Insns: NewInsns(Insn{Insn: asm.CallKfunc("maybe")})},
		},
		Maps: []*Map{
			{Name: "heap", Type: MapArena},
			{Name: "none", Type: MapBloomFilter, Optional: true},
			{Name: "outer", Type: MapHashOfMaps, Inner: &Map{Type: MapUserRingbuf}},
		},
		Attach:  []Attach{{Program: "used", Kind: HookTracing, Cookie: 7}, {Program: "b", Kind: HookTCX}},
		Externs: []Extern{{Name: "maybe", Kind: ExternKfunc, Weak: true}},
	}
	want := Requirements{
		Kernel: Version{6, 9},
		Causes: []Requirement{
			{"arena maps", Version{6, 9}, []string{"map heap"}},
			{"tcx links", Version{6, 6}, []string{"program b"}},
			{"user_ringbuf maps", Version{6, 1}, []string{"map outer"}},
			{"cookies of tracing links", Version{5, 19}, []string{"program used"}},
			{"XDP programs for packets in fragments", Version{5, 18}, []string{"program a"}},
			{"calls of bpf_loop", Version{5, 17}, []string{"program a", "program b"}},
			{"callbacks", Version{5, 13}, []string{"program a", "program b"}},
		},
		Capabilities: []string{"CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN"},
		BTF:          true,
	}
	if d := cmp.Diff(want, RequirementsOf(nil, c)); d != "" {
		t.Errorf("-want +have:\n%s", d)
	}
	both := RequirementsOf(nil, &Collection{}, &Collection{Maps: []*Map{{Name: "m", Type: MapHash}}}, c)
	if d := cmp.Diff(want, both); d != "" {
		t.Errorf("of several, -want +have:\n%s", d)
	}
	if d := cmp.Diff([]Requirement{{"calls of bpf_loop", Version{5, 17}, nil}, {"callbacks", Version{5, 13}, nil}}, (&Program{Insns: loop}).Requirements()); d != "" {
		t.Errorf("of a program, -want +have:\n%s", d)
	}
}

// TestNeedsOptional tells what a load does without from what it needs: an object for many kernels
// loads on the oldest.
func TestNeedsOptional(t *testing.T) {
	exit := NewInsns(Insn{Insn: asm.Exit()})
	c := &Collection{
		Programs: []*Program{
			{Name: "tc", Type: ProgramSchedCls, AttachType: AttachTypeTCXIngress, Insns: exit},
			{Name: "probe", Type: ProgramKprobe, AttachType: AttachTypeTraceUprobeMulti, Insns: exit},
			{Name: "newer", Type: ProgramNetfilter, AttachType: AttachTypeNetfilter, Optional: true, Insns: exit},
			{Name: "traced", Type: ProgramTracing, AttachType: AttachTypeTraceFentry, Insns: exit},
		},
		Maps:   []*Map{{Name: "ops", Type: MapStructOps, Flags: FlagLink, Optional: true}},
		Attach: []Attach{{Program: "traced", Kind: HookTracing, Cookie: 7, Optional: true}},
	}
	got := RequirementsOf(nil, c)
	want := []Requirement{
		{"tcx_ingress hooks", Version{6, 6}, []string{"program tc"}},
		{"trace_uprobe_multi hooks", Version{6, 6}, []string{"program probe"}},
		{"links of struct_ops", Version{6, 4}, []string{"map ops"}},
		{"netfilter programs", Version{6, 4}, []string{"program newer"}},
		{"cookies of tracing links", Version{5, 19}, []string{"program traced"}},
	}
	if d := cmp.Diff(want, got.Optional); d != "" || got.Kernel != Oldest || got.Causes != nil {
		t.Errorf("needs %v, %v; optional, -want +have:\n%s", got.Kernel, got.Causes, d)
	}
	c.Attach = append(c.Attach, Attach{Program: "tc", Kind: HookTCX})
	if got = RequirementsOf(nil, c); got.Kernel != (Version{6, 6}) || len(got.Causes) != 1 || got.Causes[0].What != "tcx links" || got.Optional != nil {
		t.Errorf("attached: %+v", got)
	}
}

func TestNeedsLittle(t *testing.T) {
	for _, tt := range []struct {
		name string
		c    *Collection
		caps []string
		btf  bool
		core bool // for CO-RE alone
	}{
		{"nothing", &Collection{}, nil, false, false},
		{"socket filter", &Collection{Programs: []*Program{{Type: ProgramSocketFilter}}}, []string{"CAP_BPF"}, false, false},
		{"attached socket filter", &Collection{Programs: []*Program{{Name: "p", Type: ProgramSocketFilter}}, Attach: []Attach{{Program: "p", Kind: HookSocket, Target: "eth0", Netns: "/run/netns/a"}}}, []string{"CAP_BPF", "CAP_NET_RAW", "CAP_SYS_ADMIN"}, false, false},
		{"member of struct_ops", &Collection{Programs: []*Program{{Type: ProgramStructOps, AttachType: AttachTypeTCXEgress}}}, []string{"CAP_BPF", "CAP_PERFMON"}, true, false},
		{"relocated", &Collection{Programs: []*Program{{Type: ProgramXDP, Insns: NewInsns(Insn{Core: &btf.CoreRelo{}})}}}, []string{"CAP_BPF", "CAP_NET_ADMIN"}, true, true},
		{"typed symbol", &Collection{Externs: []Extern{{Kind: ExternKsym, Type: 3}}}, nil, true, false},
		{"socket map", &Collection{Maps: []*Map{{Type: MapSockmap}}}, []string{"CAP_BPF", "CAP_NET_ADMIN"}, false, false},
		{"relocated and traced", &Collection{Programs: []*Program{{Type: ProgramTracing, Insns: NewInsns(Insn{Core: &btf.CoreRelo{}})}}}, []string{"CAP_BPF", "CAP_PERFMON"}, true, false},
		{"ids of its own", &Collection{Programs: []*Program{{Type: ProgramXDP, Insns: NewInsns(Insn{Core: &btf.CoreRelo{Kind: btf.CoreTypeIDLocal}})}}}, []string{"CAP_BPF", "CAP_NET_ADMIN"}, false, false},
	} {
		if d := cmp.Diff(Requirements{Kernel: Oldest, Capabilities: tt.caps, BTF: tt.btf, OnlyCore: tt.core}, RequirementsOf(nil, tt.c)); d != "" {
			t.Errorf("%s, -want +have:\n%s", tt.name, d)
		}
	}
	for _, tt := range []struct {
		p    Program
		what string
		v    Version
	}{
		{Program{Type: ProgramTracepoint}, "sleepable tracepoint programs", Version{7, 2}},
		{Program{Type: ProgramTracing, AttachType: AttachTypeTraceRawTp}, "sleepable trace_raw_tp programs", Version{7, 2}},
		{Program{Type: ProgramKprobe}, "sleepable kprobe programs", Version{6, 0}},
		{Program{Type: ProgramStructOps}, "sleepable struct_ops programs", Version{6, 3}},
		{Program{Type: ProgramTracing, AttachType: AttachTypeTraceFentry}, "", Version{}},
		{Program{Type: ProgramLSM, AttachType: AttachTypeLSMMac}, "", Version{}},
	} {
		tt.p.Flags = FlagSleepable
		want := []Requirement{{What: tt.what, Since: tt.v}}
		if tt.what == "" {
			want = nil
		}
		if d := cmp.Diff(want, tt.p.Requirements()); d != "" {
			t.Errorf("%v, -want +have:\n%s", tt.p.Type, d)
		}
	}
	link := &Collection{Maps: []*Map{{Name: "ops", Type: MapStructOps, Flags: FlagLink}}}
	if n := RequirementsOf(nil, link); n.Kernel != (Version{6, 4}) || n.Causes[0].What != "links of struct_ops" {
		t.Errorf("struct_ops with a link: %+v", n)
	}
}
