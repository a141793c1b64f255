package spec

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/core/asm"
)

// TestFeaturesOf lists what a collection uses, what is as old as Oldest too, once and by whom.
func TestFeaturesOf(t *testing.T) {
	code := NewInsns(Insn{Insn: asm.Call(asm.HelperMapLookupElem)}, Insn{Insn: asm.Call(asm.HelperLoop)}, Insn{Insn: asm.CallKfunc("maybe")},
		Insn{Insn: asm.CallKfunc("must")}, Insn{Insn: asm.CallFunc("f")}, Insn{Insn: asm.ByteSwap(asm.R0, asm.Word)})
	c := &Collection{
		Programs: []*Program{
			{Name: "a", Type: ProgramXDP, Flags: FlagXDPFrags, Insns: code},
			{Name: "b", Type: ProgramSchedCls, AttachType: AttachTypeTCXIngress},
			{Name: "c", Type: ProgramCgroupSockAddr, AttachType: AttachTypeCgroupInet4Connect},
			{Name: "d", Type: ProgramTracing, AttachType: AttachTypeTraceRawTp, AttachTo: "x"},
			{Name: "unused", Type: ProgramNetfilter, AttachType: AttachTypeNetfilter, Optional: true},
		},
		Maps: []*Map{{Name: "m", Type: MapHash, Flags: FlagNoPrealloc}, {Name: "n", Type: MapHash},
			{Name: "o", Type: MapArrayOfMaps, Inner: &Map{Type: MapArena}}, {Name: "p", Type: MapRhash, Optional: true}},
		Attach:  []Attach{{Program: "a", Kind: HookXDP}, {Program: "d", Kind: HookTracing}, {Program: "b", Kind: HookTCX, Optional: true}},
		Externs: []Extern{{Name: "maybe", Kind: ExternKfunc, Weak: true}},
	}
	var have []string
	for _, f := range FeaturesOf(nil, c) {
		line := fmt.Sprintf("%v %v: %s", f.Kind, f, strings.Join(f.Users, ", "))
		if f.Optional {
			line += " (optional)"
		}
		have = append(have, line)
	}
	want := []string{
		"program_type sched_cls: program b",
		"program_type xdp: program a",
		"program_type cgroup_sock_addr: program c",
		"program_type tracing: program d",
		"program_type netfilter: program unused (optional)",
		"map_type hash: map m, map n",
		"map_type array_of_maps: map o",
		"map_type arena: map o",
		"map_type rhash: map p (optional)",
		"link_type raw_tracepoint: program d",
		"link_type xdp: program a",
		"link_type tcx: program b (optional)",
		"attach_type cgroup_inet4_connect: program c",
		"attach_type trace_raw_tp: program d",
		"attach_type netfilter: program unused (optional)",
		"attach_type tcx_ingress: program b (optional)",
		"helper xdp/bpf_map_lookup_elem: program a",
		"helper xdp/bpf_loop: program a",
		"kfunc xdp/maybe: program a (optional)",
		"kfunc xdp/must: program a",
		"isa v4: program a",
		"map_flag no_prealloc: map m",
		"program_flag xdp_has_frags: program a",
	}
	if d := cmp.Diff(want, have); d != "" {
		t.Errorf("-want +have:\n%s", d)
	}
}
