package btf

import (
	"bytes"
	"encoding/binary"
	"os"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/internal/sys"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// TestForKernel writes what changes between clang's types and those for the kernel.
func TestForKernel(t *testing.T) {
	types := fixture(t)
	id := func(section string) ID { return datasecID(t, types, section) }
	blob, _, err := types.ForKernel(KernelOptions{
		Sections: map[ID]SectionLayout{
			id(".bss"):     {Size: 24, Vars: []VarLayout{{Name: "total", Offset: 8}, {Name: "odd", Offset: 0}, {Name: "user_ptr", Offset: 16}}},
			id(".data"):    {Size: 8, Vars: []VarLayout{{Name: "origin", Offset: 0}}},
			id(".kconfig"): {Size: 16, Vars: []VarLayout{{Name: "CONFIG_HZ", Offset: 8}}},
		},
		Static: []string{"two"},
	})
	if err != nil {
		t.Fatal(err)
	}
	again, _, err := types.ForKernel(KernelOptions{
		Sections: map[ID]SectionLayout{
			id(".kconfig"): {Size: 16, Vars: []VarLayout{{Name: "CONFIG_HZ", Offset: 8}}},
			id(".data"):    {Size: 8, Vars: []VarLayout{{Name: "origin", Offset: 0}}},
			id(".bss"):     {Size: 24, Vars: []VarLayout{{Name: "user_ptr", Offset: 16}, {Name: "total", Offset: 8}, {Name: "odd", Offset: 0}}},
		},
		Static: []string{"two"},
	})
	if err != nil || !bytes.Equal(blob, again) {
		t.Error("the same options give other bytes")
	}
	fixed, err := Parse(blob, Options{})
	if err == nil {
		err = fixed.Validate()
	}
	if err != nil {
		t.Fatal(err)
	}
	before := strings.Split(string(rawDump(t, types)), "\n")
	after := strings.Split(string(rawDump(t, fixed)), "\n")
	var got strings.Builder
	for i, line := range after {
		if i >= len(before) || line != before[i] {
			got.WriteString(line + "\n")
		}
	}
	want := `	'dummy_ksym' type_id=38
	'dummy_ksym' type_id=2
[39] FUNC 'some_kfunc' type_id=37 linkage=global
[44] FUNC 'two' type_id=43 linkage=static
[53] VAR 'CONFIG_HZ' type_id=52, linkage=global
[54] VAR 'some_symbol' type_id=2, linkage=global
[66] DATASEC '.bss' size=24 vlen=3
	type_id=58 offset=0 size=5 (VAR 'odd')
	type_id=55 offset=8 size=8 (VAR 'total')
	type_id=61 offset=16 size=8 (VAR 'user_ptr')
[67] DATASEC '.data' size=8 vlen=2
[68] DATASEC '.kconfig' size=16 vlen=1
	type_id=53 offset=8 size=4 (VAR 'CONFIG_HZ')
[69] DATASEC '.ksyms' size=8 vlen=2
	type_id=73 offset=0 size=4 (VAR 'dummy_ksym')
	type_id=54 offset=4 size=4 (VAR 'some_symbol')
[70] DATASEC '.maps' size=24 vlen=1
[71] DATASEC '.rodata' size=8 vlen=1
[72] DATASEC 'license' size=13 vlen=1
[73] VAR 'dummy_ksym' type_id=2, linkage=global

`
	compareLines(t, []byte(got.String()), []byte(want))
}

// TestForKernelNames replaces what the kernel refuses, and adds an int where there is none.
func TestForKernelNames(t *testing.T) {
	long := strings.Repeat("x", 200)
	b := Builder{Order: binary.BigEndian}
	u := b.Add(&Int{Name: "core::u8", Size: 1})
	b.Add(&Struct{Name: "Foo<Bar>", Size: 2, Members: []Member{{Name: "0", Type: u}, {Name: "ok", Type: u, Offset: 8}}})
	b.Add(&Enum{Name: "E::F", Size: 4, Values: []Enumerator{{"A-B", 1}}})
	b.Add(&Enum{Name: "G", Size: 8, Wide: true, Values: []Enumerator{{"9", 1}}})
	b.Add(&Typedef{Name: long, Type: u})
	f := b.Add(&Func{Name: "f$1", Type: b.Add(&FuncProto{Params: []Param{{"a b", u}, {}}}), Linkage: LinkExtern})
	v := b.Add(&Var{Name: ".v", Type: u, Linkage: LinkExtern})
	b.Add(&Datasec{Name: "?struct/ops", Vars: []SecVar{{Type: f}, {Type: v, Size: 1}}})
	blob, _, err := build(t, &b).ForKernel(KernelOptions{})
	if err != nil {
		t.Fatal(err)
	}
	fixed, err := Parse(blob, Options{Order: binary.BigEndian})
	if err == nil {
		err = fixed.Validate()
	}
	if err != nil {
		t.Fatal(err)
	}
	want := `[1] INT 'core::u8' size=1 bits_offset=0 nr_bits=8 encoding=(none)
[2] STRUCT 'Foo_Bar_' size=2 vlen=2
	'_' type_id=1 bits_offset=0
	'ok' type_id=1 bits_offset=8
[3] ENUM 'E__F' encoding=UNSIGNED size=4 vlen=1
	'A_B' val=1
[4] ENUM64 'G' encoding=UNSIGNED size=8 vlen=1
	'_' val=1ULL
[5] TYPEDEF '` + long[:127] + `' type_id=1
[6] FUNC_PROTO '(anon)' ret_type_id=0 vlen=2
	'a_b' type_id=1
	'(anon)' type_id=0
[7] FUNC 'f_1' type_id=6 linkage=global
[8] VAR '.v' type_id=1, linkage=global
[9] DATASEC '_struct_ops' size=8 vlen=2
	type_id=11 offset=0 size=4 (VAR 'dummy_ksym')
	type_id=8 offset=4 size=4 (VAR '.v')
[10] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED
[11] VAR 'dummy_ksym' type_id=10, linkage=global
`
	compareLines(t, rawDump(t, fixed), []byte(want))
}

// TestForKernelDeclared sets the size of an enum that is only declared, as clang writes it: kernels
// have none without.
func TestForKernelDeclared(t *testing.T) {
	var b Builder
	b.Add(&Pointer{Type: 2})
	e := b.Add(&Enum{Name: "later"})
	types, err := b.Types()
	if err == nil {
		err = types.Validate()
	}
	if err != nil {
		t.Fatal(err)
	}
	blob, _, err := types.ForKernel(KernelOptions{})
	if err != nil {
		t.Fatal(err)
	}
	fixed, err := Parse(blob, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if size, err := fixed.Size(e); err != nil || size != 4 {
		t.Errorf("%d bytes, %v", size, err)
	}
}

// load loads a blob into the kernel and frees it again.
func load(blob []byte) (log string, err error) {
	buf := make([]byte, 1<<16)
	fd, err := sys.LoadBTF(&sys.BTFLoad{
		BTF: sys.BytesPointer(blob), Size: uint32(len(blob)),
		LogBuf: sys.BytesPointer(buf), LogSize: uint32(len(buf)), LogLevel: 1,
	})
	if err == nil {
		err = fd.Close()
	}
	return string(buf[:max(0, bytes.IndexByte(buf, 0))]), err
}

// needKernel skips unless the kernel takes the smallest BTF there is.
func needKernel(t *testing.T) {
	t.Helper()
	var b Builder
	b.Add(&Int{Name: "int", Size: 4, Encoding: IntSigned})
	blob, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := load(blob); err != nil {
		testenv.Skip(t, testenv.Kernel, "load BTF: "+err.Error())
	}
}

// TestKernelTakes loads what clang wrote, which the kernel refuses as it is.
func TestKernelTakes(t *testing.T) {
	needKernel(t)
	raw, err := os.ReadFile("testdata/kinds.btf")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := load(raw); err == nil {
		t.Fatal("the kernel takes BTF that was not prepared, so this test shows nothing")
	}
	types, err := Parse(raw, Options{})
	if err != nil {
		t.Fatal(err)
	}
	id := func(section string) ID { return datasecID(t, types, section) }
	for name, o := range map[string]KernelOptions{
		"nothing known": {},
		"as in the object": {
			Sections: map[ID]SectionLayout{
				id(".bss"):  {Size: 24, Vars: []VarLayout{{Name: "total", Offset: 8}, {Name: "odd", Offset: 0}, {Name: "user_ptr", Offset: 16}}},
				id(".data"): {Size: 8, Vars: []VarLayout{{Name: "origin", Offset: 0}}},
			},
			Static: []string{"two"},
		},
	} {
		blob, _, err := types.ForKernel(o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if log, err := load(plain(t, blob)); err != nil {
			t.Errorf("%s: %v\n%s", name, err, log)
		}
	}
}

// plain takes out of a blob what this kernel does not know.
func plain(t *testing.T, blob []byte) []byte {
	t.Helper()
	types, err := Parse(blob, Options{})
	if err != nil {
		t.Fatal(err)
	}
	accepts := Feature(0)
	for f := Feature(1); f&AllFeatures != 0; f <<= 1 {
		if _, err := load(f.Probe(nil)); err == nil {
			accepts |= f
		}
	}
	blob, replaced, err := types.Sanitise(accepts)
	if err != nil {
		t.Fatal(err)
	}
	if lacks := types.Features() &^ accepts; (lacks != 0) != (len(replaced) != 0) {
		t.Errorf("without %v: %d types are replaced", lacks, len(replaced))
	}
	return blob
}

// TestKernelTakesSanitised loads what is left of clang's types for kernels that lack one thing, or
// everything.
func TestKernelTakesSanitised(t *testing.T) {
	needKernel(t)
	raw, err := os.ReadFile("testdata/kinds.btf")
	if err != nil {
		t.Fatal(err)
	}
	types, err := Parse(raw, Options{})
	if err != nil {
		t.Fatal(err)
	}
	fixed, _, err := types.ForKernel(KernelOptions{})
	if err != nil {
		t.Fatal(err)
	}
	types, err = Parse(plain(t, fixed), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for accepts := AllFeatures; accepts != 0; accepts >>= 1 { // kernels from new to old
		blob, _, err := types.Sanitise(accepts)
		if err != nil {
			t.Fatal(err)
		}
		if log, err := load(blob); err != nil {
			t.Errorf("with %v: %v\n%s", accepts, err, log)
		}
	}
}
