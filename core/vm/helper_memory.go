package vm

import (
	"bytes"

	"github.com/bpfhost/bpfhost/core/asm"
)

var memoryHelpers = []helper{
	{asm.HelperProbeRead, probeRead},
	{asm.HelperProbeReadKernel, probeRead},
	{asm.HelperProbeReadUser, probeRead},
	{asm.HelperCopyFromUser, probeRead},
	{asm.HelperProbeReadStr, probeReadStr},
	{asm.HelperProbeReadKernelStr, probeReadStr},
	{asm.HelperProbeReadUserStr, probeReadStr},
	{asm.HelperStrncmp, strncmp},
	{asm.HelperStrtol, strtol},
	{asm.HelperStrtoul, strtoul},
}

// probeRead copies what is at an address that may be wrong; then the copy is zero.
func probeRead(m *Machine, dst, size, src, _, _ uint64) uint64 {
	size = uint64(uint32(size))
	b := m.write(dst, size)
	if b == nil {
		return 0
	}
	if !m.access(src, size, false) {
		clear(b)
		return errno(eFAULT)
	}
	copy(b, m.mem.at(src, size))
	return 0
}

// probeReadStr copies a string with its zero, cut to size, and returns how many bytes these are.
func probeReadStr(m *Machine, dst, size, src, _, _ uint64) uint64 {
	size = uint64(uint32(size))
	b := m.write(dst, size)
	if len(b) == 0 {
		return 0
	}
	for i := range b {
		at := src + uint64(i)
		if !m.access(at, 1, false) {
			clear(b)
			return errno(eFAULT)
		}
		if b[i] = m.mem.at(at, 1)[0]; b[i] == 0 {
			return uint64(i + 1)
		}
	}
	b[len(b)-1] = 0
	return size
}

// text returns a string in memory, at most n bytes of it and without its zero, or ends the run.
func text(m *Machine, addr, n uint64) []byte {
	for i := range n {
		if !m.access(addr+i, 1, false) {
			m.faultAccess(m.pc, addr+i, 1, false)
			return nil
		}
		if m.mem.at(addr+i, 1)[0] == 0 {
			n = i
			break
		}
	}
	if n == 0 {
		return []byte{}
	}
	return m.mem.at(addr, n)
}

func strncmp(m *Machine, s1, size, s2, _, _ uint64) uint64 {
	a, b := text(m, s1, uint64(uint32(size))), text(m, s2, uint64(uint32(size)))
	if a == nil || b == nil {
		return 0
	}
	return uint64(int64(bytes.Compare(a, b)))
}

func strtol(m *Machine, buf, size, flags, res, _ uint64) uint64 {
	return parse(m, buf, size, flags, res, true)
}

func strtoul(m *Machine, buf, size, flags, res, _ uint64) uint64 {
	return parse(m, buf, size, flags, res, false)
}

// parse reads a number and returns how many characters it has (__bpf_strtoull, kernel/bpf/helpers.c).
func parse(m *Machine, buf, size, flags, res uint64, signed bool) uint64 {
	s, out := m.read(buf, size), m.write(res, 8)
	if s == nil || out == nil {
		return 0
	}
	if base := flags & 0x1f; base != 0 && base != 8 && base != 10 && base != 16 || flags > 0x1f || len(s) == 0 {
		return errno(eINVAL)
	}
	n, negative, used, err := parseNumber(s, flags&0x1f)
	switch {
	case err != errnoNone:
		return errno(err)
	case signed && negative && n <= 1<<63:
		n = -n
	case signed && n > 1<<63-1:
		return errno(eRANGE)
	case !signed && negative:
		return errno(eINVAL)
	}
	putUint(out, n)
	return uint64(used)
}

// parseNumber reads spaces, a sign, and a number in a base, 0 being that of its prefix.
func parseNumber(s []byte, base uint64) (n uint64, negative bool, used, err int) {
	at := 0
	for at < len(s) && (s[at] == ' ' || s[at] >= '\t' && s[at] <= '\r') {
		at++
	}
	if at < len(s) && s[at] == '-' {
		negative = true
		at++
	}
	hex := len(s)-at > 2 && s[at] == '0' && s[at+1]|0x20 == 'x' && digit(s[at+2]) < 16
	switch {
	case base == 0 && hex:
		base = 16
	case base == 0 && at < len(s) && s[at] == '0':
		base = 8
	case base == 0:
		base = 10
	}
	if base == 16 && hex {
		at += 2
	}
	start := at
	for ; at < len(s) && digit(s[at]) < base; at++ {
		next := n*base + digit(s[at])
		if n > (1<<64-1)/base || next < n {
			return 0, false, 0, eRANGE
		}
		n = next
	}
	if at == start {
		return 0, false, 0, eINVAL
	}
	return n, negative, at, errnoNone
}

// digit returns the value of a digit, one above any base if it is none.
func digit(c byte) uint64 {
	switch {
	case c >= '0' && c <= '9':
		return uint64(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'z':
		return uint64(c|0x20-'a') + 10
	}
	return 99
}
