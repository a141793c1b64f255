package loader

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/spec/bind"
)

// lsmPrefix begins the names of the functions that programs of LSM hooks are attached to.
const lsmPrefix = "bpf_lsm_"

// attachTarget finds the kernel function or type that a program is loaded for, as "NAME" or "MODULE:NAME"; none for
// types of programs that are attached to something else (libbpf's naming: kernel/bpf/bpf_lsm.c,
// include/trace/bpf_probe.h).
func (l *session) attachTarget(p *spec.Program) (bind.TypeRef, error) {
	prefix, kind, what := "", btf.KindFunc, "kernel function"
	switch {
	case p.Type == spec.ProgramLSM:
		prefix, what = lsmPrefix, "LSM hook"
	case p.Type == spec.ProgramTracing && p.AttachType == spec.AttachTypeTraceRawTp:
		prefix, kind, what = "btf_trace_", btf.KindTypedef, "tracepoint"
	case p.Type == spec.ProgramTracing && p.AttachType == spec.AttachTypeTraceIter:
		prefix, what = "bpf_iter_", "iterator"
	case p.Type == spec.ProgramTracing:
	case p.Type == spec.ProgramExt:
		return bind.TypeRef{}, fmt.Errorf("%v programs: %w by this loader", p.Type, ErrNotSupported)
	default:
		return bind.TypeRef{}, nil
	}
	module, name, err := spec.SplitFunction(p.AttachTo)
	if err != nil {
		return bind.TypeRef{}, fmt.Errorf("it does not say which %s it is for: %w", what, err)
	}
	t, err := l.find(module, prefix+name, kind)
	if err != nil {
		return bind.TypeRef{}, fmt.Errorf("%s %q: %w", what, p.AttachTo, err)
	}
	return t, nil
}
