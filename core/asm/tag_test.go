package asm_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// TestTagOnKernel holds tags against those that the kernel computes for programs that it loads.
func TestTagOnKernel(t *testing.T) {
	k := needKernel(t)
	hash := asm.TagSHA256
	version, err := k.Version()
	if err != nil {
		t.Fatal(err)
	}
	if version < 6<<16|18<<8 {
		hash = asm.TagSHA1
	}
	maps := []*spec.Map{
		{Name: "m", Type: spec.MapArray, KeySize: 4, ValueSize: 16, MaxEntries: 1},
		{Name: ".bss", Type: spec.MapArray, KeySize: 4, ValueSize: 16, MaxEntries: 1},
	}
	for name, insns := range map[string][]asm.Insn{
		"two instructions": {asm.Mov64Imm(asm.R0, 0), asm.Exit()},
		"maps": {
			asm.LoadMap(asm.R1, "m"), asm.LoadMapValue(asm.R2, "m", 8), asm.LoadMapValue(asm.R3, ".bss", 4),
			asm.LoadImm64(asm.R4, 0x123456789abcdef), asm.Mov64Imm(asm.R0, 0), asm.Exit(),
		},
		"calls and jumps": {
			asm.Call(asm.HelperKtimeGetNs), asm.JumpImm(asm.Equal, asm.R0, 7, 1), asm.CallLabel(2), asm.Jump(1),
			label(1, asm.Exit()), label(2, asm.Mov64Imm(asm.R0, 1)), asm.Exit(),
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := program(spec.ProgramXDP, insns...)
			p.Insns.Edit(func(insns []spec.Insn) {
				for i := range insns {
					if insns[i].Label == 2 {
						insns[i].Func = &btf.FuncInfo{Name: "f"}
					}
				}
			})
			want, err := asm.ProgramTag(insns, asm.TagOptions{Hash: hash})
			if err != nil {
				t.Fatal(err)
			}
			c, err := tryLoad(k, "GPL", p, maps...)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			info, err := c.Program("test").Info()
			if err != nil {
				t.Fatal(err)
			}
			if info.Tag != want {
				t.Errorf("the kernel says %x, we %x", info.Tag, want)
			}
		})
	}
}

// TestTagOfObjects is TestTagOnKernel for compiled programs that have no CO-RE records.
func TestTagOfObjects(t *testing.T) {
	k := needKernel(t)
	testenv.NeedKernel(t, "6.18", "tags made with SHA-256")
	files := []string{"../elf/testdata/basic-el.o", "../../guests/pktguard/pktguard.bpf.o"}
	if v, err := k.Version(); err == nil && v >= 6<<16|19<<8 {
		files = append(files, "../elf/testdata/jump-el.o")
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c, err := elf.LoadBytes(b, elf.Options{})
		if err != nil {
			t.Fatal(err)
		}
		loaded, err := loader.Load(c, loader.Options{Kernel: k})
		if err != nil {
			t.Fatal(err)
		}
		defer loaded.Close()
		for _, p := range c.Programs {
			code, err := p.Resolve()
			if err != nil {
				t.Fatal(err)
			}
			want, err := asm.ProgramTag(code, asm.TagOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if info, err := loaded.Program(p.Name).Info(); err != nil || info.Tag != want {
				t.Errorf("%s: the kernel says %x, %v, we %x", p.Name, info.Tag, err, want)
			}
		}
	}
}

func label(l asm.Label, in asm.Insn) asm.Insn {
	in.Label = l
	return in
}

func TestTag(t *testing.T) {
	two := []asm.Insn{asm.Mov64Imm(asm.R0, 0), asm.Exit()}
	for _, tt := range []struct {
		name  string
		insns []asm.Insn
		o     asm.TagOptions
		want  string
	}{
		// printf 'b7000000000000009500000000000000' | xxd -r -p | sha1sum; the same with sha256sum
		{"SHA-1", two, asm.TagOptions{Hash: asm.TagSHA1}, "a04f5eef06a7f555"},
		{"SHA-256", two, asm.TagOptions{}, "59f4a931744dcdc6"},
	} {
		got, err := asm.ProgramTag(tt.insns, tt.o)
		if err != nil || hex.EncodeToString(got[:]) != tt.want {
			t.Errorf("%s: %x, %v; want %s", tt.name, got, err, tt.want)
		}
	}
	for _, o := range []asm.TagOptions{{}, {Order: asm.BigEndian}, {Hash: asm.TagSHA1}} {
		named, err := asm.ProgramTag([]asm.Insn{asm.LoadMapValue(asm.R1, "m", 8), asm.LoadMap(asm.R1, "m"), asm.LoadVar(asm.R1, "v", 1), asm.LoadTable(asm.R2, "t"), asm.Exit()}, o)
		if err != nil {
			t.Fatal(err)
		}
		insns := []asm.Insn{asm.LoadImm64(asm.R1, 7<<32|5), asm.LoadImm64(asm.R1, 9), asm.LoadImm64(asm.R1, -1), asm.LoadImm64(asm.R2, 6), asm.Exit()}
		insns[0].Src, insns[1].Src, insns[2].Src, insns[3].Src = asm.PseudoMapValue, asm.PseudoMapFD, asm.PseudoMapValue, asm.PseudoMapValue
		fixed, err := asm.ProgramTag(insns, o)
		if err != nil || fixed != named {
			t.Errorf("%+v: the tag depends on descriptors: %x and %x, %v", o, fixed, named, err)
		}
		code, err := asm.AppendEncode(nil, insns, asm.EncodeOptions{Order: o.Order})
		if err != nil {
			t.Fatal(err)
		}
		before := string(code)
		if got, err := asm.CodeTag(code, o); err != nil || got != named || string(code) != before {
			t.Errorf("%+v: of the code the tag is %x, %v, not %x", o, got, err, named)
		}
		insns[2].Src = 0
		if got, err := asm.ProgramTag(insns, o); err != nil || got == named {
			t.Errorf("%+v: the tag does not depend on a number: %x, %v", o, got, err)
		}
	}
	var e *asm.Error
	if _, err := asm.CodeTag(make([]byte, 9), asm.TagOptions{}); !errors.As(err, &e) || e.Index != 1 {
		t.Errorf("tag of 9 bytes: %v", err)
	}
	if _, err := asm.ProgramTag([]asm.Insn{asm.CallKfunc("f")}, asm.TagOptions{}); !errors.As(err, &e) {
		t.Errorf("tag of a kernel function without number: %v", err)
	}
}

func ExampleProgramTag() {
	tag, err := asm.ProgramTag([]asm.Insn{asm.LoadMap(asm.R1, "counts"), asm.Mov64Imm(asm.R0, 0), asm.Exit()}, asm.TagOptions{})
	fmt.Printf("%x %v\n", tag, err)
	// Output: 0bd0168676c7c779 <nil>
}

// TestTagAllocates holds that a tag needs no memory: neither for the bytes nor for the tables of
// the encoder.
func TestTagAllocates(t *testing.T) {
	testenv.NeedAllocations(t)
	insns := []asm.Insn{asm.LoadMap(asm.R1, "counts")}
	for i := range 1000 {
		in := asm.JumpImm(asm.Equal, asm.R1, int32(i), 1)
		in.Label = asm.Label(1000 - i)
		insns = append(insns, in)
	}
	for _, hash := range []asm.TagHash{asm.TagSHA1, asm.TagSHA256} {
		n := testing.AllocsPerRun(50, func() {
			if _, err := asm.ProgramTag(insns, asm.TagOptions{Hash: hash}); err != nil {
				t.Error(err)
			}
		})
		if n >= 1 {
			t.Errorf("hash %d: ProgramTag allocates %v times", hash, n)
		}
	}
}
