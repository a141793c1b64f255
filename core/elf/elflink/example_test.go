package elflink_test

import (
	"fmt"
	"os"

	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/elf/elflink"
)

func ExampleLink() {
	var objects []elflink.Object
	for _, name := range []string{"../testdata/link/a-el.o", "../testdata/link/b-el.o"} {
		b, err := os.ReadFile(name)
		if err != nil {
			fmt.Println(err)
			return
		}
		objects = append(objects, elflink.Object{Name: name, Data: b})
	}
	b, err := elflink.Link(objects...)
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := elf.LoadBytes(b, elf.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range c.Programs {
		fmt.Println(p.Section, p.Name)
	}
	// Output:
	// xdp first
	// xdp second
}
