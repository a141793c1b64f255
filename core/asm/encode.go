package asm

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// EncodeOptions says how to write. The zero value writes little-endian for a kernel of 6.6 or newer.
type EncodeOptions struct {
	Order   ByteOrder
	NoGotol bool // refuse a jump that needs 32 bits instead of using gotol, which Linux knows since 6.6

	anyMap bool // references to maps, variables and jump tables, which are maps too, are left as they are
}

// AppendEncode appends the bytes of the instructions to dst and returns the extended buffer. It
// turns references to labels into distances and does not change insns. When dst has room for
// everything, nothing is allocated.
//
// A goto whose distance does not fit into 16 bits is written as gotol, and a condition or may_goto
// jumps to a gotol behind it, so that more is written than Slots says: Layout tells where everything
// is then. Both are refused with NoGotol, and the latter in a program with distances that are fixed.
//
// The error is an *Error and dst is returned as it was: a label is missing or there twice, a
// distance, immediate or register does not fit its field, an instruction is not known and not
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

// farError says that a distance does not fit into 16 bits.
type farError struct {
	by int32
	to Label
	at int // instruction that the label stands at
}

// Error names the other end of the jump.
func (e *farError) Error() string {
	return fmt.Sprintf("distance %+d to label L%d at insn %d does not fit 16 bits", e.by, e.to, e.at)
}

type encoder struct {
	insns   []Insn
	options EncodeOptions
	slots   int
	places  []int32         // by label: slot plus one
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
	if largest == 0 {
		return nil
	}
	if int64(largest) > 4*int64(len(e.insns))+1024 {
		e.far = map[Label]int32{}
	} else {
		e.places = s.sized(int(largest) + 1)
		clear(e.places)
	}
	slot := int32(0)
	for i := range e.insns {
		in := &e.insns[i]
		if in.Label != 0 {
			if e.slotOf(in.Label) >= 0 {
				return encodeError(i, fmt.Errorf("label L%d is also at insn %d", in.Label, e.indexOf(in.Label)))
			}
			if e.far != nil {
				e.far[in.Label] = slot + 1
			} else {
				e.places[in.Label] = slot + 1
			}
		}
		slot += int32(in.slots())
	}
	return nil
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

func (e *encoder) write(out []byte) error {
	order := e.options.Order
	slot := int32(0)
	for i := range e.insns {
		in := &e.insns[i]
		if in.Dst > 15 || in.Src > 15 {
			return encodeError(i, fmt.Errorf("register %d does not exist", max(in.Dst, in.Src)))
		}
		f := forms[in.Op]
		wide := in.slots() == 2
		if !wide && int64(int32(in.Imm)) != in.Imm {
			return encodeError(i, fmt.Errorf("immediate %d does not fit 32 bits", in.Imm))
		}
		if in.Flags&Raw == 0 && !f.known(in.Op, in.Src, in.Off, in.Imm) {
			return encodeError(i, fmt.Errorf("opcode %#02x with src %d, off %d, imm %d is not known and not marked Raw", uint8(in.Op), in.Src, in.Off, in.Imm))
		}
		w := makeWord(in.Op, in.Dst, in.Src, in.Off, int32(in.Imm))
		if in.Ref != RefNone {
			var err error
			if w, err = e.resolve(in, f, slot); err != nil {
				return encodeError(i, err)
			}
		}
		w.put(out[slot*SlotSize:], order)
		slot++
		if wide {
			makeWord(0, 0, 0, 0, int32(in.Imm>>32)).put(out[slot*SlotSize:], order)
			slot++
		}
	}
	return nil
}

// resolve returns the first word of an instruction with a reference.
func (e *encoder) resolve(in *Insn, f form, slot int32) (word, error) {
	if in.Ref != RefLabel {
		if k := in.Ref; e.options.anyMap && (k == RefMap || k == RefMapValue || k == RefVar || k == RefTable) {
			return makeWord(in.Op, in.Dst, in.Src, in.Off, int32(in.Imm)), nil
		}
		return 0, fmt.Errorf("%s %s is not resolved", in.Ref, show(in.Symbol))
	}
	where := f.distance(in.Src)
	if where == distanceNone || in.Flags&Raw != 0 {
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
	if where == distanceImm {
		if int32(in.Imm) != 0 {
			return 0, fmt.Errorf("immediate is %d, but the distance to label L%d goes there", int32(in.Imm), in.Target)
		}
		return makeWord(in.Op, in.Dst, in.Src, in.Off, by), nil
	}
	if in.Off != 0 {
		return 0, fmt.Errorf("offset is %d, but the distance to label L%d goes there", in.Off, in.Target)
	}
	if int32(int16(by)) == by {
		return makeWord(in.Op, in.Dst, in.Src, int16(by), int32(in.Imm)), nil
	}
	if in.Op == OpJump && in.Imm == 0 && !e.options.NoGotol {
		return makeWord(OpJumpLong, in.Dst, in.Src, 0, by), nil
	}
	return 0, &farError{by: by, to: in.Target, at: e.indexOf(in.Target)}
}
