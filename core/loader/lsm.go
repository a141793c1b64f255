package loader

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/asm/cfg"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// lsmChecked is the first version whose verifier checks what LSM programs return
// (bpf_lsm_get_retval_range of kernel/bpf/bpf_lsm.c). Kernels before it return any number to the
// code that asked the hook, which takes a positive one for a pointer or a length.
var lsmChecked = spec.Version{Major: 6, Minor: 12}

// maxErrno is the largest error number that a function of the kernel returns (MAX_ERRNO).
const maxErrno = 4095

// ownMeaning are the LSM hooks whose result is not an error number. From lsmChecked on programs
// cannot be attached to them, but for the two that return a truth value.
var ownMeaning = []string{
	"vm_enough_memory", "inode_need_killpriv", "inode_getsecurity", "inode_listsecurity", "inode_copy_up_xattr", "getselfattr",
	"getprocattr", "setprocattr", "key_getsecurity", "audit_rule_match", "ismaclabel", "audit_rule_known", "inode_xattr_skipcap",
}

// lsmCheck looks at what an LSM program returns.
type lsmCheck struct {
	*session
	p *prepared
}

// checkLSM does what the verifier of this kernel does not: an LSM program that returns what its hook
// cannot is refused, one of which that is not known is noted.
func checkLSM(l *session, p *prepared) error { return lsmCheck{l, p}.run() }

func (l lsmCheck) run() error {
	p := l.p
	if p.Spec.Type != spec.ProgramLSM || p.Spec.AttachType != spec.AttachTypeLSMMac || !l.kernel.Before(lsmChecked) {
		return nil
	}
	types, err := l.finder.Types(p.attach.Module)
	if err != nil {
		return err
	}
	hook := strings.TrimPrefix(types.Name(p.attach.ID), lsmPrefix) // without a module and a flavor
	if slices.Contains(ownMeaning, hook) {
		l.note(spec.Note{Code: "L09", Text: fmt.Sprintf("program %q: what hook %s returns has a meaning of its own, which Linux before %s does not hold programs to",
			p.Spec.Name, hook, lsmChecked)})
		return nil
	}
	proto, ok := protoOf(types, p.attach.ID)
	if !ok || proto.Return == 0 {
		return nil
	}
	returns, err := l.returns(len(proto.Params))
	if err != nil {
		return err
	}
	for _, r := range returns {
		if !r.known {
			l.note(spec.Note{Code: "L09", Text: fmt.Sprintf("program %q: whether it returns only 0 or negative error numbers is not known, and Linux before %s does not check that (hook %s)",
				p.Spec.Name, lsmChecked, hook)})
			return nil
		}
		if r.value > 0 || r.value < -maxErrno {
			return fmt.Errorf("instruction %d: it returns %d, where hook %s takes 0 or a negative error number (at least %d); Linux before %s does not check that and breaks",
				r.insn, r.value, hook, -maxErrno, lsmChecked)
		}
	}
	return nil
}

// protoOf returns the prototype of a function.
func protoOf(types *btf.Types, id btf.ID) (*btf.FuncProto, bool) {
	t, err := types.Type(id)
	if f, ok := t.(*btf.Func); ok && err == nil {
		t, err = types.Type(f.Type)
	}
	proto, ok := t.(*btf.FuncProto)
	return proto, ok && err == nil
}

// returned is a number that a program may return.
type returned struct {
	insn  int // what sets it, or the exit
	value int32
	known bool
}

// returns finds what the first function of a program returns, known numbers that are wrong first.
// The result of the programs before it, which is the argument after the hook's own, is right.
func (l lsmCheck) returns(args int) ([]returned, error) {
	p := l.p
	g, err := cfg.New(p.Code, nil)
	if err != nil {
		return nil, err
	}
	c := g.Constants(cfg.ConstOptions{Load: func(base int, off int64, size asm.Size) (uint64, bool) {
		return l.frozenNumber(&p.Code[base], off, size)
	}})
	var all []returned
	main := g.Funcs[0]
	for k := main.Block; k < main.Block+main.Blocks; k++ {
		c.Block(k, func(i int, before *[asm.R10]cfg.Value) {
			if g.Insns[i].Op != asm.OpExit {
				return
			}
			if v := before[asm.R0]; v.Kind == cfg.ValueNumber {
				all = append(all, returned{i, int32(v.Bits), true})
				return
			}
			origins, ok := c.Origins(i, asm.R0)
			if !ok {
				all = append(all, returned{insn: i})
			}
			for _, o := range origins {
				all = append(all, returnOf(c, g, o, args))
			}
		})
	}
	slices.SortStableFunc(all, func(a, b returned) int { return rank(a) - rank(b) })
	return all, nil
}

// rank sorts what is known before what is not.
func rank(r returned) int {
	if r.known {
		return 0
	}
	return 1
}

// returnOf is what a program returns that comes from there.
func returnOf(c *cfg.Constants, g *cfg.Graph, o cfg.Origin, args int) returned {
	if o.Insn < 0 {
		return returned{}
	}
	in := &g.Insns[o.Insn]
	switch in.Op.Format() {
	case asm.FormatMovImm:
		return returned{o.Insn, int32(in.Imm), true}
	case asm.FormatLoad:
		from, ok := c.Origins(o.Insn, in.Src)
		if ok && int(in.Off) == 8*args && len(from) == 1 && from[0] == (cfg.Origin{Insn: -1, Reg: asm.R1}) {
			return returned{o.Insn, 0, true} // what the programs before it returned
		}
	}
	return returned{insn: o.Insn}
}

// frozenNumber reads a number of a frozen data section, at an offset from what a 64-bit load loads.
func (l lsmCheck) frozenNumber(in *asm.Insn, off int64, size asm.Size) (uint64, bool) {
	name := in.Symbol
	if in.Ref == asm.RefVar {
		v := l.found.in(l.spec).Var(name)
		if v == nil {
			return 0, false
		}
		name, off = v.Map, off+int64(v.Offset)
	}
	m := l.found.in(l.spec).Map(name)
	off += in.Imm
	if m == nil || !m.Freeze || m.Pinning != spec.PinNone || l.options.Maps[name] != nil || l.found.in(l.spec).configured[name] ||
		off < 0 || off+int64(size.Bytes()) > int64(len(m.Data)) {
		return 0, false
	}
	b := make([]byte, 8)
	if copy(b, m.Data[off:off+int64(size.Bytes())]); nativeOrder() == asm.BigEndian {
		return native.Uint64(b) >> (64 - 8*size.Bytes()), true
	}
	return native.Uint64(b), true
}
