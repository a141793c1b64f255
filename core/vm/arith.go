package vm

// Division by zero is 0 and leaves the dividend as remainder; the smallest number divided by -1 is
// itself (RFC 9669, section 4.1), as it is in Go.

func div64(a, b uint64) uint64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func mod64(a, b uint64) uint64 {
	if b == 0 {
		return a
	}
	return a % b
}

func sdiv64(a, b uint64) uint64 {
	if b == 0 {
		return 0
	}
	return uint64(int64(a) / int64(b))
}

func smod64(a, b uint64) uint64 {
	if b == 0 {
		return a
	}
	return uint64(int64(a) % int64(b))
}

// In 64 bits the smallest of 32 divided by -1 does not overflow.

func sdiv32(a, b uint64) uint64 {
	return uint64(uint32(sdiv64(uint64(int32(a)), uint64(int32(b)))))
}

func smod32(a, b uint64) uint64 {
	return uint64(uint32(smod64(uint64(int32(a)), uint64(int32(b)))))
}
