package bind

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/spec"
)

// TestHiddenSymbols covers a kernel that shows no addresses (kernel.kptr_restrict).
func TestHiddenSymbols(t *testing.T) {
	b := &Binder{spec: &spec.Collection{Externs: []spec.Extern{{Name: "weak", Kind: spec.ExternKsym, Weak: true}}},
		symbols: map[string][]uint64{"weak": {0}, "strong": {0}}, hidden: true}
	p := &Program{Code: []asm.Insn{asm.LoadKsym(asm.R1, "weak"), asm.LoadKsym(asm.R1, "strong")}}
	if err := b.applyExtern(p, 0); err != nil || p.Code[0].Imm != 0 || p.Code[0].Ref != asm.RefNone {
		t.Errorf("weak: %v, %v", p.Code[0], err)
	}
	if err := b.applyExtern(p, 1); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "kptr_restrict") {
		t.Errorf("strong: %v", err)
	}
}

// TestAddress takes the whole name of a symbol before its essential name, and none of two addresses.
func TestAddress(t *testing.T) {
	b := &Binder{symbols: map[string][]uint64{
		"__pfx___die": {1}, "__pfx": {2}, "____sys_recvmsg": {3}, "_stext": {4}, "twice": {0x10, 0x20},
	}}
	for _, c := range []struct {
		name string
		weak bool
		want uint64
		err  string
	}{
		{"__pfx___die", false, 1, ""},
		{"____sys_recvmsg", true, 3, ""},
		{"_stext___mine", false, 4, ""},
		{"none", true, 0, ""},
		{"none", false, 0, `"none" does not exist`},
		{"twice", false, 0, `"twice" is ambiguous: it is at 0x10 and at 0x20`},
		{"twice", true, 0, "ambiguous"},
	} {
		got, err := b.address(c.name, c.weak)
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %d, %v, want %d, %q", c.name, got, err, c.want, c.err)
		}
	}
}

// symbolFacts counts what is asked of a kernel without types.
type symbolFacts struct {
	Facts
	asked *[]string
}

func (f symbolFacts) Symbols(names ...string) (map[string][]uint64, bool, error) {
	*f.asked = append(*f.asked, names...)
	return map[string][]uint64{"__pfx___die": {7}}, false, nil
}

// TestSymbolNames asks for both names of a symbol at once, and only of those that programs refer to.
func TestSymbolNames(t *testing.T) {
	var asked []string
	p := &spec.Program{Name: "p", Type: spec.ProgramXDP, Insns: spec.NewInsns(asm.LoadKsym(asm.R1, "__pfx___die"), asm.Exit())}
	c := &spec.Collection{Programs: []*spec.Program{p}, Externs: []spec.Extern{{Name: "other", Kind: spec.ExternKsym}}}
	b, err := New(c, c.Programs, NewFinder(symbolFacts{asked: &asked}, nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := b.Bind(p)
	if err != nil || got.Code[0].Imm != 7 || !slices.Equal(asked, []string{"__pfx___die", "__pfx"}) {
		t.Errorf("%v, %v, asked for %q", got, err, asked)
	}
}

// brokenFacts is a kernel whose types and configuration are answered with an error.
type brokenFacts struct {
	Facts
	err error
}

func (f brokenFacts) Types() (*btf.Types, error) { return nil, f.err }

func (f brokenFacts) Config(string) (string, bool, error) { return "", false, f.err }

// TestWeakUnknown takes a weak extern for missing where the kernel lacks it, and not where that cannot
// be told.
func TestWeakUnknown(t *testing.T) {
	for err, missing := range map[error]bool{
		fmt.Errorf("this kernel has no types: %w", kernel.ErrNotSupported): true,
		fmt.Errorf("not simulated: %w", ErrNotSupported):                   true,
		kernel.ErrNotMounted: false,
		fs.ErrPermission:     false,
	} {
		finder := NewFinder(brokenFacts{err: err}, nil)
		for _, in := range []asm.Insn{asm.CallKfunc("f"), asm.LoadKsym(asm.R1, "f")} {
			p := &spec.Program{Name: "p", Type: spec.ProgramXDP, Insns: spec.NewInsns(in, asm.Exit())}
			b := &Binder{spec: &spec.Collection{Externs: []spec.Extern{{Name: "f", Kind: spec.ExternKfunc, Type: 1, Weak: true}}}, finder: finder}
			if _, got := b.Bind(p); (got == nil) != missing || got != nil && !errors.Is(got, err) {
				t.Errorf("%v: %v", in, got)
			}
		}
		b := &Binder{spec: &spec.Collection{}, finder: finder}
		value := make([]byte, 4)
		got := b.configValue(spec.Extern{Name: "CONFIG_HZ", Weak: true}, configType{kind: configInt, size: 4}, value)
		if (got == nil) != missing || got != nil && !errors.Is(got, err) {
			t.Errorf("CONFIG_HZ: %v", got)
		}
	}
}

// TestExternTypes holds what programs declare against what the kernel has, by libbpf's rules.
func TestExternTypes(t *testing.T) {
	kernelTypes := btf.Builder{Order: binary.NativeEndian}
	number := kernelTypes.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned})
	task := kernelTypes.Add(&btf.Pointer{Type: kernelTypes.Add(&btf.Struct{Name: "task", Size: 4, Members: []btf.Member{{Name: "pid", Type: number}}})})
	proto := kernelTypes.Add(&btf.FuncProto{Return: number, Params: []btf.Param{{Name: "task", Type: task}, {Name: "n", Type: number}}})
	kfunc := kernelTypes.Add(&btf.Func{Name: "bpf_peek", Type: proto})
	variable := kernelTypes.Add(&btf.Var{Name: "first", Type: task, Linkage: btf.LinkGlobal})
	types, err := kernelTypes.Types()
	if err != nil {
		t.Fatal(err)
	}
	b := btf.Builder{Order: binary.NativeEndian}
	long := b.Add(&btf.Int{Name: "long", Size: 8})
	other := b.Add(&btf.Pointer{Type: b.Add(&btf.Const{Type: b.Add(&btf.Struct{Name: "other"})})})
	good := b.Add(&btf.FuncProto{Return: long, Params: []btf.Param{{Type: other}, {Type: long}}})
	short := b.Add(&btf.FuncProto{Return: long, Params: []btf.Param{{Name: "t", Type: other}}})
	void := b.Add(&btf.FuncProto{Params: []btf.Param{{Type: other}, {Type: long}}})
	fn := func(proto btf.ID) btf.ID {
		return b.Add(&btf.Func{Name: "bpf_peek___mine", Type: proto, Linkage: btf.LinkExtern})
	}
	goodFunc, shortFunc, voidFunc := fn(good), fn(short), fn(void)
	local, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	const misfit = `the program declares "long bpf_peek___mine(const struct other *t)", the kernel has "int bpf_peek(struct task *task, int n)"`
	call, address := asm.CallKfunc("bpf_peek___mine"), asm.LoadKsym(asm.R1, "bpf_peek___mine")
	load := asm.LoadKsym(asm.R1, "first")
	for _, c := range []struct {
		name   string
		in     asm.Insn
		typ    btf.ID
		weak   bool
		imm    int64
		poison string
		err    string
	}{
		{"call", call, goodFunc, false, int64(kfunc), "", ""},
		{"call of no type", call, 0, false, int64(kfunc), "", ""},
		{"call of less", call, shortFunc, false, 0, "", misfit},
		{"call of another result", call, voidFunc, false, 0, "", `declares "void bpf_peek___mine(`},
		{"weak call of less", call, shortFunc, true, 0, misfit, ""},
		{"address", address, goodFunc, false, int64(kfunc), "", ""},
		{"address of less", address, shortFunc, false, 0, "", misfit},
		{"weak address of less", address, shortFunc, true, 0, "", ""},
		{"variable", load, other, false, int64(variable), "", ""},
		{"variable of another type", load, long, false, 0, "", `the program declares "long first", the kernel has "struct task *first"`},
		{"weak variable of another type", load, long, true, 0, "", `declares "long first"`},
	} {
		e := spec.Extern{Name: c.in.Symbol, Kind: spec.ExternKfunc, Type: c.typ, Weak: c.weak}
		if c.in == load {
			e.Kind = spec.ExternKsym
		}
		p := &spec.Program{Name: "p", Type: spec.ProgramXDP, Insns: spec.NewInsns(c.in, c.in, asm.Exit())}
		x := &Binder{spec: &spec.Collection{BTF: local, Externs: []spec.Extern{e}}, finder: NewFinder(kernelWith(t, types), nil)}
		got, err := x.Bind(p)
		switch {
		case c.err != "":
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v, want %s", c.name, err, c.err)
			}
		case err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.poison != "":
			if !strings.Contains(got.PoisonAt(0), c.poison) || got.PoisonAt(0) != got.PoisonAt(1) {
				t.Errorf("%s: poison %q", c.name, got.PoisonAt(0))
			}
		case got.Code[0].Imm != c.imm || got.Code[1].Imm != c.imm || got.PoisonAt(0) != "":
			t.Errorf("%s: %v, %q", c.name, got.Code[0], got.PoisonAt(0))
		}
	}
}
