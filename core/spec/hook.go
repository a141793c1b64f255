package spec

import (
	"slices"
	"strconv"
)

// HookKind is the family of hooks that an attachment belongs to. Numbers are shared with the guest
// ABI and never change.
type HookKind uint32

// The families of hooks. What is known of each is a row of [HookFamilies].
const (
	HookNone          HookKind = 0
	HookXDP           HookKind = 1
	HookTCX           HookKind = 2
	HookCgroup        HookKind = 3
	HookTracepoint    HookKind = 4
	HookRawTracepoint HookKind = 5
	HookTracing       HookKind = 6
	HookKprobe        HookKind = 7
	HookNetns         HookKind = 8
	HookStructOps     HookKind = 9
	HookSocket        HookKind = 10
)

// HookFamily is what is known of a family of hooks. The ABI, policies, their manuals, the errors
// about kernels that are too old and core/link are made from these rows, or tests hold them against
// them.
type HookFamily struct {
	Kind        HookKind
	Name        string        // in specs, in the ABI and as key of a policy: "raw_tracepoint"
	Programs    []HookProgram // what can be attached
	Target      string        // grammar of Attach.Target: "category/name"
	OwnTarget   bool          // the program's AttachTo is the target if the attachment has none
	Links       []LinkType    // what the kernel makes of an attachment; none where it has no link for it
	Since       Version       // first with links; zero when Oldest has them, or attaches without a link
	CookieSince Version       // first with bpf_get_attach_cookie; zero when none has it
	Updatable   bool          // links take another program
	Guests      bool          // plugins can ask for it: it is in the ABI
	Policy      string        // what a policy lists for it, for the manual: "interfaces"
	Doc         string        // one line, the ABI's
}

// HookProgram is a kind of program that belongs to a family.
type HookProgram struct {
	Type   ProgramType
	Attach []AttachType // with one of these attach types; none is any
	Except []AttachType // but not with one of these
	Probes []Probe      // and with one of these probes; none is any
}

// hookFamilies is the table, indexed by HookKind. Uprobes, system calls, probes of many functions,
// iterators, netkit and entries of a map are not in it.
var hookFamilies = []HookFamily{
	{Kind: HookNone, Name: "none"},
	{
		Kind: HookXDP, Name: "xdp", Target: "interface",
		Programs: []HookProgram{{Type: ProgramXDP, Except: []AttachType{AttachTypeXDPDevmap, AttachTypeXDPCpumap}}},
		Links:    []LinkType{LinkXDP}, Updatable: true, Guests: true,
		Policy: "interfaces",
		Doc:    "target: interface",
	},
	{
		Kind: HookTCX, Name: "tcx", Target: "interface",
		Programs: []HookProgram{{Type: ProgramSchedCls, Except: []AttachType{AttachTypeNetkitPrimary, AttachTypeNetkitPeer}}},
		Links:    []LinkType{LinkTCX}, Since: Version{6, 6}, Updatable: true, Guests: true,
		Policy: "interfaces",
		Doc:    "target: interface; the direction is the program's attach type",
	},
	{
		Kind: HookCgroup, Name: "cgroup", Target: "cgroup path",
		Programs: []HookProgram{
			{Type: ProgramCgroupSkb}, {Type: ProgramCgroupSock}, {Type: ProgramCgroupDevice}, {Type: ProgramCgroupSockAddr},
			{Type: ProgramCgroupSysctl}, {Type: ProgramCgroupSockopt}, {Type: ProgramSockOps},
			{Type: ProgramLSM, Attach: []AttachType{AttachTypeLSMCgroup}},
		},
		Links: []LinkType{LinkCgroup}, Updatable: true, Guests: true,
		Policy: "paths of cgroups",
		Doc:    "target: cgroup path; the hook is the program's attach type",
	},
	{
		Kind: HookTracepoint, Name: "tracepoint", Target: "category/name", OwnTarget: true,
		Programs: []HookProgram{{Type: ProgramTracepoint}},
		Links:    []LinkType{LinkPerfEvent}, CookieSince: Version{5, 15}, Guests: true,
		Policy: "`category/name`",
		Doc:    "target: category/name",
	},
	{
		Kind: HookRawTracepoint, Name: "raw_tracepoint", Target: "name", OwnTarget: true,
		Programs: []HookProgram{{Type: ProgramRawTracepoint}, {Type: ProgramRawTracepointWritable}},
		Links:    []LinkType{LinkRawTracepoint}, CookieSince: Version{6, 10}, Guests: true,
		Policy: "names",
		Doc:    "target: name",
	},
	{
		Kind: HookTracing, Name: "tracing", Target: "[module:]function, tracepoint or LSM hook", OwnTarget: true,
		Programs: []HookProgram{
			{Type: ProgramTracing, Except: []AttachType{
				AttachTypeTraceIter, AttachTypeTraceFentryMulti, AttachTypeTraceFexitMulti, AttachTypeTraceFsessionMulti,
			}},
			{Type: ProgramLSM, Except: []AttachType{AttachTypeLSMCgroup}},
		},
		Links: []LinkType{LinkTracing, LinkRawTracepoint}, CookieSince: Version{5, 19}, Guests: true,
		Policy: "kernel functions, tracepoints and LSM hooks of typed programs",
		Doc:    "tp_btf, fentry, fexit, fmod_ret, LSM; the target is the program's attach_to",
	},
	{
		Kind: HookKprobe, Name: "kprobe", Target: "function[+offset]", OwnTarget: true,
		Programs: []HookProgram{{Type: ProgramKprobe, Attach: []AttachType{0}, Probes: []Probe{ProbeKprobe, ProbeKretprobe}}},
		Links:    []LinkType{LinkPerfEvent}, CookieSince: Version{5, 15},
		Policy: "kernel functions",
		Doc:    "target: function[+offset]",
	},
	{
		Kind: HookNetns, Name: "netns", Target: "path of the namespace",
		Programs: []HookProgram{{Type: ProgramSkLookup}, {Type: ProgramFlowDissector}},
		Links:    []LinkType{LinkNetns}, Updatable: true, Guests: true,
		Policy: "network namespaces, as targets and as the place of other targets; the host's own needs no rule",
		Doc:    "sk_lookup, flow_dissector; target: path of the namespace",
	},
	{
		Kind: HookStructOps, Name: "struct_ops", Target: "map of type struct_ops",
		Programs: []HookProgram{{Type: ProgramStructOps}},
		Links:    []LinkType{LinkStructOps},
		Policy:   "`struct/map`: the struct of the kernel that is implemented, and the map of the instance, e.g. `tcp_congestion_ops/*`",
		Doc:      "target: map of type struct_ops, which the program is a member of",
	},
	{
		Kind: HookSocket, Name: "socket", Target: "interface",
		Programs:  []HookProgram{{Type: ProgramSocketFilter}},
		Updatable: true, Guests: true,
		Policy: "interfaces",
		Doc:    "target: interface, whose packets a packet socket of the host gets in both directions",
	},
}

// HookFamilies returns the table of hook families in the order of their numbers, without HookNone.
func HookFamilies() []HookFamily { return slices.Clone(hookFamilies[1:]) }

// Family returns what is known of the family, the zero value for a number that is not in the table.
func (k HookKind) Family() HookFamily {
	if int(k) < len(hookFamilies) {
		return hookFamilies[k]
	}
	return HookFamily{}
}

// String returns the lower-case name of the kind, e.g. "raw_tracepoint".
func (k HookKind) String() string {
	if name := k.Family().Name; name != "" {
		return name
	}
	return "attach_kind(" + strconv.FormatUint(uint64(k), 10) + ")"
}

// ParseHookKind returns the kind of that name.
func ParseHookKind(name string) (HookKind, bool) {
	i := slices.IndexFunc(hookFamilies, func(f HookFamily) bool { return f.Name == name })
	if i < 0 {
		return HookNone, false
	}
	return HookKind(i), true
}

// OnInterface reports whether targets are interfaces, which may be in another network namespace.
func (k HookKind) OnInterface() bool { return k.Family().Target == "interface" }

// Since returns the first version that has links of the family; zero when Oldest has them, or
// attaches without a link.
func (k HookKind) Since() Version { return k.Family().Since }

// CookieSince returns the first version whose links of the family have cookies; zero when that is
// not known.
func (k HookKind) CookieSince() Version { return k.Family().CookieSince }

// Takes reports whether a program belongs to the family by its type, attach type and section.
func (k HookKind) Takes(p *Program) bool {
	return slices.ContainsFunc(k.Family().Programs, func(h HookProgram) bool { return h.matches(p) })
}

// HookOf returns the family that a program is attached to by its type, attach type and section;
// HookNone when there is none.
func HookOf(p *Program) HookKind {
	for _, f := range hookFamilies {
		if f.Kind.Takes(p) {
			return f.Kind
		}
	}
	return HookNone
}

// matches reports whether p is such a program. One that was built without a section may probe anything.
func (h HookProgram) matches(p *Program) bool {
	if h.Type != p.Type || slices.Contains(h.Except, p.AttachType) ||
		len(h.Attach) > 0 && !slices.Contains(h.Attach, p.AttachType) {
		return false
	}
	built := p.Section == "" && p.Probe == ProbeNone
	return len(h.Probes) == 0 || built || slices.Contains(h.Probes, p.Probe)
}
