package asm

import "testing"

// TestRegSets checks for every instruction of the table that it may read what it reads.
func TestRegSets(t *testing.T) {
	for _, r := range readTable(t) {
		insns, err := Decode(r.code, DecodeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, in := range insns {
			if in.Reads()&^in.MayRead() != 0 {
				t.Errorf("%v reads %v but may read only %v", in, in.Reads(), in.MayRead())
			}
		}
	}
	for _, tt := range []struct {
		text                string
		reads, may, written RegSet
	}{
		{"r1 = r2", Regs(R2), Regs(R2), Regs(R1)},
		{"r1 += r2", Regs(R1, R2), Regs(R1, R2), Regs(R1)},
		{"r1 = -r1", Regs(R1), Regs(R1), Regs(R1)},
		{"r1 = be16 r1", Regs(R1), Regs(R1), Regs(R1)},
		{"r1 = 5 ll", 0, 0, Regs(R1)},
		{"r1 = *(u8 *)(r2 + 0)", Regs(R2), Regs(R2), Regs(R1)},
		{"*(u8 *)(r1 + 0) = r2", Regs(R1, R2), Regs(R1, R2), 0},
		{"*(u8 *)(r1 + 0) = 2", Regs(R1), Regs(R1), 0},
		{"lock *(u64 *)(r1 + 0) += r2", Regs(R1, R2), Regs(R1, R2), 0},
		{"r2 = xchg_64(r1 + 0, r2)", Regs(R1, R2), Regs(R1, R2), Regs(R2)},
		{"r0 = cmpxchg_64(r1 + 0, r0, r2)", Regs(R0, R1, R2), Regs(R0, R1, R2), Regs(R0)},
		{"r1 = load_acquire((u64 *)(r2 + 0))", Regs(R2), Regs(R2), Regs(R1)},
		{"store_release((u64 *)(r1 + 0), r2)", Regs(R1, R2), Regs(R1, R2), 0},
		{"call bpf_map_lookup_elem#1", Regs(R1, R2), Regs(R1, R2), Regs(R0, R1, R2, R3, R4, R5)},
		{"call bpf_trace_printk#6", Regs(R1, R2), ArgRegs, Regs(R0) | ArgRegs},
		{"call 9999", 0, ArgRegs, Regs(R0) | ArgRegs},
		{"call kfunc[f]", 0, ArgRegs, Regs(R0) | ArgRegs},
		{"callx r7", Regs(R7), ArgRegs | Regs(R7), Regs(R0) | ArgRegs},
		{"exit", 0, Regs(R0), 0},
		{"gotox r3", Regs(R3), Regs(R3), 0},
		{".raw 0x00000000000000ff", 0, AllRegs, 0},
	} {
		l, err := Parse(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		in := l.Insns[0]
		if in.Reads() != tt.reads || in.MayRead() != tt.may || in.Writes() != tt.written {
			t.Errorf("%s: reads %v, may read %v, writes %v; want %v, %v, %v", tt.text, in.Reads(), in.MayRead(), in.Writes(), tt.reads, tt.may, tt.written)
		}
	}
	if got := Regs(R0, R6, R10).String(); got != "r0 r6 r10" || Regs(R0, R6).Len() != 2 || !Regs(R6).Has(R6) || Regs(R6).Has(R7) {
		t.Errorf("sets are wrong: %q", got)
	}
}
