package bind

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/spec"
)

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
	x := &Binder{spec: &spec.Collection{BTF: table}}
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
		{"tristate", "m", 4, binary.LittleEndian.AppendUint32(nil, 2), ""},
		{"tristate", "y", 4, binary.LittleEndian.AppendUint32(nil, 1), ""},
		{"int", "y", 4, nil, "no value"},
		{"int", "250", 4, binary.LittleEndian.AppendUint32(nil, 250), ""},
		{"int", "0xff000000", 4, binary.LittleEndian.AppendUint32(nil, 0xff000000), ""},
		{"int", "-2", 4, binary.LittleEndian.AppendUint32(nil, 1<<32-2), ""},
		{"int", "0x100000000", 4, nil, "does not fit"},
		{"long", "0x100000000", 8, binary.LittleEndian.AppendUint64(nil, 1<<32), ""},
		{"long", "nonsense", 8, nil, "cannot read"},
		{"char", `"text"`, 8, []byte("text\x00\x00\x00\x00"), ""},
		{"char", `"too long"`, 4, []byte("too\x00"), ""},
		{"char", `"no end`, 4, nil, "cannot read"},
		{"long", "7", 3, nil, "are no number"},
	} {
		got := make([]byte, c.size)
		err := x.putConfigText(spec.Extern{Type: types[c.typ]}, got, c.text)
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
	k := kernel.New(kernel.Options{Version: 5<<16 | 10<<8, Config: map[string]string{"CONFIG_HZ": "250"}})
	x := &Binder{spec: &spec.Collection{}, finder: NewFinder(k, nil)}
	b := make([]byte, 4)
	if err := x.configValue(spec.Extern{Name: "LINUX_KERNEL_VERSION"}, b); err != nil || binary.LittleEndian.Uint32(b) != 5<<16|10<<8 {
		t.Errorf("version: %#x, %v", binary.LittleEndian.Uint32(b), err)
	}
	if err := x.configValue(spec.Extern{Name: "LINUX_HAS_BPF_COOKIE"}, b); err != nil || binary.LittleEndian.Uint32(b) != 0 {
		t.Errorf("cookie on 5.10: %d, %v", binary.LittleEndian.Uint32(b), err)
	}
	if err := x.configValue(spec.Extern{Name: "CONFIG_HZ"}, b); err != nil || binary.LittleEndian.Uint32(b) != 250 {
		t.Errorf("CONFIG_HZ: %d, %v", binary.LittleEndian.Uint32(b), err)
	}
	for _, name := range []string{"CONFIG_NONE", "LINUX_NONE"} {
		if err := x.configValue(spec.Extern{Name: name}, b); !errors.Is(err, ErrNotSupported) {
			t.Errorf("%s: %v", name, err)
		}
		clear(b)
		if err := x.configValue(spec.Extern{Name: name, Weak: true}, b); err != nil || binary.LittleEndian.Uint32(b) != 0 {
			t.Errorf("weak %s: %d, %v", name, binary.LittleEndian.Uint32(b), err)
		}
	}
}

// TestPutConfigOrder writes in the byte order of the collection, whatever that of this machine is.
func TestPutConfigOrder(t *testing.T) {
	x := &Binder{spec: &spec.Collection{Order: asm.BigEndian}}
	got := make([]byte, 4)
	if err := x.putNumber(got, 250); err != nil || !bytes.Equal(got, []byte{0, 0, 0, 250}) {
		t.Errorf("%v, %v", got, err)
	}
}

// TestCookie takes a kernel whose version is not known to be new.
func TestCookie(t *testing.T) {
	for version, want := range map[uint32]bool{5<<16 | 14<<8 | 255: false, 5<<16 | 15<<8: true, 7 << 16: true} {
		k := kernel.New(kernel.Options{Version: version})
		if x := (&Binder{finder: NewFinder(k, nil)}); x.hasCookie() != want {
			t.Errorf("version %#x: %v", version, !want)
		}
	}
	if x := (&Binder{finder: NewFinder(unknown{}, nil)}); !x.hasCookie() {
		t.Error("a kernel of unknown version is old")
	}
}

// unknown is a kernel that does not say which it is.
type unknown struct{ Facts }

func (unknown) Version() (uint32, error) { return 0, ErrNotSupported }
