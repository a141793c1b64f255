package link

import (
	"errors"

	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// RawTracepointOptions say where a raw tracepoint program is attached.
type RawTracepointOptions struct {
	Name   string // "sched_process_exec"; empty is what the program's section says
	Cookie uint64 // bpf_get_attach_cookie (Linux 6.10); 0 is none
}

// rawTracepointLink is BPF_LINK_TYPE_RAW_TRACEPOINT.
type rawTracepointLink struct{ kernelLink }

// RawTracepoint attaches a program to a tracepoint whose arguments it gets as they are (Linux
// 4.17).
func RawTracepoint(p *loader.Program, o RawTracepointOptions) (Link, error) {
	if o.Name == "" {
		o.Name = p.AttachTo()
	}
	r := request{
		program: p, kind: spec.HookRawTracepoint, target: "tracepoint " + o.Name,
		advice: map[sys.Errno]string{
			sys.ENOENT: "this kernel has no tracepoint of that name; raw tracepoints have no category before it",
			sys.EINVAL: "the program may read arguments that this tracepoint does not have",
		},
		cookie: o.Cookie != 0,
	}
	return r.do(func(prog int) (Link, error) {
		if o.Name == "" {
			return nil, errors.New("no tracepoint was given")
		}
		fd, err := sys.OpenRawTracepoint(o.Name, prog, o.Cookie)
		return &rawTracepointLink{r.linked(fd)}, err
	})
}

// attachRawTracepoint attaches as a spec says.
func attachRawTracepoint(p *loader.Program, a spec.Attach, t spec.Target) (Link, error) {
	return RawTracepoint(p, RawTracepointOptions{Name: t.Name, Cookie: a.Cookie})
}
