package spec

import (
	"strconv"
	"strings"
)

// Attach says that a program shall be attached, and where. It names things only; the loader's side
// turns names into descriptors.
type Attach struct {
	Program  string // name of the program in the same collection
	Kind     AttachKind
	Target   string // by kind: interface, tracepoint, cgroup path, kernel function, …
	Netns    string // path of the network namespace the target lives in; empty is the host's own
	Flags    uint32 // by kind, e.g. the XDP mode (XDP_FLAGS_…)
	Cookie   uint64 // bpf_get_attach_cookie
	Optional bool   // failing to attach is reported and is no error
}

// AttachKind is the family of hooks that an attachment belongs to. Numbers are shared with the
// guest ABI and never change.
type AttachKind uint32

// The families of hooks.
const (
	AttachNone          AttachKind = 0
	AttachXDP           AttachKind = 1 // Target: interface
	AttachTCX           AttachKind = 2 // Target: interface; direction is the program's attach type
	AttachCgroup        AttachKind = 3 // Target: cgroup path; hook is the program's attach type
	AttachTracepoint    AttachKind = 4 // Target: category/name
	AttachRawTracepoint AttachKind = 5 // Target: name
	AttachTracing       AttachKind = 6 // tp_btf, fentry, fexit, fmod_ret, LSM; the target is the program's AttachTo
	AttachKprobe        AttachKind = 7 // Target: function[+offset]
	AttachNetns         AttachKind = 8 // sk_lookup, flow_dissector; Target: path of the namespace
	AttachStructOps     AttachKind = 9 // Target: map of type struct_ops, which the program is a member of
)

// attachKindNames is indexed by AttachKind.
var attachKindNames = [...]string{
	"none", "xdp", "tcx", "cgroup", "tracepoint", "raw_tracepoint", "tracing", "kprobe", "netns", "struct_ops",
}

// String returns the lower-case name of the kind, e.g. "raw_tracepoint".
func (k AttachKind) String() string {
	if int(k) < len(attachKindNames) {
		return attachKindNames[k]
	}
	return "attach_kind(" + strconv.FormatUint(uint64(k), 10) + ")"
}

// ParseAttachKind returns the kind of that name.
func ParseAttachKind(name string) (AttachKind, bool) {
	for i, n := range attachKindNames {
		if n == name {
			return AttachKind(i), true
		}
	}
	return AttachNone, false
}

// hook says which family of hooks a program type belongs to and where its target comes from.
type hook struct {
	kind   AttachKind
	target bool // the program's AttachTo is the target
}

// hooks has every program type that can be attached by name. Types with several families are
// told apart by hookOf.
var hooks = map[ProgramType]hook{
	ProgramXDP:                   {kind: AttachXDP},
	ProgramSchedCls:              {kind: AttachTCX},
	ProgramCgroupSkb:             {kind: AttachCgroup},
	ProgramCgroupSock:            {kind: AttachCgroup},
	ProgramCgroupDevice:          {kind: AttachCgroup},
	ProgramCgroupSockAddr:        {kind: AttachCgroup},
	ProgramCgroupSysctl:          {kind: AttachCgroup},
	ProgramCgroupSockopt:         {kind: AttachCgroup},
	ProgramSockOps:               {kind: AttachCgroup},
	ProgramTracepoint:            {kind: AttachTracepoint, target: true},
	ProgramRawTracepoint:         {kind: AttachRawTracepoint, target: true},
	ProgramRawTracepointWritable: {kind: AttachRawTracepoint, target: true},
	ProgramTracing:               {kind: AttachTracing, target: true},
	ProgramLSM:                   {kind: AttachTracing, target: true},
	ProgramKprobe:                {kind: AttachKprobe, target: true},
	ProgramSkLookup:              {kind: AttachNetns},
	ProgramFlowDissector:         {kind: AttachNetns},
	ProgramStructOps:             {kind: AttachStructOps},
}

// DefaultAttach returns the attachment that the program's type and section stand for. The result
// says whether it is complete: it is not where a target must be given, such as the interface of an
// XDP program, and then Kind alone is set. Programs that cannot be attached so give AttachNone.
func DefaultAttach(p *Program) (Attach, bool) {
	h := hookOf(p)
	a := Attach{Program: p.Name, Kind: h.kind}
	if h.target {
		a.Target = p.AttachTo
	}
	return a, a.Target != ""
}

func hookOf(p *Program) hook {
	h := hooks[p.Type]
	switch {
	case p.Type == ProgramLSM && p.AttachType == AttachTypeLSMCgroup:
		return hook{kind: AttachCgroup}
	case p.Type == ProgramKprobe && !plainKprobe(p):
		return hook{} // uprobes, system calls and multi probes have families of their own
	case p.Type == ProgramXDP && (p.AttachType == AttachTypeXDPDevmap || p.AttachType == AttachTypeXDPCpumap):
		return hook{} // entries of a map
	case p.Type == ProgramTracing && p.AttachType == AttachTypeTraceIter:
		return hook{}
	case p.Type == ProgramTracing && p.AttachType >= AttachTypeTraceFentryMulti && p.AttachType <= AttachTypeTraceFsessionMulti:
		return hook{} // many functions at once have a family of their own
	case p.Type == ProgramSchedCls && (p.AttachType == AttachTypeNetkitPrimary || p.AttachType == AttachTypeNetkitPeer):
		return hook{}
	}
	return h
}

// plainKprobe reports whether the section is one of a single kernel function. A program that was
// built without a section and names a function counts.
func plainKprobe(p *Program) bool {
	if p.AttachType != 0 {
		return false
	}
	section := strings.TrimPrefix(p.Section, "?")
	name, _, _ := strings.Cut(section, "/")
	return section == "" || name == "kprobe" || name == "kretprobe"
}
