package loader

import (
	"errors"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// TestRun changes the first byte of the packet.
func TestRun(t *testing.T) {
	p := program("mark",
		asm.LoadMem(asm.R2, asm.R1, 0, asm.Word),
		asm.LoadMem(asm.R3, asm.R1, 4, asm.Word),
		asm.Mov64Reg(asm.R4, asm.R2),
		asm.ALU64Imm(asm.Add, asm.R4, 1),
		asm.JumpReg(asm.Greater, asm.R4, asm.R3, 1),
		asm.StoreImm(asm.R2, 0, 0x5a, asm.Byte),
		asm.Mov64Imm(asm.R0, 2), asm.Exit())
	p.Insns.Edit(func(in []spec.Insn) { in[6].Label = 1 })
	got := loadT(t, collection([]*spec.Program{p}), Options{})
	r := Run{Data: packet(), DataOut: make([]byte, 64), Repeat: 3}
	if err := got.Program("mark").Run(&r); err != nil {
		t.Fatal(err)
	}
	if r.Ret != 2 || len(r.DataOut) != 14 || r.DataOut[0] != 0x5a || r.Data[0] != 0 {
		t.Errorf("%+v", r)
	}
	r = Run{Data: packet(), DataOut: make([]byte, 4)}
	if err := got.Program("mark").Run(&r); err == nil || !strings.Contains(err.Error(), "room for output is too small") {
		t.Errorf("too little room: %v", err)
	}
	r = Run{Data: packet()}
	if n := testing.AllocsPerRun(10, func() { got.Program("mark").Run(&r) }); n != 0 {
		t.Errorf("a run allocates %v times", n)
	}
}

func TestRunWithoutPacket(t *testing.T) {
	testenv.NeedKernel(t, "5.18", "test runs that check the size of the packet")
	got := loadT(t, collection([]*spec.Program{program("pass", asm.Mov64Imm(asm.R0, 2), asm.Exit())}), Options{})
	if err := got.Program("pass").Run(&Run{}); err == nil {
		t.Error("no packet was accepted")
	}
}

func TestRunNotSupported(t *testing.T) {
	p := program("tp", asm.Mov64Imm(asm.R0, 0), asm.Exit())
	p.Type = spec.ProgramTracepoint
	got := loadT(t, collection([]*spec.Program{p}), Options{})
	if err := got.Program("tp").Run(&Run{}); !errors.Is(err, ErrNotSupported) {
		t.Errorf("got %v", err)
	}
}
