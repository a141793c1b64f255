package link

import (
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// TracingOptions say how a tracing program is attached. Where was decided when it was loaded.
type TracingOptions struct {
	Cookie uint64 // bpf_get_attach_cookie (Linux 5.19); 0 is none
}

// tracingLink is BPF_LINK_TYPE_TRACING: fentry, fexit, fmod_ret and LSM programs.
type tracingLink struct{ kernelLink }

// Tracing attaches a program of types tp_btf, fentry, fexit or fmod_ret to what it was loaded for
// (Linux 5.5).
func Tracing(p *loader.Program, o TracingOptions) (Link, error) {
	return attachTyped(p, spec.ProgramTracing, o.Cookie)
}

// attachTyped attaches a program whose hook was decided when it was loaded.
func attachTyped(p *loader.Program, typ spec.ProgramType, cookie uint64) (Link, error) {
	r := request{
		program: p, kind: spec.HookTracing, target: p.AttachType().String() + " " + p.AttachTo(),
		types: []spec.ProgramType{typ},
		advice: map[sys.Errno]string{
			sys.EBUSY:  "the function has as many programs as the kernel allows, or is patched by something else",
			sys.ENOENT: "the function cannot be traced",
		},
		cookie: cookie != 0,
	}
	return r.do(func(prog int) (Link, error) {
		if typ == spec.ProgramLSM {
			if err := lsmActive(); err != nil {
				return nil, err
			}
		}
		fd, err := openTyped(prog, p.AttachType(), cookie)
		if p.AttachType() == spec.AttachTypeTraceRawTp { // the kernel makes the link of a raw tracepoint
			return &rawTracepointLink{r.linked(fd)}, err
		}
		return &tracingLink{r.linked(fd)}, err
	})
}

// openTyped makes the kernel's link, by the older call where that is enough.
func openTyped(prog int, attach spec.AttachType, cookie uint64) (*sys.FD, error) {
	if cookie == 0 {
		return sys.OpenRawTracepoint("", prog, 0)
	}
	return sys.CreateTracingLink(&sys.LinkCreateTracing{
		LinkCreate: sys.LinkCreate{ProgFD: uint32(prog), AttachType: uint32(attach)}, Cookie: cookie,
	})
}

// Info asks the kernel about the link.
func (l *tracingLink) Info() (Info, error) {
	info, x, err := l.info()
	info.AttachType = spec.AttachType(x.word(0))
	return info, err
}

// attachTracing attaches as a spec says: a tracing or an LSM program.
func attachTracing(p *loader.Program, a spec.Attach, _ spec.Target) (Link, error) {
	if p.Type() == spec.ProgramLSM {
		return LSM(p, LSMOptions{Cookie: a.Cookie})
	}
	return Tracing(p, TracingOptions{Cookie: a.Cookie})
}
