package spec

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
)

// SpliceOptions change the editing rule. The zero value is the rule of the package comment.
type SpliceOptions struct {
	// TakeLabel makes jumps to the place of an insertion land on the inserted code.
	TakeLabel bool
}

// Insert puts instructions before instruction at; at the length of the program it appends.
// The rule is that of the package comment.
func (p *Program) Insert(at int, ins ...Insn) error {
	return p.Splice(at, 0, ins, SpliceOptions{})
}

// Delete removes n instructions from index at on. The rule is that of the package comment.
func (p *Program) Delete(at, n int) error {
	return p.Splice(at, n, nil, SpliceOptions{})
}

// Splice removes del instructions from index at on and puts others in their place. The rule is that
// of the package comment, but for what the options change; on error nothing has changed.
func (p *Program) Splice(at, del int, ins []Insn, o SpliceOptions) error {
	if at < 0 || at > p.Insns.Len() || del < 0 || del > p.Insns.Len()-at {
		return fmt.Errorf("edit program %s: instructions %d to %d are not within its %d", show(p.Name), at, at+del, p.Insns.Len())
	}
	if del == 0 && len(ins) == 0 {
		return nil
	}
	p.Insns.thread()
	s := splice{p: p, code: p.Insns.rope, at: at, del: del, add: slices.Clone(ins), take: o.TakeLabel}
	s.old = s.code.part(at, at+del)
	if at+del < s.code.n {
		n := *s.code.at(at + del)
		s.next = &n
	}
	for _, step := range spliceSteps {
		if err := step(&s); err != nil {
			return fmt.Errorf("edit program %s: %w", show(p.Name), err)
		}
	}
	s.commit()
	return nil
}

// splice is one edit being worked out. Nothing of the program changes before commit: the only
// instruction that stays and yet changes is next.
type splice struct {
	p       *Program
	code    *rope
	at, del int
	old     []Insn // what is replaced, to be read only
	add     []Insn
	next    *Insn // copy of the instruction after the replaced range; nil at the end
	take    bool

	own     map[asm.Label]bool      // labels that the inserted code carries
	renamed map[asm.Label]asm.Label // labels that merged into another one
	lost    map[asm.Label]int       // labels that have no place any more → index they had
	gone    map[string]bool         // functions deleted whole
	byName  *labelledFunc           // function whose start moved away from its label
}

type labelledFunc struct {
	label asm.Label
	name  string
}

// spliceSteps work an edit out, in this order.
var spliceSteps = [...]func(*splice) error{
	(*splice).ownLabels, (*splice).moveLabels, (*splice).moveFuncs, (*splice).moveLines, (*splice).checkFuncs, (*splice).checkLabels,
}

// stays reports whether an instruction stays as it is.
func (s *splice) stays(i int) bool {
	return i < s.at || i > s.at+s.del || i == s.at+s.del && s.next == nil
}

// future returns the index that an instruction after the edit has, of those that stay and next.
func (s *splice) future(i int) int {
	if i < s.at {
		return i
	}
	return i - s.del + len(s.add)
}

// ownLabels collects the labels of the inserted code, which must be new or those it replaces.
func (s *splice) ownLabels() error {
	for k := range s.add {
		l := s.add[k].Label
		if l == 0 {
			continue
		}
		if s.own[l] {
			return fmt.Errorf("label %s is defined twice in the inserted code", s.p.labelName(l))
		}
		if s.own == nil {
			s.own = make(map[asm.Label]bool)
		}
		s.own[l] = true
	}
	for k := range s.add {
		l := s.add[k].Label
		if l == 0 {
			continue
		}
		for i := range s.code.labelled(l) {
			if i < s.at || i >= s.at+s.del {
				return fmt.Errorf("label %s of the inserted code is defined at instruction %d already", s.p.labelName(l), i)
			}
		}
	}
	return nil
}

// moveLabels finds a new place for every label of a deleted instruction.
func (s *splice) moveLabels() error {
	old := s.old
	if s.take && s.del == 0 && s.next != nil && s.next.Label != 0 {
		s.give(&s.add[0], s.next.Label)
		s.next.Label = 0
	}
	fn, nextFunc := -1, -1
	for k := len(old) - 1; k >= 0; k-- {
		l := old[k].Label
		if l == 0 || s.own[l] {
			continue
		}
		if nextFunc < 0 {
			_, nextFunc = s.p.FuncAt(s.at + s.del)
		}
		if fn < 0 || s.at+k < fn {
			_, fn = s.p.FuncAt(s.at + k)
		}
		switch {
		case k == 0 && len(s.add) > 0:
			s.give(&s.add[0], l)
		case s.next != nil && fn == nextFunc:
			s.give(s.next, l)
		default:
			if s.lost == nil {
				s.lost = make(map[asm.Label]int)
			}
			s.lost[l] = s.at + k
		}
	}
	return nil
}

// give puts a label on an instruction, or merges it into the one that is there.
func (s *splice) give(to *Insn, l asm.Label) {
	if to.Label == 0 {
		to.Label = l
		return
	}
	if s.renamed == nil {
		s.renamed = make(map[asm.Label]asm.Label)
	}
	s.renamed[l] = to.Label
}

// moveFuncs keeps the marks of functions that lose or gain their first instruction.
func (s *splice) moveFuncs() error {
	if s.del == 0 {
		s.moveStart()
		return nil
	}
	old := s.old
	lastMark := -1
	for k := range old {
		if old[k].Func != nil {
			lastMark = k
		}
	}
	for k := range old {
		f := old[k].Func
		if f == nil {
			continue
		}
		switch {
		case k == 0 && len(s.add) > 0:
			if s.add[0].Func == nil {
				s.add[0].Func = f
			} else if s.add[0].Func.Name != f.Name {
				s.lose(f)
			}
		case k == lastMark && s.next != nil && s.next.Func == nil:
			s.next.Func = f
		default:
			if s.at+k == 0 && s.next != nil {
				return fmt.Errorf("function %s is the entry and cannot be deleted before the others", show(f.Name))
			}
			s.lose(f)
		}
	}
	return nil
}

func (s *splice) lose(f *btf.FuncInfo) {
	if s.gone == nil {
		s.gone = make(map[string]bool)
	}
	s.gone[f.Name] = true
}

// moveStart moves the mark of a function to the code that is inserted at its start.
func (s *splice) moveStart() {
	if s.next == nil || s.next.Func == nil || s.add[0].Func != nil {
		return
	}
	s.add[0].Func, s.next.Func = s.next.Func, nil
	if s.next.Label != 0 {
		s.byName = &labelledFunc{label: s.next.Label, name: s.add[0].Func.Name}
	}
	if s.add[0].Line == nil {
		s.add[0].Line = s.next.Line
	}
}

// moveLines hands the line records of deleted instructions on, and adds one to every function that
// starts in the inserted code when the program has lines at all.
func (s *splice) moveLines() error {
	old := s.old
	var last *btf.LineInfo
	for k := range old {
		l := old[k].Line
		if l == nil {
			if old[k].Func != nil {
				last = nil
			}
			continue
		}
		if k == 0 && len(s.add) > 0 && s.add[0].Line == nil {
			s.add[0].Line = l
		} else {
			last = l
		}
	}
	sameFunc := s.next != nil && s.code.at(s.at+s.del).Func == nil
	if sameFunc && s.next.Line == nil {
		s.next.Line = last
	}
	for k := range s.add {
		if s.add[k].Func != nil && s.add[k].Line == nil && s.hasLines() {
			s.add[k].Line = btf.NewLineInfo("inserted", "", 1, 1)
		}
	}
	return nil
}

func (s *splice) hasLines() bool { return s.code.summary().lines }

// checkFuncs refuses a function before the entry, a name that is taken, and the deletion of a
// function that something refers to.
func (s *splice) checkFuncs() error {
	if s.at == 0 && s.del == 0 && s.next != nil && s.next.Func != nil && s.add[0].Func != nil {
		return fmt.Errorf("function %s cannot be put before the entry function", show(s.add[0].Func.Name))
	}
	names := make(map[string]bool)
	for k := range s.add {
		f := s.add[k].Func
		if f == nil {
			continue
		}
		if names[f.Name] {
			return fmt.Errorf("function %s is defined twice in the inserted code", show(f.Name))
		}
		names[f.Name] = true
	}
	if len(names) == 0 && len(s.gone) == 0 {
		return nil
	}
	for k := range s.add {
		f := s.add[k].Func
		if f == nil {
			continue
		}
		for i := range s.code.starting(f.Name) {
			if s.stays(i) {
				return fmt.Errorf("function %s exists already", show(f.Name))
			}
		}
		if s.next != nil && s.next.Func != nil && s.next.Func.Name == f.Name {
			return fmt.Errorf("function %s exists already", show(f.Name))
		}
	}
	at, user := -1, ""
	for name := range s.gone {
		if i := s.user(name, asm.RefFunc); i >= 0 && !names[name] && (at < 0 || i < at) {
			at, user = i, name
		}
	}
	if at >= 0 {
		return fmt.Errorf("deleted function %s is still referred to by instruction %d", show(user), at)
	}
	return nil
}

// user returns the index, after the edit, of the first instruction that will refer to a name by a
// reference of the kind, or -1.
func (s *splice) user(name string, kind asm.RefKind) int {
	return s.first(s.code.referring(name, kind), func(in *Insn) bool { return in.Ref == kind && in.Symbol == name })
}

// first returns the lowest of the indices of old instructions that are not replaced, and of those
// new ones that f is true for, all as they are after the edit; -1 is none.
func (s *splice) first(old iter.Seq[int], f func(*Insn) bool) int {
	at := -1
	for i := range old {
		if i < s.at || i >= s.at+s.del {
			at = s.future(i)
			break
		}
	}
	if k := slices.IndexFunc(s.add, func(in Insn) bool { return f(&in) }); k >= 0 && (at < 0 || s.at+k < at) {
		at = s.at + k
	}
	return at
}

// checkLabels refuses jumps to labels that nothing carries after the edit.
func (s *splice) checkLabels() error {
	want := make(map[asm.Label]bool)
	for k := range s.add {
		r := &s.add[k]
		if r.Ref == asm.RefLabel && !s.own[r.Target] {
			want[r.Target] = true
		}
	}
	if len(want) == 0 && len(s.lost) == 0 {
		return nil
	}
	if err := s.checkTables(); err != nil {
		return err
	}
	at, label := -1, asm.Label(0)
	for l := range s.lost {
		i := s.first(s.code.jumps(l), func(in *Insn) bool { return in.Ref == asm.RefLabel && in.Target == l })
		if i >= 0 && (at < 0 || i < at) {
			at, label = i, l
		}
	}
	if at >= 0 {
		return fmt.Errorf("label %s of deleted instruction %d has no next instruction in its function, and instruction %d still jumps to it", s.p.labelName(label), s.lost[label], at)
	}
	for k := range s.add {
		delete(want, s.add[k].Label)
	}
	if s.next != nil {
		delete(want, s.next.Label)
	}
	for k := range s.add {
		l := s.add[k].Target
		if s.add[k].Ref != asm.RefLabel || !want[l] {
			continue
		}
		if _, merged := s.renamed[l]; !merged && !s.keeps(l) {
			return fmt.Errorf("inserted instruction %d jumps to label %s, which nothing carries", k, s.p.labelName(l))
		}
	}
	return nil
}

// keeps reports whether an instruction that stays carries the label.
func (s *splice) keeps(l asm.Label) bool {
	for i := range s.code.labelled(l) {
		if s.stays(i) {
			return true
		}
	}
	return false
}

// checkTables refuses to take a place out of a jump table that is in use.
func (s *splice) checkTables() error {
	if len(s.lost) == 0 || len(s.p.Tables) == 0 {
		return nil
	}
	for _, t := range s.p.Tables {
		for i, l := range t.Labels {
			if was, ok := s.lost[l]; ok && s.user(t.Name, asm.RefTable) >= 0 {
				return fmt.Errorf("label %s of deleted instruction %d has no next instruction in its function, and entry %d of jump table %s leads there", s.p.labelName(l), was, i, show(t.Name))
			}
		}
	}
	return nil
}

// commit makes the edit. It cannot fail.
func (s *splice) commit() {
	p := s.p
	if s.next != nil && *s.next != *s.code.at(s.at + s.del) {
		s.code = s.code.splice(s.at, s.del+1, append(s.add, *s.next))
	} else {
		s.code = s.code.splice(s.at, s.del, s.add)
	}
	s.moveJumps()
	p.Insns = Insns{rope: s.code}
	for _, from := range slices.Sorted(maps.Keys(s.renamed)) {
		to := s.renamed[from]
		if name, ok := p.LabelNames[from]; ok {
			if _, taken := p.LabelNames[to]; !taken {
				p.LabelNames[to] = name
			}
			delete(p.LabelNames, from)
		}
	}
	for l := range s.lost {
		delete(p.LabelNames, l)
	}
	if len(s.renamed) == 0 && len(s.lost) == 0 {
		return
	}
	p.relabelTables(func(l asm.Label) (asm.Label, bool) {
		if to, ok := s.renamed[l]; ok {
			return to, true
		}
		_, lost := s.lost[l]
		return l, !lost
	})
}

// moveJumps has what refers to a label refer to the one that it merged into, and calls of a
// function whose start moved away from its label to its name.
func (s *splice) moveJumps() {
	var at []int
	for from := range s.renamed {
		at = slices.AppendSeq(at, s.code.jumps(from))
	}
	if s.byName != nil {
		at = slices.AppendSeq(at, s.code.jumps(s.byName.label))
	}
	if len(at) == 0 {
		return
	}
	slices.Sort(at)
	s.code = s.code.update(slices.Compact(at), func(r *Insn) {
		if to, ok := s.renamed[r.Target]; ok {
			r.Target = to
		}
		if s.byName != nil && r.Target == s.byName.label && refersToFunc(r.Op) {
			r.SetSymbol(asm.RefFunc, s.byName.name)
		}
	})
}

// refersToFunc reports whether the instruction needs the address of a function rather than of an
// instruction.
func refersToFunc(op asm.Op) bool { return op == asm.OpCall || op == asm.OpLoadImm64 }

// LabelName returns the name of a label as text shows it: its own, or "L" and its number.
func (p *Program) LabelName(l asm.Label) string {
	if n, ok := p.LabelNames[l]; ok {
		return n
	}
	return "L" + strconv.FormatUint(uint64(l), 10)
}

// labelName is LabelName for a message.
func (p *Program) labelName(l asm.Label) string {
	if n, ok := p.LabelNames[l]; ok {
		return show(n)
	}
	return p.LabelName(l)
}
