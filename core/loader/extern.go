package loader

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// externs finds the addresses of the kernel symbols that the chosen programs refer to, and the
// kernel's configuration values.
func (l *load) externs() error {
	used := make(map[string]bool)
	for _, p := range l.programs {
		for _, in := range p.Insns.All() {
			if in.Ref == asm.RefKsym {
				used[in.Symbol] = true
			}
		}
	}
	var symbols []string
	for _, e := range l.spec.Externs {
		if e.Kind == spec.ExternKconfig {
			if err := l.configure(e); err != nil {
				return fmt.Errorf("configuration value %q: %w", e.Name, err)
			}
		}
		if e.Kind != spec.ExternKsym || e.Type != 0 {
			delete(used, e.Name) // found by its type
		}
	}
	for name := range used {
		symbols = append(symbols, essential(name))
	}
	if len(symbols) > 0 {
		var err error
		if l.symbols, l.hidden, err = l.kernel.Symbols(symbols...); err != nil {
			return err
		}
	}
	return nil
}

// applyExtern resolves a kernel symbol or function.
func (l *load) applyExtern(p *prepared, i int) error {
	in := &p.code[i]
	name := in.Symbol
	e := l.spec.Extern(name)
	if in.Ref == asm.RefKfunc {
		return l.applyKfunc(p, i, e)
	}
	if in.Op != asm.OpLoadImm64 {
		return fmt.Errorf("opcode %#02x cannot refer to symbol %q", uint8(in.Op), name)
	}
	switch {
	case e != nil && e.Kind == spec.ExternKconfig:
		return fmt.Errorf("configuration value %q is no symbol; it is a variable", name)
	case e != nil && (e.Kind == spec.ExternKfunc || e.Type != 0):
		return l.applyTyped(p, i, e)
	}
	addr, ok := l.symbols[essential(name)]
	weak := e != nil && e.Weak
	switch {
	case !ok && !weak:
		return fmt.Errorf("kernel symbol %q does not exist: %w", name, ErrNotSupported)
	case ok && l.hidden && !weak:
		return fmt.Errorf("address of kernel symbol %q: %w: the kernel shows none to this process (kernel.kptr_restrict)", name, ErrPermission)
	case l.hidden:
		addr = 0
	}
	in.ClearRef()
	in.Src, in.Imm = 0, in.Imm+int64(addr)
	return nil
}

// applyTyped resolves a symbol whose type the program knows: the kernel finds it by its BTF id.
func (l *load) applyTyped(p *prepared, i int, e *spec.Extern) error {
	kind, in := btf.KindVar, &p.code[i]
	if e.Kind == spec.ExternKfunc {
		kind = btf.KindFunc
	}
	t, err := l.find(e.Name, kind)
	if err != nil && !e.Weak {
		return fmt.Errorf("kernel symbol %q: %w", e.Name, err)
	}
	if err != nil {
		in.ClearRef()
		in.Src, in.Imm = 0, 0
		return nil
	}
	in.ClearRef()
	in.Src, in.Imm = asm.PseudoBTFID, int64(t.id)
	p.ofModule(i, t)
	return nil
}

// applyKfunc resolves the call of a kernel function. A weak one that is missing may be called as
// long as the verifier finds that it never is.
func (l *load) applyKfunc(p *prepared, i int, e *spec.Extern) error {
	name := p.code[i].Symbol
	t, err := l.find(name, btf.KindFunc)
	switch {
	case err == nil:
		in := &p.code[i]
		in.ClearRef()
		in.Src, in.Off, in.Imm = asm.PseudoKfuncCall, 0, int64(t.id)
		p.ofModule(i, t)
	case e != nil && e.Weak:
		p.fail(i, fmt.Sprintf("kernel function %q does not exist", name))
	default:
		return fmt.Errorf("kernel function %q: %w", name, err)
	}
	return nil
}

// essential is a name without the flavour behind three underscores.
func essential(name string) string {
	if i := strings.LastIndex(name, "___"); i > 0 {
		return name[:i]
	}
	return name
}

// configure writes a configuration value into the first contents of the map that holds it.
func (l *load) configure(e spec.Extern) error {
	v := l.spec.Var(e.Name)
	if v == nil {
		return nil // nothing reads it
	}
	m := l.spec.Map(v.Map)
	data, ok := l.data[m.Name]
	if !ok {
		data = make([]byte, m.ValueSize)
		copy(data, m.Data)
		if l.data == nil {
			l.data = make(map[string][]byte)
		}
		l.data[m.Name] = data
	}
	return l.configValue(e, data[v.Offset:v.Offset+v.Size])
}

// configValue writes the value of a configuration extern.
func (l *load) configValue(e spec.Extern, b []byte) error {
	switch e.Name {
	case "LINUX_KERNEL_VERSION":
		v, err := l.kernel.Version()
		if err != nil {
			return err
		}
		return putConfig(b, uint64(v))
	case "LINUX_HAS_BPF_COOKIE":
		return putConfig(b, bit(!l.kernel.Before(spec.Version{Major: 5, Minor: 15})))
	case "LINUX_HAS_SYSCALL_WRAPPER":
		const x86, arm, s390, riscv = "__x64_sys_bpf", "__arm64_sys_bpf", "__s390x_sys_bpf", "__riscv_sys_bpf"
		found, _, err := l.kernel.Symbols(x86, arm, s390, riscv)
		if err != nil {
			return err
		}
		return putConfig(b, bit(len(found) > 0))
	}
	if !strings.HasPrefix(e.Name, "CONFIG_") {
		if e.Weak {
			return nil
		}
		return fmt.Errorf("%w: it is neither CONFIG_… nor one of the LINUX_… values", ErrNotSupported)
	}
	text, ok, err := l.kernel.Config(e.Name)
	if err != nil && !e.Weak {
		return err
	}
	if !ok {
		if e.Weak {
			return nil
		}
		return fmt.Errorf("the kernel was built without it: %w", ErrNotSupported)
	}
	return l.putConfigText(e, b, text)
}

// putConfigText writes a value as the kernel's configuration has it: y, m, n, a number or a string.
func (l *load) putConfigText(e spec.Extern, b []byte, text string) error {
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
		return l.putTristate(e, b, text)
	}
	if n, err := strconv.ParseUint(text, 0, 64); err == nil {
		return putConfig(b, n)
	}
	n, err := strconv.ParseInt(text, 0, 64)
	if err != nil {
		return fmt.Errorf("cannot read %s", text)
	}
	return putConfig(b, uint64(n)<<(64-8*len(b))>>(64-8*len(b)))
}

// putTristate writes y, m or n as the type wants it: a bool, a char, or enum libbpf_tristate.
func (l *load) putTristate(e spec.Extern, b []byte, text string) error {
	t, err := l.spec.BTF.Type(l.spec.BTF.Strip(e.Type))
	if err != nil {
		return err
	}
	switch t := t.(type) {
	case *btf.Int:
		switch {
		case t.Encoding&btf.IntBool != 0 && text == "m":
			return fmt.Errorf("it is a module, which a bool cannot say")
		case t.Encoding&btf.IntBool != 0:
			return putConfig(b, bit(text == "y"))
		case t.Size == 1:
			return putConfig(b, uint64(text[0]))
		}
	case *btf.Enum:
		return putConfig(b, map[string]uint64{"n": 0, "y": 1, "m": 2}[text])
	}
	return fmt.Errorf("its type has no value for %q", text)
}

// putConfig writes a number into the 1, 2, 4 or 8 bytes of b.
func putConfig(b []byte, n uint64) error {
	if len(b) < 8 && n>>(8*len(b)) != 0 {
		return fmt.Errorf("%d does not fit %d bytes", n, len(b))
	}
	switch len(b) {
	case 1:
		b[0] = byte(n)
	case 2:
		native.PutUint16(b, uint16(n))
	case 4:
		native.PutUint32(b, uint32(n))
	case 8:
		native.PutUint64(b, n)
	default:
		return fmt.Errorf("its %d bytes are no number", len(b))
	}
	return nil
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
