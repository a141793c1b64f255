package cfg_test

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/asm/cfg"
)

func Example() {
	l, err := asm.Parse(`
	.func main
		if r1 == 0 goto skip
		r6 = r2
		call work
	skip:
		r0 = 0
		exit
		r0 = 1
	.func work
		*(u64 *)(r10 - 24) = 1
		exit`)
	if err != nil {
		fmt.Println(err)
		return
	}
	g, err := cfg.New(l.Insns, l.Funcs)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range g.Check(cfg.CheckOptions{}) {
		fmt.Println(f)
	}
	use := g.Stack()[0]
	fmt.Println(len(g.Blocks), "blocks; stack", use.Depth, "bytes in", use.Frames, "frames")
	// Output:
	// insn 1: read of a register that has no value: r2
	// insn 5: unreachable code
	// 5 blocks; stack 32 bytes in 2 frames
}
