package ring

import (
	"encoding/binary"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/kerneltest"
)

// TestMain fails when a test leaves a descriptor open.
func TestMain(m *testing.M) {
	kerneltest.Main(m)
}

// nativeOrder is the byte order of this machine.
func nativeOrder() asm.ByteOrder {
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		return asm.BigEndian
	}
	return asm.LittleEndian
}

// The words of the array "count" that the test program writes.
const (
	wordTurn = 0 // runs
	wordSent = 1 // records that got room
	wordLost = 2 // records that did not
)

// source is a collection whose program sends one record per run: record i is the number i of 64 bits,
// filled up with zeros to size bytes. Each every-th is discarded; every 0 discards none.
func source(ringBytes uint32, size int32, every int32, flags int32) *spec.Collection {
	const lost, out, keep = 1, 2, 3
	if every == 0 {
		every = 1 << 30 // never reached
	}
	insns := []asm.Insn{
		asm.LoadMapValue(asm.R7, "count", 0),
		asm.LoadMem(asm.R8, asm.R7, 0, asm.DWord),
		asm.Mov64Reg(asm.R1, asm.R8),
		asm.ALU64Imm(asm.Add, asm.R1, 1),
		asm.StoreMem(asm.R7, 8*wordTurn, asm.R1, asm.DWord),
		asm.LoadMap(asm.R1, "events"),
		asm.Mov64Imm(asm.R2, size),
		asm.Mov64Imm(asm.R3, 0),
		asm.Call(asm.HelperRingbufReserve),
		asm.JumpImm(asm.Equal, asm.R0, 0, lost),
		asm.StoreMem(asm.R0, 0, asm.R8, asm.DWord),
		asm.Mov64Reg(asm.R1, asm.R0),
		asm.Mov64Imm(asm.R2, flags),
		asm.Mov64Reg(asm.R3, asm.R8),
		asm.ALU64Imm(asm.Mod, asm.R3, every),
		asm.JumpImm(asm.NotEqual, asm.R3, every-1, keep),
		asm.Call(asm.HelperRingbufDiscard),
		asm.Jump(out),
		asm.Call(asm.HelperRingbufSubmit), // keep
		asm.LoadMem(asm.R1, asm.R7, 8*wordSent, asm.DWord),
		asm.ALU64Imm(asm.Add, asm.R1, 1),
		asm.StoreMem(asm.R7, 8*wordSent, asm.R1, asm.DWord),
		asm.Jump(out),
		asm.LoadMem(asm.R1, asm.R7, 8*wordLost, asm.DWord), // lost
		asm.ALU64Imm(asm.Add, asm.R1, 1),
		asm.StoreMem(asm.R7, 8*wordLost, asm.R1, asm.DWord),
		asm.Mov64Imm(asm.R0, 0), // out
		asm.Exit(),
	}
	insns[18].Label, insns[23].Label, insns[26].Label = keep, lost, out
	p := &spec.Program{Name: "send", Type: spec.ProgramSchedCls} // repeated runs of XDP patch the kernel's dispatcher, which is slow
	p.Insns = spec.NewInsns(insns...)
	return &spec.Collection{
		Order: nativeOrder(), License: "GPL", Programs: []*spec.Program{p},
		Maps: []*spec.Map{
			{Name: "events", Type: spec.MapRingbuf, MaxEntries: ringBytes},
			{Name: "count", Type: spec.MapArray, KeySize: 4, ValueSize: 24, MaxEntries: 1},
		},
	}
}

// open loads a source and opens its ring.
func open(t testing.TB, c *spec.Collection) (*loader.Collection, *Reader) {
	t.Helper()
	got, err := loader.Load(c, loader.Options{})
	kerneltest.Check(t, err)
	t.Cleanup(func() { got.Close() })
	r, err := Open(got.Map("events"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return got, r
}

// send runs the program n times.
func send(t testing.TB, c *loader.Collection, n uint32) {
	t.Helper()
	if _, err := c.Program("send").TestRun(loader.TestRunOptions{Data: make([]byte, 14), Repeat: n}); err != nil {
		t.Fatal(err)
	}
}

// counted reads one of the words that the program counts in.
func counted(t testing.TB, c *loader.Collection, word int) uint64 {
	t.Helper()
	b := make([]byte, 24)
	if err := c.Map("count").Lookup(make([]byte, 4), b); err != nil {
		t.Fatal(err)
	}
	return binary.NativeEndian.Uint64(b[8*word:])
}
