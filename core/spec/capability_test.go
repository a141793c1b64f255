package spec

import (
	"slices"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
)

// TestProgramCapabilities holds that code which only CAP_PERFMON lets through is found, along all paths
// and in functions, and that other code takes no more than its type.
func TestProgramCapabilities(t *testing.T) {
	const head = "r6 = *(u32 *)(r1 + 0)\nr7 = *(u32 *)(r1 + 4)\n"
	for _, tt := range []struct {
		name, text string
		want       bool
	}{
		{"nothing", "r0 = 2\nexit", false},
		{"fixed header", head + "r2 = r6\nr2 += 14\nif r2 > r7 goto out\nr3 = *(u8 *)(r6 + 0)\nout:\nr0 = 2\nexit", false},
		{"numbers", head + "r3 = *(u32 *)(r1 + 12)\nr4 = 2\nr3 += r4\nr0 = r3\nexit", false},
		{"variable header", head + "r3 = *(u8 *)(r6 + 0)\nr6 += r3\nr0 = 2\nexit", true},
		{"variable header, other way round", head + "r3 = *(u8 *)(r6 + 0)\nr3 += r6\nr0 = 2\nexit", true},
		{"length of the packet", head + "r7 -= r6\nr0 = 2\nexit", true},
		{"through the stack", head + "*(u64 *)(r10 - 8) = r6\nr3 = *(u64 *)(r10 - 8)\nr3 += r7\nr0 = 2\nexit", true},
		{"overwritten on the stack", head + "*(u64 *)(r10 - 8) = r6\nr2 = 1\n*(u64 *)(r10 - 8) = r2\nr3 = *(u64 *)(r10 - 8)\nr3 += r2\nr0 = 2\nexit", false},
		{"32 bits of a pointer", head + "w3 = w6\nr0 = 2\nexit", true},
		{"variable stack", "r2 = r10\nr3 = *(u32 *)(r1 + 12)\nr2 += r3\nr0 = 2\nexit", true},
		{"after a loop", head + "r3 = 0\nr4 = 1\nagain:\nr4 += r3\nr3 = r6\nif r4 < 9 goto again\nr0 = 2\nexit", true},
		{"after a call", head + "r1 = r6\ncall bpf_ktime_get_ns\nr1 = 1\nr0 += r1\nexit", false},
		{"dead code", head + "goto out\nr6 += r7\nout:\nr0 = 2\nexit", false},
		{"helper", "call bpf_get_current_task\nr0 = 2\nexit", true},
	} {
		code, err := asm.Parse(tt.text)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		var ins []Insn
		for _, in := range code.Insns {
			ins = append(ins, Insn{Insn: in})
		}
		p := &Program{Name: "p", Type: ProgramXDP, Insns: NewInsns(ins...)}
		caps := p.Capabilities()
		if got := slices.Contains(caps, "CAP_PERFMON"); got != tt.want || !slices.Contains(caps, "CAP_NET_ADMIN") {
			t.Errorf("%s: %v, want CAP_PERFMON %v", tt.name, caps, tt.want)
		}
	}
	if caps := (&Program{Type: ProgramKprobe, Insns: NewInsns(Insn{Insn: asm.Exit()})}).Capabilities(); !slices.Equal(caps, []string{"CAP_BPF", "CAP_PERFMON"}) {
		t.Errorf("kprobe: %v", caps)
	}
}

// Another network namespace, and pins, take more than loading.
func TestNeedsNetns(t *testing.T) {
	c := &Collection{
		Programs: []*Program{{Name: "a", Type: ProgramXDP, Insns: NewInsns(Insn{Insn: asm.Exit()})}},
		Maps:     []*Map{{Name: "m", Type: MapHash, Pinning: PinByName}},
		Attach:   []Attach{{Program: "a", Kind: HookXDP, Target: "eth0", Netns: "/run/netns/x"}},
	}
	r := RequirementsOf(nil, c)
	if want := []string{"CAP_BPF", "CAP_NET_ADMIN", "CAP_SYS_ADMIN"}; !slices.Equal(r.Capabilities, want) || !r.BPFFS {
		t.Errorf("needs %+v, want %v and a bpf file system", r, want)
	}
	c.Attach[0].Netns, c.Maps[0].Pinning = "", PinNone
	if r := RequirementsOf(nil, c); len(r.Capabilities) != 2 || r.BPFFS {
		t.Errorf("without, needs %+v", r)
	}
}
