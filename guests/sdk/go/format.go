package sdk

import "strconv"

// parseUint reads a decimal number, or a hexadecimal one after 0x.
func parseUint(s string) (uint64, bool) {
	base := 10
	if len(s) > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') {
		s, base = s[2:], 16
	}
	v, err := strconv.ParseUint(s, base, 64)
	return v, err == nil
}

const hexDigits = "0123456789abcdef"

// AppendJSON appends s as a JSON string. Bytes that are not UTF-8 become U+FFFD.
func AppendJSON(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029:
			b = append(b, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
		default:
			b = append(b, string(r)...)
		}
	}
	return append(b, '"')
}

// AppendIPv4 appends an address in network byte order as 192.0.2.1. Fewer than four bytes append
// nothing.
func AppendIPv4(b, addr []byte) []byte {
	if len(addr) < 4 {
		return b
	}
	for i, c := range addr[:4] {
		if i > 0 {
			b = append(b, '.')
		}
		b = strconv.AppendUint(b, uint64(c), 10)
	}
	return b
}

// CString returns the text up to the first NUL, as the kernel leaves names in fixed arrays.
func CString(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}
