package spec_test

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// insns makes instructions from text.
func insns(text string) []spec.Insn {
	l, err := asm.Parse(text)
	if err != nil {
		panic(err)
	}
	var out []spec.Insn
	for _, in := range l.Insns {
		out = append(out, spec.Insn{Insn: in})
	}
	return out
}

func ExampleProgram_Insert() {
	p := &spec.Program{Name: "drop", Type: spec.ProgramXDP, Insns: spec.NewInsns(insns(`
		if r1 == 0 goto L1
		r0 = 1
		exit
	L1:
		r0 = 2
		exit
	`)...)}
	// The inserted code stands before the label, so the jump still lands where it did.
	if err := p.Insert(3, insns("r6 = 7")...); err != nil {
		fmt.Println(err)
	}
	fmt.Printf("%s", p.AppendText(nil))
	// Output:
	// program drop
	// 	type xdp
	// 	if r1 == 0 goto L1
	// 	r0 = 1
	// 	exit
	// 	r6 = 7
	// L1:
	// 	r0 = 2
	// 	exit
}

func ExampleVar_SetUint() {
	c := &spec.Collection{
		Maps: []*spec.Map{{Name: ".rodata", Type: spec.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1, Data: make([]byte, 8)}},
		Vars: []*spec.Var{{Name: "limit", Map: ".rodata", Offset: 4, Size: 2}},
	}
	limit := c.Var("limit")
	fmt.Println(limit.SetUint(c, 70000))
	fmt.Println(limit.SetUint(c, 500))
	fmt.Printf("% x\n", c.Map(".rodata").Data)
	// Output:
	// write variable "limit": value 70000 does not fit its 16 bits
	// <nil>
	// 00 00 00 00 f4 01 00 00
}

func ExampleCollection_VarPath() {
	// struct { _Bool on; short ports[2]; } cfg, as an object file describes it.
	var b btf.Builder
	on := b.Add(&btf.Int{Name: "_Bool", Size: 1, Encoding: btf.IntBool})
	short := b.Add(&btf.Int{Name: "short", Size: 2, Encoding: btf.IntSigned})
	ports := b.Add(&btf.Array{Type: short, Index: short, Count: 2})
	cfg := b.Add(&btf.Struct{Size: 6, Members: []btf.Member{{Name: "on", Type: on}, {Name: "ports", Type: ports, Offset: 16}}})
	types, err := b.Types()
	if err != nil {
		fmt.Println(err)
		return
	}
	c := &spec.Collection{
		BTF:  types,
		Maps: []*spec.Map{{Name: ".data", Type: spec.MapArray, KeySize: 4, ValueSize: 6, MaxEntries: 1}},
		Vars: []*spec.Var{{Name: "cfg", Map: ".data", Size: 6, Type: cfg}},
	}
	changed := c.Clone()
	p, err := changed.VarPath("cfg.ports[1]")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.SetInt(changed, 70000))
	fmt.Println(p.SetInt(changed, -443))
	fmt.Printf("%s", spec.AppendChanges(nil, spec.Diff(c, changed)))
	// Output:
	// write "cfg.ports[1]": value 70000 does not fit its 16 bits
	// <nil>
	// ~ variable cfg
	//     cfg.ports[1]: 0 -> -443
}

func ExampleCollection_AppendText() {
	c := &spec.Collection{
		License:  "GPL",
		Maps:     []*spec.Map{{Name: "seen", Type: spec.MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 64}},
		Programs: []*spec.Program{{Name: "pass", Type: spec.ProgramXDP, Insns: spec.NewInsns(insns("r1 = map[seen] ll\nr0 = 2\nexit")...)}},
	}
	fmt.Printf("%s", c.AppendText(nil))
	// Output:
	// license "GPL"
	// order little
	//
	// map seen
	// 	type hash
	// 	key_size 4
	// 	value_size 8
	// 	max_entries 64
	//
	// program pass
	// 	type xdp
	// 	r1 = map[seen] ll
	// 	r0 = 2
	// 	exit
}

func ExampleDiff() {
	a := &spec.Collection{Programs: []*spec.Program{{Name: "pass", Type: spec.ProgramXDP, Insns: spec.NewInsns(insns("r0 = 2\nexit")...)}}}
	b := a.Clone()
	if err := b.Programs[0].Splice(0, 1, insns("r0 = 1"), spec.SpliceOptions{}); err != nil {
		fmt.Println(err)
	}
	fmt.Printf("%s", spec.AppendChanges(nil, spec.Diff(a, b)))
	// Output:
	// ~ program pass
	//     @@ -0,2 +0,2 @@
	//     -     0           r0 = 2
	//     +           0     r0 = 1
	//           1     1     exit
}
