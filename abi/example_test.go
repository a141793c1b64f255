package abi_test

import (
	"fmt"

	"github.com/bpfhost/bpfhost/abi"
)

// A record as it lies in guest memory: r0 = 2.
func Example_record() {
	insn := abi.Insn{Op: 0xb7, Imm: 2}
	b := make([]byte, abi.InsnSize)
	insn.Put(b)
	fmt.Printf("% x\n", b[:16])
	// Output: b7 00 00 00 00 00 00 00 02 00 00 00 00 00 00 00
}

func ExampleErrno() {
	fmt.Println(abi.ErrPhase)
	fmt.Println(-int32(abi.ErrPhase))
	// Output:
	// PHASE: not callable in this phase
	// -8
}
