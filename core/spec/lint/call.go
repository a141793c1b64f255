package lint

import (
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/internal/quote"
)

// calls judges calls of helpers and kernel functions. Kernels check the license for kernel functions
// in the whole program, helpers only where they look.
func (l *linter) calls() {
	free := l.p.Type == 0 || l.c.GPLCompatible()
	for i := range l.g.Insns {
		in := &l.g.Insns[i]
		if l.full() {
			return
		}
		switch {
		case in.Op != asm.OpCall || in.Flags&asm.Raw != 0:
		case in.Ref == asm.RefKfunc:
			if !free && !l.weak[in.Symbol] {
				l.addf(Error, CodeLicense, i, "kernel function %s needs a license that is compatible with the GPL", quote.Quoted(in.Symbol))
			}
		case in.Ref == asm.RefNone && in.Src == 0:
			l.helper(i, in, free)
		}
	}
}

// helper judges the call of a helper.
func (l *linter) helper(i int, in *asm.Insn, free bool) {
	h := asm.Helper(in.Imm)
	info, ok := h.Info()
	switch {
	case !ok || int64(h) != in.Imm:
		if l.looks(i) {
			l.addf(Error, CodeHelper, i, "helper %d is not known; Linux 6.18 does not have it", in.Imm)
		}
	case info.In(uint32(l.p.Type)) == asm.No:
		if l.looks(i) {
			l.addf(Error, CodeHelperType, i, "%v programs do not have helper %v", l.p.Type, h)
		}
	case info.GPL == asm.Yes && !free:
		if l.looks(i) {
			l.addf(Error, CodeLicense, i, "helper %v needs a license that is compatible with the GPL", h)
		}
	}
}
