package spec

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
)
