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

// RawTracepoint attaches a program to a tracepoint whose arguments it gets as they are (Linux 4.17).
func RawTracepoint(p *loader.Program, o RawTracepointOptions) (*Link, error) {
	if o.Name == "" {
		o.Name = p.AttachTo()
	}
	r := request{
		program: p, kind: spec.AttachRawTracepoint, target: "tracepoint " + o.Name,
		caps:  []sys.Capability{sys.CapBPF, sys.CapPerfmon},
		types: []spec.ProgramType{spec.ProgramRawTracepoint, spec.ProgramRawTracepointWritable},
		advice: map[sys.Errno]string{
			sys.ENOENT: "this kernel has no tracepoint of that name; raw tracepoints have no category before it",
			sys.EINVAL: "the program may read arguments that this tracepoint does not have",
		},
		cookie: o.Cookie != 0,
	}
	return r.do(func(l *Link, prog int) (err error) {
		if o.Name == "" {
			return errors.New("no tracepoint was given")
		}
		l.fd, err = sys.OpenRawTracepoint(o.Name, prog, o.Cookie)
		return err
	})
}

// TracingOptions say how a tracing program is attached. Where was decided when it was loaded.
type TracingOptions struct {
	Cookie uint64 // bpf_get_attach_cookie (Linux 5.19); 0 is none
}

// Tracing attaches a program of types tp_btf, fentry, fexit, fmod_ret or LSM to what it was loaded for
// (Linux 5.5, LSM 5.7).
func Tracing(p *loader.Program, o TracingOptions) (*Link, error) {
	r := request{
		program: p, kind: spec.AttachTracing, target: p.AttachType().String() + " " + p.AttachTo(),
		caps:  []sys.Capability{sys.CapBPF, sys.CapPerfmon},
		types: []spec.ProgramType{spec.ProgramTracing, spec.ProgramLSM},
		advice: map[sys.Errno]string{
			sys.EBUSY:  "the function has as many programs as the kernel allows, or is patched by something else",
			sys.ENOENT: "the function cannot be traced",
		},
		cookie: o.Cookie != 0,
	}
	return r.do(func(l *Link, prog int) (err error) {
		if o.Cookie == 0 {
			l.fd, err = sys.OpenRawTracepoint("", prog, 0)
			return err
		}
		l.fd, err = sys.CreateTracingLink(&sys.LinkCreateTracing{
			LinkCreate: sys.LinkCreate{ProgFD: uint32(prog), AttachType: uint32(p.AttachType())}, Cookie: o.Cookie,
		})
		return err
	})
}
