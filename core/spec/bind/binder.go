package bind

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// Binder binds the programs of one collection.
type Binder struct {
	spec      *spec.Collection
	programs  []*spec.Program
	finder    *Finder
	coreTypes *btf.Types

	symbols map[string][]uint64 // addresses of kernel symbols
	hidden  bool                // the kernel shows no addresses
	data    map[string][]byte   // first contents of maps with configuration values
	cores   *btf.Resolver       // of relocations against the kernel proper
	outer   *btf.Resolver       // of those that it has no candidates for
	targets []btf.Target        // of outer

	compared map[string]error // by extern: whether the kernel's type fits
	index    *spec.Index      // see names
}

// names finds what the collection has by name.
func (b *Binder) names() *spec.Index {
	if b.index == nil {
		b.index = spec.NewIndex(b.spec)
	}
	return b.index
}

// New looks up the kernel symbols that the programs of a collection refer to, and the configuration values
// of the collection. CO-RE relocations are computed for coreTypes, if not nil, otherwise for those of the
// kernel. Oddities are noted as L05 by the finder.
//
// Errors wrap ErrNotSupported if a value that is not weak does not exist; others come from the facts.
func New(c *spec.Collection, programs []*spec.Program, f *Finder, coreTypes *btf.Types) (*Binder, error) {
	b := &Binder{spec: c, programs: programs, finder: f, coreTypes: coreTypes}
	if err := b.externs(); err != nil {
		return nil, err
	}
	return b, nil
}

// Data returns the first contents of a map that configuration values were written into, in the byte order
// of the collection; nil for other maps.
func (b *Binder) Data(name string) []byte { return b.data[name] }

// Program is a program with its relocations applied and its references to the kernel resolved.
type Program struct {
	Spec    *spec.Program
	Code    []asm.Insn  // as many instructions as the spec, at the same indexes
	Poison  []string    // why instruction i was replaced by a call that no kernel accepts; nil when none was
	Modules []ModuleRef // the instructions that refer to types of modules, in order
}

// ModuleRef is an instruction that refers to a function or variable of a module.
type ModuleRef struct {
	Insn   int
	Module string
}

// PoisonCall is the number of the first helper that does not exist, as libbpf's users know it from
// verifier logs. The number of a poisoned instruction is its index above it.
const PoisonCall = 0xbad2310

// Bind returns a program bound. References to maps, variables, functions and jump tables stay.
//
// Errors name the instruction. They wrap ErrNotSupported if something that is not weak does not exist,
// fs.ErrPermission if the kernel shows no addresses. Without either they say that a symbol is ambiguous or
// not of the type that the program declares; others come from package btf and the facts.
func (b *Binder) Bind(p *spec.Program) (*Program, error) {
	code, err := p.Resolve()
	if err != nil {
		return nil, err
	}
	out := &Program{Spec: p, Code: code}
	for i, in := range p.Insns.All() {
		if in.Core != nil {
			if err := b.applyCore(out, i, *in.Core); err != nil {
				return nil, fmt.Errorf("instruction %d: %w", i, err)
			}
		}
		if k := code[i].Ref; k == asm.RefKsym || k == asm.RefKfunc {
			if err := b.applyExtern(out, i); err != nil {
				return nil, fmt.Errorf("instruction %d: %w", i, err)
			}
		}
	}
	return out, nil
}

// ofModule notes that an instruction refers to something of a module; of the kernel proper it notes nothing.
func (p *Program) ofModule(i int, t TypeRef) {
	if t.Module != "" {
		p.Modules = append(p.Modules, ModuleRef{i, t.Module})
	}
}

// fail replaces an instruction by the call of a helper that does not exist. That is an error only if
// the verifier finds that the instruction can be reached.
func (p *Program) fail(i int, reason string) {
	if p.Poison == nil {
		p.Poison = make([]string, len(p.Code))
	}
	p.Poison[i] = reason
	p.Code[i] = asm.Insn{Op: asm.OpCall, Imm: PoisonCall + int64(i), Label: p.Code[i].Label}
}

// PoisonAt returns why instruction i was replaced, empty if it was not or there is none.
func (p *Program) PoisonAt(i int) string {
	if i < 0 || i >= len(p.Poison) {
		return ""
	}
	return p.Poison[i]
}
