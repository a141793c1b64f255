package asm

import "strconv"

// TextOptions says what AppendText knows beside the instructions. The zero value prints them alone.
type TextOptions struct {
	LabelNames map[Label]string   // names to print instead of L1, L2, …
	Funcs      map[int]string     // names of the functions that start at an instruction, by its index
	Source     func(i int) string // source line to print as a comment before instruction i; empty is none
}

// AppendText appends the instructions as text, one per line, and returns the extended buffer. Parse
// reads it back. The syntax is described in the package comment.
func AppendText(dst []byte, insns []Insn, o TextOptions) []byte {
	for i := range insns {
		if name, ok := o.Funcs[i]; ok {
			dst = append(dst, ".func "...)
			dst = appendName(dst, name)
			dst = append(dst, '\n')
		}
		if l := insns[i].Label; l != 0 {
			dst = o.appendLabel(dst, l)
			dst = append(dst, ':', '\n')
		}
		if o.Source != nil {
			dst = appendSource(dst, o.Source(i))
		}
		dst = append(dst, '\t')
		dst = o.appendInsn(dst, &insns[i])
		dst = append(dst, '\n')
	}
	return dst
}

// AppendInsn appends one instruction as text, without the label of its place and without a newline.
func AppendInsn(dst []byte, in Insn, o TextOptions) []byte { return o.appendInsn(dst, &in) }

// String returns the instruction as text, e.g. "r0 = *(u32 *)(r1 + 16)".
func (i Insn) String() string {
	var buf [64]byte
	return string(TextOptions{}.appendInsn(buf[:0], &i))
}

// fields is a set of fields of an instruction.
type fields uint8

const (
	fieldDst fields = 1 << iota
	fieldSrc
	fieldOff
	fieldImm
	fieldRef      // the reference, if there is one
	missesTarget  // a displacement is shown that is not turned into a label
	unusualSource // the pseudo source is not the usual one and has to be shown, even if it is zero
)

// shown holds, by format, the fields that its text shows. The others are usually zero; where they
// are not, they follow in braces.
var shown = [...]fields{
	FormatALUImm:   fieldDst | fieldImm,
	FormatALUReg:   fieldDst | fieldSrc,
	FormatDivImm:   fieldDst | fieldImm | fieldOff,
	FormatDivReg:   fieldDst | fieldSrc | fieldOff,
	FormatMovImm:   fieldDst | fieldImm,
	FormatMovReg:   fieldDst | fieldSrc | fieldOff,
	FormatNeg:      fieldDst,
	FormatEnd:      fieldDst | fieldImm,
	FormatLoad64:   fieldDst | fieldSrc | fieldImm,
	FormatAbs:      fieldImm,
	FormatInd:      fieldSrc | fieldImm,
	FormatLoad:     fieldDst | fieldSrc | fieldOff,
	FormatLoadSX:   fieldDst | fieldSrc | fieldOff,
	FormatStoreImm: fieldDst | fieldOff | fieldImm,
	FormatStoreReg: fieldDst | fieldSrc | fieldOff,
	FormatAtomic:   fieldDst | fieldSrc | fieldOff | fieldImm,
	FormatJump:     0,
	FormatJumpLong: 0,
	FormatJumpReg:  fieldDst,
	FormatMayGoto:  fieldSrc,
	FormatCondImm:  fieldDst | fieldImm,
	FormatCondReg:  fieldDst | fieldSrc,
	FormatCall:     fieldSrc,
	FormatCallReg:  fieldDst,
	FormatExit:     0,
}

func (o TextOptions) appendInsn(dst []byte, in *Insn) []byte {
	f := formats[in.Op]
	if in.Flags&Raw != 0 || !f.known(in.Op, in.Src, in.Off, in.Imm) {
		dst = appendRaw(dst, in)
		if in.Ref != RefNone {
			dst = appendStray(dst, in)
		}
		return dst
	}
	show := shown[f]
	switch f {
	case FormatALUImm, FormatALUReg, FormatDivImm, FormatDivReg, FormatMovImm, FormatMovReg, FormatNeg, FormatEnd:
		dst, show = appendArithmetic(dst, in, f, show)
	case FormatLoad64:
		dst, show = o.appendLoad64(dst, in, show)
	case FormatJump, FormatJumpLong, FormatMayGoto, FormatCondImm, FormatCondReg:
		dst, show = o.appendJump(dst, in, f, show)
	case FormatJumpReg:
		dst = appendReg(append(dst, "gotox "...), 'r', in.Dst)
	case FormatCall:
		dst, show = o.appendCall(dst, in, show)
	case FormatCallReg:
		dst = appendReg(append(dst, "callx "...), 'r', in.Dst)
	case FormatExit:
		dst = append(dst, "exit"...)
	case FormatAtomic:
		dst = appendAtomic(dst, in)
	default:
		dst = appendMemory(dst, in, f)
	}
	if hidden(in, show) {
		dst = appendHidden(dst, in, show)
	}
	if in.Ref != RefNone && show&fieldRef == 0 {
		dst = appendStray(dst, in)
	}
	return dst
}

// hidden reports whether there is something to say in braces.
func hidden(in *Insn, show fields) bool {
	return show&(missesTarget|unusualSource) != 0 || show&fieldDst == 0 && in.Dst != 0 || show&fieldSrc == 0 && in.Src != 0 ||
		show&fieldOff == 0 && in.Off != 0 || show&fieldImm == 0 && in.Imm != 0
}

// appendHidden appends the fields that the text does not show, as " {off=1 imm=-5}".
func appendHidden(dst []byte, in *Insn, show fields) []byte {
	dst = append(dst, ' ')
	start := len(dst)
	add := func(f fields, name string, v int64) {
		if show&f == 0 && (v != 0 || f == fieldSrc && show&unusualSource != 0) {
			dst = append(append(dst, ' '), name...)
			dst = strconv.AppendInt(append(dst, '='), v, 10)
		}
	}
	add(fieldDst, "dst", int64(in.Dst))
	add(fieldSrc, "src", int64(in.Src))
	add(fieldOff, "off", int64(in.Off))
	add(fieldImm, "imm", in.Imm)
	if show&missesTarget != 0 {
		dst = append(dst, " fixed"...)
	}
	dst[start] = '{'
	return append(dst, '}')
}

// appendStray appends a comment about a reference that the instruction cannot have.
func appendStray(dst []byte, in *Insn) []byte {
	dst = append(append(dst, " // refers to "...), in.Ref.String()...)
	if in.Ref == RefLabel {
		return strconv.AppendUint(append(dst, " L"...), uint64(in.Target), 10)
	}
	return appendBracketed(append(dst, ' '), in.Symbol)
}

// appendRaw appends all fields as one number with the opcode in its lowest byte.
func appendRaw(dst []byte, in *Insn) []byte {
	w := uint64(makeWord(in.Op, in.Dst, in.Src, in.Off, int32(in.Imm)))
	return appendHex(append(dst, ".raw "...), w, 16)
}

const hexDigits = "0123456789abcdef"

// appendHex appends 0x and at least so many digits.
func appendHex(dst []byte, v uint64, digits int) []byte {
	dst = append(dst, '0', 'x')
	for digits < 16 && v>>(4*digits) != 0 {
		digits++
	}
	for i := digits - 1; i >= 0; i-- {
		dst = append(dst, hexDigits[v>>(4*i)&15])
	}
	return dst
}

// appendReg appends a register; view is 'r' for all 64 bits, 'w' for the low 32.
func appendReg(dst []byte, view byte, r Reg) []byte {
	dst = append(dst, view)
	if r < 10 {
		return append(dst, '0'+byte(r))
	}
	return strconv.AppendUint(dst, uint64(r), 10)
}

// appendPlus appends " + 5" or " - 5".
func appendPlus(dst []byte, v int64) []byte {
	if v < 0 {
		return strconv.AppendUint(append(dst, " - "...), -uint64(v), 10)
	}
	return strconv.AppendUint(append(dst, " + "...), uint64(v), 10)
}

// view returns which half of a register arithmetic and jumps of a class use.
func (c Class) view() byte {
	if c == ClassALU || c == ClassJmp32 {
		return 'w'
	}
	return 'r'
}

// aluText holds the assignment operators by ALUOp>>4.
var aluText = [16]string{"+=", "-=", "*=", "/=", "|=", "&=", "<<=", ">>=", "", "%=", "^=", "=", "s>>="}

func appendArithmetic(dst []byte, in *Insn, f Format, show fields) ([]byte, fields) {
	view := in.Op.Class().view()
	if f == FormatEnd { // conversions are written with the whole register whatever their width
		view = 'r'
	}
	dst = append(appendReg(dst, view, in.Dst), ' ')
	switch f {
	case FormatNeg:
		return appendReg(append(dst, "= -"...), view, in.Dst), show
	case FormatEnd:
		return appendSwap(append(dst, "= "...), in), show
	case FormatDivImm, FormatDivReg:
		if in.Off != 0 {
			dst = append(dst, 's')
		}
	}
	dst = append(append(dst, aluText[in.Op>>4]...), ' ')
	if !in.Op.Reg() {
		return strconv.AppendInt(dst, in.Imm, 10), show
	}
	if f == FormatMovReg && in.Off == castOff {
		dst = appendReg(append(dst, "addr_space_cast("...), view, in.Src)
		dst = strconv.AppendUint(append(dst, ", "...), uint64(uint16(in.Imm>>16)), 10)
		dst = strconv.AppendUint(append(dst, ", "...), uint64(uint16(in.Imm)), 10)
		return append(dst, ')'), show | fieldImm
	}
	if f == FormatMovReg && in.Off != 0 {
		dst = strconv.AppendInt(append(dst, "(s"...), int64(in.Off), 10)
		dst = append(dst, ')')
	}
	return appendReg(dst, view, in.Src), show
}

// appendSwap appends the right side of a byte order conversion.
func appendSwap(dst []byte, in *Insn) []byte {
	switch {
	case in.Op.Class() == ClassALU64:
		dst = append(dst, "bswap"...)
	case in.Op.Reg():
		dst = append(dst, "be"...)
	default:
		dst = append(dst, "le"...)
	}
	dst = strconv.AppendInt(dst, in.Imm, 10)
	return appendReg(append(dst, ' '), 'r', in.Dst)
}

// typeText holds the C types of memory accesses by Size>>3.
var typeText = [4]string{"32", "16", "8", "64"}

// appendType appends "(u32 *)".
func appendType(dst []byte, sign byte, s Size) []byte {
	dst = append(dst, '(', sign)
	dst = append(dst, typeText[s>>3]...)
	return append(dst, " *)"...)
}

// appendPlace appends "(r1 + 8)".
func appendPlace(dst []byte, base Reg, off int16) []byte {
	dst = appendReg(append(dst, '('), 'r', base)
	return append(appendPlus(dst, int64(off)), ')')
}

func appendMemory(dst []byte, in *Insn, f Format) []byte {
	s := in.Op.Size()
	switch f {
	case FormatAbs:
		dst = appendType(append(dst, "r0 = *"...), 'u', s)
		dst = strconv.AppendInt(append(dst, "skb["...), in.Imm, 10)
		return append(dst, ']')
	case FormatInd:
		dst = appendType(append(dst, "r0 = *"...), 'u', s)
		dst = appendReg(append(dst, "skb["...), 'r', in.Src)
		if in.Imm != 0 {
			dst = appendPlus(dst, in.Imm)
		}
		return append(dst, ']')
	case FormatLoad, FormatLoadSX:
		sign := byte('u')
		if f == FormatLoadSX {
			sign = 's'
		}
		dst = append(appendReg(dst, 'r', in.Dst), " = *"...)
		return appendPlace(appendType(dst, sign, s), in.Src, in.Off)
	}
	dst = appendPlace(appendType(append(dst, '*'), 'u', s), in.Dst, in.Off)
	dst = append(dst, " = "...)
	if f == FormatStoreImm {
		return strconv.AppendInt(dst, in.Imm, 10)
	}
	return appendReg(dst, 'r', in.Src)
}
