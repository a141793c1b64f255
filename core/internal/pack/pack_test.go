package pack

import (
	"fmt"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
)

// TestNames holds that packs of an object share names, also those that come again much later.
func TestNames(t *testing.T) {
	a := New(0, nil, nil, nil)
	b := New(0, nil, nil, a)
	for i := range 4 * recentNames {
		for _, k := range []*Pack{a, b} {
			in := asm.Call(asm.Helper(i))
			in.SetSymbol(asm.RefMap, fmt.Sprint("m", i%(3*recentNames)))
			if err := k.Add(&in, -1, -1); err != nil {
				t.Fatal(err)
			}
		}
	}
	for n, k := range []*Pack{a, b} {
		for i := range k.insns {
			var in asm.Insn
			k.Plain(&in, &k.insns[i], 0)
			if want := fmt.Sprint("m", i%(3*recentNames)); in.Symbol != want || in.Ref != asm.RefMap || in.Target != 0 {
				t.Errorf("instruction %d of pack %d refers to %q, not %q", i, n, in.Symbol, want)
			}
		}
	}
	if len(a.names.list) != 4*recentNames {
		t.Errorf("there are %d names", len(a.names.list))
	}
}

// TestAddRefuses holds that what does not fit is an error.
func TestAddRefuses(t *testing.T) {
	k := New(0, nil, nil, nil)
	for name, in := range map[string]asm.Insn{
		"label": {Label: MaxLabel + 1}, "flags": {Flags: 2}, "register": {Dst: 16}, "source": {Src: 16}, "kind": {Ref: 16},
	} {
		if err := k.Add(&in, -1, -1); err == nil || k.Len() != 0 {
			t.Errorf("%s: packed", name)
		}
	}
	in := asm.Insn{Label: MaxLabel, Ref: asm.RefLabel, Target: 1<<32 - 1, Flags: asm.Raw}
	if err := k.Add(&in, -1, -1); err != nil {
		t.Fatalf("the largest label: %v", err)
	}
	var got asm.Insn
	if k.Plain(&got, &k.insns[0], 0); got != in {
		t.Errorf("the largest label: %+v", got)
	}
}
