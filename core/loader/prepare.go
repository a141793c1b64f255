package loader

import (
	"errors"
	"fmt"
	"math"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/spec/bind"
)

// prepared is a program on its way into the kernel.
type prepared struct {
	*bind.Program
	slots      []asm.Slot   // where each instruction was encoded to
	attach     bind.TypeRef // the kernel function or type to attach to
	attachType uint32       // of struct_ops the number of the member
}

// prepare does everything to a program that needs no descriptor.
func (l *session) prepare(b *bind.Binder, p *spec.Program) (*prepared, error) {
	bound, err := b.Bind(p)
	if err != nil {
		return nil, kernelError(err)
	}
	out := &prepared{Program: bound, attachType: uint32(p.AttachType)}
	if p.Type == spec.ProgramStructOps {
		out.attach, out.attachType, err = l.opsTarget(p.AttachTo)
		return out, err
	}
	if out.attach, err = l.attachTarget(p); err != nil {
		return nil, err
	}
	return out, checkLSM(l, out)
}

// find looks for a function, variable or type of the kernel or of a module, as bind.Finder does.
func (l *session) find(module, name string, kind btf.Kind) (bind.TypeRef, error) {
	t, err := l.finder.Find(module, name, kind)
	return t, kernelError(err)
}

// kernelError makes what package bind says is not supported wrap ErrNotSupported, too.
func kernelError(err error) error {
	if errors.Is(err, bind.ErrNotSupported) {
		return boundError{err}
	}
	return err
}

// boundError is an error of package bind about the running kernel.
type boundError struct{ error }

func (e boundError) Unwrap() []error { return []error{ErrNotSupported, e.error} }

// link puts the descriptors of maps into the code.
func (l *session) link(p *prepared) error {
	for i := range p.Code {
		in := &p.Code[i]
		name, off := in.Symbol, int64(0)
		switch in.Ref {
		case asm.RefMap:
			in.Src = asm.PseudoMapFD
		case asm.RefMapValue:
			in.Src, off = asm.PseudoMapValue, in.Imm
		case asm.RefVar:
			v := l.found.in(l.spec).Var(name)
			if v == nil {
				return fmt.Errorf("instruction %d: no variable %q", i, name)
			}
			in.Src, off, name = asm.PseudoMapValue, in.Imm+int64(v.Offset), v.Map
		default:
			continue
		}
		if in.Op != asm.OpLoadImm64 {
			return fmt.Errorf("instruction %d: opcode %#02x cannot refer to map %q", i, uint8(in.Op), name)
		}
		if off < 0 || off > math.MaxUint32 {
			return fmt.Errorf("instruction %d: offset %d does not fit 32 bits", i, off)
		}
		fd, ok := l.fds[name]
		if !ok {
			return fmt.Errorf("instruction %d: no map %q", i, name)
		}
		in.ClearRef()
		in.Imm = off<<32 | int64(fd)
	}
	return nil
}
