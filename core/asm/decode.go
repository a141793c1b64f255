package asm

import (
	"errors"
	"fmt"
	"math"
)

// DecodeOptions says how to read. The zero value reads a whole little-endian program.
type DecodeOptions struct {
	Order ByteOrder

	// RawCalls leaves the distance of local calls and of function addresses in Insn.Imm and gives
	// them no label: the bytes are part of an object file whose relocations say what they mean.
	RawCalls bool

	// Lenient accepts what no kernel would: half of a 64-bit load, and jumps and calls whose target
	// is no instruction, are kept as Raw instructions; the address of a function that is not there
	// keeps its distance and gets no reference.
	Lenient bool
}

// Decode reads a sequence of instructions. Every target of a jump, of a local call and of a local
// function's address gets a label; labels are numbered from 1 in the order of their places.
//
// Instructions that are not known (opcodes, and values of the fields that select among several
// meanings of one opcode) are kept as they are and marked Raw. AppendEncode gives the same bytes
// back for everything that was decoded.
//
// The error is an *Error: the bytes are not a multiple of eight, a 64-bit load is incomplete, or a
// jump leads out of the program or into the middle of a 64-bit load.
func Decode(b []byte, o DecodeOptions) ([]Insn, error) {
	if len(b)%SlotSize != 0 {
		return nil, decodeError(len(b)/SlotSize, errLeft(len(b)%SlotSize))
	}
	if len(b)/SlotSize > math.MaxInt32 {
		return nil, decodeError(math.MaxInt32, errors.New("program is too long"))
	}
	s := getScratch()
	defer s.release()
	slots := len(b) / SlotSize
	tables := s.sized(2 * slots)
	d := decoder{bytes: b, options: o, index: tables[:slots], label: tables[slots:]}
	n, err := d.count()
	if err != nil || n == 0 {
		return nil, err
	}
	d.number()
	d.insns = make([]Insn, n)
	if err := d.fill(); err != nil {
		return nil, err
	}
	return d.insns, nil
}

type decoder struct {
	bytes   []byte
	options DecodeOptions
	index   []int32 // by slot: the index of the instruction that starts there, or secondHalf
	label   []int32 // by slot: its label, or 0; before number has run, 1 where one is needed
	insns   []Insn
}

// secondHalf marks the slot behind a 64-bit load.
const secondHalf = -1

// errLeft says that the bytes are not a multiple of eight.
func errLeft(n int) error { return fmt.Errorf("%d bytes are left, an instruction has 8", n) }

func decodeError(slot int, err error) error { return &Error{Verb: "decode", Index: slot, Err: err} }

// count fills the index table, marks what needs a label, and returns the number of instructions.
func (d *decoder) count() (int, error) {
	n := 0
	clear(d.label)
	for slot := 0; slot < len(d.index); slot++ {
		d.index[slot] = int32(n)
		n++
		b := d.bytes[slot*SlotSize:]
		switch op := Op(b[0]); op.Class() {
		case ClassJmp, ClassJmp32:
			if op != OpExit {
				d.mark(readWord(b, d.options.Order), slot)
			}
		case ClassLd:
			if op != OpLoadImm64 {
				continue
			}
			wide, err := d.wide(b)
			if err != nil && !d.options.Lenient {
				return 0, decodeError(slot, err)
			}
			if wide {
				d.mark(readWord(b, d.options.Order), slot)
				slot++
				d.index[slot] = secondHalf
			}
		}
	}
	return n, nil
}

// mark notes that the target of an instruction needs a label, if it has one.
func (d *decoder) mark(w word, slot int) {
	f := forms[w.op()]
	where := f.distance(w.src())
	if where == distanceNone || !f.known(w.op(), w.src(), w.off(), w.imm()) || d.options.RawCalls && (f == formLoad64 || f == formCall) {
		return
	}
	by := int64(w.off())
	if where == distanceImm {
		by = int64(int32(w.imm()))
	}
	if to := int64(slot) + 1 + by; to >= 0 && to < int64(len(d.label)) {
		d.label[to] = 1
	}
}

// number gives the labels their numbers. Nothing can jump to a second half.
func (d *decoder) number() {
	n := int32(0)
	index := d.index[:len(d.label)]
	for slot, l := range d.label { // without branches: which slots have labels cannot be predicted
		l &^= index[slot] >> 31
		n += l
		d.label[slot] = n & -l
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
	return formLoad64.known(OpLoadImm64, readWord(b, d.options.Order).src(), 0, 0), nil
}

// fill decodes all instructions.
func (d *decoder) fill() error {
	for slot := 0; slot < len(d.index); slot++ {
		i := d.index[slot]
		w := readWord(d.bytes[slot*SlotSize:], d.options.Order)
		in := &d.insns[i]
		in.Op, in.Dst, in.Src, in.Off, in.Imm = w.op(), w.dst(), w.src(), w.off(), w.imm()
		in.Label = Label(d.label[slot])
		f := forms[in.Op]
		if f == formLoad64 {
			if slot+1 == len(d.index) || d.index[slot+1] != secondHalf {
				in.Flags = Raw
				continue
			}
			high := readWord(d.bytes[(slot+1)*SlotSize:], d.options.Order).imm()
			in.Imm = high<<32 | int64(uint32(in.Imm))
		} else if !f.known(in.Op, in.Src, in.Off, in.Imm) {
			in.Flags = Raw
			continue
		}
		if where := f.distance(in.Src); where != distanceNone {
			if err := d.link(in, slot, where); err != nil {
				return decodeError(slot, err)
			}
		}
		if f == formLoad64 {
			slot++
		}
	}
	return nil
}

// link replaces the distance of an instruction by a reference to its target.
func (d *decoder) link(in *Insn, slot int, where distance) error {
	wide := in.Op == OpLoadImm64
	if d.options.RawCalls && (wide || in.Op == OpCall) {
		return nil
	}
	by := int64(in.Off)
	if where == distanceImm {
		by = int64(int32(in.Imm))
	}
	to := int64(slot) + 1 + by
	inside := to >= 0 && to < int64(len(d.index))
	if inside && d.index[to] != secondHalf {
		if where == distanceOff {
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
	return fmt.Errorf("target %+d is outside of the %d slots", by, len(d.index))
}
