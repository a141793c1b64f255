package sys

import "unsafe"

// BytesPointer points at the first byte of b; nil when b is empty.
func BytesPointer(b []byte) Pointer {
	if len(b) == 0 {
		return Pointer{}
	}
	return Pointer{p: unsafe.Pointer(unsafe.SliceData(b))}
}

// StringPointer points at a copy of s that ends in a zero byte; nil when s is empty.
func StringPointer(s string) Pointer {
	if s == "" {
		return Pointer{}
	}
	return BytesPointer(append([]byte(s), 0))
}

// IntsPointer points at the first number of a; nil when a is empty.
func IntsPointer(a []int32) Pointer {
	if len(a) == 0 {
		return Pointer{}
	}
	return Pointer{p: unsafe.Pointer(unsafe.SliceData(a))}
}
