package sandbox

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/bpfhost/bpfhost/host/internal/sandbox/internal/fuel"
	"github.com/bpfhost/bpfhost/host/internal/sandbox/internal/module"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// corpus calls fn with the modules of others: the test data of the runtime's own module, among it
// the specification's test suite, this repository's guests, and what is below BPFHOST_CORPUS. A
// short test takes one in ten.
func corpus(t *testing.T, fn func(path string, wasm []byte)) {
	t.Helper()
	n := 0
	for _, root := range []string{wazeroDir(t), "../../../guests", os.Getenv("BPFHOST_CORPUS")} {
		if root == "" {
			continue
		}
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".wasm" {
				return err
			}
			if n++; testing.Short() && n%10 != 0 {
				return nil
			}
			wasm, err := os.ReadFile(path)
			if err == nil {
				fn(path, wasm)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if n < 1000 {
		t.Fatalf("the corpus has only %d modules", n)
	}
}

// wazeroDir is where the runtime's own module is unpacked, with its test data.
func wazeroDir(t testing.TB) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// validator returns a runtime that only decodes and validates with what this package enables.
func validator(t testing.TB) wazero.Runtime {
	t.Helper()
	r := wazero.NewRuntimeWithConfig(context.Background(), wazero.NewRuntimeConfigInterpreter().
		WithCoreFeatures(api.CoreFeaturesV2.SetEnabled(api.CoreFeatureReferenceTypes, false)))
	t.Cleanup(func() { r.Close(context.Background()) })
	return r
}

// valid reports whether the runtime takes a module. Its own panics are a no.
func valid(r wazero.Runtime, wasm []byte) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	code, err := r.CompileModule(context.Background(), wasm)
	if err != nil {
		return false
	}
	code.Close(context.Background())
	return true
}

// TestCorpusScan holds the scan against the runtime: what is valid is let through, or refused for a
// limit or for something that plugins do not have.
func TestCorpusScan(t *testing.T) {
	r := validator(t)
	taken, refused := 0, 0
	l := module.Limits{MemoryPages: 65536, BodyBytes: 8 << 20}
	corpus(t, func(path string, wasm []byte) {
		_, err := module.Scan(wasm, l)
		if err == nil {
			taken++
			return
		}
		refused++
		var e *module.Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", path, err)
			return
		}
		if malformed := e.Section != "" && e.Limit == ""; malformed && valid(r, wasm) {
			t.Errorf("%s is valid: %v", path, err)
		}
	})
	t.Logf("%d modules are taken, %d refused", taken, refused)
	if taken < refused/10 {
		t.Errorf("only %d modules are taken, %d refused", taken, refused)
	}
}

// TestCorpusOthers holds the default limits against what others ship: nothing is refused for its size
// or structure, apart from the memory that it starts with, and what plugins do not have is named.
func TestCorpusOthers(t *testing.T) {
	root := os.Getenv("BPFHOST_CORPUS")
	if root == "" {
		testenv.Skip(t, testenv.Corpus, "BPFHOST_CORPUS is not set")
	}
	n := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".wasm" {
			return err
		}
		wasm, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		n++
		var e *module.Error
		_, err = module.Scan(wasm, module.Limits{})
		if errors.As(err, &e) && e.Limit != "MemoryPages" && !strings.HasPrefix(e.Reason, "imports ") {
			t.Errorf("%s: %v", path, err)
		}
		return nil
	})
	if err != nil || n < 20 {
		t.Errorf("%d modules of others: %v", n, err)
	}
}

// TestCorpusFuel rewrites modules: what was valid stays so, and what was not does not become it.
func TestCorpusFuel(t *testing.T) {
	r := validator(t)
	corpus(t, func(path string, wasm []byte) {
		out, ok := tryMeter(t, wasm)
		if !ok {
			return
		}
		if was, is := valid(r, wasm), valid(r, out); was != is {
			t.Errorf("%s: valid before %v, after %v", path, was, is)
		}
		if _, err := module.Scan(out, module.Limits{MemoryPages: 65536, BodyBytes: 9 << 20, Locals: 1 << 20, CompileTime: time.Hour}); err != nil {
			t.Errorf("%s: rewritten: %v", path, err)
		}
	})
}

// tryMeter returns the module with fuel, and false for one that the scan refuses.
func tryMeter(t testing.TB, wasm []byte) ([]byte, bool) {
	t.Helper()
	m, err := module.Scan(wasm, module.Limits{MemoryPages: 65536, BodyBytes: 8 << 20})
	if err != nil {
		return nil, false
	}
	out, err := fuel.Rewrite(wasm, m, 1<<20)
	if err != nil {
		t.Log(err)
		return nil, false
	}
	return out, true
}

// guestModules are the plugins in C that the repository has.
func guestModules(t testing.TB) [][]byte {
	t.Helper()
	paths, err := filepath.Glob("../../../guests/*/*.wasm")
	if err != nil || len(paths) < 3 {
		t.Fatal(paths, err)
	}
	var list [][]byte
	for _, path := range paths {
		wasm, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, wasm)
	}
	return list
}
