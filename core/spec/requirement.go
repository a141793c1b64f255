package spec

import (
	"cmp"
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
)

// Requirements is what a collection asks of the kernel that it is loaded into, and of the user who
// loads it, as far as that can be told from the collection alone: for the programs and maps that
// are loaded, the attachments that are not optional, and the code that kernels look at whatever
// they find when they load it.
type Requirements struct {
	Kernel       Version       // oldest that has everything, Oldest at least
	Causes       []Requirement // what is younger than Oldest, the youngest first
	Optional     []Requirement // what is younger than Kernel and not needed: optional parts, hooks of programs that nothing attaches, code that kernels may skip
	Capabilities []string      // "CAP_BPF", …
	BPFFS        bool          // a bpf file system has to be mounted, for pins
	BTF          bool          // the kernel has to describe its types
	OnlyCore     bool          // it has to for CO-RE relocations alone, for which types from elsewhere do as well
}

// Requirement is one thing that kernels have since a version.
type Requirement struct {
	What  string // in the plural: "arena maps", "calls of bpf_loop"
	Since Version
	Users []string // what of the collection needs it: "map heap", "program count"; each once, in order
}

// The capabilities that BPF takes, in the order in which Needs lists them.
const (
	capBPF      = "CAP_BPF"
	capPerfmon  = "CAP_PERFMON"
	capNetAdmin = "CAP_NET_ADMIN"
	capNetRaw   = "CAP_NET_RAW"
	capSysAdmin = "CAP_SYS_ADMIN"
)

// Capabilities lists what loading a program of the type takes (kernel/bpf/syscall.c,
// bpf_prog_load). CAP_SYS_ADMIN includes all but CAP_NET_ADMIN.
func (p ProgramType) Capabilities() []string {
	switch p {
	case ProgramSocketFilter:
		return []string{capBPF}
	case ProgramKprobe, ProgramTracepoint, ProgramPerfEvent, ProgramRawTracepoint, ProgramRawTracepointWritable,
		ProgramTracing, ProgramLSM, ProgramStructOps, ProgramSyscall:
		return []string{capBPF, capPerfmon}
	case ProgramExt:
		return []string{capBPF, capPerfmon, capNetAdmin}
	}
	return []string{capBPF, capNetAdmin}
}

// Capabilities lists what creating a map of the type takes (kernel/bpf/syscall.c, map_create).
func (m MapType) Capabilities() []string {
	switch m {
	case MapSockmap, MapSockhash, MapDevmap, MapDevmapHash, MapXskmap, MapCpumap:
		return []string{capBPF, capNetAdmin}
	}
	return []string{capBPF}
}

// Skipped reports of an instruction of a program whether kernels may skip it, since what they find
// when they load it (their types, configuration and symbols) keeps control from getting there.
type Skipped func(insn int) bool

// RequirementsOf says what several collections ask for together. What is Optional counts only where
// something attaches it, and is listed apart otherwise. So is code that kernels may skip by what
// skipped makes of a program, which is called for few; without it, all code counts. Package lint has
// it: see lint.Requirements.
func RequirementsOf(skipped func(*Collection, *Program) Skipped, collections ...*Collection) Requirements {
	n, optional := newNeeds(), newNeeds()
	for _, c := range collections {
		n.collection(c, optional, skipped)
	}
	r := n.result()
	for _, o := range optional.result().Causes {
		if o.Since.Compare(r.Kernel) > 0 {
			r.Optional = append(r.Optional, o)
		}
	}
	return r
}

// Requirements lists what loading the program takes that is younger than Oldest, the youngest
// first. Users is empty.
func (p *Program) Requirements() []Requirement {
	n := newNeeds()
	n.program(p, "")
	n.insns(p, "", n, nil, nil)
	return n.result().Causes
}

// Requirements lists what of the map is younger than Oldest, the youngest first. Users is empty.
func (m *Map) Requirements() []Requirement {
	n := newNeeds()
	n.mapOf(m, "")
	return n.result().Causes
}

// needs gathers needs without repeating them.
type needs struct {
	list []Requirement
	at   map[string]int     // by Requirement.What: index in list
	has  map[[2]string]bool // Requirement.What and user
	caps map[string]bool
	pins bool
	btf  bool // for more than CO-RE
	core bool

	features *featureList // nil where only what is younger than Oldest is asked for
}

func newNeeds() *needs {
	return &needs{at: make(map[string]int), has: make(map[[2]string]bool), caps: make(map[string]bool)}
}

func (n *needs) result() Requirements {
	slices.SortStableFunc(n.list, func(a, b Requirement) int {
		return cmp.Or(b.Since.Compare(a.Since), cmp.Compare(a.What, b.What))
	})
	r := Requirements{Kernel: Oldest, Causes: n.list, BPFFS: n.pins, BTF: n.btf || n.core, OnlyCore: n.core && !n.btf}
	if len(n.list) > 0 {
		r.Kernel = n.list[0].Since
	}
	for _, c := range []string{capBPF, capPerfmon, capNetAdmin, capNetRaw, capSysAdmin} {
		if n.caps[c] {
			r.Capabilities = append(r.Capabilities, c)
		}
	}
	return r
}

// add notes that somebody needs something, if it is younger than Oldest.
func (n *needs) add(what string, since Version, user string) {
	if since.Compare(Oldest) <= 0 {
		return
	}
	i, ok := n.at[what]
	if !ok {
		i = len(n.list)
		n.at[what] = i
		n.list = append(n.list, Requirement{What: what, Since: since})
	}
	if k := [2]string{what, user}; user != "" && !n.has[k] {
		n.has[k] = true
		n.list[i].Users = append(n.list[i].Users, user)
	}
}

func (n *needs) capabilities(list []string) {
	for _, c := range list {
		n.caps[c] = true
	}
}

// collection adds what a collection needs, and to optional what it does without.
func (n *needs) collection(c *Collection, optional *needs, skipped func(*Collection, *Program) Skipped) {
	attached, weak := make(map[string]bool), make(map[string]bool)
	for _, a := range c.Attach {
		to := n
		if a.Optional {
			to = optional
		}
		attached[a.Program] = true
		to.capabilities(a.Capabilities())
		to.add(a.Kind.String()+" links", a.Kind.Since(), "program "+a.Program)
		to.attachFeatures(a, c, optional)
		if a.Cookie != 0 {
			to.add("cookies of "+a.Kind.String()+" links", a.Kind.CookieSince(), "program "+a.Program)
		}
	}
	for i := range c.Externs {
		e := &c.Externs[i]
		weak[e.Name] = e.Weak
		n.btf = n.btf || e.Kind == ExternKfunc || e.Kind == ExternKsym && e.Type != 0
	}
	for _, m := range c.Maps {
		to := n
		if m.Optional {
			to = optional
		}
		to.mapOf(m, "map "+m.Name)
	}
	loaded := make(map[*Program]bool)
	for _, p := range c.Select(c.Attached()).Programs {
		loaded[p] = true
	}
	for _, p := range c.Programs {
		to := n
		if !loaded[p] {
			to = optional
		}
		user := "program " + p.Name
		to.program(p, user)
		to.insns(p, user, optional, weak, skippedIn(c, p, skipped))
		if !attached[p.Name] {
			optional.hook(p, user)
		}
	}
}

// hook adds what attaching a program takes by its attach type, where loading it takes less.
func (n *needs) hook(p *Program, user string) {
	if p.Type.hookOnly() {
		n.add(p.AttachType.String()+" hooks", p.AttachType.Since(), user)
		n.hookFeature(p, user)
	}
}

func (n *needs) mapOf(m *Map, user string) {
	n.capabilities(m.Type.Capabilities())
	n.mapFeatures(m, user)
	n.pins = n.pins || m.Pinning != PinNone
	n.add(m.Type.String()+" maps", m.Type.Since(), user)
	if m.Type == MapStructOps {
		n.btf = true
		if m.Flags&FlagLink != 0 {
			n.add("links of struct_ops", FlagLink.Since(), user)
		}
	}
	if m.Inner != nil {
		n.mapFeatures(m.Inner, user)
		n.add(m.Inner.Type.String()+" maps", m.Inner.Type.Since(), user)
	}
}

// kindText names what a program is by its attach type where that says more.
func (p *Program) kindText() string {
	if p.Type == ProgramTracing {
		return p.AttachType.String()
	}
	return p.Type.String()
}

// skippedIn asks skipped about a program when it is needed.
func skippedIn(c *Collection, p *Program, skipped func(*Collection, *Program) Skipped) Skipped {
	var of Skipped
	return func(insn int) bool {
		if skipped != nil {
			of, skipped = skipped(c, p), nil
		}
		return of != nil && of(insn)
	}
}

// program adds what a program needs, its code apart.
func (n *needs) program(p *Program, user string) {
	n.capabilities(p.Capabilities())
	n.programFeatures(p, user)
	n.add(p.Type.String()+" programs", p.Type.Since(), user)
	if p.Type != ProgramStructOps && !p.Type.hookOnly() { // of struct_ops it is the number of a member
		n.add(p.AttachType.String()+" programs", p.AttachType.Since(), user)
	}
	if p.Flags&FlagXDPFrags != 0 {
		n.add("XDP programs for packets in fragments", FlagXDPFrags.Since(), user)
	}
	if p.Flags&FlagSleepable != 0 {
		n.add("sleepable "+p.kindText()+" programs", p.sleepableSince(), user)
	}
	if p.Exception != "" {
		n.add("exceptions", exceptionSince, user)
	}
	n.btf = n.btf || p.Type == ProgramTracing || p.Type == ProgramLSM || p.Type == ProgramStructOps
}

// insns adds what the code of a program needs, and to optional what kernels do without: kernel
// functions in weak, which may be missing, and what they may skip.
func (n *needs) insns(p *Program, user string, optional *needs, weak map[string]bool, skipped Skipped) {
	for i, in := range p.Insns.each() {
		n.btf = n.btf || in.Ref == asm.RefKfunc
		n.core = n.core || in.Core != nil && in.Core.Kind != btf.CoreTypeIDLocal
		what, since := InsnSince(&in.Insn)
		if since.Compare(Oldest) <= 0 {
			n.insnFeature(p, &in.Insn, user)
			continue
		}
		if in.Ref == asm.RefKfunc && weak[in.Symbol] {
			optional.add(what, since, user)
			optional.insnFeature(p, &in.Insn, user)
			continue
		}
		if form, ok := insnSkipped(&in.Insn); ok && skipped != nil && skipped(i) {
			n.add(form.What, form.Since, user)
			optional.add(what, since, user)
			optional.insnFeature(p, &in.Insn, user)
			continue
		}
		n.add(what, since, user)
		n.insnFeature(p, &in.Insn, user)
	}
}
