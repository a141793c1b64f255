package asm_test

import (
	"fmt"
	"os"
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
)

func Example() {
	const drop = asm.Label(1)
	insns := []asm.Insn{
		asm.LoadMem(asm.R0, asm.R1, 16, asm.Word),
		asm.JumpImm(asm.Greater, asm.R0, 1500, drop),
		asm.Mov64Imm(asm.R0, 2),
		asm.Exit(),
		asm.Mov64Imm(asm.R0, 1),
		asm.Exit(),
	}
	insns[4].Label = drop

	code, err := asm.AppendEncode(nil, insns, asm.EncodeOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	os.Stdout.Write(asm.AppendText(nil, insns, asm.TextOptions{}))
	fmt.Printf("%d bytes, the jump is % x\n", len(code), code[8:16])
	// Output:
	// 	r0 = *(u32 *)(r1 + 16)
	// 	if r0 > 1500 goto L1
	// 	r0 = 2
	// 	exit
	// L1:
	// 	r0 = 1
	// 	exit
	// 48 bytes, the jump is 25 00 02 00 dc 05 00 00
}

func ExampleParse() {
	l, err := asm.Parse(`
		.func count
			r1 = map[packets] ll
			call bpf_map_lookup_elem
			if r0 == 0 goto out
			r1 = 1
			lock *(u64 *)(r0 + 0) += r1
		out:
			exit
	`)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, in := range l.Insns {
		fmt.Println(i, in)
	}
	fmt.Println(l.Funcs, l.LabelNames)

	_, err = asm.Parse("r0 = 1\nr0 =+ r1")
	fmt.Println(err)
	// Output:
	// 0 r1 = map[packets] ll
	// 1 call bpf_map_lookup_elem#1
	// 2 if r0 == 0 goto L1
	// 3 r1 = 1
	// 4 lock *(u64 *)(r0 + 0) += r1
	// 5 exit
	// map[0:count] map[1:out]
	// line 2:5: expected a value, found "+"
}

func ExampleDecode() {
	code := []byte{
		0x15, 0x01, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, // two slots ahead if r1 is 0
		0x18, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, // a load that fills two slots
		0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00,
		0x95, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	}
	insns, err := asm.Decode(code, asm.DecodeOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	// Instructions may come and go: the jump still leads to exit.
	insns = slices.Insert(insns, 1, asm.Neg64(asm.R0))
	os.Stdout.Write(asm.AppendText(nil, insns, asm.TextOptions{}))

	_, err = asm.Decode(code[:16], asm.DecodeOptions{})
	fmt.Println(err)
	// Output:
	// 	if r1 == 0 goto L1
	// 	r0 = -r0
	// 	r0 = 0x100000001 ll
	// L1:
	// 	exit
	// decode insn 1: second half of the 64-bit load is missing
}
