package lab

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/btf/render"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// facts reads what is known of a kernel. Where it was not collected, that is done if the lab is
// required, otherwise the test skips.
func facts(t testing.TB, kernel string) *FactSet {
	t.Helper()
	f, err := Facts(kernel)
	if errors.Is(err, ErrNoFacts) && testenv.Required(testenv.Lab) {
		k, _ := Find(kernel)
		f, err = Store{}.CollectFacts(t.Context(), k)
	}
	if err != nil {
		testenv.Skip(t, testenv.Lab, err.Error())
	}
	return f
}

// needBpftool skips without bpftool.
func needBpftool(t *testing.T) string {
	t.Helper()
	tool, err := exec.LookPath("bpftool")
	if err != nil {
		testenv.Skip(t, testenv.Clang, "bpftool: "+err.Error())
	}
	return tool
}

// someModules writes the types of n modules of a kernel into files: some from everywhere in the
// list of all that have types.
func someModules(t *testing.T, f *FactSet, n int) []string {
	t.Helper()
	all, err := moduleFiles(f.Modules)
	if err != nil {
		t.Fatal(err)
	}
	names, dir := slices.Sorted(maps.Keys(all)), t.TempDir()
	var files []string
	for i := 0; i < len(names) && len(files) < n; i++ {
		if i < len(files)*len(names)/n { // not yet the next part of the list
			continue
		}
		b, err := moduleTypes(all[names[i]])
		if err != nil {
			t.Fatal(err)
		}
		if len(b) <= 24 { // a header and no types, or no BTF at all
			continue
		}
		files = append(files, filepath.Join(dir, names[i]))
		if err := os.WriteFile(files[len(files)-1], b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if len(files) < n {
		t.Fatalf("kernel %s has %d modules with types, want %d", f.Kernel.Name, len(files), n)
	}
	return files
}

// TestDumpBpftool holds the raw dump of each kernel and of ten of its modules against that of
// bpftool, and the JSON of the modules. The two are equal to the byte: nothing has to be normalised
// but the order of the fields in JSON.
func TestDumpBpftool(t *testing.T) {
	tool := needBpftool(t)
	for _, k := range Kernels {
		t.Run(k.Name, func(t *testing.T) {
			f := facts(t, k.Name)
			vmlinux := parse(t, f.VmlinuxBTF, nil)
			compareRaw(t, vmlinux, tool, "btf", "dump", "file", f.VmlinuxBTF, "format", "raw")
			if f.ModuleBTF == "" {
				return // before 5.11
			}
			for _, file := range someModules(t, f, 10) {
				m := parse(t, file, vmlinux)
				if err := m.Validate(); err != nil {
					t.Errorf("%s: %v", filepath.Base(file), err)
				}
				compareRaw(t, m, tool, "-B", f.VmlinuxBTF, "btf", "dump", "file", file, "format", "raw")
				compareJSON(t, m, tool, "-j", "-B", f.VmlinuxBTF, "btf", "dump", "file", file)
			}
		})
	}
}

func compareRaw(t *testing.T, types *btf.Types, tool string, args ...string) {
	t.Helper()
	var got []byte
	for id := types.First(); int(id) < types.Len(); id++ {
		var err error
		if got, err = types.AppendRaw(got, id); err != nil {
			t.Fatal(err)
		}
	}
	want, err := exec.Command(tool, args...).Output()
	if err != nil {
		t.Fatalf("bpftool %v: %v", args, err)
	}
	if len(want) == 0 {
		t.Fatalf("bpftool %v says nothing", args)
	}
	g, w := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range min(len(g), len(w)) {
		if !bytes.Equal(g[i], w[i]) {
			t.Errorf("bpftool %v: line %d:\n got %s\nwant %s", args, i+1, g[i], w[i])
			return
		}
	}
	if len(g) != len(w) {
		t.Errorf("bpftool %v: %d lines, want %d", args, len(g), len(w))
	}
}

func compareJSON(t *testing.T, types *btf.Types, tool string, args ...string) {
	t.Helper()
	text, err := render.JSON(nil, types, nil)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := exec.Command(tool, args...).Output()
	if err != nil {
		t.Fatalf("bpftool %v: %v", args, err)
	}
	var got, want struct{ Types []map[string]any }
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(theirs, &want); err != nil {
		t.Fatal(err)
	}
	for i := range min(len(got.Types), len(want.Types)) {
		if !reflect.DeepEqual(got.Types[i], want.Types[i]) {
			t.Errorf("bpftool %v: type %d:\n got %v\nwant %v", args, i, got.Types[i], want.Types[i])
			return
		}
	}
	if len(got.Types) != len(want.Types) || len(want.Types) == 0 {
		t.Errorf("bpftool %v: %d types, want %d", args, len(got.Types), len(want.Types))
	}
}

// allTypes reads the types of a kernel and of all of its modules.
func allTypes(t testing.TB) (vmlinux []byte, modules [][]byte) {
	t.Helper()
	f := facts(t, "6.1") // its modules are not compressed
	vmlinux, err := os.ReadFile(f.VmlinuxBTF)
	if err != nil {
		t.Fatal(err)
	}
	files, err := moduleFiles(f.Modules)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		b, err := moduleTypes(files[name])
		if err != nil {
			t.Fatal(err)
		}
		if b != nil {
			modules = append(modules, b)
		}
	}
	if len(modules) < 1000 {
		t.Fatalf("only %d modules", len(modules))
	}
	return vmlinux, modules
}

// openAll opens a kernel with its modules and looks one name up in each.
func openAll(vmlinux []byte, modules [][]byte) ([]*btf.Types, error) {
	base, err := btf.Parse(vmlinux, btf.Options{})
	if err != nil {
		return nil, err
	}
	all := []*btf.Types{base}
	for _, b := range modules {
		m, err := btf.Parse(b, btf.Options{Base: base})
		if err != nil {
			return nil, err
		}
		_, _ = m.FindOwn("no_such_function", btf.KindFunc)
		all = append(all, m)
	}
	return all, nil
}

// TestB21 is case B21: a kernel with the types of all modules of a distribution, in 64 MiB.
// BenchmarkB21 has the time.
func TestB21(t *testing.T) {
	vmlinux, modules := allTypes(t)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	all, err := openAll(vmlinux, modules)
	runtime.ReadMemStats(&after)
	if err != nil {
		t.Fatal(err)
	}
	own, input := after.TotalAlloc-before.TotalAlloc, uint64(len(vmlinux))
	for _, b := range modules {
		input += uint64(len(b))
	}
	t.Logf("%d modules: %d KiB of input, %d KiB allocated beside it", len(modules), input>>10, own>>10)
	if own+input > 64<<20 {
		t.Error("want at most 64 MiB")
	}
	for i, m := range all {
		if err := m.Validate(); err != nil {
			t.Errorf("module %d: %v", i, err)
		}
	}
}

func BenchmarkB21(b *testing.B) {
	vmlinux, modules := allTypes(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := openAll(vmlinux, modules); err != nil {
			b.Fatal(err)
		}
	}
}
