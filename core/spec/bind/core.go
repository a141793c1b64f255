package bind

import (
	"fmt"
	"math"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// resolver computes the CO-RE relocations of all programs. It is made when the first one is met,
// because a collection without any needs no kernel types.
func (b *Binder) resolver() (*btf.Resolver, error) {
	if b.cores != nil {
		return b.cores, nil
	}
	if b.spec.BTF == nil {
		return nil, fmt.Errorf("the collection has CO-RE relocations but no types")
	}
	var relos []btf.CoreRelo
	kernel := false
	for _, p := range b.programs {
		for _, in := range p.Insns.All() {
			if c := in.Core; c != nil {
				relos = append(relos, *c)
				kernel = kernel || c.Kind != btf.CoreTypeIDLocal
			}
		}
	}
	var targets []btf.Target
	if kernel {
		t, err := b.coreTarget()
		if err != nil {
			return nil, err
		}
		targets = append(targets, t)
	}
	if b.coreTypes == b.spec.BTF {
		b.cores = btf.NewOwnResolver(b.spec.BTF, ownTypes)
	} else {
		b.cores = btf.NewResolver(b.spec.BTF, targets...)
	}
	b.cores.Prepare(relos)
	return b.cores, nil
}

// coreTarget returns the types that relocations are computed for first.
func (b *Binder) coreTarget() (btf.Target, error) {
	if t := b.coreTypes; t != nil {
		return btf.Target{Name: givenTypes, Types: t}, nil
	}
	t, err := b.finder.facts.Types()
	return btf.Target{Name: vmlinux, Types: t}, err
}

// Names of the core types of New in messages, other types than those of the collection and its own.
const givenTypes, ownTypes = "the types given", "the object's own types"

// resolveOuter resolves what the kernel proper has no type of that name for: a module may have one. inner is the answer
// without modules. These are read only now, because few programs need them.
func (b *Binder) resolveOuter(relo btf.CoreRelo, inner btf.CoreResult) (btf.CoreResult, error) {
	if b.outer == nil {
		t, err := b.finder.facts.Types()
		if err != nil {
			return inner, err
		}
		b.targets = []btf.Target{{Name: vmlinux, Types: t}}
		for name, t := range b.finder.modules() {
			b.targets = append(b.targets, btf.Target{Name: name, Types: t})
		}
		b.outer = btf.NewResolver(b.spec.BTF, b.targets...)
		b.outer.Prepare(b.unknown())
	}
	if len(b.targets) == 1 {
		return inner, nil
	}
	f, err := b.outer.Resolve(relo)
	if err == nil && relo.Kind == btf.CoreTypeIDTarget && f.Target > 0 {
		b.finder.note(spec.Note{
			Code: "L05", Text: fmt.Sprintf("%s is an id of kernel module %s, which the kernel does not know of: it takes it for one of its own", f.Text(), b.targets[f.Target].Name),
		})
	}
	return f, err
}

// unknown lists the relocations that the kernel proper has no candidates for.
func (b *Binder) unknown() []btf.CoreRelo {
	var list []btf.CoreRelo
	for _, p := range b.programs {
		for _, in := range p.Insns.All() {
			c := in.Core
			if c == nil || c.Kind == btf.CoreTypeIDLocal {
				continue
			}
			if f, err := b.cores.Resolve(*c); err == nil && len(f.Found) == 0 {
				list = append(list, *c)
			}
		}
	}
	return list
}

// applyCore patches one instruction. What cannot be satisfied becomes a call that no kernel accepts,
// because the program may well never reach it.
func (b *Binder) applyCore(p *Program, i int, relo btf.CoreRelo) error {
	r, err := b.resolver()
	if err != nil {
		return err
	}
	f, err := r.Resolve(relo)
	given := b.coreTypes != nil
	if err == nil && given && relo.Kind == btf.CoreTypeIDTarget && f.Target >= 0 {
		b.finder.note(spec.Note{
			Code: "L05", Text: fmt.Sprintf("%s is an id in the types given for CO-RE, where the kernel may have another type", f.Text()),
		})
	}
	if err == nil && !given && relo.Kind != btf.CoreTypeIDLocal && len(f.Found) == 0 {
		f, err = b.resolveOuter(relo, f)
	}
	if err != nil {
		return err
	}
	if f.Poison {
		p.fail(i, f.Text()+": "+f.Reason)
		return nil
	}
	reason, err := patch(&p.Code[i], f)
	if err != nil {
		return fmt.Errorf("%s: %w", f.Text(), err)
	}
	if reason != "" {
		p.fail(i, f.Text()+": "+reason)
	}
	return nil
}

// patch puts a value into an instruction: the immediate of arithmetic and 64-bit loads, the offset
// of loads and stores, whose width follows the field. A reason says that the value cannot be
// expressed; an error, that the record does not belong to this instruction.
func patch(in *asm.Insn, f btf.CoreResult) (reason string, err error) {
	switch in.Op.Class() {
	case asm.ClassALU, asm.ClassALU64:
		if in.Op.Reg() {
			return "", fmt.Errorf("opcode %#02x has no immediate", uint8(in.Op))
		}
		if f.Validate && uint32(in.Imm) != uint32(f.Local) {
			return "", fmt.Errorf("the instruction holds %d, not %d", in.Imm, int64(f.Local))
		}
		if int64(f.Value) < math.MinInt32 || int64(f.Value) > math.MaxUint32 {
			return fmt.Sprintf("value %d does not fit 32 bits", int64(f.Value)), nil
		}
		in.Imm = int64(int32(f.Value))
		return "", nil
	case asm.ClassLdx, asm.ClassSt, asm.ClassStx:
		return patchAccess(in, f)
	case asm.ClassLd:
		if in.Op != asm.OpLoadImm64 || in.Src != 0 || in.Ref != asm.RefNone {
			break
		}
		if f.Validate && uint64(in.Imm) != f.Local {
			return "", fmt.Errorf("the instruction holds %d, not %d", in.Imm, int64(f.Local))
		}
		in.Imm = int64(f.Value)
		return "", nil
	}
	return "", fmt.Errorf("opcode %#02x cannot be relocated", uint8(in.Op))
}

func patchAccess(in *asm.Insn, f btf.CoreResult) (reason string, err error) {
	if f.Validate && uint64(int64(in.Off)) != f.Local {
		return "", fmt.Errorf("the instruction has offset %d, not %d", in.Off, int64(f.Local))
	}
	if f.Value > math.MaxInt16 {
		return fmt.Sprintf("offset %d does not fit 16 bits", f.Value), nil
	}
	if f.LocalSize != f.TargetSize {
		mode := in.Op.Mode()
		switch {
		case f.NoResize:
			return fmt.Sprintf("the field has %d bytes, the program expects %d", f.TargetSize, f.LocalSize), nil
		case mode != asm.ModeMem && mode != asm.ModeMemSX:
			return fmt.Sprintf("an access of another width than %d bytes is not possible here", f.LocalSize), nil
		}
		size, ok := sizeOf(f.TargetSize)
		if !ok {
			return fmt.Sprintf("the field has %d bytes", f.TargetSize), nil
		}
		if mode == asm.ModeMemSX && size == asm.DWord { // there is nothing left to extend
			in.Op = asm.Op(asm.ClassLdx) | asm.Op(asm.ModeMem)
		}
		in.Op = in.Op&^asm.Op(asm.DWord) | asm.Op(size)
	}
	in.Off = int16(f.Value)
	return "", nil
}

// sizeOf is the width of an access to a number of bytes.
func sizeOf(bytes uint32) (asm.Size, bool) {
	switch bytes {
	case 1:
		return asm.Byte, true
	case 2:
		return asm.Half, true
	case 4:
		return asm.Word, true
	case 8:
		return asm.DWord, true
	}
	return 0, false
}
