package asm

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// EncodeOptions says how to write. The zero value writes little-endian for a kernel of 6.6 or
// newer.
type EncodeOptions struct {
	Order   ByteOrder
	NoGotol bool // refuse a jump that needs 32 bits instead of using gotol, which Linux knows since 6.6

	anyMap bool // references to maps, variables and jump tables, which are maps too, are left as they are
}

// AppendEncode appends the bytes of the instructions to dst and returns the extended buffer. It
// turns references to labels into displacements and does not change insns. When dst has room for
// everything, nothing is allocated.
//
// A goto whose displacement does not fit into 16 bits is written as gotol, and a condition or
// may_goto jumps to a gotol after it, so that more is written than Slots says: Layout tells where
// everything is then. Both are refused with NoGotol, and the latter in a program with displacements
// that are fixed.
//
// The error is an *Error and dst is returned as it was: a label is missing or there twice, a
// displacement, immediate or register does not fit its field, an instruction is not known and not
// marked Raw, or a reference other than to a label is left.
func AppendEncode(dst []byte, insns []Insn, o EncodeOptions) ([]byte, error) {
	out, err := appendEncode(dst, insns, o)
	if err != nil && !o.NoGotol && errors.As(err, new(*farError)) {
		return appendRelaxed(dst, insns, o, err)
	}
	return out, err
}

// appendEncode is AppendEncode without the rewriting of conditions.
func appendEncode(dst []byte, insns []Insn, o EncodeOptions) ([]byte, error) {
	s := getScratch()
	defer s.release()
	e := encoder{insns: insns, options: o}
	if err := e.place(s); err != nil {
		return dst, err
	}
	start := len(dst)
	out := slices.Grow(dst, e.slots*SlotSize)[:start+e.slots*SlotSize]
	if err := e.write(out[start:]); err != nil {
		return dst, err
	}
	return out, nil
}

// farError says that a displacement does not fit into 16 bits.
type farError struct {
	by int32
	to Label
	at int // instruction that the label stands at
}

// Error names the other end of the jump.
func (e *farError) Error() string {
	return fmt.Sprintf("displacement %+d to label L%d at insn %d does not fit 16 bits", e.by, e.to, e.at)
}

type encoder struct {
	insns   []Insn
	options EncodeOptions
	slots   int
	places  []int32         // by label: slot plus one; 0 where there is none
	far     map[Label]int32 // the same for labels too large for a table
}

func encodeError(i int, err error) error { return &Error{Verb: "encode", Index: i, Err: err} }

// place finds the slot of every label.
func (e *encoder) place(s *scratch) error {
	largest := Label(0)
	for i := range e.insns {
		in := &e.insns[i]
		largest = max(largest, in.Label)
		e.slots += in.slots()
	}
	if e.slots > math.MaxInt32 {
		return encodeError(len(e.insns), errors.New("program is too long"))
	}
	if int64(largest) > 4*int64(len(e.insns))+1024 {
		return e.placeFar()
	}
	e.places = s.sized(int(largest) + 1)
	clear(e.places)
	slot := int32(0)
	for i := range e.insns { // without a branch for labels: which instructions have one cannot be predicted
		in := &e.insns[i]
		if e.places[in.Label] != 0 {
			return e.twice(i)
		}
		e.places[in.Label] = slot + 1
		e.places[0] = 0
		slot += int32(in.slots())
	}
	return nil
}

// placeFar is place for labels too large for a table.
func (e *encoder) placeFar() error {
	e.far = map[Label]int32{}
	slot := int32(0)
	for i := range e.insns {
		in := &e.insns[i]
		if in.Label != 0 {
			if e.far[in.Label] != 0 {
				return e.twice(i)
			}
			e.far[in.Label] = slot + 1
		}
		slot += int32(in.slots())
	}
	return nil
}

func (e *encoder) twice(i int) error {
	l := e.insns[i].Label
	return encodeError(i, fmt.Errorf("label L%d is also at insn %d", l, e.indexOf(l)))
}

// slotOf returns the slot of a label, or -1.
func (e *encoder) slotOf(l Label) int32 {
	if e.far != nil {
		return e.far[l] - 1
	}
	if int64(l) < int64(len(e.places)) {
		return e.places[l] - 1
	}
	return -1
}

// indexOf returns the index of the first instruction with the label, for messages.
func (e *encoder) indexOf(l Label) int {
	return slices.IndexFunc(e.insns, func(in Insn) bool { return in.Label == l })
}

// write encodes everything: here what is common, and the rest by slow.
func (e *encoder) write(out []byte) error {
	order := e.options.Order
	slot := 0
	for i := range e.insns {
		in := &e.insns[i]
		flags, off := codecFlags[in.Op], in.Off
		if uint32(flags&flagFields)|uint32(flags&flagOff)*uint32(uint16(off))|uint32(in.Flags)|uint32((in.Dst|in.Src)&^15) == 0 &&
			int64(int32(in.Imm)) == in.Imm {
			plain := in.Ref == RefNone
			if flags == flagJump && in.Ref == RefLabel && off == 0 && uint64(in.Target) < uint64(len(e.places)) {
				to := e.places[in.Target]
				by := to - int32(slot) - 2
				off = int16(by)
				plain = to != 0 && int32(off) == by
			}
			if plain {
				makeWord(in.Op, in.Dst, in.Src, off, int32(in.Imm)).put(out[slot*SlotSize:], order)
				slot++
				continue
			}
		}
		if err := e.slow(in, slot, out[slot*SlotSize:]); err != nil {
			return encodeError(i, err)
		}
		slot += in.slots()
	}
	return nil
}

// slow encodes what needs a closer look.
func (e *encoder) slow(in *Insn, slot int, out []byte) error {
	if in.Dst > 15 || in.Src > 15 {
		return fmt.Errorf("register %d does not exist", max(in.Dst, in.Src))
	}
	f := formats[in.Op]
	wide := in.slots() == 2
	if !wide && int64(int32(in.Imm)) != in.Imm {
		return fmt.Errorf("immediate %d does not fit 32 bits", in.Imm)
	}
	if in.Flags&Raw == 0 && !f.known(in.Op, in.Src, in.Off, in.Imm) {
		return fmt.Errorf("opcode %#02x with src %d, off %d, imm %d is not known and not marked Raw", uint8(in.Op), in.Src, in.Off, in.Imm)
	}
	w := makeWord(in.Op, in.Dst, in.Src, in.Off, int32(in.Imm))
	if in.Ref != RefNone {
		var err error
		if w, err = e.resolve(in, f, int32(slot)); err != nil {
			return err
		}
	}
	w.put(out, e.options.Order)
	if wide {
		makeWord(0, 0, 0, 0, int32(in.Imm>>32)).put(out[SlotSize:], e.options.Order)
	}
	return nil
}

// resolve returns the first word of an instruction with a reference.
func (e *encoder) resolve(in *Insn, f Format, slot int32) (word, error) {
	if in.Ref != RefLabel {
		if k := in.Ref; e.options.anyMap && (k == RefMap || k == RefMapValue || k == RefVar || k == RefTable) {
			return makeWord(in.Op, in.Dst, in.Src, in.Off, int32(in.Imm)), nil
		}
		return 0, fmt.Errorf("%s %s is not resolved", in.Ref, show(in.Symbol))
	}
	where := f.displacement(in.Src)
	if where == displacementNone || in.Flags&Raw != 0 {
		return 0, fmt.Errorf("opcode %#02x with src %d cannot refer to label L%d", uint8(in.Op), in.Src, in.Target)
	}
	target := int32(-1)
	if in.Target != 0 {
		target = e.slotOf(in.Target)
	}
	if target < 0 {
		return 0, fmt.Errorf("label L%d is not defined", in.Target)
	}
	by := target - slot - 1
	if where == displacementImm {
		if int32(in.Imm) != 0 {
			return 0, fmt.Errorf("immediate is %d, but the displacement to label L%d goes there", int32(in.Imm), in.Target)
		}
		return makeWord(in.Op, in.Dst, in.Src, in.Off, by), nil
	}
	if in.Off != 0 {
		return 0, fmt.Errorf("offset is %d, but the displacement to label L%d goes there", in.Off, in.Target)
	}
	if int32(int16(by)) == by {
		return makeWord(in.Op, in.Dst, in.Src, int16(by), int32(in.Imm)), nil
	}
	if in.Op == OpJump && in.Imm == 0 && !e.options.NoGotol {
		return makeWord(OpJumpLong, in.Dst, in.Src, 0, by), nil
	}
	return 0, &farError{by: by, to: in.Target, at: e.indexOf(in.Target)}
}
