package render_test

import (
	"fmt"
	"log"
	"os"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/btf/render"
)

// kinds opens the types of core/btf/testdata/kinds.c.
func kinds() *btf.Types {
	raw, err := os.ReadFile("../testdata/kinds.btf")
	if err != nil {
		log.Fatal(err)
	}
	types, err := btf.Parse(raw, btf.Options{})
	if err != nil {
		log.Fatal(err)
	}
	return types
}

func find(types *btf.Types, name string, kind btf.Kind) btf.ID {
	id, err := types.Find(name, kind)
	if err != nil {
		log.Fatal(err)
	}
	return id
}

// A header with one struct and what it needs.
func ExampleHeader() {
	types := kinds()
	root := find(types, "map", btf.KindStruct)
	h, err := render.Header(nil, types, render.HeaderOptions{Roots: []btf.ID{root}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s", h)
	// Output:
	// #ifndef __VMLINUX_H__
	// #define __VMLINUX_H__
	//
	// #ifndef BPF_NO_PRESERVE_ACCESS_INDEX
	// #pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
	// #endif
	//
	// typedef unsigned int u32;
	//
	// struct task___local;
	//
	// struct map {
	// 	int (*type)[2];
	// 	u32 *key;
	// 	struct task___local *value;
	// };
	//
	// #ifndef BPF_NO_PRESERVE_ACCESS_INDEX
	// #pragma clang attribute pop
	// #endif
	//
	// #endif /* __VMLINUX_H__ */
}

// Memory of a struct inner { char a; short b; }.
func ExampleValue() {
	types := kinds()
	id := find(types, "inner", btf.KindStruct)
	text, err := render.Value(nil, types, id, []byte{'x', 0, 0x2c, 0x01}, render.ValueOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", text)
	// Output: {.a = 'x', .b = 300}
}
