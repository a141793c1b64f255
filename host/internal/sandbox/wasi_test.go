package sandbox

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/host/internal/budget"
	"github.com/bpfhost/bpfhost/internal/wasmtest"
)

// TestWASIAll loads a module that imports all of WASI, so that the table of types cannot differ
// from the runtime's, and calls what is not granted.
func TestWASIAll(t *testing.T) {
	if len(wasiFunctions) != 46 {
		t.Errorf("%d functions, WASI preview 1 has 46", len(wasiFunctions))
	}
	e := newEngine(t, EngineOptions{})
	for name, params := range wasiFunctions {
		results := "i"
		if name == "proc_exit" {
			results = ""
		}
		var code []byte
		for _, c := range params {
			if c == 'I' {
				code = cat(code, wasmtest.Const64(0))
			} else {
				code = cat(code, wasmtest.Const(3)) // a file that is not open, and places in memory
			}
		}
		m := newModule(run(code, wasmtest.Call(0)))
		if name == "proc_exit" {
			m = newModule(run(code, wasmtest.Call(0), wasmtest.Const(0)))
		}
		m.Imports = []wasmtest.Import{imported(wasiModule, name, params, results)}
		v, err := call(load(t, e, m, testOptions()))
		switch {
		case name == "proc_exit":
			if err == nil || err.Error() != "trap in run: called proc_exit(3)" {
				t.Errorf("%s: %v", name, err)
			}
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case strings.HasPrefix(name, "fd_fdstat_set_"): // looks at its other arguments first, or is not here
			if v == 0 {
				t.Errorf("%s succeeds", name)
			}
		case (name[:3] == "fd_" || name[:5] == "path_" || name[:5] == "sock_") && v != wasiBadFile:
			t.Errorf("%s: error %d, want %d for a bad file", name, v, wasiBadFile)
		case name == "proc_raise" && v != wasiNotHere:
			t.Errorf("%s: error %d, want %d for what is not here", name, v, wasiNotHere)
		}
	}
}

// TestWASIName shows that a guest finds its name as its first argument.
func TestWASIName(t *testing.T) {
	// args_sizes_get(0, 4) and args_get(8, 16); returns the count and the first letters.
	m := newModule(run(wasmtest.Const(0), wasmtest.Const(4), wasmtest.Call(0), wasmtest.Drop,
		wasmtest.Const(8), wasmtest.Const(16), wasmtest.Call(1), wasmtest.Drop,
		wasmtest.Const(0), wasmtest.Load(0), wasmtest.Const(16), wasmtest.Load(0), []byte{0x6a}))
	m.Imports = []wasmtest.Import{imported(wasiModule, "args_sizes_get", "ii", "i"), imported(wasiModule, "args_get", "ii", "i")}
	o := testOptions()
	o.Name = "abc"
	if v, err := call(load(t, newEngine(t, EngineOptions{}), m, o)); v != 0x636261+1 || err != nil {
		t.Errorf("%#x, %v", v, err)
	}
}

// TestWASILarge shows that what WASI does with much memory ends at the deadline.
func TestWASILarge(t *testing.T) {
	e := newEngine(t, EngineOptions{})
	loop := func(code ...[]byte) []byte {
		return cat([]byte{0x03, 0x40}, cat(code...), []byte{0x1a, 0x0c, 0, 0x0b}, wasmtest.Const(0))
	}
	// 1000 pieces of 32 MiB less a page
	var iovs []byte
	for range 1000 {
		iovs = append(iovs, 0, 0, 1, 0, 0, 0, 0xff, 1)
	}
	for name, tt := range map[string]struct {
		params string
		code   []byte
	}{
		"random_get":  {"ii", loop(wasmtest.Const(0), wasmtest.Const(32<<20), wasmtest.Call(0))},
		"fd_write":    {"iiii", loop(wasmtest.Const(1), wasmtest.Const(0), wasmtest.Const(1000), wasmtest.Const(9000), wasmtest.Call(0))},
		"poll_oneoff": {"iiii", loop(wasmtest.Const(1<<16), wasmtest.Const(1<<20), wasmtest.Const(4096), wasmtest.Const(0), wasmtest.Call(0))},
	} {
		m := newModule(wasmtest.Func{Export: "run", Results: "i", Code: tt.code})
		m.Memory = []byte{0, 0x80, 4}
		m.Data = []wasmtest.Data{{At: 0, Bytes: iovs}}
		m.Imports = []wasmtest.Import{imported(wasiModule, name, tt.params, "i")}
		o := testOptions()
		o.Stdout = discard{}
		_, err := load(t, e, m, o).Call(context.Background(), "run", 100*time.Millisecond)
		var limit *budget.LimitError
		if !errors.As(err, &limit) || limit.What != "wall time" {
			t.Errorf("%s: %v, want the wall time limit", name, err)
		}
	}
}

// discard takes a while for much.
type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(bytes.ToUpper(b[:min(len(b), 1<<16)])), nil }

// TestWASIPoll answers clocks at once and files with an error.
func TestWASIPoll(t *testing.T) {
	subs := make([]byte, 2*wasiSubscrSize)
	subs[0], subs[wasiSubscrSize], subs[wasiSubscrSize+8] = 7, 9, 1
	// poll_oneoff(0, 128, 2, 256); returns the count, and bytes of both events
	get := func(at int) []byte { return cat(wasmtest.Const(at), []byte{0x2d, 0, 0}) } // i32.load8_u
	m := newModule(run(wasmtest.Const(0), wasmtest.Const(128), wasmtest.Const(2), wasmtest.Const(256), wasmtest.Call(0), wasmtest.Drop,
		get(256), get(128), []byte{0x6a}, get(136), []byte{0x6a}, get(160), []byte{0x6a}, get(168), []byte{0x6a}))
	m.Imports = []wasmtest.Import{imported(wasiModule, "poll_oneoff", "iiii", "i")}
	m.Data = []wasmtest.Data{{At: 0, Bytes: subs}}
	if v, err := call(load(t, newEngine(t, EngineOptions{}), m, testOptions())); v != 2+7+0+9+wasiBadFile || err != nil {
		t.Errorf("%d, %v", v, err)
	}
}
