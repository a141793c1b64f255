package asm

import (
	"errors"
	"fmt"
	"math"
)

// Layout returns for every instruction the slot at which AppendEncode writes it with these options.
// It differs from adding up Slots where a condition needed more room to jump far. The errors are
// those of AppendEncode that concern labels.
func Layout(insns []Insn, o EncodeOptions) ([]Slot, error) {
	r, err := newRelaxer(insns)
	if err != nil {
		return nil, err
	}
	if !o.NoGotol && r.far() {
		if err := r.fixed(); err != nil {
			return nil, err
		}
		r.grow()
	}
	out := make([]Slot, len(insns))
	for i := range out {
		out[i] = Slot(r.slots[i])
	}
	return out, nil
}

// appendRelaxed is AppendEncode for a program in which a condition has to jump too far, which is
// what why says.
func appendRelaxed(dst []byte, insns []Insn, o EncodeOptions, why error) ([]byte, error) {
	r, err := newRelaxer(insns)
	if err != nil {
		return dst, err
	}
	if !r.far() {
		return dst, why // the jump that is too far is none that could be widened
	}
	if err := r.fixed(); err != nil {
		return dst, fmt.Errorf("%w (%w)", why, err)
	}
	r.grow()
	wider, origin := r.expand()
	out, err := appendEncode(dst, wider, o)
	if e := (*Error)(nil); errors.As(err, &e) && e.Index < len(origin) {
		return dst, encodeError(int(origin[e.Index]), e.Err)
	}
	return out, err
}

// relaxer finds which conditions need a gotol, and where everything is then.
type relaxer struct {
	insns   []Insn
	targets []int32 // by instruction: index of the one that it jumps to with 16 bits, or -1
	places  map[Label]int32
	extra   []uint8 // by instruction: slots that were added
	slots   []int32 // by instruction, and of the end: where it is
}

func newRelaxer(insns []Insn) (*relaxer, error) {
	n := len(insns)
	r := &relaxer{insns: insns, targets: make([]int32, n), places: map[Label]int32{}, extra: make([]uint8, n), slots: make([]int32, n+1)}
	for i := range insns {
		l := insns[i].Label
		if l == 0 {
			continue
		}
		if first, dup := r.places[l]; dup {
			return nil, encodeError(i, fmt.Errorf("label L%d is also at insn %d", l, first))
		}
		r.places[l] = int32(i)
	}
	for i := range insns {
		in := &insns[i]
		r.targets[i] = -1
		if in.Ref != RefLabel {
			continue
		}
		to, ok := r.places[in.Target]
		if !ok {
			return nil, encodeError(i, fmt.Errorf("label L%d is not defined", in.Target))
		}
		if in.Flags&Raw == 0 && in.Op != OpJump && in.Off == 0 && formats[in.Op].displacement(in.Src) == displacementOff {
			r.targets[i] = to
		}
	}
	r.place()
	return r, nil
}

// place computes the slots.
func (r *relaxer) place() {
	slot := int32(0)
	for i := range r.insns {
		r.slots[i] = slot
		slot += int32(r.insns[i].slots()) + int32(r.extra[i])
	}
	r.slots[len(r.insns)] = slot
}

// displacement returns how far a condition jumps. In a widened one the jump is that of the gotol.
func (r *relaxer) displacement(i int) int32 { return r.slots[r.targets[i]] - r.slots[i] - 1 }

// far reports whether a condition jumps too far.
func (r *relaxer) far() bool {
	for i, to := range r.targets {
		if to >= 0 && int32(int16(r.displacement(i))) != r.displacement(i) {
			return true
		}
	}
	return false
}

// fixed refuses displacements that are not labels: they would be wrong when code between their ends grows.
func (r *relaxer) fixed() error {
	for i := range r.insns {
		if in := &r.insns[i]; in.Ref != RefLabel && in.Ref != RefFunc && formats[in.Op].displacement(in.Src) != displacementNone {
			return encodeError(i, errors.New("fixed displacement forbids to widen a condition"))
		}
	}
	return nil
}

// exactRounds is how often conditions that became too far are looked for one by one.
const exactRounds = 8

// grow widens the conditions that jump too far. Widening one can push others over the limit; in the
// last round, all that could be pushed so far are widened, for a slot never becomes more than three.
func (r *relaxer) grow() {
	for round := 0; ; round++ {
		limit := int32(math.MaxInt16)
		if round == exactRounds {
			limit /= 3
		}
		again := false
		for i, to := range r.targets {
			if to < 0 || r.extra[i] != 0 {
				continue
			}
			if d := r.displacement(i); d > limit || d < -limit-1 {
				r.extra[i] = extraSlots(&r.insns[i])
				again = true
			}
		}
		if !again {
			return
		}
		r.place()
	}
}

// extraSlots is how many slots a condition needs more when it jumps far: one when it can be negated.
func extraSlots(in *Insn) uint8 {
	if _, ok := negated(in.Op); ok {
		return 1
	}
	return 2
}

// negated returns the opcode of the opposite condition, if there is one.
func negated(o Op) (Op, bool) {
	if f := formats[o]; f != FormatCondImm && f != FormatCondReg {
		return 0, false
	}
	to := Always
	switch o.Jump() {
	case Equal:
		to = NotEqual
	case NotEqual:
		to = Equal
	case Greater:
		to = LessEq
	case LessEq:
		to = Greater
	case GreaterEq:
		to = Less
	case Less:
		to = GreaterEq
	case SGreater:
		to = SLessEq
	case SLessEq:
		to = SGreater
	case SGreaterEq:
		to = SLess
	case SLess:
		to = SGreaterEq
	default:
		return 0, false
	}
	return o&^0xf0 | Op(to), true
}

// expand returns the program with the widened conditions written out, and for each instruction the
// index of the one that it comes from. Labels are numbered anew: by the index of their place.
func (r *relaxer) expand() ([]Insn, []int32) {
	n := len(r.insns)
	out := make([]Insn, 0, n)
	origin := make([]int32, 0, n)
	add := func(i int, in Insn) {
		out = append(out, in)
		origin = append(origin, int32(i))
	}
	for i := range r.insns {
		in := r.insns[i]
		in.Label = Label(i + 1)
		if in.Ref == RefLabel {
			in.Target = Label(r.places[in.Target] + 1)
		}
		if r.extra[i] == 0 {
			add(i, in)
			continue
		}
		long := JumpLong(in.Target)
		in.ClearRef()
		in.Off = 1
		if op, ok := negated(in.Op); ok {
			in.Op = op
			add(i, in)
		} else {
			add(i, in)
			add(i, Insn{Op: OpJump, Off: 1})
		}
		add(i, long)
	}
	return out, origin
}
