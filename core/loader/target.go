package loader

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// attachTarget finds the BTF id of the kernel function or type that a program is loaded for; 0 for
// types of programs that are attached to something else (libbpf's naming: kernel/bpf/bpf_lsm.c,
// include/trace/bpf_probe.h).
func (l *load) attachTarget(p *spec.Program) (uint32, error) {
	prefix, kind, what := "", btf.KindFunc, "kernel function"
	switch {
	case p.Type == spec.ProgramLSM:
		prefix, what = "bpf_lsm_", "LSM hook"
	case p.Type == spec.ProgramTracing && p.AttachType == spec.AttachTypeTraceRawTp:
		prefix, kind, what = "btf_trace_", btf.KindTypedef, "tracepoint"
	case p.Type == spec.ProgramTracing && p.AttachType == spec.AttachTypeTraceIter:
		prefix, what = "bpf_iter_", "iterator"
	case p.Type == spec.ProgramTracing:
	case p.Type == spec.ProgramExt, p.Type == spec.ProgramStructOps:
		return 0, fmt.Errorf("%v programs: %w by this loader", p.Type, ErrNotSupported)
	default:
		return 0, nil
	}
	if p.AttachTo == "" {
		return 0, fmt.Errorf("it does not say which %s it is for", what)
	}
	id, err := l.kernelType(prefix+p.AttachTo, kind)
	if err != nil {
		return 0, fmt.Errorf("%s %q: %w", what, p.AttachTo, err)
	}
	return uint32(id), nil
}
