package btf_test

import (
	"fmt"
	"log"
	"os"

	"github.com/bpfhost/bpfhost/core/btf"
)

// Print a struct of an object file as C.
func ExampleTypes_Find() {
	raw, err := os.ReadFile("testdata/kinds.btf")
	if err != nil {
		log.Fatal(err)
	}
	types, err := btf.Parse(raw, btf.Options{})
	if err != nil {
		log.Fatal(err)
	}
	id, err := types.Find("inner", btf.KindStruct)
	if err != nil {
		log.Fatal(err)
	}
	size, _ := types.Size(id)
	fmt.Printf("%s// %d bytes\n", types.AppendC(nil, id), size)
	// Output:
	// struct inner {
	// 	char a;
	// 	short b;
	// };
	// // 4 bytes
}

// A field that moved: the program was compiled for a kernel where pid is at byte 4.
func ExampleResolve() {
	layout := func(offset uint32) *btf.Types {
		var b btf.Builder
		i := b.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned})
		b.Add(&btf.Struct{Name: "task", Size: 64, Members: []btf.Member{{Name: "pid", Type: i, Offset: offset * 8}}})
		types, err := b.Types()
		if err != nil {
			log.Fatal(err)
		}
		return types
	}
	program, kernel := layout(4), layout(24)
	relo := btf.CoreRelo{Type: 2, Access: "0:0", Kind: btf.CoreByteOffset}
	fixup, err := btf.Resolve(program, relo, btf.Target{Name: "vmlinux", Types: kernel})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: %d instead of %d\n", fixup.Text(), fixup.Value, fixup.Local)
	// Output: byte_off struct task.pid: 24 instead of 4
}

// Find a member inside anonymous structs and arrays.
func ExampleTypes_Path() {
	raw, err := os.ReadFile("testdata/kinds.btf")
	if err != nil {
		log.Fatal(err)
	}
	types, err := btf.Parse(raw, btf.Options{})
	if err != nil {
		log.Fatal(err)
	}
	task, err := types.Find("task___local", btf.KindStruct)
	if err != nil {
		log.Fatal(err)
	}
	for _, path := range []string{"cookie", "pairs[3].b", "more"} {
		f, err := types.Path(task, path)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(path, types.TypeName(f.Type), "at", f.Offset, "bits", f.BitSize)
	}
	// Output:
	// cookie u64 at 8 bits 0
	// pairs[3].b short at 38 bits 0
	// more u32 at 4 bits 9
}

// Walk a graph of types that has cycles: what a struct holds by value, and the tags of it. The function says
// whether to go on from a type; each is visited once, and nothing calls itself.
func ExampleTypes_Visit() {
	raw, err := os.ReadFile("testdata/kinds.btf")
	if err != nil {
		log.Fatal(err)
	}
	types, err := btf.Parse(raw, btf.Options{})
	if err != nil {
		log.Fatal(err)
	}
	root, task, err := btf.FindAs[*btf.Struct](types, "task___local")
	if err != nil {
		log.Fatal(err)
	}
	tags := map[btf.ID]string{}
	for _, tag := range types.DeclTags() {
		tags[tag.Type] += ", tag " + tag.Tag
	}
	fmt.Println(len(task.Members), "members")
	types.Visit(func(id btf.ID) bool {
		switch kind := types.Kind(id); {
		case kind == btf.KindPointer:
			return false // do not go on to what it points to
		case kind.Composite() || kind.Enum():
			size, _ := types.Size(id)
			fmt.Printf("%s: %d bytes%s\n", types.TypeName(id), size, tags[id])
		}
		return true
	}, root)
	// Output:
	// 13 members
	// struct task___local: 88 bytes
	// struct {...}: 16 bytes
	// enum color: 4 bytes
	// union {...}: 16 bytes
	// struct inner: 4 bytes, tag inner
}
