package loader

import (
	"fmt"
	"strings"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// attachTarget finds the kernel function or type that a program is loaded for, as "NAME" or "MODULE:NAME"; none for
// types of programs that are attached to something else (libbpf's naming: kernel/bpf/bpf_lsm.c,
// include/trace/bpf_probe.h).
func (l *load) attachTarget(p *spec.Program) (kernelType, error) {
	prefix, kind, what := "", btf.KindFunc, "kernel function"
	switch {
	case p.Type == spec.ProgramLSM:
		prefix, what = "bpf_lsm_", "LSM hook"
	case p.Type == spec.ProgramTracing && p.AttachType == spec.AttachTypeTraceRawTp:
		prefix, kind, what = "btf_trace_", btf.KindTypedef, "tracepoint"
	case p.Type == spec.ProgramTracing && p.AttachType == spec.AttachTypeTraceIter:
		prefix, what = "bpf_iter_", "iterator"
	case p.Type == spec.ProgramTracing:
	case p.Type == spec.ProgramExt:
		return kernelType{}, fmt.Errorf("%v programs: %w by this loader", p.Type, ErrNotSupported)
	default:
		return kernelType{}, nil
	}
	module, name, ok := strings.Cut(p.AttachTo, ":")
	if !ok {
		module, name = "", p.AttachTo
	}
	if name == "" || ok && module == "" {
		return kernelType{}, fmt.Errorf("it does not say which %s it is for", what)
	}
	t, err := l.findIn(module, prefix+name, kind)
	if err != nil {
		return kernelType{}, fmt.Errorf("%s %q: %w", what, p.AttachTo, err)
	}
	return t, nil
}
