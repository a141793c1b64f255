package record

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"strconv"

	"github.com/bpfhost/bpfhost/internal/nearest"
)

// Parse returns the number that a text is in the field's own words: a number, the name of a
// value, true or false, an IPv4 address. It is what Uint returns for it. The error says what the
// field takes.
func (f *Field) Parse(text string) (uint64, error) {
	switch f.Kind {
	case KindBool:
		switch text {
		case "true", "1":
			return 1, nil
		case "false", "0":
			return 0, nil
		}
		return 0, fmt.Errorf("%q is neither true nor false, as %s is", text, f.Describe())
	case KindEnum:
		for _, v := range f.values {
			if v.Name == text {
				return v.Value, nil
			}
		}
		if x, err := f.parseNumber(text); err == nil {
			return x, nil
		}
		names := make([]string, len(f.values))
		for i, v := range f.values {
			names[i] = v.Name
		}
		return 0, fmt.Errorf("%q is not a value of %s%s", text, f.TypeName(), nearest.Hint(text, names))
	case KindIPv4:
		if a, err := netip.ParseAddr(text); err == nil && a.Is4() {
			b := a.As4()
			return uint64(binary.BigEndian.Uint32(b[:])), nil
		}
	}
	if !f.Number() {
		return 0, fmt.Errorf("%s is not a number", f.Describe())
	}
	return f.parseNumber(text)
}

// parseNumber reads a number that fits the field.
func (f *Field) parseNumber(text string) (uint64, error) {
	x, err := strconv.ParseUint(text, 0, 64)
	negative := false
	if err != nil {
		var y int64
		y, err = strconv.ParseInt(text, 0, 64)
		x, negative = uint64(y), y < 0
	}
	if err != nil {
		if e, ok := err.(*strconv.NumError); ok && e.Err == strconv.ErrRange {
			return 0, fmt.Errorf("%s does not fit %s, which takes %s", text, f.Describe(), f.limits())
		}
		return 0, fmt.Errorf("%q is not a number, as %s is", text, f.Describe())
	}
	return x, f.Check(x, negative)
}

// Check says why a number does not fit the field; x are the bits of an int64 if it is negative.
func (f *Field) Check(x uint64, negative bool) error {
	fits := false
	switch {
	case f.Kind == KindBool:
		fits = x <= 1
	case negative:
		fits = f.signed && int64(x) >= -1<<(f.bits-1)
	case f.signed:
		fits = x <= 1<<(f.bits-1)-1
	default:
		fits = f.bits >= 64 || x>>f.bits == 0
	}
	if fits {
		return nil
	}
	text := strconv.FormatUint(x, 10)
	if negative {
		text = strconv.FormatInt(int64(x), 10)
	}
	return fmt.Errorf("%s does not fit %s, which takes %s", text, f.Describe(), f.limits())
}

// limits says which numbers the field takes.
func (f *Field) limits() string {
	switch {
	case f.Kind == KindBool:
		return "true and false"
	case f.signed:
		return fmt.Sprintf("%d to %d", int64(-1)<<(f.bits-1), int64(uint64(1)<<(f.bits-1)-1))
	case f.bits >= 64:
		return fmt.Sprintf("0 to %d", uint64(math.MaxUint64))
	}
	return fmt.Sprintf("0 to %d", uint64(1)<<f.bits-1)
}

// Describe names the field with its type, for messages: "proto (__u8)".
func (f *Field) Describe() string {
	if f.bits != 0 && f.bits != 8*f.Size {
		return fmt.Sprintf("%s (%s, %d bits)", f.Path, f.TypeName(), f.bits)
	}
	return fmt.Sprintf("%s (%s)", f.Path, f.TypeName())
}
