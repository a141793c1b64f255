package loader

import (
	"fmt"
	"math"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

// prepared is a program on its way into the kernel. Its code has as many instructions as the
// blueprint, at the same indexes.
type prepared struct {
	spec       *spec.Program
	code       []asm.Insn
	slots      []asm.Slot  // where each instruction was encoded to
	poison     []string    // why instruction i was replaced by a call that no kernel accepts
	attach     kernelType  // the kernel function or type to attach to
	attachType uint32      // of struct_ops the number of the member
	modules    []moduleUse // the instructions that refer to types of modules, in order
}

// moduleUse is an instruction that refers to a function or variable of a module.
type moduleUse struct {
	insn   int
	module string
}

// ofModule notes that an instruction refers to something of a module; of the kernel proper it notes nothing.
func (p *prepared) ofModule(i int, t kernelType) {
	if t.module != "" {
		p.modules = append(p.modules, moduleUse{i, t.module})
	}
}

// poisonCall is the number of the first helper that does not exist, as libbpf's users know it from
// verifier logs. The number of a poisoned instruction is its index above it.
const poisonCall = 0xbad2310

// prepare does everything to a program that needs no descriptor.
func (l *load) prepare(p *spec.Program) (*prepared, error) {
	code, err := p.Code()
	if err != nil {
		return nil, err
	}
	out := &prepared{spec: p, code: code, attachType: uint32(p.AttachType)}
	for i, in := range p.Insns.All() {
		if in.Core != nil {
			if err := l.applyCore(out, i, *in.Core); err != nil {
				return nil, fmt.Errorf("instruction %d: %w", i, err)
			}
		}
		if k := code[i].Ref; k == asm.RefKsym || k == asm.RefKfunc {
			if err := l.applyExtern(out, i); err != nil {
				return nil, fmt.Errorf("instruction %d: %w", i, err)
			}
		}
	}
	if p.Type == spec.ProgramStructOps {
		return out, l.opsTarget(out)
	}
	out.attach, err = l.attachTarget(p)
	return out, err
}

// fail replaces an instruction by the call of a helper that does not exist. That is an error only if
// the verifier finds that the instruction can be reached.
func (p *prepared) fail(i int, reason string) {
	if p.poison == nil {
		p.poison = make([]string, len(p.code))
	}
	p.poison[i] = reason
	p.code[i] = asm.Insn{Op: asm.OpCall, Imm: poisonCall + int64(i), Label: p.code[i].Label}
}

// poisonAt says why instruction i was replaced, or nothing.
func (p *prepared) poisonAt(i int) string {
	if i < 0 || i >= len(p.poison) {
		return ""
	}
	return p.poison[i]
}

// link puts the descriptors of maps into the code.
func (l *load) link(p *prepared) error {
	for i := range p.code {
		in := &p.code[i]
		name, off := in.Symbol, int64(0)
		switch in.Ref {
		case asm.RefMap:
			in.Src = asm.PseudoMapFD
		case asm.RefMapValue:
			in.Src, off = asm.PseudoMapValue, in.Imm
		case asm.RefVar:
			v := l.spec.Var(name)
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
