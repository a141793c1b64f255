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

// configTypes are types of configuration values and their ids.
func configTypes(t *testing.T) (*btf.Types, map[string]btf.ID) {
	t.Helper()
	b := btf.Builder{}
	char := b.Add(&btf.Int{Name: "char", Size: 1, Encoding: btf.IntChar})
	number := b.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned})
	flag := b.Add(&btf.Int{Name: "_Bool", Size: 1, Encoding: btf.IntBool})
	types := map[string]btf.ID{
		"bool": flag, "char": char, "int": number,
		"signed char": b.Add(&btf.Int{Name: "signed char", Size: 1, Encoding: btf.IntSigned}),
		"unsigned":    b.Add(&btf.Typedef{Name: "u32", Type: b.Add(&btf.Const{Type: b.Add(&btf.Int{Name: "unsigned int", Size: 4})})}),
		"long":        b.Add(&btf.Int{Name: "long", Size: 8, Encoding: btf.IntSigned}),
		"tristate":    b.Add(&btf.Enum{Name: "libbpf_tristate", Size: 4}),
		"wide":        b.Add(&btf.Enum{Name: "libbpf_tristate", Size: 8, Wide: true}),
		"enum":        b.Add(&btf.Enum{Name: "colour", Size: 4}),
		"char[8]":     b.Add(&btf.Array{Type: char, Index: number, Count: 8}),
		"bool[8]":     b.Add(&btf.Array{Type: flag, Index: number, Count: 8}),
		"char[0]":     b.Add(&btf.Array{Type: char, Index: number}),
		"wide bool":   b.Add(&btf.Int{Name: "bool4", Size: 4, Encoding: btf.IntBool}),
		"struct":      b.Add(&btf.Struct{Name: "s", Size: 4, Members: []btf.Member{{Name: "n", Type: number}}}),
		"pointer":     b.Add(&btf.Pointer{Type: number}),
		"float":       b.Add(&btf.Float{Name: "double", Size: 8}),
	}
	table, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	return table, types
}

// TestPutConfig writes values as the kernel's configuration has them into variables of many types.
// What is refused here libbpf refuses, too, and nothing else.
func TestPutConfig(t *testing.T) {
	table, types := configTypes(t)
	le := func(n uint32) []byte { return binary.LittleEndian.AppendUint32(nil, n) }
	le8 := func(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }
	for _, c := range []struct {
		typ, text string
		want      []byte
		err       string
	}{
		{"bool", "y", []byte{1}, ""},
		{"bool", "n", []byte{0}, ""},
		{"bool", "m", nil, "value m takes a char or enum libbpf_tristate: its type is _Bool"},
		{"bool", "1", nil, "value 1 takes an integer: its type is _Bool"},
		{"bool", "250", nil, "value 250 takes an integer: its type is _Bool"},
		{"bool", `"y"`, nil, `value "y" takes an array of char: its type is _Bool`},
		{"char", "m", []byte{'m'}, ""},
		{"char", "255", []byte{255}, ""},
		{"char", "256", nil, "value 256 does not fit: its type is char"},
		{"char", "-1", nil, "value -1 does not fit: its type is char"},
		{"char", `"c"`, nil, `value "c" takes an array of char: its type is char`},
		{"signed char", "y", []byte{'y'}, ""},
		{"signed char", "127", []byte{127}, ""},
		{"signed char", "-128", []byte{128}, ""},
		{"signed char", "250", nil, "value 250 does not fit: its type is signed char"},
		{"signed char", "-129", nil, "value -129 does not fit: its type is signed char"},
		{"tristate", "n", le(0), ""},
		{"tristate", "m", le(2), ""},
		{"tristate", "y", le(1), ""},
		{"tristate", "1", nil, "value 1 takes an integer: its type is enum libbpf_tristate"},
		{"wide", "m", le8(2), ""},
		{"int", "y", nil, "value y takes a bool, a char or enum libbpf_tristate: its type is int"},
		{"int", "250", le(250), ""},
		{"int", "0x7fffffff", le(1<<31 - 1), ""},
		{"int", "0x80000000", nil, "value 0x80000000 does not fit: its type is int"},
		{"int", "-2", le(1<<32 - 2), ""},
		{"int", "-0x80000001", nil, "does not fit"},
		{"int", `"-dirty"`, nil, `value "-dirty" takes an array of char: its type is int`},
		{"unsigned", "0xff000000", le(0xff000000), ""},
		{"unsigned", "0x100000000", nil, "value 0x100000000 does not fit: its type is u32"},
		{"unsigned", "-2", nil, "value -2 does not fit: its type is u32"},
		{"long", "0x100000000", le8(1 << 32), ""},
		{"long", "0xffff888000000000", le8(0xffff888000000000), ""},
		{"long", "-1", le8(1<<64 - 1), ""},
		{"long", "nonsense", nil, "value nonsense is neither"},
		{"char[8]", `"text"`, []byte("text\x00\x00\x00\x00"), ""},
		{"char[8]", `"a\"b\\c\z"`, []byte("a\"b\\cz\x00\x00"), ""},
		{"char[8]", `"too long"`, []byte("too lon\x00"), "L06"},
		{"char[8]", `"no end`, nil, "no closing quote"},
		{"char[8]", `"`, nil, "no closing quote"},
		{"char[8]", "250", nil, "value 250 takes an integer: its type is char[8]"},
		{"char[8]", "y", nil, "value y takes a bool, a char or enum libbpf_tristate: its type is char[8]"},
		{"enum", "y", nil, "its type enum colour is none"},
		{"bool[8]", `"x"`, nil, "its type _Bool[8] is none"},
		{"wide bool", "y", nil, "its type bool4 is none"},
		{"struct", "1", nil, "its type struct s is none"},
		{"pointer", "1", nil, "its type int * is none"},
		{"float", "1", nil, "its type double is none"},
	} {
		note := ""
		x := &Binder{spec: &spec.Collection{BTF: table}, finder: NewFinder(nil, func(n spec.Note) { note = n.Code })}
		size, err := table.Size(types[c.typ])
		if err != nil {
			t.Fatal(err)
		}
		got := bytes.Repeat([]byte{0xee}, int(size))
		typ, err := configTypeOf(table, types[c.typ], size)
		if err == nil {
			err = x.putConfigText(spec.Extern{Name: "CONFIG_X"}, typ, got, c.text)
		}
		switch {
		case c.want == nil:
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s = %s: %v, want %q", c.typ, c.text, err, c.err)
			}
		case err != nil || note != c.err || !bytes.Equal(got, c.want):
			t.Errorf("%s = %s: %v, %v, note %q, want %v", c.typ, c.text, got, err, note, c.want)
		}
	}
}

// TestConfigType holds the size of a variable against its type.
func TestConfigType(t *testing.T) {
	table, types := configTypes(t)
	for _, c := range []struct {
		types *btf.Types
		id    btf.ID
		size  uint32
		err   string
	}{
		{nil, 0, 8, ""},
		{nil, 7, 4, ""},
		{table, 0, 2, ""},
		{table, 0, 3, "its 3 bytes are not a number"},
		{table, types["int"], 8, "its type int has 4 bytes, its variable 8"},
		{table, types["char[0]"], 0, "its type char[] is none"},
		{table, 999, 4, "its type"},
	} {
		if _, err := configTypeOf(c.types, c.id, c.size); (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("type %d of %d bytes: %v, want %q", c.id, c.size, err, c.err)
		}
	}
}

// TestConfigureMap refuses a variable whose map does not hold it, whoever made the spec.
func TestConfigureMap(t *testing.T) {
	for name, m := range map[string]*spec.Map{
		"none":     {Name: "other", Type: spec.MapArray, ValueSize: 8},
		"an arena": {Name: "m", Type: spec.MapArena, Data: make([]byte, 64)},
		"short":    {Name: "m", Type: spec.MapArray, ValueSize: 7},
	} {
		x := &Binder{spec: &spec.Collection{Maps: []*spec.Map{m}, Vars: []*spec.Var{{Name: "CONFIG_X", Map: "m", Offset: 4, Size: 4}}}}
		if err := x.configure(spec.Extern{Name: "CONFIG_X", Weak: true}); err == nil || !strings.Contains(err.Error(), "not in an array") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestConfigValue(t *testing.T) {
	k := kernel.New(kernel.Options{Version: 5<<16 | 10<<8, Config: map[string]string{"CONFIG_HZ": "250"}})
	x := &Binder{spec: &spec.Collection{}, finder: NewFinder(k, nil)}
	b, number := make([]byte, 4), configType{kind: configInt, size: 4}
	if err := x.configValue(spec.Extern{Name: "LINUX_KERNEL_VERSION"}, number, b); err != nil || binary.LittleEndian.Uint32(b) != 5<<16|10<<8 {
		t.Errorf("version: %#x, %v", binary.LittleEndian.Uint32(b), err)
	}
	if err := x.configValue(spec.Extern{Name: "LINUX_HAS_BPF_COOKIE"}, number, b); err != nil || binary.LittleEndian.Uint32(b) != 0 {
		t.Errorf("cookie on 5.10: %d, %v", binary.LittleEndian.Uint32(b), err)
	}
	if err := x.configValue(spec.Extern{Name: "CONFIG_HZ"}, number, b); err != nil || binary.LittleEndian.Uint32(b) != 250 {
		t.Errorf("CONFIG_HZ: %d, %v", binary.LittleEndian.Uint32(b), err)
	}
	for _, name := range []string{"CONFIG_NONE", "LINUX_NONE"} {
		if err := x.configValue(spec.Extern{Name: name}, number, b); !errors.Is(err, ErrNotSupported) {
			t.Errorf("%s: %v", name, err)
		}
		clear(b)
		if err := x.configValue(spec.Extern{Name: name, Weak: true}, number, b); err != nil || binary.LittleEndian.Uint32(b) != 0 {
			t.Errorf("weak %s: %d, %v", name, binary.LittleEndian.Uint32(b), err)
		}
	}
}

// TestPutFact refuses numbers about the kernel that the type does not hold.
func TestPutFact(t *testing.T) {
	for _, c := range []struct {
		typ configType
		n   uint64
		err string
	}{
		{configType{configBool, 1, false, "_Bool"}, 1, ""},
		{configType{configBool, 1, false, "_Bool"}, 2, "value 2 does not fit: its type is _Bool"},
		{configType{configChar, 1, true, "char"}, 5<<16 | 10<<8, "does not fit"},
		{configType{configInt, 2, false, "u16"}, 1 << 16, "does not fit"},
		{configType{configTristate, 4, false, "enum libbpf_tristate"}, 1, "takes an integer or a bool"},
		{configType{configString, 8, false, "char[8]"}, 1, "takes an integer or a bool"},
	} {
		x := &Binder{spec: &spec.Collection{}}
		err := x.putFact(c.typ, make([]byte, c.typ.size), c.n)
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%d into %s: %v, want %q", c.n, c.typ.name, err, c.err)
		}
	}
}

// TestPutConfigOrder writes in the byte order of the collection, whatever that of this machine is.
func TestPutConfigOrder(t *testing.T) {
	x := &Binder{spec: &spec.Collection{Order: asm.BigEndian}}
	got := make([]byte, 4)
	if x.putNumber(got, 250); !bytes.Equal(got, []byte{0, 0, 0, 250}) {
		t.Errorf("%v", got)
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
