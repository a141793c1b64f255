package sandbox

import (
	"errors"
	"slices"
	"testing"

	"github.com/bpfhost/bpfhost/internal/wasmtest"
)

// TestTrapStack shows the functions of a trap by their names, which meters do not shift.
func TestTrapStack(t *testing.T) {
	m := newModule(wasmtest.Func{Code: wasmtest.Unreachable}, wasmtest.Func{Code: wasmtest.Call(2)},
		run(wasmtest.Call(3), wasmtest.Const(1)))
	m.Imports = []wasmtest.Import{imported("host_v1", "note", "i", "")}
	names := vec(4, 0)
	for i, name := range []string{"abi", "main.(*T).crash", "x\x1b", "run"} {
		if i > 0 {
			names = append(names, byte(i+1))
		}
		names = append(names[:len(names)-1], cat([]byte{byte(i + 1)}, str(name))...)
	}
	m.Extra = map[byte][]byte{0: cat(str("name"), []byte{0}, vec(5, str("work")...), []byte{1}, uleb(len(names)), names)}
	_, err := call(load(t, newEngine(t, EngineOptions{}), m, testOptions()))
	var trap *Trap
	if !errors.As(err, &trap) || !slices.Equal(trap.Stack, []string{"main.(*T).crash", `"x\x1b"`, "run"}) {
		t.Fatalf("error %v with stack %q", err, trap.Stack)
	}
	if want := `trap in run: unreachable, in main.(*T).crash < "x\x1b" < run`; err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}
