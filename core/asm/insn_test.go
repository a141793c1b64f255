package asm

import (
	"reflect"
	"testing"
)

// TestInsnSize holds the size that decoding and copying pay for.
func TestInsnSize(t *testing.T) {
	if n := reflect.TypeFor[Insn]().Size(); n > 40 {
		t.Errorf("an instruction has %d bytes", n)
	}
}

func TestInsnRefs(t *testing.T) {
	in := JumpImm(Equal, R1, 5, 7)
	in.SetSymbol(RefMap, "m")
	if in.Ref != RefMap || in.Symbol != "m" || in.Target != 0 {
		t.Errorf("a name: %+v", in)
	}
	in.SetTarget(3)
	if in.Ref != RefLabel || in.Symbol != "" || in.Target != 3 {
		t.Errorf("a label: %+v", in)
	}
	in.ClearRef()
	if want := (Insn{Op: in.Op, Dst: R1, Imm: 5}); in != want {
		t.Errorf("nothing: %+v", in)
	}
}
