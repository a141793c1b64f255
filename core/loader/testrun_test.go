package loader

import (
	"errors"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// TestTestRun changes the first byte of the packet.
func TestTestRun(t *testing.T) {
	p := program("mark",
		asm.LoadMem(asm.R2, asm.R1, 0, asm.Word),
		asm.LoadMem(asm.R3, asm.R1, 4, asm.Word),
		asm.Mov64Reg(asm.R4, asm.R2),
		asm.ALU64Imm(asm.Add, asm.R4, 1),
		asm.JumpReg(asm.Greater, asm.R4, asm.R3, 1),
		asm.StoreImm(asm.R2, 0, 0x5a, asm.Byte),
		asm.Mov64Imm(asm.R0, 2), asm.Exit())
	p.Insns.Edit(func(in []spec.Insn) { in[6].Label = 1 })
	mark := loadT(t, collection([]*spec.Program{p}), Options{}).Program("mark")
	o := TestRunOptions{Data: packet(), DataOut: make([]byte, 64), Repeat: 3}
	r, err := mark.TestRun(o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Ret != 2 || len(r.Data) != 14 || r.Data[0] != 0x5a || o.Data[0] != 0 || r.Ctx != nil {
		t.Errorf("%+v", r)
	}
	if again, err := mark.TestRun(o); err != nil || len(again.Data) != 14 {
		t.Errorf("the same options again: %+v, %v", again, err)
	}
	r, err = mark.TestRun(TestRunOptions{Data: packet(), DataOut: make([]byte, 4)})
	if err == nil || !strings.Contains(err.Error(), "the buffer for output is too small") || len(r.Data) != 4 || r.Data[0] != 0x5a {
		t.Errorf("a buffer too small: %+v, %v", r, err)
	}
	o = TestRunOptions{Data: packet()}
	if n := testing.AllocsPerRun(10, func() { mark.TestRun(o) }); n != 0 {
		t.Errorf("a run allocates %v times", n)
	}
}

func TestTestRunWithoutPacket(t *testing.T) {
	testenv.NeedKernel(t, "5.18", "test runs that check the size of the packet")
	got := loadT(t, collection([]*spec.Program{program("pass", asm.Mov64Imm(asm.R0, 2), asm.Exit())}), Options{})
	if _, err := got.Program("pass").TestRun(TestRunOptions{}); err == nil {
		t.Error("no packet was accepted")
	}
}

func TestTestRunNotSupported(t *testing.T) {
	p := program("tp", asm.Mov64Imm(asm.R0, 0), asm.Exit())
	p.Type = spec.ProgramTracepoint
	got := loadT(t, collection([]*spec.Program{p}), Options{})
	if _, err := got.Program("tp").TestRun(TestRunOptions{}); !errors.Is(err, ErrNotSupported) || !errors.Is(err, sys.ENOTSUPP) {
		t.Errorf("got %v", err)
	}
}
