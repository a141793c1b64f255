package loader

import (
	"errors"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/spec/lint"
)

// sinceCases are collections that need one thing each, in the form that kernels with it accept.
func sinceCases(t *testing.T) map[string]*spec.Collection {
	t.Helper()
	code := func(text string) *spec.Collection {
		p, err := asm.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		var insns []spec.Insn
		for i, in := range p.Insns {
			insns = append(insns, spec.Insn{Insn: in})
			if name, ok := p.Funcs[i]; ok {
				insns[i].Func = &btf.FuncInfo{Name: name}
			}
		}
		out := &spec.Program{Name: "since", Type: spec.ProgramSocketFilter, Insns: spec.NewInsns(insns...)}
		return &spec.Collection{License: "GPL", Order: nativeOrder(), Programs: []*spec.Program{out}}
	}
	object := func(m spec.Map) *spec.Collection {
		m.Name = "since"
		return &spec.Collection{License: "GPL", Order: nativeOrder(), Maps: []*spec.Map{&m}}
	}
	typed := func(typ spec.ProgramType, attach spec.AttachType) *spec.Collection {
		c := code("r0 = 1\nexit")
		c.Programs[0].Type, c.Programs[0].AttachType = typ, attach
		return c
	}
	fragments := typed(spec.ProgramXDP, spec.AttachTypeXDP)
	fragments.Programs[0].Flags = spec.FlagXDPFrags
	syscall := typed(spec.ProgramSyscall, 0)
	syscall.Programs[0].Flags = spec.FlagSleepable
	// Kernels before 6.12 load sleepable trace_raw_tp programs, and before 5.18 iterators, as if they had checked them.
	sleepable := func(typ spec.ProgramType, to string) *spec.Collection {
		c := typed(typ, 0)
		c.Programs[0].Insns = spec.NewInsns(spec.Insn{Insn: asm.Mov64Imm(asm.R0, 0)}, spec.Insn{Insn: asm.Exit()})
		c.Programs[0].Flags, c.Programs[0].AttachTo = spec.FlagSleepable, to
		return c
	}
	return map[string]*spec.Collection{
		"sleepable probe":          sleepable(spec.ProgramKprobe, ""),
		"sleepable tracepoint":     sleepable(spec.ProgramTracepoint, ""),
		"sleepable raw tracepoint": sleepable(spec.ProgramRawTracepoint, "sys_enter"),
		"bloom filter":             object(spec.Map{Type: spec.MapBloomFilter, ValueSize: 4, MaxEntries: 8}),
		"user ring":                object(spec.Map{Type: spec.MapUserRingbuf, MaxEntries: 4096}),
		"arena":                    object(spec.Map{Type: spec.MapArena, MaxEntries: 1, Flags: spec.FlagMmapable}),
		"sign extension":           code("r0 = 1\nr0 = (s8)r0\nexit"),
		"signed division":          code("r0 = 7\nr0 s/= 2\nexit"),
		"byte swap":                code("r0 = 7\nr0 = bswap32 r0\nexit"),
		"sign-extending load":      code("*(u64 *)(r10 - 8) = 1\nr0 = *(s8 *)(r10 - 8)\nexit"),
		"exchange":                 code("*(u64 *)(r10 - 8) = 1\nr0 = 2\nr0 = xchg_64(r10 - 8, r0)\nexit"),
		"load-acquire":             code("*(u64 *)(r10 - 8) = 1\nr0 = load_acquire((u64 *)(r10 - 8))\nexit"),
		"may_goto":                 code("r0 = 0\nmay_goto L1\nr0 = 1\nL1:\nexit"),
		"newer helper":             code("r1 = 0\nr2 = 0\nr3 = 0\nr4 = 0\nr5 = 0\ncall bpf_ktime_get_tai_ns\nr0 = 0\nexit"),
		"netfilter":                typed(spec.ProgramNetfilter, spec.AttachTypeNetfilter),
		"syscall":                  syscall,
		"fragments":                fragments,
		"unix sockets":             typed(spec.ProgramCgroupSockAddr, spec.AttachTypeCgroupUnixConnect),
	}
}

// TestSince holds the table of versions against the kernel: what it lacks by the table it refuses, with
// an error that says so, and what it has by the table it takes.
func TestSince(t *testing.T) {
	needKernel(t)
	k := NewKernel()
	defer k.Close()
	for name, c := range sinceCases(t) {
		t.Run(name, func(t *testing.T) {
			needs := lint.Requirements(c)
			if len(needs.Causes) == 0 {
				t.Fatal("it needs nothing of a newer kernel")
			}
			got, err := Load(c, Options{Kernel: k})
			if err == nil {
				got.Close()
			}
			switch old := k.Before(needs.Kernel); {
			case old && !errors.Is(err, ErrNotSupported):
				t.Errorf("%s since %s: %+v", needs.Causes[0].What, needs.Kernel, err)
			case !old && err != nil:
				t.Errorf("%s since %s: %+v", needs.Causes[0].What, needs.Kernel, err)
			}
		})
	}
}

// TestHookOnly loads programs whose attach type is younger than kernels that load them: they look at
// it when the program is attached.
func TestHookOnly(t *testing.T) {
	needKernel(t)
	k := NewKernel()
	defer k.Close()
	for typ, list := range map[spec.ProgramType][]spec.AttachType{
		spec.ProgramSchedCls: {spec.AttachTypeTCXIngress, spec.AttachTypeTCXEgress, spec.AttachTypeNetkitPrimary, spec.AttachTypeNetkitPeer},
		spec.ProgramKprobe: {spec.AttachTypeTraceKprobeMulti, spec.AttachTypeTraceKprobeSession, spec.AttachTypeTraceUprobeMulti,
			spec.AttachTypeTraceUprobeSession, spec.AttachTypePerfEvent},
		spec.ProgramSkSkb:      {spec.AttachTypeSkSkbVerdict},
		spec.ProgramPerfEvent:  {spec.AttachTypePerfEvent},
		spec.ProgramTracepoint: {spec.AttachTypePerfEvent},
	} {
		for _, attach := range list {
			p := program("hook", asm.Mov64Imm(asm.R0, 0), asm.Exit())
			p.Type, p.AttachType = typ, attach
			c := collection([]*spec.Program{p})
			if n := lint.Requirements(c); len(n.Causes) > 0 || len(n.Optional) != 1 {
				t.Errorf("%v %v: needs %+v", typ, attach, n)
			}
			got, err := Load(c, Options{Kernel: k})
			if err != nil {
				t.Errorf("%v %v: %v", typ, attach, err)
				continue
			}
			got.Close()
		}
	}
}
