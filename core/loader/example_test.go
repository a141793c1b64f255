package loader_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
)

// An object file goes into the kernel, and a counter is read back.
func ExampleLoad() {
	file, err := os.Open("counter.o")
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	collection, err := elf.Load(file, elf.Options{})
	if err != nil {
		log.Fatal(err)
	}
	c, err := loader.Load(collection, loader.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	key, value := make([]byte, 4), make([]byte, 8)
	if err := c.Map("packets").Lookup(key, value); err != nil {
		log.Fatal(err)
	}
	fmt.Println(binary.NativeEndian.Uint64(value), "packets")
}

// The verifier's refusal is one line; with %+v it comes with the whole log.
func ExampleVerifierError() {
	var collection *spec.Collection
	_, err := loader.Load(collection, loader.Options{})
	var refused *loader.VerifierError
	if errors.As(err, &refused) {
		fmt.Println("instruction", refused.Insn, "of", refused.Program, "is refused:", refused.Cause)
		fmt.Printf("%+v\n", refused)
	}
}
