package asm

import "strconv"

// jumpText holds the comparison operators by JumpOp>>4.
var jumpText = [16]string{
	Equal >> 4: "==", Greater >> 4: ">", GreaterEq >> 4: ">=", Set >> 4: "&", NotEqual >> 4: "!=",
	SGreater >> 4: "s>", SGreaterEq >> 4: "s>=", Less >> 4: "<", LessEq >> 4: "<=", SLess >> 4: "s<",
	SLessEq >> 4: "s<=",
}

// refText holds the words before the bracket of a 64-bit load with a reference, and the pseudo
// source that goes with each.
var refText = [...]struct {
	word string
	src  Reg
}{
	RefLabel:    {"label[", PseudoFunc},
	RefFunc:     {"func[", PseudoFunc},
	RefMap:      {"map[", PseudoMapFD},
	RefMapValue: {"value[", PseudoMapValue},
	RefVar:      {"var[", PseudoMapValue},
	RefKsym:     {"ksym[", 0},
	RefTable:    {"table[", PseudoMapValue},
}

// numberText holds, by pseudo source, the words before the parenthesis of a 64-bit load of a number,
// and whether the high half is an offset to be added.
var numberText = [...]struct {
	word   string
	offset bool
}{
	PseudoMapFD:       {"map_fd(", false},
	PseudoMapValue:    {"value_fd(", true},
	PseudoBTFID:       {"btf_id(", false},
	PseudoFunc:        {},
	PseudoMapIdx:      {"map_idx(", false},
	PseudoMapIdxValue: {"value_idx(", true},
}

func (o TextOptions) appendLoad64(dst []byte, in *Insn, show fields) ([]byte, fields) {
	dst = append(appendReg(dst, 'r', in.Dst), " = "...)
	if k := in.Ref; int(k) < len(refText) && refText[k].word != "" {
		dst = append(dst, refText[k].word...)
		if k == RefLabel {
			dst = o.appendLabel(dst, in.Target)
		} else {
			dst = appendBracketed(dst, in.Symbol)
		}
		dst = append(dst, ']')
		if in.Imm != 0 {
			dst = appendPlus(dst, in.Imm)
		}
		dst = append(dst, " ll"...)
		if in.Src != refText[k].src {
			show = show&^fieldSrc | unusualSource
		}
		return dst, show | fieldRef
	}
	low, high := int32(in.Imm), uint32(in.Imm>>32)
	if n := numberText[in.Src]; n.word != "" && low >= 0 && (n.offset || high == 0) {
		dst = strconv.AppendInt(append(dst, n.word...), int64(low), 10)
		dst = append(dst, ')')
		if n.offset {
			dst = appendPlus(dst, int64(high))
		}
		return append(dst, " ll"...), show
	}
	dst = append(appendHex(dst, uint64(in.Imm), 1), " ll"...)
	return dst, show &^ fieldSrc
}

func (o TextOptions) appendJump(dst []byte, in *Insn, f Format, show fields) ([]byte, fields) {
	where := f.displacement(in.Src)
	switch f {
	case FormatJump:
		dst = append(dst, "goto "...)
	case FormatJumpLong:
		dst = append(dst, "gotol "...)
	case FormatMayGoto:
		dst = append(dst, "may_goto "...)
	default:
		view := in.Op.Class().view()
		dst = appendReg(append(dst, "if "...), view, in.Dst)
		dst = append(append(dst, ' '), jumpText[in.Op>>4]...)
		if f == FormatCondReg {
			dst = appendReg(append(dst, ' '), view, in.Src)
		} else {
			dst = strconv.AppendInt(append(dst, ' '), in.Imm, 10)
		}
		dst = append(dst, " goto "...)
	}
	return o.appendTarget(dst, in, where, show)
}

// appendTarget appends the label or, for want of one, the displacement.
func (o TextOptions) appendTarget(dst []byte, in *Insn, where displacement, show fields) ([]byte, fields) {
	if in.Ref == RefLabel {
		return o.appendLabel(dst, in.Target), show | fieldRef
	}
	if where == displacementImm {
		return appendSigned(dst, in.Imm), show | fieldImm | missesTarget
	}
	return appendSigned(dst, int64(in.Off)), show | fieldOff | missesTarget
}

// appendSigned appends "+5" or "-5".
func appendSigned(dst []byte, v int64) []byte {
	if v >= 0 {
		dst = append(dst, '+')
	}
	return strconv.AppendInt(dst, v, 10)
}

func (o TextOptions) appendCall(dst []byte, in *Insn, show fields) ([]byte, fields) {
	dst = append(dst, "call "...)
	switch {
	case in.Src == PseudoCall && in.Ref == RefFunc:
		if o.plainFunc(in.Symbol) {
			return append(dst, in.Symbol...), show | fieldRef
		}
		return append(appendBracketed(append(dst, "func["...), in.Symbol), ']'), show | fieldRef
	case in.Src == PseudoCall:
		if in.Ref != RefLabel { // a bare number is a helper
			dst = append(dst, "pc"...)
		}
		return o.appendTarget(dst, in, displacementImm, show)
	case in.Src == PseudoKfuncCall && in.Ref == RefKfunc:
		return append(appendBracketed(append(dst, "kfunc["...), in.Symbol), ']'), show | fieldRef
	case in.Src == PseudoKfuncCall:
		dst = strconv.AppendInt(append(dst, "kfunc("...), in.Imm, 10)
		return append(dst, ')'), show | fieldImm
	}
	if in.Imm > 0 && in.Imm < int64(len(helperNames)) {
		dst = append(append(dst, helperNames[in.Imm]...), '#')
	}
	return strconv.AppendInt(dst, in.Imm, 10), show | fieldImm
}
