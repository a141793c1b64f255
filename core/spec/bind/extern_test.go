package bind

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
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
