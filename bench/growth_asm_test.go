package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host"
	"github.com/bpfhost/bpfhost/internal/wasmtest"
)

// Where the module of asmPlugin has its texts, and its functions by index.
const (
	asmName    = 16 // of object and program
	asmFirst   = 32
	asmText    = 64 // whose label gets four other letters each time
	asmRequest = 96

	asmObjectNew = 0
	asmAdd       = 1
	asmSetU      = 2
	asmInsnAsm   = 3
	asmSelf      = 4
)

// asmPlugin is a plugin that builds a program of n texts, each with a label of its own name.
func asmPlugin(n int) []byte {
	const first, text, request = "r0 = 2\nexit", "labelaaaa: r2 = 1", "program xdp"
	i32, get := wasmtest.Const, wasmtest.Get
	set := func(i int) []byte { return wasmtest.Op(0x21, i) }
	const program, i = 0, 1 // locals
	name := wasmtest.Cat(i32(asmName), i32(1))
	code := wasmtest.Cat(
		name, wasmtest.Call(asmObjectNew),
		i32(int(abi.KindProgram)), name, wasmtest.Call(asmAdd), set(program),
		get(program), i32(int(abi.PropProgramType)), wasmtest.Const64(int64(spec.ProgramXDP)), wasmtest.Call(asmSetU), wasmtest.Drop,
		get(program), i32(0), i32(0), i32(asmFirst), i32(len(first)), wasmtest.Call(asmInsnAsm), wasmtest.Drop,
		[]byte{0x03, 0x40}, // loop
	)
	for k := range 4 { // letter k is 'a' + i>>4k&15
		code = append(code, wasmtest.Cat(i32(asmText+len("label")+k), get(i), i32(4*k), []byte{0x76}, i32(15), []byte{0x71}, i32('a'), []byte{0x6a, 0x3a, 0, 0})...)
	}
	code = append(code, wasmtest.Cat(
		get(program), i32(0), i32(0), i32(asmText), i32(len(text)), wasmtest.Call(asmInsnAsm), wasmtest.Drop,
		get(i), i32(1), []byte{0x6a}, wasmtest.Tee(i), i32(n), []byte{0x49, 0x0d, 0, 0x0b}, // br_if i < n, end
		i32(0),
	)...)
	m := wasmtest.Module{
		Imports: []wasmtest.Import{
			{Module: abi.Module, Name: "object_new", Params: "ii", Results: "i"}, {Module: abi.Module, Name: "add", Params: "iiii", Results: "i"},
			{Module: abi.Module, Name: "set_u", Params: "iiI", Results: "i"}, {Module: abi.Module, Name: "insn_asm", Params: "iiiii", Results: "i"},
			{Module: abi.Module, Name: "self", Results: "i"},
		},
		Funcs: []wasmtest.Func{
			{Export: "bpfhost_abi", Results: "i", Code: i32(int(abi.Current))},
			{Export: "bpfhost_describe", Results: "i", Code: wasmtest.Cat(
				wasmtest.Call(asmSelf), i32(int(abi.KindRequest)), i32(asmRequest), i32(len(request)), wasmtest.Call(asmAdd), wasmtest.Drop, i32(0))},
			{Export: "bpfhost_plan", Results: "i", Locals: wasmtest.Vec(1, 2, 0x7f), Code: code},
		},
		Memory:  []byte{0, 1},
		Exports: []wasmtest.Export{{Name: "memory", Kind: 2}},
		Data:    []wasmtest.Data{{At: asmName, Bytes: []byte("p")}, {At: asmFirst, Bytes: []byte(first)}, {At: asmText, Bytes: []byte(text)}, {At: asmRequest, Bytes: []byte(request)}},
	}
	return m.Bytes()
}

// growAsm plans with a plugin that assembles n texts.
func growAsm(n int) (Call, error) {
	wasm := asmPlugin(n)
	return func() error {
		ctx := context.Background()
		h, err := host.New(ctx, host.Config{NoCache: true, Limits: host.Limits{Plan: time.Minute}})
		if err != nil {
			return err
		}
		defer h.Close()
		p, err := h.Open(ctx, wasm, host.PluginOptions{})
		if err != nil {
			return err
		}
		made, err := p.Plan(ctx)
		if err != nil {
			return err
		}
		if have := made.Objects[0].After.Programs[0].Insns.Len(); have != n+2 {
			return fmt.Errorf("%d instructions", have)
		}
		return nil
	}, nil
}
