package sim

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/backend"
)

// hook is a program attached to something.
type hook struct {
	b      *Backend
	prog   *program
	kind   spec.HookKind
	names  []string // by which events call it; the first is the one that is shown
	egress bool     // of tcx and cgroup_skb: it sees outbound packets
	iface  *iface   // of xdp, tcx and packet sockets
	cookie uint64
}

// Attach attaches a program: to an interface, which is made if there is none of the name, to a
// cgroup of any path, or to a hook that events call.
func (b *Backend) Attach(p backend.Program, a spec.Attach) (backend.Hook, error) {
	prog, ok := p.(*program)
	if !ok || prog.in.b != b {
		return nil, fmt.Errorf("attach program %q: %w", p.Name(), errForeign)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	t, err := spec.ResolveTarget(prog.spec, a)
	if err == nil && !a.Kind.Takes(prog.spec) {
		err = fmt.Errorf("hooks of this family take no program of type %v", prog.spec.Type)
	}
	h := &hook{b: b, prog: prog, kind: a.Kind, cookie: a.Cookie}
	if err == nil {
		err = h.attach(t)
	}
	if err != nil {
		return nil, fmt.Errorf("attach program %q to %v:%s: %w", p.Name(), a.Kind, t, err)
	}
	b.attached = append(b.attached, h)
	for _, name := range h.names {
		b.hooks[name] = append(b.hooks[name], h)
	}
	return h, nil
}

// attach puts the program to where its target is.
func (h *hook) attach(t spec.Target) error {
	p := h.prog.spec
	switch h.kind {
	case spec.HookXDP:
		h.iface = h.b.network.get(t.Netns, t.Interface)
		if h.iface.xdp != nil {
			return fmt.Errorf("program %q is attached there already", h.iface.xdp.prog.Name())
		}
		h.iface.xdp = h
	case spec.HookTCX:
		h.iface = h.b.network.get(t.Netns, t.Interface)
		h.egress = p.AttachType == spec.AttachTypeTCXEgress
		chain := h.iface.chain(h.egress)
		*chain = append(*chain, h)
	case spec.HookSocket:
		h.iface = h.b.network.get(t.Netns, t.Interface)
		h.iface.sockets = append(h.iface.sockets, h)
	case spec.HookCgroup:
		if p.Type == spec.ProgramCgroupSkb {
			h.egress = p.AttachType == spec.AttachTypeCgroupInetEgress
			chain := h.b.network.cgroups(h.egress)
			*chain = append(*chain, h)
			return nil
		}
		return h.name(p.AttachType.String())
	case spec.HookTracepoint, spec.HookRawTracepoint, spec.HookTracing, spec.HookKprobe:
		return h.name(prefix(p) + t.String())
	case spec.HookNetns:
		if p.Type == spec.ProgramSkLookup {
			return h.name("sk_lookup")
		}
		return unsupportedError{errors.New("programs of type flow_dissector are not simulated")}
	default:
		return unsupportedError{errors.New("hooks of this family are not simulated")}
	}
	return nil
}

// name sets the names by which events call a hook: its own, and that of the program's section.
func (h *hook) name(own string) error {
	h.names = []string{own}
	section := strings.TrimPrefix(h.prog.spec.Section, "?")
	kind, rest, _ := strings.Cut(section, "/")
	section = strings.TrimSuffix(kind, ".s") + "/" + rest
	if rest == "" || section == own {
		return nil
	}
	if strings.HasPrefix(own, "cgroup_") { // "cgroup/connect4" is what people know
		h.names = []string{section, own}
	}
	return nil
}

// prefix returns what hook names of a program begin with, as sections do.
func prefix(p *spec.Program) string {
	switch p.Type {
	case spec.ProgramTracepoint:
		return "tracepoint/"
	case spec.ProgramRawTracepoint, spec.ProgramRawTracepointWritable:
		return "raw_tracepoint/"
	case spec.ProgramLSM:
		return "lsm/"
	case spec.ProgramKprobe:
		if p.Probe == spec.ProbeKretprobe {
			return "kretprobe/"
		}
		return "kprobe/"
	}
	switch p.AttachType {
	case spec.AttachTypeTraceRawTp:
		return "tp_btf/"
	case spec.AttachTypeTraceFexit:
		return "fexit/"
	case spec.AttachTypeModifyReturn:
		return "fmod_ret/"
	}
	return "fentry/"
}

// Switch puts another program in the place of the attached one.
func (h *hook) Switch(p backend.Program) error {
	prog, ok := p.(*program)
	if !ok || prog.in.b != h.b {
		return fmt.Errorf("switch to program %q: %w", p.Name(), errForeign)
	}
	h.b.mu.Lock()
	defer h.b.mu.Unlock()
	switch {
	case !h.kind.Family().Updatable:
		return fmt.Errorf("switch to program %q: %w by hooks of family %v", p.Name(), backend.ErrNotSupported, h.kind)
	case prog.spec.Type != h.prog.spec.Type:
		return fmt.Errorf("switch to program %q: it is of type %v, not %v", p.Name(), prog.spec.Type, h.prog.spec.Type)
	}
	h.prog = prog
	return nil
}

// Close detaches the program.
func (h *hook) Close() error {
	b := h.b
	b.mu.Lock()
	defer b.mu.Unlock()
	is := func(o *hook) bool { return o == h }
	b.attached = slices.DeleteFunc(b.attached, is)
	for _, name := range h.names {
		if b.hooks[name] = slices.DeleteFunc(b.hooks[name], is); len(b.hooks[name]) == 0 {
			delete(b.hooks, name)
		}
	}
	b.network.remove(h)
	return nil
}
