package bind

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// configure writes a configuration value into the first contents of the map that holds it.
func (x *Binder) configure(e spec.Extern) error {
	v := x.spec.Var(e.Name)
	if v == nil {
		return nil // nothing reads it
	}
	m := x.spec.Map(v.Map)
	data, ok := x.data[m.Name]
	if !ok {
		data = make([]byte, m.ValueSize)
		copy(data, m.Data)
		if x.data == nil {
			x.data = make(map[string][]byte)
		}
		x.data[m.Name] = data
	}
	return x.configValue(e, data[v.Offset:v.Offset+v.Size])
}

// configValue writes the value of a configuration extern.
func (x *Binder) configValue(e spec.Extern, b []byte) error {
	switch e.Name {
	case "LINUX_KERNEL_VERSION":
		v, err := x.finder.facts.Version()
		if err != nil {
			return err
		}
		return x.putNumber(b, uint64(v))
	case "LINUX_HAS_BPF_COOKIE":
		return x.putNumber(b, bit(x.hasCookie()))
	case "LINUX_HAS_SYSCALL_WRAPPER":
		const x86, arm, s390, riscv = "__x64_sys_bpf", "__arm64_sys_bpf", "__s390x_sys_bpf", "__riscv_sys_bpf"
		found, _, err := x.finder.facts.Symbols(x86, arm, s390, riscv)
		if err != nil {
			return err
		}
		return x.putNumber(b, bit(len(found) > 0))
	}
	if !strings.HasPrefix(e.Name, "CONFIG_") {
		if e.Weak {
			return nil
		}
		return fmt.Errorf("%w: it is neither CONFIG_… nor one of the LINUX_… values", ErrNotSupported)
	}
	text, ok, err := x.finder.facts.Config(e.Name)
	if err != nil && !e.Weak {
		return err
	}
	if !ok {
		if e.Weak {
			return nil
		}
		return fmt.Errorf("the kernel was built without it: %w", ErrNotSupported)
	}
	return x.putConfigText(e, b, text)
}

// putConfigText writes a value as the kernel's configuration has it: y, m, n, a number or a string.
func (x *Binder) putConfigText(e spec.Extern, b []byte, text string) error {
	if strings.HasPrefix(text, `"`) {
		s, err := strconv.Unquote(text)
		if err != nil {
			return fmt.Errorf("cannot read %s", text)
		}
		copy(b[:len(b)-1], s)
		return nil
	}
	switch text {
	case "y", "m", "n":
		return x.putTristate(e, b, text)
	}
	if n, err := strconv.ParseUint(text, 0, 64); err == nil {
		return x.putNumber(b, n)
	}
	n, err := strconv.ParseInt(text, 0, 64)
	if err != nil {
		return fmt.Errorf("cannot read %s", text)
	}
	return x.putNumber(b, uint64(n)<<(64-8*len(b))>>(64-8*len(b)))
}

// putTristate writes y, m or n as the type wants it: a bool, a char, or enum libbpf_tristate.
func (x *Binder) putTristate(e spec.Extern, b []byte, text string) error {
	t, err := x.spec.BTF.Type(x.spec.BTF.Strip(e.Type))
	if err != nil {
		return err
	}
	switch t := t.(type) {
	case *btf.Int:
		switch {
		case t.Encoding&btf.IntBool != 0 && text == "m":
			return fmt.Errorf("it is a module, which a bool cannot say")
		case t.Encoding&btf.IntBool != 0:
			return x.putNumber(b, bit(text == "y"))
		case t.Size == 1:
			return x.putNumber(b, uint64(text[0]))
		}
	case *btf.Enum:
		return x.putNumber(b, map[string]uint64{"n": 0, "y": 1, "m": 2}[text])
	}
	return fmt.Errorf("its type has no value for %q", text)
}

// putNumber writes a number into the 1, 2, 4 or 8 bytes of b.
func (x *Binder) putNumber(b []byte, n uint64) error {
	if len(b) < 8 && n>>(8*len(b)) != 0 {
		return fmt.Errorf("%d does not fit %d bytes", n, len(b))
	}
	var order binary.ByteOrder = binary.LittleEndian
	if x.spec.Order == asm.BigEndian {
		order = binary.BigEndian
	}
	switch len(b) {
	case 1:
		b[0] = byte(n)
	case 2:
		order.PutUint16(b, uint16(n))
	case 4:
		order.PutUint32(b, uint32(n))
	case 8:
		order.PutUint64(b, n)
	default:
		return fmt.Errorf("its %d bytes are no number", len(b))
	}
	return nil
}

// hasCookie reports whether programs may ask for cookies (bpf_get_attach_cookie, Linux 5.15); a kernel of
// unknown version is taken to be new.
func (x *Binder) hasCookie() bool {
	const since = 5<<16 | 15<<8
	v, err := x.finder.facts.Version()
	return err != nil || v >= since
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
