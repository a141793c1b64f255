package spec

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/bpfhost/bpfhost/core/btf"
)

// Target is where an attachment takes effect. Nothing of it is left to be defaulted, stripped or
// looked up under another name: policies judge it, plans show it, and core/link attaches to it.
type Target struct {
	Kind      HookKind
	Interface string // xdp, tcx, socket
	Netns     string // path of the network namespace: the target of netns, the place of an interface; empty is the host's own, of interfaces only
	Cgroup    string // path
	Category  string // tracepoint
	Module    string // kernel module of a function; Vmlinux is the kernel, empty the kernel or else any module
	Struct    string // struct_ops: the struct of the kernel that is implemented, without a flavor
	Name      string // tracepoint, function, tracepoint or LSM hook of a typed program, map of struct_ops
	Offset    uint64 // kprobe: bytes from the start of the function
}

// String returns the target as policies and plans name it, e.g. "sched/sched_switch",
// "nf_tables:nft_do_chain+0x10" or "tcp_congestion_ops/my_cc". The network namespace of an interface is not part of it.
func (t Target) String() string {
	s := t.Name
	switch {
	case t.Interface != "":
		s = t.Interface
	case t.Kind == HookNetns:
		s = t.Netns
	case t.Cgroup != "":
		s = t.Cgroup
	case t.Category != "":
		s = t.Category + "/" + t.Name
	case t.Struct != "":
		s = t.Struct + "/" + t.Name
	case t.Module != "" && t.Module != Vmlinux: // the kernel comes first in any case
		s = t.Module + ":" + t.Name
	}
	if t.Offset != 0 {
		s += fmt.Sprintf("+%#x", t.Offset)
	}
	return s
}

// ResolveTarget returns where an attachment of a program takes effect. The program's AttachTo counts
// where the family has its targets there, and where the attachment has none ([HookFamily].OwnTarget).
// The error says what is missing or in contradiction.
func ResolveTarget(p *Program, a Attach) (Target, error) {
	t := Target{Kind: a.Kind}
	text := a.Target
	if text == "" && a.Kind.Family().OwnTarget {
		text = p.AttachTo
	}
	err := t.resolve(p, a, text)
	if err == nil && a.Netns != "" && t.Netns == "" {
		err = fmt.Errorf("network namespace %s is named, but %v targets are in none", show(a.Netns), a.Kind)
	}
	if err != nil {
		return Target{}, err
	}
	return t, nil
}

func (t *Target) resolve(p *Program, a Attach, text string) (err error) {
	for _, s := range []string{text, a.Netns} {
		if strings.ContainsFunc(s, unicode.IsControl) { // the kernel reads a name up to a NUL
			return fmt.Errorf("target %s has a control character", show(s))
		}
	}
	switch a.Kind {
	case HookXDP, HookTCX, HookSocket:
		t.Interface, t.Netns = text, a.Netns
		if text == "." || text == ".." || strings.ContainsAny(text, ":/ ") { // dev_valid_name of net/core/dev.c
			return fmt.Errorf("%s is not the name of an interface", show(text))
		}
		return needed(text, "interface")
	case HookCgroup:
		t.Cgroup = text
		return needed(text, "path of a cgroup")
	case HookTracepoint:
		t.Category, t.Name, _ = strings.Cut(text, "/")
		if !isTracepointName(t.Category) || !isTracepointName(t.Name) {
			return fmt.Errorf("target %s is not category/name of a tracepoint", show(text))
		}
		return nil
	case HookTracing:
		if a.Target != "" && a.Target != p.AttachTo {
			return fmt.Errorf("target %s is not %s, which the program is loaded for", show(a.Target), show(p.AttachTo))
		}
		t.Module, t.Name, err = SplitFunction(text)
		return err
	case HookKprobe:
		return t.kprobe(text)
	case HookNetns:
		return t.namespace(a)
	case HookStructOps:
		t.Name = text
		implemented, _, _ := strings.Cut(p.AttachTo, ".")
		if t.Struct = btf.Essential(implemented); t.Struct == "" && text != "" {
			return fmt.Errorf("program %s does not say which struct of the kernel it implements", show(p.Name))
		}
		return needed(text, "map of type struct_ops")
	}
	t.Name = text
	return needed(text, "name")
}

func needed(text, what string) error {
	if text == "" {
		return errors.New("the target is missing: " + what)
	}
	return nil
}

// kprobe reads "[module:]function[+offset]".
func (t *Target) kprobe(text string) (err error) {
	name, offset, has := strings.Cut(text, "+")
	if has {
		if t.Offset, err = strconv.ParseUint(offset, 0, 32); err != nil {
			return fmt.Errorf("%s is not an offset in target %s", show(offset), show(text))
		}
	}
	t.Module, t.Name, err = SplitFunction(name)
	return err
}

// namespace wants the namespace to be said, once: nothing here means the host's own by accident.
func (t *Target) namespace(a Attach) error {
	t.Netns = a.Target
	switch {
	case a.Target == "":
		t.Netns = a.Netns
	case a.Netns != "" && a.Netns != a.Target:
		return fmt.Errorf("network namespace %s is the target, and %s is named too", show(a.Target), show(a.Netns))
	}
	return needed(t.Netns, "path of a network namespace; the host's own is /proc/self/ns/net")
}

// Vmlinux is the module that the kernel itself counts as.
const Vmlinux = "vmlinux"

// SplitFunction splits "[module:]function". The module has underscores for hyphens, as in sysfs; it
// is empty when a function may be one of the kernel or of any module.
func SplitFunction(text string) (module, name string, err error) {
	module, name, ok := strings.Cut(text, ":")
	if !ok {
		module, name = "", text
	}
	switch {
	case name == "":
		return "", "", fmt.Errorf("target %s names no function", show(text))
	case ok && module == "":
		return "", "", fmt.Errorf("target %s names no module before the colon", show(text))
	}
	return strings.ReplaceAll(module, "-", "_"), name, nil
}

// isTracepointName accepts what is one name below events of tracefs, and no path.
func isTracepointName(s string) bool {
	for _, c := range s {
		if c != '_' && c != '-' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return s != ""
}
