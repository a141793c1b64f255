package elfwrite_test

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/elf/elfwrite"
	"github.com/bpfhost/bpfhost/core/spec"
)

func ExampleWrite() {
	c, err := spec.Parse(`license "GPL"
program pass
	type xdp
	attach_type xdp
.func pass
	r0 = 2
	exit
`)
	if err != nil {
		fmt.Println(err)
		return
	}
	b, err := elfwrite.Write(c)
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err = elf.LoadBytes(b, elf.Options{})
	fmt.Println(c.Program("pass").Section, err)
	// Output: xdp <nil>
}
