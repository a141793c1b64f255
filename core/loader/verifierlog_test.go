package loader

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
	"github.com/google/go-cmp/cmp"
)

// TestLongLog refuses a program whose log does not fit the first buffer.
func TestLongLog(t *testing.T) {
	var insns []asm.Insn
	for i := range int32(6000) {
		insns = append(insns, asm.Mov64Imm(asm.R2, i))
	}
	insns = append(insns, asm.LoadMem(asm.R0, asm.R1, 2000, asm.Word), asm.Exit())
	needKernel(t)
	_, err := Load(collection([]*spec.Program{program("long", insns...)}), Options{})
	var v *VerifierError
	if !errors.As(err, &v) || v.Truncated || len(v.Log) < firstLog || v.Insn != len(insns)-2 {
		t.Errorf("got %v", err)
	}
}

// walk is a program that the verifier walks through so many times before it reads outside of its
// context with r1, which is set at the beginning.
func walk(rounds int32) []asm.Insn {
	return []asm.Insn{
		asm.Mov64Reg(asm.R6, asm.R1),
		asm.LoadImm64(asm.R1, 1<<40),
		asm.Mov64Imm(asm.R2, 0),
		asm.ALU64Imm(asm.Add, asm.R2, 1),
		asm.JumpImm(asm.Less, asm.R2, rounds, 1),
		asm.LoadMem(asm.R0, asm.R1, 2000, asm.Word),
		asm.Exit(),
	}
}

// TestVeryLongLog refuses a program whose log is shortened, whether all of it fits the memory for it
// or not.
func TestVeryLongLog(t *testing.T) {
	needKernel(t)
	p := program("walk", walk(30_000)...)
	p.Insns.Edit(func(in []spec.Insn) { in[3].Label = 1 })
	code, err := p.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	b, err := asm.AppendEncode(nil, code, asm.EncodeOptions{Order: nativeOrder()})
	if err != nil {
		t.Fatal(err)
	}
	for name, most := range map[string]int{"all of it fits": mostLog, "a part fits": wholeLog * 3 / 2} {
		t.Run(name, func(t *testing.T) {
			a := sys.ProgLoad{Type: uint32(spec.ProgramXDP), InsnCount: uint32(len(b) / asm.SlotSize), Insns: sys.BytesPointer(b), License: sys.StringPointer("GPL")}
			_, log, err := loadLogged(&a, 1, most, nil)
			if !errors.Is(err, sys.EACCES) || !log.truncated {
				t.Fatalf("truncated %v, %v", log.truncated, err)
			}
			cause, slot := readLog(log.text)
			if !strings.HasPrefix(cause, "R1 invalid mem access") {
				t.Errorf("cause %q", cause)
			}
			if old := NewKernel().Before(spec.Version{Major: 6, Minor: 4}); log.lost != (old && most < mostLog) || !log.lost && slot != 6 {
				t.Errorf("slot %d; where the walk ended is lost: %v", slot, log.lost)
			}
			if len(log.text) > wholeLog+firstLog+1000 || !strings.Contains(log.text[:1000], "r6 = r1") || !log.lost && !strings.Contains(log.text, "\n--- ") {
				t.Errorf("%d bytes are kept, which begin %.100q", len(log.text), log.text)
			}
		})
	}
}

func TestShorten(t *testing.T) {
	var b strings.Builder
	line := func(slot int, code string) { fmt.Fprintf(&b, "%d: (bf) %s ; R0_w=scalar()\n", slot, code) }
	fill := func(bytes int) {
		for end := b.Len() + bytes; b.Len() < end; {
			line(90, "r9 += 1")
		}
	}
	line(0, "r6 = r1")
	fill(headLog)
	line(7, "r0 = first") // set again
	line(8, "call bpf_sk_lookup_tcp#84")
	line(9, "w1 += w2")
	line(10, "*(u64 *)(r1 +0) = r2") // sets none
	line(11, "if r1 == 0x0 goto pc+1")
	line(12, "r3 = 5") // set again in the tail
	fill(tailLog - 100)
	line(12, "r3 = 6")
	line(13, "r4 = r5")
	b.WriteString("R1 and R3 and R0 are wrong, Unreleased reference id=2 alloc_insn=8\nprocessed 9 insns\n")
	got := shorten([]byte(b.String()))
	if !got.truncated || got.lost || len(got.text) > wholeLog+1000 {
		t.Fatalf("%d bytes, %+v", len(got.text), got.truncated)
	}
	from := strings.Index(got.text, "\n---") + 1
	to := strings.Index(got.text, "\n---\n")
	want := []string{"of these explains the reason",
		"8: (bf) call bpf_sk_lookup_tcp#84 ; R0_w=scalar()", "9: (bf) w1 += w2 ; R0_w=scalar()"}
	_, part, _ := strings.Cut(got.text[from:to], ", ")
	if d := cmp.Diff(want, strings.Split(part, "\n")); d != "" {
		t.Errorf("what explains (-want +got):\n%s", d)
	}
	if cause, slot := readLog(got.text); slot != 13 || !strings.HasPrefix(cause, "R1 and R3") {
		t.Errorf("cause %q at %d", cause, slot)
	}
	if short := shorten([]byte("x\n")); short != (verifierLog{text: "x\n"}) {
		t.Errorf("a short log became %+v", short)
	}
}
