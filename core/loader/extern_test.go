package loader

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

func TestEssential(t *testing.T) {
	for s, want := range map[string]string{"f": "f", "f___v2": "f", "a__b": "a__b", "a___b___c": "a___b", "___x": "___x"} {
		if got := essential(s); got != want {
			t.Errorf("%s: %s, want %s", s, got, want)
		}
	}
}

// TestPutConfig writes values as the kernel's configuration has them into variables of many types.
func TestPutConfig(t *testing.T) {
	b := btf.Builder{}
	types := map[string]btf.ID{
		"bool":     b.Add(&btf.Int{Name: "_Bool", Size: 1, Encoding: btf.IntBool}),
		"char":     b.Add(&btf.Int{Name: "char", Size: 1, Encoding: btf.IntChar}),
		"int":      b.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned}),
		"long":     b.Add(&btf.Int{Name: "long", Size: 8}),
		"tristate": b.Add(&btf.Enum{Name: "libbpf_tristate", Size: 4}),
	}
	table, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	l := &load{spec: &spec.Collection{BTF: table}}
	for _, c := range []struct {
		typ, text string
		size      int
		want      []byte
		err       string
	}{
		{"bool", "y", 1, []byte{1}, ""},
		{"bool", "n", 1, []byte{0}, ""},
		{"bool", "m", 1, nil, "a bool cannot say"},
		{"char", "m", 1, []byte{'m'}, ""},
		{"tristate", "m", 4, native.AppendUint32(nil, 2), ""},
		{"tristate", "y", 4, native.AppendUint32(nil, 1), ""},
		{"int", "y", 4, nil, "no value"},
		{"int", "250", 4, native.AppendUint32(nil, 250), ""},
		{"int", "0xff000000", 4, native.AppendUint32(nil, 0xff000000), ""},
		{"int", "-2", 4, native.AppendUint32(nil, 1<<32-2), ""},
		{"int", "0x100000000", 4, nil, "does not fit"},
		{"long", "0x100000000", 8, native.AppendUint64(nil, 1<<32), ""},
		{"long", "nonsense", 8, nil, "cannot read"},
		{"char", `"text"`, 8, []byte("text\x00\x00\x00\x00"), ""},
		{"char", `"too long"`, 4, []byte("too\x00"), ""},
		{"char", `"no end`, 4, nil, "cannot read"},
		{"long", "7", 3, nil, "are no number"},
	} {
		got := make([]byte, c.size)
		err := l.putConfigText(spec.Extern{Type: types[c.typ]}, got, c.text)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s = %s: %v, want %q", c.typ, c.text, err, c.err)
			}
			continue
		}
		if err != nil || !bytes.Equal(got, c.want) {
			t.Errorf("%s = %s: %v, %v, want %v", c.typ, c.text, got, err, c.want)
		}
	}
}

func TestConfigValue(t *testing.T) {
	l := &load{kernel: kernel.New(kernel.Options{Version: 5<<16 | 10<<8, Config: map[string]string{"CONFIG_HZ": "250"}})}
	b := make([]byte, 4)
	if err := l.configValue(spec.Extern{Name: "LINUX_KERNEL_VERSION"}, b); err != nil || native.Uint32(b) != 5<<16|10<<8 {
		t.Errorf("version: %#x, %v", native.Uint32(b), err)
	}
	if err := l.configValue(spec.Extern{Name: "LINUX_HAS_BPF_COOKIE"}, b); err != nil || native.Uint32(b) != 0 {
		t.Errorf("cookie on 5.10: %d, %v", native.Uint32(b), err)
	}
	if err := l.configValue(spec.Extern{Name: "CONFIG_HZ"}, b); err != nil || native.Uint32(b) != 250 {
		t.Errorf("CONFIG_HZ: %d, %v", native.Uint32(b), err)
	}
	for _, name := range []string{"CONFIG_NONE", "LINUX_NONE"} {
		if err := l.configValue(spec.Extern{Name: name}, b); !errors.Is(err, ErrNotSupported) {
			t.Errorf("%s: %v", name, err)
		}
		clear(b)
		if err := l.configValue(spec.Extern{Name: name, Weak: true}, b); err != nil || native.Uint32(b) != 0 {
			t.Errorf("weak %s: %d, %v", name, native.Uint32(b), err)
		}
	}
}

func TestKernelSymbols(t *testing.T) {
	needKernel(t)
	low := func(in asm.Insn) *spec.Collection { // returns the low half of the address
		return collection([]*spec.Program{program("sym", in, asm.Mov32Reg(asm.R0, asm.R1), asm.Exit())})
	}
	k := NewKernel()
	defer k.Close()
	want, hidden, err := k.Symbols("_stext")
	if err != nil || hidden || want["_stext"] == 0 {
		testenv.Skip(t, testenv.Kernel, fmt.Sprintf("addresses of kernel symbols are hidden: %v, %v", hidden, err))
	}
	got := loadT(t, low(asm.LoadKsym(asm.R1, "_stext___mine")), Options{Kernel: k})
	r := Run{Data: packet()}
	if err := got.Program("sym").Run(&r); err != nil || r.Ret != uint32(want["_stext"]) {
		t.Errorf("address %#x, %v, want %#x", r.Ret, err, want["_stext"])
	}
	c := low(asm.LoadKsym(asm.R1, "no_such_symbol"))
	c.Externs = []spec.Extern{{Name: "no_such_symbol", Kind: spec.ExternKsym, Weak: true}}
	got = loadT(t, c, Options{Kernel: k})
	if err := got.Program("sym").Run(&r); err != nil || r.Ret != 0 {
		t.Errorf("weak symbol: %#x, %v", r.Ret, err)
	}
	c.Externs[0].Weak = false
	if _, err := Load(c, Options{Kernel: k}); !errors.Is(err, ErrNotSupported) || !strings.Contains(err.Error(), "no_such_symbol") {
		t.Errorf("missing symbol: %v", err)
	}
}

// TestHiddenSymbols covers a kernel that shows no addresses (kernel.kptr_restrict).
func TestHiddenSymbols(t *testing.T) {
	l := &load{spec: &spec.Collection{Externs: []spec.Extern{{Name: "weak", Kind: spec.ExternKsym, Weak: true}}},
		symbols: map[string]uint64{"weak": 0, "strong": 0}, hidden: true}
	p := &prepared{code: []asm.Insn{asm.LoadKsym(asm.R1, "weak"), asm.LoadKsym(asm.R1, "strong")}}
	if err := l.applyExtern(p, 0); err != nil || p.code[0].Imm != 0 || p.code[0].Ref != asm.RefNone {
		t.Errorf("weak: %v, %v", p.code[0], err)
	}
	if err := l.applyExtern(p, 1); !errors.Is(err, ErrPermission) || !strings.Contains(err.Error(), "kptr_restrict") {
		t.Errorf("strong: %v", err)
	}
}
