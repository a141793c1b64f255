package compare

import (
	"cmp"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

// Place is an instruction of a program.
type Place struct {
	Program string `json:"program"`
	Insn    int    `json:"insn"`
	Text    string `json:"text"`
	File    string `json:"file,omitempty"`
	Line    uint32 `json:"line,omitempty"`
	Source  string `json:"source,omitempty"`
}

// step is an instruction that ran, with the registers before it.
type step struct {
	program *spec.Program
	insn    int
	regs    [11]uint64
}

// maxSteps bounds what is kept of a run.
const maxSteps = 100_000

// trace runs the program of a side on an input and returns the instructions that ran.
func (s *side) trace(in *Input) ([]step, *vm.Tracer, error) {
	var steps []step
	t := vm.NewTracer(s.m, func(st vm.Step) {
		if len(steps) < maxSteps {
			steps = append(steps, step{st.Program, st.Insn, *st.Regs})
		}
	})
	defer t.Close()
	_, err := s.run(in)
	return steps, t, err
}

// alignment says which instructions of two programs correspond: by the number in the first that in
// the second, -1 for none.
type alignment struct{ to, from []int }

// align aligns the programs of a name, whose differences are changes.
func align(a, b *spec.Program, changes []spec.Change) alignment {
	var al alignment
	for range a.Insns.Len() {
		al.to = append(al.to, -1)
	}
	for range b.Insns.Len() {
		al.from = append(al.from, -1)
	}
	i, j := 0, 0
	same := func(old, next int) {
		for ; i < old && j < next && i < len(al.to) && j < len(al.from); i, j = i+1, j+1 {
			al.to[i], al.from[j] = j, i
		}
	}
	for _, ch := range changes {
		if ch.Kind != spec.ObjectProgram || ch.Name != a.Name || ch.Op != spec.ChangeModify {
			continue
		}
		for _, h := range ch.Hunks {
			same(h.OldAt, h.NewAt)
			for _, l := range h.Lines {
				if l.Op == ' ' {
					al.to[l.Old], al.from[l.New] = l.New, l.Old
				}
			}
			i, j = h.OldAt+h.OldLen, h.NewAt+h.NewLen
		}
	}
	same(len(al.to), len(al.from))
	return al
}

// walker goes through two traces side by side.
type walker struct {
	a, b     []step
	ta, tb   *vm.Tracer
	of       func(program string) alignment
	wa, wb   [11]int // by register: the step that wrote it last, plus 1
	xa, xb   int     // first step since the last that corresponded that has no counterpart, plus 1
	exa, exb int     // the first of all
}

// first returns the first instructions of two traces that do something else: those that wrote the
// register that an instruction of both finds with another value, or those at which the traces part.
// What only one program has and what makes no difference is passed over, unless nothing else differs.
// They are -1 for a trace that has none.
func (w *walker) first() (i, j int) {
	for {
		i, w.xa = w.skip(w.a, i, w.wa[:], w.xa, func(p string) []int { return w.of(p).to })
		j, w.xb = w.skip(w.b, j, w.wb[:], w.xb, func(p string) []int { return w.of(p).from })
		w.exa, w.exb = cmp.Or(w.exa, w.xa), cmp.Or(w.exb, w.xb)
		if i == len(w.a) || j == len(w.b) {
			break
		}
		x, y := &w.a[i], &w.b[j]
		if x.program.Name != y.program.Name || w.of(x.program.Name).to[x.insn] != y.insn {
			return w.parted(i, j)
		}
		if r, ok := w.differs(x, y); ok {
			return origin(w.wa[r], i), origin(w.wb[r], j)
		}
		note(x, i, w.wa[:])
		note(y, j, w.wb[:])
		i, j, w.xa, w.xb = i+1, j+1, 0, 0
	}
	if i < len(w.a) || j < len(w.b) {
		return w.parted(i, j)
	}
	return w.exa - 1, w.exb - 1
}

// parted returns where the traces part: at what only one program has, if they had that before.
func (w *walker) parted(i, j int) (int, int) {
	at := func(extra, i int, steps []step) int {
		switch {
		case extra > 0:
			return extra - 1
		case i < len(steps):
			return i
		}
		return -1
	}
	return at(w.xa, i, w.a), at(w.xb, j, w.b)
}

// skip passes over steps without counterpart.
func (w *walker) skip(steps []step, i int, writers []int, extra int, to func(string) []int) (int, int) {
	for ; i < len(steps); i++ {
		st := &steps[i]
		if at := to(st.program.Name); st.insn < len(at) && at[st.insn] >= 0 {
			break
		}
		extra = cmp.Or(extra, i+1)
		note(st, i, writers)
	}
	return i, extra
}

// note notes which registers a step writes.
func note(st *step, i int, writers []int) {
	in := st.program.Insns.At(st.insn)
	writes := in.Writes()
	for r := range writers {
		if writes&asm.Regs(asm.Reg(r)) != 0 {
			writers[r] = i + 1
		}
	}
}

// origin is the step that wrote a register; of one that nothing wrote the step that reads it.
func origin(writer, reader int) int {
	if writer > 0 {
		return writer - 1
	}
	return reader
}

// differs returns a register that the same instruction reads and that has another value.
func (w *walker) differs(x, y *step) (reg int, ok bool) {
	in := x.program.Insns.At(x.insn)
	reads := in.Reads()
	if in.Op == asm.OpExit {
		reads = asm.Regs(asm.R0)
	}
	for r := range x.regs {
		if reads&asm.Regs(asm.Reg(r)) == 0 || x.regs[r] == y.regs[r] {
			continue
		}
		ox, fx, isx := w.ta.Locate(x.regs[r])
		oy, fy, isy := w.tb.Locate(y.regs[r])
		if !isx || !isy || ox != oy || fx != fy {
			return r, true
		}
	}
	return 0, false
}

// place describes a step.
func place(steps []step, i int) *Place {
	if i < 0 || i >= len(steps) {
		return nil
	}
	st := &steps[i]
	in := st.program.Insns.At(st.insn)
	p := &Place{
		Program: st.program.Name, Insn: st.insn,
		Text: string(asm.AppendInsn(nil, in.Insn, asm.TextOptions{LabelNames: st.program.LabelNames})),
	}
	if l := st.program.LineAt(st.insn); l != nil {
		p.File, p.Line, p.Source = l.File(), l.Line, l.Text()
	}
	return p
}
