package link

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
)

// Attach attaches a program as a spec says. For kprobes, the target may end in "+offset"; whether
// they run at the return of the function is what the program's section says.
func Attach(p *loader.Program, a spec.Attach) (Link, error) {
	switch a.Kind {
	case spec.AttachXDP:
		return XDP(p, XDPOptions{Interface: a.Target, Netns: a.Netns, Flags: XDPFlags(a.Flags)})
	case spec.AttachTCX:
		return TCX(p, TCXOptions{Interface: a.Target, Netns: a.Netns, Anchor: Anchor{flags: a.Flags}})
	case spec.AttachCgroup:
		return Cgroup(p, CgroupOptions{Path: a.Target, Flags: a.Flags})
	case spec.AttachTracepoint:
		category, name, _ := strings.Cut(a.Target, "/")
		return Tracepoint(p, TracepointOptions{Category: category, Name: name, Cookie: a.Cookie})
	case spec.AttachRawTracepoint:
		return RawTracepoint(p, RawTracepointOptions{Name: a.Target, Cookie: a.Cookie})
	case spec.AttachTracing:
		if p.Type() == spec.ProgramLSM {
			return LSM(p, LSMOptions{Cookie: a.Cookie})
		}
		return Tracing(p, TracingOptions{Cookie: a.Cookie})
	case spec.AttachKprobe:
		o, err := kprobeTarget(a.Target)
		if err != nil {
			return nil, &Error{Program: p.Name(), Kind: a.Kind, Target: "function " + a.Target, Err: err}
		}
		o.Cookie = a.Cookie
		o.Return = strings.HasPrefix(p.Section(), "kretprobe")
		return Kprobe(p, o)
	case spec.AttachNetns:
		path := a.Target
		if path == "" {
			path = a.Netns
		}
		return Netns(p, NetnsOptions{Path: path})
	case spec.AttachStructOps:
		m, err := p.Instance(a.Target)
		if err != nil {
			return nil, &Error{Program: p.Name(), Kind: a.Kind, Target: fmt.Sprintf("%q", p.AttachTo()), Err: err}
		}
		return StructOps(m)
	}
	return nil, &Error{
		Program: p.Name(), Kind: a.Kind, Target: fmt.Sprintf("%q", a.Target),
		Err: fmt.Errorf("this kind of attachment: %w", loader.ErrNotSupported),
	}
}

// kprobeTarget reads "function", "function+16" and "function+0x10".
func kprobeTarget(s string) (KprobeOptions, error) {
	name, offset, has := strings.Cut(s, "+")
	o := KprobeOptions{Function: name}
	if has {
		n, err := strconv.ParseUint(offset, 0, 32)
		if err != nil {
			return o, fmt.Errorf("%q is not an offset", offset)
		}
		o.Offset = n
	}
	return o, nil
}
