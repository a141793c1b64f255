package record

import (
	"encoding/hex"
	"net/netip"
	"strconv"
	"unicode/utf8"

	"github.com/bpfhost/bpfhost/core/btf/render"
	"github.com/bpfhost/bpfhost/internal/quote"
)

// Bounds of the text of a field.
const (
	maxHex   = 64  // bytes of a field that are shown
	maxValue = 256 // bytes of text of an array or struct
)

// AppendText appends the value in a record as a table shows it, in one line that is safe for a
// terminal: "?" where the record ends before it, "-" for an empty text.
func (f *Field) AppendText(dst, rec []byte) []byte {
	b, ok := f.bytes(rec)
	if !ok {
		return append(dst, '?')
	}
	switch f.Kind {
	case KindText:
		if b = untilNUL(b); len(b) == 0 {
			return append(dst, '-')
		}
		return append(dst, quote.Text(string(b))...)
	case KindBytes:
		return appendHex(dst, b)
	case KindFloat:
		x, _ := f.Float(rec)
		return strconv.AppendFloat(dst, x, 'g', -1, int(8*f.Size))
	case KindIPv6:
		return f.appendIPv6(dst, b)
	case KindArray, KindOther:
		v, err := render.Value(nil, f.types, f.Type, b, render.ValueOptions{MaxBytes: maxValue, Zeros: true})
		if err != nil {
			return append(dst, '?')
		}
		return append(dst, quote.Text(string(v))...)
	}
	return f.appendNumber(dst, f.number(b))
}

// appendHex appends bytes in hexadecimal, the first of them if there are many.
func appendHex(dst, b []byte) []byte {
	if len(b) > maxHex {
		return append(hex.AppendEncode(dst, b[:maxHex]), "…"...)
	}
	return hex.AppendEncode(dst, b)
}

func (f *Field) appendIPv6(dst, b []byte) []byte {
	return netip.AddrFrom16([16]byte(b)).AppendTo(dst)
}

// appendNumber appends a number as a table shows it.
func (f *Field) appendNumber(dst []byte, x uint64) []byte {
	switch f.Kind {
	case KindEnum:
		if name := f.EnumName(x); name != "" {
			return append(dst, quote.Text(name)...)
		}
	case KindBool:
		if x <= 1 {
			return strconv.AppendBool(dst, x == 1)
		}
	case KindAddress:
		return strconv.AppendUint(append(dst, "0x"...), x, 16)
	case KindIPv4:
		return netip.AddrFrom4([4]byte{byte(x >> 24), byte(x >> 16), byte(x >> 8), byte(x)}).AppendTo(dst)
	}
	if f.signed {
		return strconv.AppendInt(dst, int64(x), 10)
	}
	return strconv.AppendUint(dst, x, 10)
}

// width of the columns that most values of a kind fit into, in characters.
const (
	maxColumn   = 24 // of a text
	arrayColumn = 16
)

// columnWidth returns the width of the field's column.
func (f *Field) columnWidth() int {
	w := 0
	switch f.Kind {
	case KindBool:
		w = len("false")
	case KindEnum:
		for _, v := range f.values {
			w = max(w, utf8.RuneCountInString(v.Name))
		}
		w = min(w, maxColumn)
	case KindAddress:
		w = len("0xffff888000000000")
	case KindIPv4:
		w = len("255.255.255.255")
	case KindIPv6:
		w = maxColumn
	case KindFloat:
		w = 10
	case KindText:
		w = min(int(f.Size), maxColumn)
	case KindBytes:
		w = min(2*int(f.Size), maxColumn)
	case KindArray, KindOther:
		w = arrayColumn
	default:
		w = numberWidth(f.bits)
	}
	return max(w, utf8.RuneCountInString(f.Path))
}

// numberWidth returns the digits that most numbers of so many bits have.
func numberWidth(bits uint32) int {
	switch {
	case bits <= 8:
		return 3
	case bits <= 16:
		return 5
	case bits <= 32:
		return 7
	}
	return 15
}

// rightAligned reports whether values of the field are aligned at their last character.
func (f *Field) rightAligned() bool {
	switch f.Kind {
	case KindUnsigned, KindSigned, KindNetwork, KindFloat:
		return true
	}
	return false
}
