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
	d := decoder{bytes: b, options: o, index: s.sized(len(b) / SlotSize)}
	n, err := d.count()
	if err != nil || n == 0 {
		return nil, err
	}
	d.insns = make([]Insn, n)
	if err := d.fill(); err != nil {
		return nil, err
	}
	if d.jumps {
		d.number()
	}
	return d.insns, nil
}

type decoder struct {
	bytes   []byte
	options DecodeOptions
	index   []int32 // by slot: the index of the instruction that starts there, or secondHalf
	insns   []Insn
	jumps   bool // something got a label
}

// secondHalf marks the slot behind a 64-bit load.
const secondHalf = -1

// errLeft says that the bytes are not a multiple of eight.
func errLeft(n int) error { return fmt.Errorf("%d bytes are left, an instruction has 8", n) }

func decodeError(slot int, err error) error { return &Error{Verb: "decode", Index: slot, Err: err} }

// count fills the index table and returns the number of instructions.
func (d *decoder) count() (int, error) {
	n := 0
	for slot := 0; slot < len(d.index); slot++ {
		d.index[slot] = int32(n)
		n++
		b := d.bytes[slot*SlotSize:]
		if Op(b[0]) != OpLoadImm64 {
			continue
		}
		wide, err := d.wide(b)
		if err != nil && !d.options.Lenient {
			return 0, decodeError(slot, err)
		}
		if wide {
			slot++
			d.index[slot] = secondHalf
		}
	}
	return n, nil
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

// fill decodes all instructions. Until number has run, Insn.Label is 1 where a label is needed, and
// Ref.Label is the index of the target plus one.
func (d *decoder) fill() error {
	for slot := 0; slot < len(d.index); slot++ {
		i := d.index[slot]
		w := readWord(d.bytes[slot*SlotSize:], d.options.Order)
		in := &d.insns[i]
		in.Op, in.Dst, in.Src, in.Off, in.Imm = w.op(), w.dst(), w.src(), w.off(), w.imm()
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
		in.Ref = Ref{Kind: RefLabel, Label: Label(d.index[to] + 1)}
		d.insns[d.index[to]].Label = 1
		d.jumps = true
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

// number gives the labels their numbers.
func (d *decoder) number() {
	n := Label(0)
	for i := range d.insns {
		if in := &d.insns[i]; in.Label != 0 {
			n++
			in.Label = n
		}
	}
	for i := range d.insns {
		if in := &d.insns[i]; in.Ref.Kind == RefLabel {
			in.Ref.Label = d.insns[in.Ref.Label-1].Label
		}
	}
}
