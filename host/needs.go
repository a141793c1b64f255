package host

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

// Needs is what a plan asks of the kernel that it is loaded into, and of the user who loads it, as far
// as that can be told from the plan alone.
type Needs struct {
	Kernel       string   `json:"kernel"`             // oldest version, "5.10" at least
	Features     []string `json:"features,omitempty"` // what asks for more than 5.10, e.g. "tcx links (6.6)"
	Capabilities []string `json:"capabilities,omitempty"`
	BTF          bool     `json:"btf"` // the kernel has to describe its types
}

// version is a kernel version.
type version struct{ major, minor int }

func (v version) String() string { return fmt.Sprintf("%d.%d", v.major, v.minor) }

func compareVersions(a, b version) int {
	return cmp.Or(cmp.Compare(a.major, b.major), cmp.Compare(a.minor, b.minor))
}

// oldest is the oldest kernel that core/loader works with.
var oldest = version{5, 10}

// mapSince, programSince and attachSince say since which kernel there is something that is younger
// than the oldest supported one.
var mapSince = map[spec.MapType]version{
	spec.MapTaskStorage: {5, 11}, spec.MapBloomFilter: {5, 16}, spec.MapUserRingbuf: {6, 1},
	spec.MapCgrpStorage: {6, 2}, spec.MapArena: {6, 9},
}

var programSince = map[spec.ProgramType]version{spec.ProgramSyscall: {5, 14}, spec.ProgramNetfilter: {6, 4}}

var attachSince = map[spec.AttachKind]version{
	spec.AttachTCX: {6, 6}, spec.AttachTracepoint: {5, 15}, spec.AttachKprobe: {5, 15},
}

// tracing are the program types that see kernel memory, which takes CAP_PERFMON.
var tracing = []spec.ProgramType{
	spec.ProgramKprobe, spec.ProgramTracepoint, spec.ProgramPerfEvent, spec.ProgramRawTracepoint,
	spec.ProgramRawTracepointWritable, spec.ProgramTracing, spec.ProgramLSM, spec.ProgramExt,
	spec.ProgramStructOps, spec.ProgramSyscall,
}

// typed are the program types that are attached by the kernel's own types.
var typed = []spec.ProgramType{spec.ProgramTracing, spec.ProgramLSM, spec.ProgramStructOps}

// needsCollector gathers needs without repeating them.
type needsCollector struct {
	Needs
	kernel version
	caps   map[string]bool
}

func needsOf(planned []Planned) Needs {
	n := needsCollector{kernel: oldest, caps: make(map[string]bool)}
	for _, p := range planned {
		if p.After != nil {
			n.collection(p.After)
		}
	}
	n.Kernel = n.kernel.String()
	for _, c := range []string{"CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN"} {
		if n.caps[c] {
			n.Capabilities = append(n.Capabilities, c)
		}
	}
	return n.Needs
}

func (n *needsCollector) since(what string, v version, ok bool) {
	if !ok {
		return
	}
	if compareVersions(v, n.kernel) > 0 {
		n.kernel = v
	}
	if f := fmt.Sprintf("%s (%s)", what, v); !slices.Contains(n.Features, f) {
		n.Features = append(n.Features, f)
	}
}

func (n *needsCollector) collection(c *spec.Collection) {
	for _, m := range c.Maps {
		v, ok := mapSince[m.Type]
		n.since(m.Type.String()+" maps", v, ok)
		n.caps["CAP_BPF"] = true
	}
	for _, p := range c.Programs {
		n.program(p)
	}
	for _, a := range c.Attach {
		v, ok := attachSince[a.Kind]
		n.since(a.Kind.String()+" links", v, ok)
	}
	for _, e := range c.Externs {
		n.BTF = n.BTF || e.Kind == spec.ExternKfunc || e.Kind == spec.ExternKsym && e.Type != 0
	}
}

func (n *needsCollector) program(p *spec.Program) {
	v, ok := programSince[p.Type]
	n.since(p.Type.String()+" programs", v, ok)
	n.caps["CAP_BPF"] = true
	switch {
	case slices.Contains(tracing, p.Type):
		n.caps["CAP_PERFMON"] = true
	case p.Type != spec.ProgramSocketFilter:
		n.caps["CAP_NET_ADMIN"] = true
	}
	n.BTF = n.BTF || slices.Contains(typed, p.Type) || slices.ContainsFunc(p.Insns, func(in spec.Insn) bool {
		return in.Core != nil || in.Ref.Kind == asm.RefKfunc
	})
}

// String is one line: "kernel 6.6 (tcx links), CAP_BPF + CAP_NET_ADMIN, kernel BTF: no".
func (n Needs) String() string {
	s := "kernel " + n.Kernel
	if len(n.Features) > 0 {
		s += " (" + strings.Join(n.Features, ", ") + ")"
	}
	if len(n.Capabilities) > 0 {
		s += ", " + strings.Join(n.Capabilities, " + ")
	}
	if n.BTF {
		return s + ", kernel BTF: yes"
	}
	return s + ", kernel BTF: no"
}
