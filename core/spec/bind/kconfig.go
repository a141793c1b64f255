package bind

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

// configure writes a configuration value into the first contents of the map that holds it.
func (x *Binder) configure(e spec.Extern) error {
	v := x.names().Var(e.Name)
	if v == nil {
		return nil // nothing reads it
	}
	t, err := configTypeOf(x.spec.BTF, e.Type, v.Size)
	if err != nil {
		return err
	}
	m := x.names().Map(v.Map)
	if m == nil || m.Type != spec.MapArray || uint64(v.Offset)+uint64(v.Size) > uint64(m.ValueSize) {
		return fmt.Errorf("its variable is not in an array that holds it")
	}
	data, ok := x.data[m.Name]
	if !ok {
		data = make([]byte, m.ValueSize)
		copy(data, m.Data)
		if x.data == nil {
			x.data = make(map[string][]byte)
		}
		x.data[m.Name] = data
	}
	return x.configValue(e, t, data[v.Offset:v.Offset+v.Size])
}

// configValue writes the value of a configuration extern, whose type is t.
func (x *Binder) configValue(e spec.Extern, t configType, b []byte) error {
	switch e.Name {
	case "LINUX_KERNEL_VERSION":
		v, err := x.finder.facts.Version()
		if err != nil {
			return err
		}
		return x.putFact(t, b, uint64(v))
	case "LINUX_HAS_BPF_COOKIE":
		return x.putFact(t, b, bit(x.hasCookie()))
	case "LINUX_HAS_SYSCALL_WRAPPER":
		const x86, arm, s390, riscv = "__x64_sys_bpf", "__arm64_sys_bpf", "__s390x_sys_bpf", "__riscv_sys_bpf"
		found, _, err := x.finder.facts.Symbols(x86, arm, s390, riscv)
		if err != nil {
			return err
		}
		return x.putFact(t, b, bit(len(found) > 0))
	}
	if !strings.HasPrefix(e.Name, "CONFIG_") {
		if e.Weak {
			return nil
		}
		return fmt.Errorf("%w: it is neither CONFIG_… nor one of the LINUX_… values", ErrNotSupported)
	}
	text, ok, err := x.finder.facts.Config(e.Name)
	if err != nil && !(e.Weak && errors.Is(err, errors.ErrUnsupported)) {
		return err
	}
	if !ok {
		if e.Weak {
			return nil
		}
		return fmt.Errorf("the kernel was built without it: %w", ErrNotSupported)
	}
	return x.putConfigText(e, t, b, text)
}

// putConfigText writes a value as the kernel's configuration has it: y, m, n, a number or a string.
// What the type does not hold is refused by libbpf's rules (set_kcfg_value_… of libbpf.c), but for a
// string that is too long, which is cut with a note.
func (x *Binder) putConfigText(e spec.Extern, t configType, b []byte, text string) error {
	switch {
	case strings.HasPrefix(text, `"`):
		if t.kind != configString {
			return t.refuse(text, "takes an array of char")
		}
		return x.putString(e, b, text)
	case text == "y" || text == "m" || text == "n":
		return x.putTristate(t, b, text)
	}
	n, err := parseNumber(text)
	switch {
	case err != nil:
		return fmt.Errorf("value %s is neither y, m or n, a number nor a string", text)
	case t.kind != configInt && t.kind != configChar:
		return t.refuse(text, "takes an integer")
	case !t.holds(n):
		return t.refuse(text, "does not fit")
	}
	x.putNumber(b, n)
	return nil
}

// parseNumber reads the bits of a number, which may have a sign and be hexadecimal.
func parseNumber(text string) (uint64, error) {
	if n, err := strconv.ParseUint(text, 0, 64); err == nil {
		return n, nil
	}
	i, err := strconv.ParseInt(text, 0, 64)
	return uint64(i), err
}

// putString writes a string without its quotes and escapes (scripts/kconfig/symbol.c of Linux), and
// a zero byte. One that is too long is cut.
func (x *Binder) putString(e spec.Extern, b []byte, text string) error {
	if len(text) < 2 || text[len(text)-1] != '"' {
		return fmt.Errorf("value %s has no closing quote", text)
	}
	s := make([]byte, 0, len(text))
	for i := 1; i < len(text)-1; i++ {
		if text[i] == '\\' && i < len(text)-2 {
			i++
		}
		s = append(s, text[i])
	}
	if len(s) >= len(b) {
		x.finder.note(spec.Note{
			Code: "L06", Text: fmt.Sprintf("configuration value %q: %s is cut to the %d bytes of its variable", e.Name, text, len(b)),
		})
		s = s[:len(b)-1]
	}
	clear(b[copy(b, s):])
	return nil
}

// putTristate writes y, m or n as the type wants it.
func (x *Binder) putTristate(t configType, b []byte, text string) error {
	switch t.kind {
	case configBool:
		if text == "m" {
			return t.refuse(text, "takes a char or enum "+tristateName)
		}
		x.putNumber(b, bit(text == "y"))
	case configChar:
		b[0] = text[0]
	case configTristate:
		x.putNumber(b, map[string]uint64{"n": 0, "y": 1, "m": 2}[text])
	default:
		return t.refuse(text, "takes a bool, a char or enum "+tristateName)
	}
	return nil
}

// putFact writes a number that does not come from the kernel's configuration.
func (x *Binder) putFact(t configType, b []byte, n uint64) error {
	text := strconv.FormatUint(n, 10)
	switch {
	case t.kind != configInt && t.kind != configChar && t.kind != configBool:
		return t.refuse(text, "takes an integer or a bool")
	case t.kind == configBool && n > 1, !t.holds(n):
		return t.refuse(text, "does not fit")
	}
	x.putNumber(b, n)
	return nil
}

// putNumber writes the low bytes of a number into the 1, 2, 4 or 8 bytes of b.
func (x *Binder) putNumber(b []byte, n uint64) {
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
	}
}

// hasCookie reports whether programs may ask for cookies (bpf_get_attach_cookie); a kernel of unknown
// version is taken to be new.
func (x *Binder) hasCookie() bool {
	info, _ := asm.HelperGetAttachCookie.Info()
	since, _ := spec.ParseVersion(info.Since)
	v, err := x.finder.facts.Version()
	return err != nil || spec.VersionOf(v).Compare(since) >= 0
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
