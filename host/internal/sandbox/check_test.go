package sandbox

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/bpfhost/bpfhost/internal/wasmtest"
)

func TestCheck(t *testing.T) {
	tooNew := errors.New("imports host_v1.teleport, which came with minor 3; this host has 1")
	memory := []wasmtest.Export{exported("memory", 2, 0)}
	global := cat([]byte{1, 0x7f, 0}, wasmtest.Const(0), []byte{0x0b})
	for _, tt := range []struct {
		name string
		edit func(m *wasmtest.Module)
		want string
	}{
		{"no memory", func(m *wasmtest.Module) { m.Memory, m.Exports = nil, nil }, "defines no memory"},
		{"memory not exported", func(m *wasmtest.Module) { m.Exports = nil }, `does not export its memory as "memory"`},
		{"memory is a function", func(m *wasmtest.Module) { m.Exports = []wasmtest.Export{exported("memory", 0, 0)} },
			`does not export its memory as "memory"`},
		{"imported memory", func(m *wasmtest.Module) {
			m.Extra = map[byte][]byte{2: cat([]byte{1}, str("env"), str("memory"), []byte{2, 0, 1})}
		},
			"imports memory env.memory; only functions may be imported (a plugin has its own memory: build without --import-memory, -sIMPORTED_MEMORY and -pthread)"},
		{"command", func(m *wasmtest.Module) { m.Funcs[0].Export = "_start" },
			"this is a command (it exports _start); build a plugin as a reactor: Go with -buildmode=c-shared, clang with -mexec-model=reactor or -Wl,--no-entry"},
		{"constructors in every call", func(m *wasmtest.Module) {
			m.Funcs = []wasmtest.Func{{Export: "abi", Results: "i", Code: cat(wasmtest.Call(1), wasmtest.Call(2))},
				{Code: []byte{0x01}}, {Results: "i", Code: wasmtest.Const(7)}}
		}, "every call would first run the constructors of global objects again (the linker's .command_export), and what " +
			"they hold would be lost; include bpfhost.h of this version, or export an _initialize that calls __wasm_call_ctors"},
		{"no abi", func(m *wasmtest.Module) { m.Funcs[0].Export = "other" }, "does not export abi, so it is not a plugin"},
		{"abi is a global", func(m *wasmtest.Module) {
			m.Funcs[0].Export = ""
			m.Exports = append(memory, exported("abi", 3, 0))
			m.Extra = map[byte][]byte{6: global}
		}, "exports abi as a global, want a function"},
		{"abi without result", func(m *wasmtest.Module) { m.Funcs[0].Results, m.Funcs[0].Code = "", nil },
			"exports abi with type () -> nothing, want () -> i32"},
		{"hook with other parameters", func(m *wasmtest.Module) {
			m.Funcs = append(m.Funcs, wasmtest.Func{Export: "tick", Params: "i", Results: "i", Code: wasmtest.Const(0)})
		},
			"exports tick with type (i32) -> i32, want (i64) -> i32"},
		{"_initialize with result", func(m *wasmtest.Module) {
			m.Funcs = append(m.Funcs, wasmtest.Func{Export: "_initialize", Results: "i", Code: wasmtest.Const(0)})
		}, "exports _initialize with type () -> i32, want () -> nothing"},
		{"re-exported import", func(m *wasmtest.Module) {
			m.Imports = []wasmtest.Import{imported("host_v1", "same", "", "i")}
			m.Exports = append(memory, exported("run", 0, 0))
		}, "exports run, which is one of its imports"},
		{"import of start", func(m *wasmtest.Module) {
			m.Imports = []wasmtest.Import{imported("host_v1", "same", "", "i")}
			m.Start = []byte{0}
		}, "start function is an import"},
		{"unknown import", func(m *wasmtest.Module) { m.Imports = []wasmtest.Import{imported("host_v1", "teleport", "", "i")} }, tooNew.Error()},
		{"import nobody knows", func(m *wasmtest.Module) { m.Imports = []wasmtest.Import{imported("host_v1", "a\x1bb", "", "i")} },
			`imports host_v1."a\x1bb", which this host does not have`},
		{"import with other type", func(m *wasmtest.Module) { m.Imports = []wasmtest.Import{imported("host_v1", "same", "i", "i")} },
			"imports host_v1.same with type (i32) -> i32, want () -> i32"},
		{"unknown wasi", func(m *wasmtest.Module) { m.Imports = []wasmtest.Import{imported(wasiModule, "path_fly", "i", "i")} },
			"imports wasi_snapshot_preview1.path_fly, which WASI preview 1 does not have"},
		{"javascript", func(m *wasmtest.Module) { m.Imports = []wasmtest.Import{imported("gojs", "runtime.wasmExit", "i", "")} },
			"imports gojs.runtime.wasmExit; only host_v1 and wasi_snapshot_preview1 are offered (Go for JavaScript: build with GOOS=wasip1)"},
		{"undefined function", func(m *wasmtest.Module) { m.Imports = []wasmtest.Import{imported("env", "lookup", "i", "")} },
			"imports env.lookup; only host_v1 and wasi_snapshot_preview1 are offered (a function that no object defines: link without --allow-undefined to see which needs it)"},
		{"wasi with other type", func(m *wasmtest.Module) { m.Imports = []wasmtest.Import{imported(wasiModule, "fd_write", "i", "i")} },
			"imports wasi_snapshot_preview1.fd_write with type (i32) -> i32, want (i32, i32, i32, i32) -> i32"},
		{"other module", func(m *wasmtest.Module) { m.Imports = []wasmtest.Import{imported("env", "abort", "iiii", "")} },
			"imports env.abort; only host_v1 and wasi_snapshot_preview1 are offered (AssemblyScript: build with --use abort=)"},
		{"too much memory", func(m *wasmtest.Module) { m.Memory = []byte{0, 0x81, 0x04} },
			"needs 513 pages of memory (32832 KiB) to start, the limit is 512 (32768 KiB)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newModule()
			tt.edit(m)
			o := testOptions()
			o.Imports = append(o.Imports, Import{Name: "same", Results: []ValueType{I32}, Fn: func(*Guest, []uint64) {}})
			o.UnknownImport = func(name string) error {
				if name == "teleport" {
					return tooNew
				}
				return nil
			}
			_, err := newEngine(t, EngineOptions{}).Load(context.Background(), m.Bytes(), o)
			var reject *Reject
			if !errors.As(err, &reject) || err.Error() != tt.want {
				t.Fatalf("error %v, want %s", err, tt.want)
			}
			if tt.name == "unknown import" && !errors.Is(err, tooNew) {
				t.Error("the callback's error is lost")
			}
		})
	}
}

func TestSignature(t *testing.T) {
	got := fmt.Sprint(signature([]ValueType{I32, I64}, []ValueType{0x7b}), signature([]uint8{0x70, 0x01}, nil))
	if want := "(i32, i64) -> v128(funcref, unknown) -> nothing"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
