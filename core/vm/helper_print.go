package vm

import (
	"strconv"

	"github.com/bpfhost/bpfhost/core/asm"
)

var printHelpers = []helper{
	{asm.HelperTracePrintk, tracePrintk},
	{asm.HelperTraceVprintk, traceVprintk},
	{asm.HelperSnprintf, snprintf},
}

// longestLine is how many bytes bpf_trace_printk prints (BPF_TRACE_PRINTK_SIZE).
const longestLine = 1024

func tracePrintk(m *Machine, format, size, a, b, c uint64) uint64 {
	args := [3]uint64{a, b, c}
	return m.print(format, size, func(i int) (uint64, bool) {
		if i < len(args) {
			return args[i], true
		}
		return 0, false
	})
}

func traceVprintk(m *Machine, format, size, data, n, _ uint64) uint64 {
	args := m.read(data, n&^7)
	if args == nil {
		return 0
	}
	return m.print(format, size, fromMemory(args))
}

// fromMemory returns arguments of 8 bytes each.
func fromMemory(args []byte) func(int) (uint64, bool) {
	return func(i int) (uint64, bool) {
		if 8*i+8 > len(args) {
			return 0, false
		}
		return getUint(args[8*i : 8*i+8]), true
	}
}

// print writes a line and returns its length.
func (m *Machine) print(format, size uint64, arg func(int) (uint64, bool)) uint64 {
	f := text(m, format, uint64(uint32(size)))
	if f == nil {
		return 0
	}
	var err int
	if m.line, err = m.appendf(m.line[:0], f, arg); err != errnoNone {
		return errno(err)
	}
	m.line = m.line[:min(len(m.line), longestLine)]
	n := len(m.line)
	if n == 0 || m.line[n-1] != '\n' {
		m.line = append(m.line, '\n')
	}
	if m.options.Print != nil {
		if _, err := m.options.Print.Write(m.line); err != nil {
			return errno(eBUSY)
		}
	}
	return uint64(n)
}

func snprintf(m *Machine, buf, size, format, data, n uint64) uint64 {
	const longest = 4096
	size = uint64(uint32(size))
	b, args, f := m.write(buf, size), m.read(data, uint64(uint32(n))&^7), text(m, format, longest)
	if b == nil || args == nil || f == nil {
		return 0
	}
	var err int
	if m.line, err = m.appendf(m.line[:0], f, fromMemory(args)); err != errnoNone {
		return errno(err)
	}
	if len(b) > 0 {
		b[copy(b[:len(b)-1], m.line)] = 0
	}
	return uint64(len(m.line) + 1)
}

// appendf appends text with its conversions done: %d %i %u %x %X %o %p %c %s %%, with a width and
// the lengths l and ll (bpf_bprintf_prepare, kernel/bpf/helpers.c). Others are errors.
func (m *Machine) appendf(dst, format []byte, arg func(int) (uint64, bool)) ([]byte, int) {
	next := 0
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			dst = append(dst, format[i])
			continue
		}
		c, used := parseConversion(format[i+1:])
		i += used
		if c.verb == '%' {
			dst = append(dst, '%')
			continue
		}
		v, ok := arg(next)
		next++
		if !ok {
			return dst, eINVAL
		}
		var err int
		if dst, err = m.appendConversion(dst, c, v); err != errnoNone {
			return dst, err
		}
	}
	return dst, errnoNone
}

// conversion is what follows a % sign.
type conversion struct {
	left, zero bool
	width      int
	wide       bool // 64 bits
	verb       byte // 0 is none
}

func parseConversion(s []byte) (c conversion, used int) {
	for ; used < len(s) && (s[used] == '-' || s[used] == '0' || s[used] == '+' || s[used] == ' ' || s[used] == '#'); used++ {
		c.left = c.left || s[used] == '-'
		c.zero = c.zero || s[used] == '0'
	}
	for ; used < len(s) && s[used] >= '0' && s[used] <= '9'; used++ {
		c.width = min(10*c.width+int(s[used]-'0'), longestLine)
	}
	for ; used < len(s) && s[used] == 'l'; used++ {
		c.wide = true
	}
	if used < len(s) {
		c.verb = s[used]
		used++
	}
	return c, used
}

func (m *Machine) appendConversion(dst []byte, c conversion, v uint64) ([]byte, int) {
	from := len(dst)
	if !c.wide && c.verb != 'p' && c.verb != 's' {
		v = uint64(uint32(v))
	}
	switch c.verb {
	case 'd', 'i':
		n := int64(v)
		if !c.wide {
			n = int64(int32(v))
		}
		dst = strconv.AppendInt(dst, n, 10)
	case 'u':
		dst = strconv.AppendUint(dst, v, 10)
	case 'x', 'p':
		dst = strconv.AppendUint(dst, v, 16)
	case 'X':
		dst = upper(strconv.AppendUint(dst, v, 16), from)
	case 'o':
		dst = strconv.AppendUint(dst, v, 8)
	case 'c':
		dst = append(dst, byte(v))
	case 's':
		const longest = 512
		for i := uint64(0); i < longest; i++ {
			if !m.access(v+i, 1, false) {
				break
			}
			b := m.mem.at(v+i, 1)[0]
			if b == 0 {
				break
			}
			dst = append(dst, b)
		}
	default:
		return dst, eINVAL
	}
	return pad(dst, from, c), errnoNone
}

// pad fills up what was appended from an index on to the width of a conversion.
func pad(dst []byte, from int, c conversion) []byte {
	n := c.width - (len(dst) - from)
	if n <= 0 {
		return dst
	}
	fill := byte(' ')
	if c.zero && !c.left {
		fill = '0'
	}
	end := len(dst)
	for range n {
		dst = append(dst, fill)
	}
	if !c.left {
		copy(dst[from+n:], dst[from:end])
		for i := range n {
			dst[from+i] = fill
		}
		if fill == '0' && dst[from+n] == '-' {
			dst[from], dst[from+n] = '-', '0'
		}
	}
	return dst
}

func upper(b []byte, from int) []byte {
	for i := from; i < len(b); i++ {
		if b[i] >= 'a' && b[i] <= 'f' {
			b[i] -= 'a' - 'A'
		}
	}
	return b
}
