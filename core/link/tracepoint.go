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
		caps: []sys.Capability{sys.CapBPF, sys.CapPerfmon},
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
	if !isName(category) || !isName(name) {
		return 0, fmt.Errorf("a tracepoint is named category/name")
	}
	b, err := sys.Tracefs.ReadFile(path.Join("events", category, name, "id"))
	if err != nil {
		return 0, fmt.Errorf("look up tracepoint: %w", err)
	}
	id, err := strconv.ParseUint(string(bytes.TrimSpace(b)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("look up tracepoint: cannot read its id %q", b)
	}
	return id, nil
}

// isName reports whether s can be one part of a tracepoint's name, and no path.
func isName(s string) bool {
	for _, c := range s {
		if c != '_' && c != '-' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return s != ""
}

// attachTracepoint attaches as a spec says.
func attachTracepoint(p *loader.Program, a spec.Attach) (Link, error) {
	category, name, _ := strings.Cut(a.Target, "/")
	return Tracepoint(p, TracepointOptions{Category: category, Name: name, Cookie: a.Cookie})
}
