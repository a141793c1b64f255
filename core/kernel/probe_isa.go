package kernel

import "github.com/bpfhost/bpfhost/core/spec"

// askISA loads a program with instructions of a set.
func askISA(i spec.ISA) error {
	code := i.Example()
	if code == nil {
		return errUnknown
	}
	return programProbe{}.load(spec.ProgramSocketFilter, encode(code...))
}
