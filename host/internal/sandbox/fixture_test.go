package sandbox

import "github.com/bpfhost/bpfhost/internal/wasmtest"

// Short names for what modules are made of.
var (
	cat, vec, str, uleb, rawSection = wasmtest.Cat, wasmtest.Vec, wasmtest.Str, wasmtest.ULEB, wasmtest.Section
)

// newModule returns a module with an exported memory of one page, an ABI function that returns 7,
// and the functions given.
func newModule(funcs ...wasmtest.Func) *wasmtest.Module {
	abi := wasmtest.Func{Export: "abi", Results: "i", Code: wasmtest.Const(7)}
	return &wasmtest.Module{
		Memory:  []byte{0x00, 0x01},
		Exports: []wasmtest.Export{{Name: "memory", Kind: 2}},
		Funcs:   append([]wasmtest.Func{abi}, funcs...),
	}
}

// imported is an import, with letters as in wasmtest.Import.
func imported(module, name, params, results string) wasmtest.Import {
	return wasmtest.Import{Module: module, Name: name, Params: params, Results: results}
}

// exported is an export of something else than a function of the module.
func exported(name string, kind byte, index int) wasmtest.Export {
	return wasmtest.Export{Name: name, Kind: kind, Index: index}
}
