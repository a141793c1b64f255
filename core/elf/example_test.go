package elf_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/bpfhost/bpfhost/core/elf"
)

func ExampleLoad() {
	f, err := os.Open("testdata/basic-el.o")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	c, err := elf.Load(f, elf.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range c.Programs {
		fmt.Printf("%-10s %-32s %v\n", p.Name, p.Section, p.Type)
	}
	// Output:
	// drop       xdp                              xdp
	// pass       xdp                              xdp
	// on_switch  tracepoint/sched/sched_switch    tracepoint
}

func ExampleLoad_error() {
	b, err := os.ReadFile("testdata/basic-el.o")
	if err != nil {
		fmt.Println(err)
		return
	}
	b[0xf0+8*8] = 0x18 // an instruction of section xdp becomes half a 64-bit load
	_, err = elf.LoadBytes(b, elf.Options{})
	fmt.Println(err)

	_, err = elf.Load(bytes.NewReader([]byte("\x1f\x8b\x08\x00")), elf.Options{})
	fmt.Println(err)
	fmt.Println(errors.Is(err, elf.ErrNotObject))
	// Output:
	// read object: xdp+0x40: function "drop": second half of the 64-bit load is 0x00000002000001b4, only its immediate may be set
	// read object: this is a gzip file: not an eBPF object file; unpack it first
	// true
}
