package asm

import (
	"errors"
	"fmt"
	"math"
)

// DecodeOptions says how to read. The zero value reads a whole little-endian program.
type DecodeOptions struct {
	Order ByteOrder

	// RawCalls leaves the displacement of local calls and of function addresses in Insn.Imm and makes
	// no label of it: the bytes are part of an object file whose relocations say what they mean.
	RawCalls bool

	// Lenient accepts what no kernel would: half of a 64-bit load, and jumps and calls whose target
	// is not an instruction, are kept as Raw instructions; the address of a function that is not
	// there keeps its displacement and gets no reference.
	Lenient bool
}

// Decode reads a sequence of instructions. Every target of a jump, of a local call and of a local
// function's address gets a label; labels are numbered from 1 in the order of their places.
//
// Instructions that are not known (opcodes, and values of the fields that select among several
// meanings of one opcode) are kept as they are and marked Raw. AppendEncode returns the same bytes
// back for everything that was decoded.
//
// The error is an *Error: the bytes are not a multiple of eight, a 64-bit load is incomplete, or a
// jump leads out of the program or into the middle of a 64-bit load.
func Decode(b []byte, o DecodeOptions) ([]Insn, error) {
	s := getScratch()
	defer s.release()
	d, n, err := newDecoder(b, o, s)
	if err != nil || n == 0 {
		return nil, err
	}
	insns := make([]Insn, n)
	if err := d.fill(insns); err != nil {
		return nil, err
	}
	return insns, nil
}

// DecodeChunks reads what Decode reads and calls f with one run of instructions after the other, so
// that never all of them are in memory. A run is f's until it returns, and no longer. An error of f
// ends it and is returned.
func DecodeChunks(b []byte, o DecodeOptions, f func(insns []Insn) error) error {
	s := getScratch()
	defer s.release()
	d, n, err := newDecoder(b, o, s)
	if err != nil {
		return err
	}
	if s.chunk == nil {
		s.chunk = new([chunkSize]Insn)
	}
	for n > 0 {
		run := s.chunk[:min(n, chunkSize)]
		clear(run)
		if err := d.fill(run); err != nil {
			return err
		}
		if err := f(run); err != nil {
			return err
		}
		n -= len(run)
	}
	return nil
}

// chunkSize is how many instructions DecodeChunks reads at a time: few enough for the fastest
// cache.
const chunkSize = 128

type decoder struct {
	bytes   []byte
	options DecodeOptions
	label   []int32 // by slot: its label, 0 or secondHalf; before number has run, marks
	places  []int32 // label, followed by one place for what does not jump and one for what jumps out
	slot    int     // the next one to fill from
}

// newDecoder finds instructions and labels, and returns how many instructions there are.
func newDecoder(b []byte, o DecodeOptions, s *scratch) (decoder, int, error) {
	if len(b)%SlotSize != 0 {
		return decoder{}, 0, decodeError(len(b)/SlotSize, errLeft(len(b)%SlotSize))
	}
	if len(b)/SlotSize > math.MaxInt32 {
		return decoder{}, 0, decodeError(math.MaxInt32, errors.New("program is too long"))
	}
	slots := len(b) / SlotSize
	places := s.sized(slots + 2)
	d := decoder{bytes: b, options: o, label: places[:slots], places: places}
	n, err := d.count()
	if err != nil {
		return d, 0, err
	}
	d.number()
	return d, n, nil
}

// secondHalf marks the slot after a 64-bit load.
const secondHalf = -1

// The marks of a slot.
const (
	markTarget = 1 << iota // something jumps here
	markSecond             // it is a second half
)

// errLeft says that the bytes are not a multiple of eight.
func errLeft(n int) error { return fmt.Errorf("%d bytes are left, an instruction has 8", n) }

func decodeError(slot int, err error) error { return &Error{Verb: "decode", Index: slot, Err: err} }

// count marks the slots and returns the number of instructions. What jumps and what does not cannot
// be predicted, so neither takes a branch.
func (d *decoder) count() (int, error) {
	none := len(d.label)
	n := none
	code, places, order := d.bytes, d.places, d.options.Order
	clear(places)
	for slot := 0; slot < none; slot++ {
		w := readWord(code[slot*SlotSize:], order)
		flags := codecFlags[w.op()]
		places[targetOf(w, slot, none, flags)] |= markTarget
		if flags&flagFields == 0 {
			continue
		}
		if w.op() != OpLoadImm64 {
			d.mark(w, slot)
			continue
		}
		wide, err := d.wide(d.bytes[slot*SlotSize:])
		if err != nil && !d.options.Lenient {
			return 0, decodeError(slot, err)
		}
		if wide {
			d.mark(w, slot)
			slot++
			d.label[slot] |= markSecond
			n--
		}
	}
	d.places[len(d.label)], d.places[len(d.label)+1] = 0, secondHalf
	return n, nil
}

// targetOf returns the place that a jump of shapeJump leads to; none is the one of what does not
// jump.
func targetOf(w word, slot, none int, flags uint8) int {
	by := slot + 1 + int(w.off()) - none
	to := none + by&-int(flags&flagJump)
	if uint(to) > uint(none) || by == 0 {
		return none + int(flags&flagJump)
	}
	return to
}

// mark notes that the target of an instruction needs a label, if it has one.
func (d *decoder) mark(w word, slot int) {
	f := formats[w.op()]
	where := f.displacement(w.src())
	if where == displacementNone || !f.known(w.op(), w.src(), w.off(), w.imm()) || d.options.RawCalls && (f == FormatLoad64 || f == FormatCall) {
		return
	}
	by := int64(w.off())
	if where == displacementImm {
		by = int64(int32(w.imm()))
	}
	if to := int64(slot) + 1 + by; to >= 0 && to < int64(len(d.label)) {
		d.label[to] |= markTarget
	}
}

// number turns marks into labels. Nothing can jump to a second half.
func (d *decoder) number() {
	n := int32(0)
	for slot, m := range d.label { // without branches: which slots have labels cannot be predicted
		second := -(m >> 1)
		target := m & markTarget &^ second
		n += target
		d.label[slot] = n&-target | second
	}
}

// wide reports whether b starts with a whole 64-bit load of a known kind. An error says that one
// half is missing.
func (d *decoder) wide(b []byte) (bool, error) {
	if len(b) < 2*SlotSize {
		return false, errors.New("second half of the 64-bit load is missing")
	}
	if second := readWord(b[SlotSize:], d.options.Order); uint32(second) != 0 {
		return false, fmt.Errorf("second half of the 64-bit load is %#016x, only its immediate may be set", uint64(second))
	}
	return FormatLoad64.known(OpLoadImm64, readWord(b, d.options.Order).src(), 0, 0), nil
}

// fill decodes as many instructions as there is room for, which is zero.
func (d *decoder) fill(insns []Insn) error {
	slot, none := d.slot, len(d.label)
	code, places, order := d.bytes, d.places, d.options.Order // local: stores to insns cannot change them
	for i := range insns {
		w := readWord(code[slot*SlotSize:], order)
		in := &insns[i]
		flags := codecFlags[w.op()]
		jump := flags & flagJump
		target := places[targetOf(w, slot, none, flags)]
		in.Op, in.Dst, in.Src, in.Imm = w.op(), w.dst(), w.src(), w.imm()
		in.Off = w.off() &^ -int16(jump)
		in.Ref = RefKind(jump) * RefLabel
		in.Label, in.Target = Label(places[slot]), Label(target)
		if slow := uint32(flags&flagFields) | uint32(flags&flagOff)*uint32(uint16(in.Off)) | uint32(target)>>31; slow == 0 {
			slot++
			continue
		}
		n, err := d.slow(in, w, slot)
		if err != nil {
			return decodeError(slot, err)
		}
		slot += n
	}
	d.slot = slot
	return nil
}

// slow decodes what needs a closer look, and returns how many slots that fills.
func (d *decoder) slow(in *Insn, w word, slot int) (int, error) {
	in.Off, in.Ref, in.Target = w.off(), RefNone, 0
	f := formats[in.Op]
	n := 1
	if f == FormatLoad64 {
		if slot+1 == len(d.label) || d.label[slot+1] != secondHalf {
			in.Flags = Raw
			return n, nil
		}
		high := readWord(d.bytes[(slot+1)*SlotSize:], d.options.Order).imm()
		in.Imm = high<<32 | int64(uint32(in.Imm))
		n = 2
	} else if !f.known(in.Op, in.Src, in.Off, in.Imm) {
		in.Flags = Raw
		return n, nil
	}
	if where := f.displacement(in.Src); where != displacementNone {
		return n, d.link(in, slot, where)
	}
	return n, nil
}

// link replaces the displacement of an instruction by a reference to its target.
func (d *decoder) link(in *Insn, slot int, where displacement) error {
	wide := in.Op == OpLoadImm64
	if d.options.RawCalls && (wide || in.Op == OpCall) {
		return nil
	}
	by := int64(in.Off)
	if where == displacementImm {
		by = int64(int32(in.Imm))
	}
	to := int64(slot) + 1 + by
	inside := to >= 0 && to < int64(len(d.label))
	if inside && d.label[to] != secondHalf {
		if where == displacementOff {
			in.Off = 0
		} else {
			in.Imm &^= math.MaxUint32
			if !wide {
				in.Imm = 0
			}
		}
		in.Ref, in.Target = RefLabel, Label(d.label[to])
		return nil
	}
	if d.options.Lenient {
		if !wide {
			in.Flags = Raw
		}
		return nil
	}
	if inside {
		return fmt.Errorf("target %+d is the second half of a 64-bit load", by)
	}
	return fmt.Errorf("target %+d is outside of the %d slots", by, len(d.label))
}
