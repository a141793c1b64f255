package lint

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/asm/cfg"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/spec/opt"
)

// maxDiagnostics is how many diagnostics a program has at most; the first ones count.
const maxDiagnostics = 100

// maxSlots is how many instructions kernels take, a 64-bit load as two (include/linux/bpf.h,
// BPF_COMPLEXITY_LIMIT_INSNS).
const maxSlots = 1_000_000

// Linter judges the programs of one collection. It is out of date when externs, maps or variables
// are added, removed or renamed.
type Linter struct {
	c     *spec.Collection
	names *spec.Index

	memory *opt.Memory
	weak   map[string]bool // names of externs that may be missing
}

// New returns a linter of the programs of a collection.
func New(c *spec.Collection) *Linter {
	l := &Linter{c: c, names: spec.NewIndex(c), memory: opt.NewMemory(c), weak: make(map[string]bool)}
	for i := range c.Externs {
		l.weak[c.Externs[i].Name] = c.Externs[i].Weak
	}
	return l
}

// Collection returns the diagnostics of the programs that are loaded, and of attachments. Of
// programs that do not fit together, for which CheckAll has an error, there are none.
func Collection(c *spec.Collection) []Diagnostic {
	l := New(c)
	var out []Diagnostic
	for _, p := range c.Select(c.Attached()).Programs {
		out = append(out, l.Program(p)...)
	}
	return append(out, l.hooks()...)
}

// Program returns what a [Linter] does for one program of a collection.
func Program(c *spec.Collection, p *spec.Program) []Diagnostic { return New(c).Program(p) }

// Program returns the diagnostics of a program of the collection, in the order of instructions. Of a
// program without a type only those that hold for every type and license.
func (l *Linter) Program(p *spec.Program) []Diagnostic {
	if p.Insns.Len() == 0 {
		return nil
	}
	g, err := opt.Graph(p)
	if err != nil {
		return nil
	}
	x := linter{Linter: l, p: p, g: g}
	x.whole()
	x.flow()
	x.endless()
	x.calls()
	slices.SortStableFunc(x.out, func(a, b Diagnostic) int { return cmp.Compare(a.Insn, b.Insn) })
	return x.out[:min(len(x.out), maxDiagnostics)]
}

// linter judges one program.
type linter struct {
	*Linter
	p   *spec.Program
	g   *cfg.Graph
	out []Diagnostic

	// Made when needed.
	seen   *seen
	called []bool // by function: control gets to it whatever the outcome of guards
	throw  bool   // control may leave at calls of bpf_throw
}

// addf adds a diagnostic of an instruction, or with -1 of the program.
func (l *linter) addf(s Severity, code Code, insn int, format string, args ...any) {
	d := Diagnostic{Severity: s, Code: code, Kind: spec.ObjectProgram, Name: l.p.Name, Insn: insn, Text: fmt.Sprintf(format, args...)}
	if insn >= 0 {
		d.Line = l.p.LineAt(insn)
	}
	l.out = append(l.out, d)
}

// full reports whether there are diagnostics enough.
func (l *linter) full() bool { return len(l.out) >= maxDiagnostics }

// looks reports whether kernels look at an instruction whatever they find when they load it. It is
// false where that is not certain.
func (l *linter) looks(insn int) bool {
	if l.seen == nil {
		l.seen = newSeen(l.memory.Constants(l.p, l.g), l.g, l.taint(l.p, l.g))
		l.called = l.seen.called(yes, l.p.Exception)
		for i := range l.g.Insns {
			l.throw = l.throw || isThrow(&l.g.Insns[i])
		}
	}
	k := l.g.BlockOf(insn)
	return !l.throw && l.called[l.g.Blocks[k].Func] && l.seen.reaches(k) == yes
}

// whole judges the program as a whole.
func (l *linter) whole() {
	if n := asm.Slots(l.g.Insns); n > maxSlots {
		l.addf(Error, CodeTooLong, -1, "it has %d instructions, and kernels take %d", n, maxSlots)
	}
	if l.p.Type.NeedsGPL() && !l.c.GPLCompatible() {
		l.addf(Error, CodeLicense, -1, "%v programs need a license that is compatible with the GPL", l.p.Type)
	}
	l.depth()
}

// depth warns of chains of calls that need too much stack. Where the address of a function is taken
// nothing is said: what is called back from elsewhere has a stack of its own.
func (l *linter) depth() {
	for i := range l.g.Funcs {
		if f := &l.g.Funcs[i]; f.Reachable && slices.ContainsFunc(f.Calls, func(c cfg.LocalCall) bool { return c.Address }) {
			return
		}
	}
	switch u := l.g.Stack()[0]; {
	case u.Recursive:
		l.addf(Warning, CodeStackDepth, -1, "a function can call itself, so its stack has no bound")
	case u.Frames > cfg.MaxFrames:
		l.addf(Warning, CodeStackDepth, -1, "a chain of calls is %d functions long, and kernels take %d", u.Frames, cfg.MaxFrames)
	case u.Frames > 1 && u.Depth > cfg.MaxStack: // in one function, an access says it
		l.addf(Warning, CodeStackDepth, -1, "a chain of calls needs %d bytes of stack, and kernels have %d", u.Depth, cfg.MaxStack)
	}
}

// flow judges what follows from the control flow. Kernels check paths through the whole program;
// registers and the stack only where they look.
func (l *linter) flow() {
	for _, d := range l.g.Check(cfg.CheckOptions{NoResult: mayBeVoid(l.p.Type)}) {
		if l.full() {
			return
		}
		severity, code := Error, CodeJump
		switch d.Kind {
		case cfg.FindUnknown:
			severity, code = Warning, CodeInsn // a newer kernel may know it
		case cfg.FindFallsOff:
			code = CodeFallsOff
		case cfg.FindUnreachable:
			if l.p.Exception != "" && !l.g.Funcs[l.g.FuncOf(d.Insn)].Reachable {
				continue // bpf_throw calls it
			}
			code = CodeUnreachable
		case cfg.FindWriteR10:
			code = CodeWriteR10
		case cfg.FindUninitialised:
			code = CodeUnset
		case cfg.FindOutsideStack:
			code = CodeStack
		}
		switch code {
		case CodeWriteR10, CodeUnset, CodeStack:
			if !l.looks(d.Insn) {
				continue
			}
		}
		l.addf(severity, code, d.Insn, "%s", d.Reason())
	}
}

// mayBeVoid reports whether what programs of the type replace or implement may return nothing. Bare
// instructions may be any.
func mayBeVoid(t spec.ProgramType) bool {
	switch t {
	case spec.ProgramUnspec, spec.ProgramStructOps, spec.ProgramExt, spec.ProgramLSM:
		return true
	}
	return false
}

// endless warns of loops that control cannot leave, the first of every function.
func (l *linter) endless() {
	g := l.g
	leaves := make([]bool, len(g.Blocks))
	var todo []int32
	for k := range g.Blocks {
		b := &g.Blocks[k]
		if g.Funcs[b.Func].HasIndirectJump || b.FallsThrough || g.Insns[b.End-1].Op == asm.OpExit || l.throws(b) {
			leaves[k] = true
			todo = append(todo, int32(k))
		}
	}
	for len(todo) > 0 {
		k := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, from := range g.Preds(int(k)) {
			if !leaves[from] {
				leaves[from] = true
				todo = append(todo, from)
			}
		}
	}
	last := -1 // function with a warning
	for k := range g.Blocks {
		b := &g.Blocks[k]
		if b.Reachable && !leaves[k] && b.Func != last && slices.ContainsFunc(g.Succs(k), func(to int32) bool { return int(to) <= k }) {
			l.addf(Warning, CodeEndless, b.End-1, "control never leaves this loop")
			last = b.Func
		}
	}
}

// throws reports whether a block ends the program by an exception.
func (l *linter) throws(b *cfg.Block) bool {
	for i := b.Start; i < b.End; i++ {
		if isThrow(&l.g.Insns[i]) {
			return true
		}
	}
	return false
}

// isThrow reports whether an instruction calls bpf_throw, which does not return.
func isThrow(in *asm.Insn) bool { return in.Ref == asm.RefKfunc && in.Symbol == "bpf_throw" }
