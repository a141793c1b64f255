package link

import (
	"bytes"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// perfTracepoint is PERF_TYPE_TRACEPOINT (include/uapi/linux/perf_event.h).
const perfTracepoint = 2

// TracepointOptions say where a tracepoint program is attached.
type TracepointOptions struct {
	Category string // "sched"
	Name     string // "sched_process_exec"; both empty is what the program's section says
	Cookie   uint64 // bpf_get_attach_cookie (Linux 5.15); 0 is none
}

// Tracepoint attaches a program to a tracepoint by way of a perf event (Linux 4.7).
func Tracepoint(p *loader.Program, o TracepointOptions) (Link, error) {
	if o.Category == "" && o.Name == "" {
		o.Category, o.Name, _ = strings.Cut(p.AttachTo(), "/")
	}
	r := request{
		program: p, kind: spec.HookTracepoint, target: "tracepoint " + o.Category + "/" + o.Name,
		advice: map[sys.Errno]string{
			sys.ENOENT: "this kernel has no such tracepoint",
			sys.EACCES: "the program reads more than this tracepoint has",
		},
	}
	return r.do(func(prog int) (Link, error) {
		id, err := tracepointID(o.Category, o.Name)
		if err != nil {
			return nil, err
		}
		return r.attachEvent(prog, sys.Probe{Type: perfTracepoint, Config: id}, o.Cookie)
	})
}

// tracepointID looks a tracepoint up in the tracing file system.
func tracepointID(category, name string) (uint64, error) {
	t, err := spec.ResolveTarget(&spec.Program{}, spec.Attach{Kind: spec.HookTracepoint, Target: category + "/" + name})
	if err != nil {
		return 0, err
	}
	b, err := sys.Tracefs.ReadFile(path.Join("events", t.Category, t.Name, "id"))
	if err != nil {
		return 0, fmt.Errorf("look up tracepoint: %w", err)
	}
	id, err := strconv.ParseUint(string(bytes.TrimSpace(b)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("look up tracepoint: cannot read its id %q", b)
	}
	return id, nil
}

// attachTracepoint attaches as a spec says.
func attachTracepoint(p *loader.Program, a spec.Attach, t spec.Target) (Link, error) {
	return Tracepoint(p, TracepointOptions{Category: t.Category, Name: t.Name, Cookie: a.Cookie})
}
