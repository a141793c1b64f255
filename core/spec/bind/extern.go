package bind

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// externs finds the addresses of the kernel symbols that the chosen programs refer to, and the
// kernel's configuration values.
func (b *Binder) externs() error {
	used, read := make(map[string]bool), make(map[string]bool)
	for _, p := range b.programs {
		for _, in := range p.Insns.All() {
			switch in.Ref {
			case asm.RefKsym:
				used[in.Symbol] = true
			case asm.RefVar, asm.RefMap, asm.RefMapValue:
				read[in.Symbol] = true
			}
		}
	}
	var symbols []string
	for _, e := range b.spec.Externs {
		if e.Kind == spec.ExternKconfig {
			if err := b.configure(e); err != nil && b.reads(e.Name, read) {
				return fmt.Errorf("configuration value %q: %w", e.Name, err)
			} else if err != nil {
				b.finder.note(spec.Note{
					Code: "L07", Text: fmt.Sprintf("nothing that is loaded reads configuration value %q, which is left at 0: %v", e.Name, err),
				})
			}
		}
		if e.Kind != spec.ExternKsym || e.Type != 0 {
			delete(used, e.Name) // found by its type
		}
	}
	for name := range used {
		symbols = append(symbols, name)
		if short := btf.Essential(name); short != name {
			symbols = append(symbols, short)
		}
	}
	if len(symbols) > 0 {
		var err error
		if b.symbols, b.hidden, err = b.finder.facts.Symbols(symbols...); err != nil {
			return err
		}
	}
	return nil
}

// reads reports whether a variable is among names of variables and maps that are referred to.
func (b *Binder) reads(name string, names map[string]bool) bool {
	v := b.names().Var(name)
	return v == nil || names[name] || names[v.Map]
}

// applyExtern resolves a kernel symbol or function.
func (b *Binder) applyExtern(p *Program, i int) error {
	in := &p.Code[i]
	name := in.Symbol
	e := b.names().Extern(name)
	if in.Ref == asm.RefKfunc {
		return b.applyKfunc(p, i, e)
	}
	if in.Op != asm.OpLoadImm64 {
		return fmt.Errorf("opcode %#02x cannot refer to symbol %q", uint8(in.Op), name)
	}
	switch {
	case e != nil && e.Kind == spec.ExternKconfig:
		return fmt.Errorf("configuration value %q is not a symbol; it is a variable", name)
	case e != nil && (e.Kind == spec.ExternKfunc || e.Type != 0):
		return b.applyTyped(p, i, e)
	}
	addr, err := b.address(name, e != nil && e.Weak)
	if err != nil {
		return err
	}
	in.ClearRef()
	in.Src, in.Imm = 0, in.Imm+int64(addr)
	return nil
}

// address returns the address of a kernel symbol, of a weak one that cannot be had 0. The whole name
// comes first: "__pfx___die" is not a flavor of "__pfx" where the kernel has it.
func (b *Binder) address(name string, weak bool) (uint64, error) {
	addrs := b.symbols[name]
	if len(addrs) == 0 {
		addrs = b.symbols[btf.Essential(name)]
	}
	switch {
	case len(addrs) > 1:
		return 0, fmt.Errorf("kernel symbol %q is ambiguous: it is at %#x and at %#x", name, addrs[0], addrs[1])
	case weak && (len(addrs) == 0 || b.hidden):
		return 0, nil
	case len(addrs) == 0:
		return 0, fmt.Errorf("kernel symbol %q does not exist: %w", name, ErrNotSupported)
	case b.hidden:
		return 0, fmt.Errorf("address of kernel symbol %q: %w: the kernel shows none to this process (kernel.kptr_restrict)", name, fs.ErrPermission)
	}
	return addrs[0], nil
}

// applyTyped resolves a symbol whose type the program knows: the kernel finds it by its BTF id. A weak
// one that is missing is 0, also a weak function of another prototype.
func (b *Binder) applyTyped(p *Program, i int, e *spec.Extern) error {
	kind, in := btf.KindVar, &p.Code[i]
	if e.Kind == spec.ExternKfunc {
		kind = btf.KindFunc
	}
	t, err := b.finder.Find("", e.Name, kind)
	missing := errors.Is(err, errors.ErrUnsupported)
	if err == nil {
		err = b.fits(e, t)
	}
	switch {
	case err == nil:
		in.ClearRef()
		in.Src, in.Imm = asm.PseudoBTFID, int64(t.ID)
		p.ofModule(i, t)
	case e.Weak && (missing || kind == btf.KindFunc && misfits(err)):
		in.ClearRef()
		in.Src, in.Imm = 0, 0
	default:
		return fmt.Errorf("kernel symbol %q: %w", e.Name, err)
	}
	return nil
}

// applyKfunc resolves the call of a kernel function. A weak one that is missing or of another
// prototype may be called as long as the verifier finds that it never is.
func (b *Binder) applyKfunc(p *Program, i int, e *spec.Extern) error {
	name := p.Code[i].Symbol
	t, err := b.finder.Find("", name, btf.KindFunc)
	missing := errors.Is(err, errors.ErrUnsupported)
	if err == nil {
		err = b.fits(e, t)
	}
	switch {
	case err == nil:
		in := &p.Code[i]
		in.ClearRef()
		in.Src, in.Off, in.Imm = asm.PseudoKfuncCall, 0, int64(t.ID)
		p.ofModule(i, t)
	case e != nil && e.Weak && missing:
		p.fail(i, fmt.Sprintf("kernel function %q does not exist", name))
	case e != nil && e.Weak && misfits(err):
		p.fail(i, fmt.Sprintf("kernel function %q: %v", name, err))
	default:
		return fmt.Errorf("kernel function %q: %w", name, err)
	}
	return nil
}

// fits compares what a program declares with what the kernel has, as libbpf does. A program that
// declares no type takes what there is.
func (b *Binder) fits(e *spec.Extern, t TypeRef) error {
	if e == nil || e.Type == 0 || b.spec.BTF == nil {
		return nil
	}
	if err, known := b.compared[e.Name]; known {
		return err
	}
	types, err := b.finder.Types(t.Module)
	if err != nil {
		return err
	}
	own, local := declared(b.spec.BTF, e.Type)
	theirs, target := declared(types, t.ID)
	if !btf.Compatible(b.spec.BTF, local, types, target) {
		err = &misfitError{b.spec.BTF.Declare(local, cmp.Or(own, e.Name)), types.Declare(target, theirs)}
	}
	if b.compared == nil {
		b.compared = make(map[string]error)
	}
	b.compared[e.Name] = err
	return err
}

// misfitError says that the kernel has something of the name, but of another type.
type misfitError struct{ own, kernel string } // declarations in C

func (e *misfitError) Error() string {
	return fmt.Sprintf("the program declares %q, the kernel has %q", e.own, e.kernel)
}

// misfits reports whether that is the error.
func misfits(err error) bool {
	var e *misfitError
	return errors.As(err, &e)
}

// declared returns the name and the type of a function or variable; of a type itself only that.
func declared(types *btf.Types, id btf.ID) (name string, typ btf.ID) {
	switch t, _ := types.Type(id); t := t.(type) {
	case *btf.Func:
		return t.Name, t.Type
	case *btf.Var:
		return t.Name, t.Type
	}
	return "", id
}
