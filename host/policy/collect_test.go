package policy

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

// insns wraps plain instructions.
func insns(list ...asm.Insn) spec.Insns {
	out := make([]spec.Insn, len(list))
	for i, in := range list {
		out[i].Insn = in
	}
	return spec.NewInsns(out...)
}

// example has one of everything that is evaluated.
func example() *spec.Collection {
	return &spec.Collection{
		Programs: []*spec.Program{
			{Name: "count", Type: spec.ProgramXDP, Insns: insns(
				asm.LoadMap(asm.R1, "counts"),
				asm.Call(asm.HelperMapLookupElem),
				asm.Call(asm.HelperMapLookupElem),
				asm.Call(asm.HelperRedirect),
				asm.Exit())},
			{Name: "peek", Type: spec.ProgramTracing, AttachType: spec.AttachTypeModifyReturn, AttachTo: "tcp_connect",
				Flags: spec.FlagSleepable, Insns: insns(
					asm.CallKfunc("bpf_task_release"),
					asm.CallLabel(1),
					asm.Call(asm.HelperMapLookupElem),
					asm.Exit())},
			{Name: "extra", Type: spec.ProgramExt, Insns: insns(asm.Exit())},
		},
		Maps: []*spec.Map{
			{Name: "counts", Type: spec.MapPerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: 100},
			{Name: "events", Type: spec.MapRingbuf, MaxEntries: 4096, Pinning: spec.PinByName},
			{Name: "outer", Type: spec.MapHashOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 10,
				Inner: &spec.Map{Type: spec.MapHash, KeySize: 8, ValueSize: 8, MaxEntries: 1000}},
		},
		Attach: []spec.Attach{
			{Program: "count", Kind: spec.HookXDP, Target: "veth0", Netns: "/run/netns/a"},
			{Program: "peek", Kind: spec.HookTracing},
			{Program: "count", Kind: spec.HookNetns, Netns: "/run/netns/b"},
			{Program: "count", Kind: spec.HookKprobe, Target: "do_unlinkat+0x10"},
		},
	}
}

// What is optional counts once something attaches it.
func TestAccessesOptional(t *testing.T) {
	c := &spec.Collection{Programs: []*spec.Program{{Name: "p", Type: spec.ProgramLSM, Optional: true, Insns: insns(asm.Exit())}}}
	if got := Accesses(Final{Collections: []Input{{Collection: c}}}); len(got) != 0 {
		t.Errorf("evaluated: %+v", got)
	}
	c.Attach = []spec.Attach{{Program: "p", Kind: spec.HookTracing, Optional: true}}
	got := Accesses(Final{Collections: []Input{{Collection: c}}})
	if len(got) == 0 || got[0].Kind != KindProgram || got[0].Name != "lsm" {
		t.Errorf("attached: %+v", got)
	}
}

func TestAccesses(t *testing.T) {
	got := Accesses(Final{Plugin: "guard", SHA256: digestA, Machine: spec.Machine{CPUs: 4}, PinDir: "/sys/fs/bpf/g",
		Collections: []Input{
			{Object: "drops", SHA256: digestB, Edited: true, Collection: example()},
			{Collection: &spec.Collection{Programs: []*spec.Program{{Name: "small", Type: spec.ProgramXDP, Insns: insns(asm.Exit())}}}},
		}})
	want := []Access{
		{Kind: KindPlugin, Name: "guard"},
		{Kind: KindModule, Name: digestA},
		{Kind: KindObject, Name: "drops", Digest: digestB},
		{Kind: KindObjectEdit, Name: "drops", Digest: digestB},
		{Kind: KindProgram, Name: "xdp", Where: "program count and one more place"},
		{Kind: KindHelper, Name: "bpf_map_lookup_elem", Where: "insn 1 of count and 2 more places"},
		{Kind: KindHelper, Name: "bpf_redirect", Where: "insn 3 of count"},
		{Kind: KindInsns, Value: 6, Where: "program count"},
		{Kind: KindProgram, Name: "tracing", Where: "program peek"},
		{Kind: KindRight, Name: RightModifyReturn, Where: "program peek"},
		{Kind: KindRight, Name: RightSleepable, Where: "program peek"},
		{Kind: KindKfunc, Name: "bpf_task_release", Where: "insn 0 of peek"},
		{Kind: KindProgram, Name: "ext", Where: "program extra"},
		{Kind: KindRight, Name: RightFreplace, Where: "program extra"},
		{Kind: KindMap, Name: "percpu_array", Where: "map counts"},
		{Kind: KindEntries, Value: 1000, Where: "inner map of outer"},
		{Kind: KindBytes, Value: 83776, Where: "map outer"},
		{Kind: KindMap, Name: "ringbuf", Where: "map events"},
		{Kind: KindPinRead, Name: "/sys/fs/bpf/g/sha256-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/events", Where: "map events"},
		{Kind: KindPinWrite, Name: "/sys/fs/bpf/g/sha256-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/events", Where: "map events"},
		{Kind: KindMap, Name: "hash_of_maps", Where: "map outer"},
		{Kind: KindMap, Name: "hash", Where: "inner map of outer"},
		{Kind: KindAttach, Name: "xdp:veth0", Where: "program count"},
		{Kind: KindNetns, Name: "/run/netns/a", Where: "program count"},
		{Kind: KindAttach, Name: "tracing:tcp_connect", Where: "program peek"},
		{Kind: KindAttach, Name: "netns:/run/netns/b", Where: "program count"},
		{Kind: KindNetns, Name: "/run/netns/b", Where: "program count"},
		{Kind: KindAttach, Name: "kprobe:do_unlinkat", Where: "program count"},
		{Kind: KindPrograms, Value: 4},
		{Kind: KindMaps, Value: 3},
		{Kind: KindTotalBytes, Value: (312 + 100*(8+8*4)) + (312 + 4*4096 + 5*8) + 83776},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if s := Accesses(Final{}); len(s) != 0 {
		t.Errorf("nothing gives %v", s)
	}
}

// TestAccessesHide tries to use something without its being seen.
func TestAccessesHide(t *testing.T) {
	raw := func(in asm.Insn) asm.Insn {
		in.Flags |= asm.Raw
		return in
	}
	for _, tt := range []struct {
		name string
		in   asm.Insn
		want Access
	}{
		{"raw helper call", raw(asm.Call(asm.HelperProbeWriteUser)), Access{Kind: KindHelper, Name: "bpf_probe_write_user"}},
		{"helper call with a reference", asm.Insn{Op: asm.OpCall, Imm: 36, Ref: asm.RefMap, Symbol: "m"},
			Access{Kind: KindHelper, Name: "bpf_probe_write_user"}},
		{"kernel function by number", asm.Insn{Op: asm.OpCall, Src: asm.PseudoKfuncCall, Imm: 1234}, Access{Kind: KindNumeric, Name: "kernel function #1234"}},
		{"named kernel function, helper call", asm.Insn{Op: asm.OpCall, Imm: 36, Ref: asm.RefKfunc, Symbol: "f"},
			Access{Kind: KindNumeric, Name: "kernel function #36"}},
		{"map by descriptor", asm.Insn{Op: asm.OpLoadImm64, Src: asm.PseudoMapFD, Imm: 5}, Access{Kind: KindNumeric, Name: "map #5"}},
		{"raw map by descriptor", raw(asm.Insn{Op: asm.OpLoadImm64, Src: asm.PseudoMapFD, Imm: 5}), Access{Kind: KindNumeric, Name: "map #5"}},
		{"map value by descriptor", asm.Insn{Op: asm.OpLoadImm64, Src: asm.PseudoMapValue, Imm: 8<<32 | 5}, Access{Kind: KindNumeric, Name: "map #5"}},
		{"map by index", asm.Insn{Op: asm.OpLoadImm64, Src: asm.PseudoMapIdx}, Access{Kind: KindNumeric, Name: "map #0"}},
		{"map with a symbol", asm.Insn{Op: asm.OpLoadImm64, Src: asm.PseudoMapFD, Imm: 5, Ref: asm.RefKsym, Symbol: "x"},
			Access{Kind: KindNumeric, Name: "map #5"}},
		{"kernel symbol", asm.LoadKsym(asm.R1, "commit_creds"), Access{Kind: KindKsym, Name: "commit_creds"}},
		{"kernel variable with its type", asm.Insn{Op: asm.OpLoadImm64, Src: asm.PseudoBTFID, Ref: asm.RefKsym, Symbol: "runqueues"},
			Access{Kind: KindKsym, Name: "runqueues"}},
		{"kernel variable by number", asm.Insn{Op: asm.OpLoadImm64, Src: asm.PseudoBTFID, Imm: 9}, Access{Kind: KindNumeric, Name: "kernel variable #9"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := Instruction(&tt.in)
			if !ok || got != tt.want {
				t.Errorf("got %+v, %v; want %+v", got, ok, tt.want)
			}
		})
	}
	for _, in := range []asm.Insn{
		asm.Mov64Imm(asm.R1, 36), asm.LoadImm64(asm.R1, 5), asm.LoadMap(asm.R1, "m"), asm.LoadMapValue(asm.R1, "m", 4),
		asm.LoadVar(asm.R1, "v", 0), asm.LoadFunc(asm.R1, "f"), asm.CallFunc("f"), asm.Exit(),
	} {
		if s, ok := Instruction(&in); ok {
			t.Errorf("%v is evaluated as %v", in, s)
		}
	}
}

// TestAccessesPinNames has map names that try to leave the directory of pins.
func TestAccessesPinNames(t *testing.T) {
	for _, name := range []string{"../x", "a/../../x", "..", "", ".", "a//b"} {
		f := Final{Collections: []Input{{Collection: &spec.Collection{
			Maps: []*spec.Map{{Name: name, Type: spec.MapHash, Pinning: spec.PinByName}}}}}}
		denied := 0
		for _, v := range BuiltIn().Evaluate(nil, Accesses(f)) {
			if (v.Kind == KindPinWrite || v.Kind == KindPinRead) && !v.Allowed {
				denied++
			}
		}
		if denied != 2 {
			t.Errorf("map %q: %d denials of its pin, want 2", name, denied)
		}
	}
}

func TestAccessesOverflow(t *testing.T) {
	m := func(name string) *spec.Map {
		return &spec.Map{Name: name, Type: spec.MapPerCPUHash, KeySize: 4, ValueSize: math.MaxUint32, MaxEntries: math.MaxUint32}
	}
	f := Final{Machine: spec.Machine{CPUs: 4096}, Collections: []Input{{Collection: &spec.Collection{Maps: []*spec.Map{m("a"), m("b")}}}}}
	want := "policy built-in default denies map-bytes more than fits 64 bits (map a): the limit is 256 MiB"
	if err := FirstDenial(BuiltIn().Evaluate(nil, Accesses(f))); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	for _, s := range Accesses(f) {
		if s.Kind == KindTotalBytes && s.Value != math.MaxUint64 {
			t.Errorf("total of %d bytes", s.Value)
		}
	}
}

// A map whose entries the plugin asks to use is evaluated for that, if its entries are plain data.
func TestAccessesRuntime(t *testing.T) {
	c := &spec.Collection{Maps: []*spec.Map{
		{Name: "counts", Type: spec.MapHash, KeySize: 4, ValueSize: 4, MaxEntries: 1},
		{Name: "cache", Type: spec.MapLRUHash, KeySize: 4, ValueSize: 4, MaxEntries: 1},
		{Name: "cevents", Type: spec.MapRingbuf, MaxEntries: 4096},
	}}
	for text, want := range map[string]int{"map-rw c*": 2, "map-rw counts": 1, "map-rw nothing": 0, "map *": 0} {
		got := 0
		for _, a := range Accesses(Final{Requests: requests(t, text), Collections: []Input{{Collection: c}}}) {
			if a.Kind == KindMapRW && a.Where == "at run time" {
				got++
			}
		}
		if got != want {
			t.Errorf("%s: %d accesses, want %d", text, got, want)
		}
	}
	for _, a := range Accesses(Final{Collections: []Input{{Collection: c}}}) {
		if a.Kind == KindMapRW {
			t.Errorf("without requests: %v", a)
		}
	}
}
