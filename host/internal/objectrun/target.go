package objectrun

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/nearest"
)

// targets decides what is attached where.
func (p *Plugin) targets() error {
	for _, name := range slices.Sorted(maps.Keys(p.options.Attach)) {
		if p.object.Program(name) == nil {
			return p.bad("--attach "+name, "there is no program %q%s", name, nearest.Hint(name, p.programNames()))
		}
	}
	for _, name := range p.options.Skip {
		switch {
		case p.object.Program(name) == nil:
			return p.bad("--skip "+name, "there is no program %q%s", name, nearest.Hint(name, p.programNames()))
		case p.options.Attach[name] != nil:
			return p.bad("--skip "+name, "--attach names the program too")
		}
	}
	for _, prog := range p.object.Programs {
		if err := p.target(prog); err != nil {
			return err
		}
	}
	if err := p.structOps(); err != nil {
		return err
	}
	if len(p.attach) == 0 {
		return p.bad("", "nothing would be attached; %s", p.optionalText())
	}
	return nil
}

// optionalText says which programs are attached when they are named.
func (p *Plugin) optionalText() string {
	var list []string
	for _, q := range p.object.Programs {
		if q.Optional {
			list = append(list, q.Name)
		}
	}
	if len(list) == 0 {
		return "the object has no program that a hook takes"
	}
	return "optional programs are attached when --attach names them: " + strings.Join(list, ", ")
}

// target decides where one program is attached.
func (p *Plugin) target(prog *spec.Program) error {
	named := p.options.Attach[prog.Name]
	def, complete := spec.DefaultAttach(prog)
	switch {
	case slices.Contains(p.options.Skip, prog.Name):
		if !prog.Optional {
			p.skip = append(p.skip, prog.Name)
		}
		return nil
	case named == nil && (prog.Optional || p.inMap(prog.Name)):
		return nil
	case def.Kind == spec.HookNone || def.Kind == spec.HookStructOps:
		return p.bad(attachOption(prog.Name, named), "program %q of section %q: %s", prog.Name, prog.Section, unattachable(prog))
	case named == nil && !complete:
		return p.bad("", "program %q of section %q needs a target: %s; --skip %s leaves it out", prog.Name, prog.Section, targetHelp(prog.Name, def.Kind), prog.Name)
	case named == nil:
		named = []string{""}
	}
	for _, target := range named {
		a := def
		if target != "" {
			a.Target, a.Netns = splitNetns(target, def.Kind)
		}
		option := attachOption(prog.Name, []string{target})
		if a.Target == "" {
			return p.bad(option, "program %q of section %q needs a target: %s", prog.Name, prog.Section, targetHelp(prog.Name, def.Kind))
		}
		if _, err := spec.ResolveTarget(prog, a); err != nil {
			return p.bad(option, "%w", err)
		}
		p.attach = append(p.attach, a)
	}
	return nil
}

// attachOption returns the option that names a program's targets, as it is given.
func attachOption(program string, targets []string) string {
	switch {
	case len(targets) == 0:
		return ""
	case targets[0] == "":
		return "--attach " + program
	}
	return "--attach " + program + "=" + targets[0]
}

// splitNetns splits INTERFACE@NETNS. No name of an interface has a slash.
func splitNetns(target string, kind spec.HookKind) (name, netns string) {
	if !kind.OnInterface() {
		return target, ""
	}
	if i := strings.Index(target, "@/"); i >= 0 {
		return target[:i], target[i+1:]
	}
	return target, ""
}

// targetHelp says what to type.
func targetHelp(program string, kind spec.HookKind) string {
	want := strings.ToUpper(kind.Family().Target)
	switch {
	case kind.OnInterface():
		want = "INTERFACE, or INTERFACE@/run/netns/NAME in another network namespace"
	case kind == spec.HookCgroup:
		want = "/sys/fs/cgroup/PATH"
	case kind == spec.HookNetns:
		want = "/run/netns/NAME; the host's own is /proc/self/ns/net"
	}
	return fmt.Sprintf("--attach %s=%s", program, want)
}

// inMap reports whether a program is an initial value of a map: of a program array, or of an
// instance of struct_ops.
func (p *Plugin) inMap(program string) bool {
	return slices.ContainsFunc(p.object.Maps, func(m *spec.Map) bool {
		return slices.ContainsFunc(m.Values, func(v spec.MapValue) bool { return v.Name == program && !m.Type.HoldsMaps() })
	})
}

// structOps refuses instances of struct_ops, which would be loaded and registered nowhere.
func (p *Plugin) structOps() error {
	for _, m := range p.object.Maps {
		if m.Type == spec.MapStructOps && !m.Optional {
			return p.bad("", "map %q is an instance of struct_ops, which only a plugin can register", m.Name)
		}
	}
	return nil
}

// unattachable says why no hook takes a program, and what to do.
func unattachable(prog *spec.Program) string {
	why := fmt.Sprintf("programs of type %v are attached by no hook that is known here", prog.Type)
	switch {
	case prog.Type == spec.ProgramUnspec:
		why = "the name of the section does not say what the program is; docs/sections.md lists names"
	case prog.Type == spec.ProgramStructOps:
		why = "it is a member of no instance of struct_ops in the object"
	case prog.Type == spec.ProgramSyscall:
		why = "programs of type syscall are called, not attached"
	case prog.Type == spec.ProgramExt:
		why = "replacing a function of another program takes that program, which cannot be named here"
	case prog.Type == spec.ProgramKprobe && prog.Probe == spec.ProbeNone:
		why = "the section does not say which function it probes"
	case prog.Type == spec.ProgramKprobe && prog.AttachType != 0:
		why = "probes of many functions at once are not supported yet"
	case prog.Type == spec.ProgramKprobe:
		why = fmt.Sprintf("attaching a %v is not supported yet", prog.Probe)
	case prog.Type == spec.ProgramTracing:
		why = fmt.Sprintf("attaching a program of attach type %v is not supported yet", prog.AttachType)
	}
	return fmt.Sprintf("%s; --skip %s leaves it out", why, prog.Name)
}
