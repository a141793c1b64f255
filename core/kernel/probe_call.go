package kernel

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// callCode is a program that calls something and then reads an argument, which calls leave unreadable: so
// the verifier refuses every such program with EACCES, and those that may not call it with EINVAL, before
// it makes machine code of it.
var callCode = encode(asm.Call(0), asm.Mov64Reg(asm.R0, asm.R1), asm.Exit())

// refusedHelper are what the verifier says of helpers that there are not, or not for such programs
// (check_helper_call of kernel/bpf/verifier.c).
var refusedHelper = []string{"invalid func ", "unknown func ", "cannot use helper "}

// askHelper loads a program that calls a helper. That its arguments are wrong does not matter: the
// kernel looks at them last.
func askHelper(k *Kernel, t spec.ProgramType, h asm.Helper) error {
	p, err := callProbe(k, t)
	if err != nil {
		return err
	}
	code := slices.Clone(callCode)
	native.PutUint32(code[4:], uint32(h))
	fd, log, err := p.open(t, code, true)
	fd.Close()
	if strings.Contains(log, "sleep") {
		return p.askSleeping(t, code, err)
	}
	switch {
	case err == nil, errors.Is(err, sys.EACCES):
		return nil
	case !errors.Is(err, sys.EINVAL) || log == "":
		return err
	case slices.ContainsFunc(refusedHelper, func(s string) bool { return strings.Contains(log, s) }):
		return absent{err}
	}
	return nil // it got to the arguments
}

// askSleeping finds out whether programs of a type may sleep, as the helper does that the code calls.
func (p programProbe) askSleeping(t spec.ProgramType, code []byte, answer error) error {
	p.flags |= spec.FlagSleepable
	fd, log, err := p.open(t, code, true)
	fd.Close()
	switch {
	case strings.Contains(log, "sleepable"):
		return absent{answer}
	case err == nil, errors.Is(err, sys.EACCES), errors.Is(err, sys.EINVAL):
		return nil
	}
	return err
}

// refusedKfunc are what the verifier says of kernel functions that such programs may not call, or of all
// of them before Linux 5.13.
var refusedKfunc = []string{"is not allowed", "reserved fields", "is not a function", "not supported"}

// askKfunc loads a program that calls a kernel function.
func askKfunc(k *Kernel, t spec.ProgramType, name string) error {
	p, err := callProbe(k, t)
	if err != nil {
		return err
	}
	module, id, err := findKfunc(k, name)
	if err != nil {
		return err
	}
	code := slices.Clone(callCode)
	native.PutUint32(code[4:], uint32(id))
	native.PutUint16(code[2:], 0)
	code[1] = callCode[1] | kfuncRegs
	a := p.attribute(t, code)
	if module != "" {
		fd, release, err := k.HoldModule(module)
		if err != nil {
			return err
		}
		defer release()
		native.PutUint16(code[2:], 1) // index in the array below
		fds := []int32{0, int32(fd)}
		a.FDArray = sys.IntsPointer(fds)
	}
	fd, log, err := loadLogged(a)
	fd.Close()
	switch {
	case err == nil:
		return nil
	case log == "", errors.Is(err, sys.ENOTSUPP):
		return lacks(err, sys.EINVAL, sys.ENOTSUPP)
	case slices.ContainsFunc(refusedKfunc, func(s string) bool { return strings.Contains(log, s) }):
		return absent{err}
	case errors.Is(err, sys.EINVAL), errors.Is(err, sys.EACCES):
		return nil // it got to the arguments
	}
	return err
}

// kfuncRegs are the registers of a call of a kernel function: source register 2, BPF_PSEUDO_KFUNC_CALL.
var kfuncRegs = encode(asm.Insn{Op: asm.OpCall, Src: asm.PseudoKfuncCall})[1]

// findKfunc finds a kernel function, "NAME" or "MODULE:NAME", in the types of the kernel and, where they do
// not have it, in those of all its modules.
func findKfunc(k *Kernel, name string) (module string, id btf.ID, err error) {
	types, err := k.Types()
	if err != nil {
		return "", 0, err
	}
	modules, name, ok := []string(nil), name, false
	if module, rest, has := strings.Cut(name, ":"); has {
		modules, name, ok = []string{module}, rest, true
	}
	if !ok {
		if id, err = types.Find(name, btf.KindFunc); err == nil {
			return "", id, nil
		}
		if modules, err = k.Modules(); err != nil {
			return "", 0, err
		}
	}
	for _, m := range modules {
		types, err := k.ModuleTypes(m)
		if err != nil {
			continue // it was unloaded, or is not loaded
		}
		if id, err := types.FindOwn(name, btf.KindFunc); err == nil {
			return m, id, nil
		}
	}
	return "", 0, absent{fmt.Errorf("neither the kernel nor a module that is loaded has a function %q", name)}
}

// callProbe returns what programs of a type that call something are loaded with, or why they cannot
// be: absent where the kernel has no such programs.
func callProbe(k *Kernel, t spec.ProgramType) (programProbe, error) {
	err := k.Has(t.Feature())
	var lack *lackError
	switch {
	case errors.As(err, &lack):
		return programProbe{}, absent{lack.answer}
	case err != nil:
		return programProbe{}, err
	}
	p := programProbes[t]
	if p.typeID == 0 {
		return p, nil
	}
	target, kind := "", btf.KindFunc
	switch t {
	case spec.ProgramTracing:
		target, kind = "btf_trace_sched_process_exec", btf.KindTypedef
	case spec.ProgramLSM:
		target = "bpf_lsm_file_open"
	case spec.ProgramStructOps:
		target, kind = "tcp_congestion_ops", btf.KindStruct
	default: // it may call what the program may that it replaces
		return p, errUnknown
	}
	types, err := k.Types()
	if err != nil {
		return p, err
	}
	id, err := types.Find(target, kind)
	p.typeID, p.known = uint32(id), ""
	return p, err
}
