package spec

// Attach says that a program shall be attached, and where. It names things only; the loader's side
// turns names into descriptors.
type Attach struct {
	Program  string // name of the program in the same collection
	Kind     HookKind
	Target   string // by kind, as HookFamily.Target says
	Netns    string // path of the network namespace the target lives in; empty is the host's own
	Flags    uint32 // by kind, e.g. the XDP mode (XDP_FLAGS_…)
	Cookie   uint64 // bpf_get_attach_cookie
	Optional bool   // failing to attach is reported and is not an error
}

// Name names the attachment in changes, edits and errors: "count xdp:eth0".
func (a Attach) Name() string {
	name := a.Program + " " + a.Kind.String()
	if a.Target != "" {
		name += ":" + a.Target
	}
	return name
}

// DefaultAttach returns the attachment that the program's type and section imply. The result says
// whether it is complete: it is not where the caller must name a target, such as the interface of
// an XDP program, and then Kind alone is set. Programs that cannot be attached so return HookNone.
func DefaultAttach(p *Program) (Attach, bool) {
	a := Attach{Program: p.Name, Kind: HookOf(p)}
	if a.Kind.Family().OwnTarget {
		a.Target = p.AttachTo
	}
	return a, a.Target != ""
}
