package core_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/bpfhost/bpfhost/"

// allowed says which of our packages each package may import. It is the layering of
// docs/architecture.md: imports point down. A new edge needs its reason there.
var allowed = map[string][]string{
	"core/elf":                 {"core/asm", "core/btf", "core/spec", "core/internal/pack", "core/elf/internal/object", "core/elf/internal/mapdef", "core/elf/internal/secdef", "internal/wire"},
	"core/elf/elflink":         {"core/asm", "core/btf", "core/spec", "core/elf", "core/elf/internal/object", "core/elf/internal/mapdef"},
	"core/elf/elfwrite":        {"core/asm", "core/btf", "core/spec", "core/elf", "core/elf/internal/object", "core/elf/internal/mapdef", "core/elf/internal/secdef"},
	"core/elf/internal/object": {"internal/wire", "internal/quote"},
	"core/elf/internal/secdef": {"core/spec"},
	"core/elf/internal/mapdef": {"core/btf", "core/spec", "core/elf/internal/object"},

	"abi":                   {},
	"abi/internal/gen":      {"abi"},
	"internal/wire":         {},
	"internal/sys":          {},
	"internal/quote":        {},
	"internal/oneline":      {},
	"internal/nearest":      {},
	"internal/gen":          {},
	"core/asm":              {"internal/quote"},
	"core/asm/cfg":          {"core/asm", "internal/quote"},
	"core/btf":              {"internal/wire", "internal/quote"},
	"core/btf/render":       {"core/btf", "internal/quote"},
	"core/internal/pack":    {"core/asm", "core/btf"},
	"core/spec":             {"core/asm", "core/btf", "core/internal/pack", "internal/quote"},
	"core/spec/opt":         {"core/asm", "core/asm/cfg", "core/spec", "internal/quote"},
	"core/spec/lint":        {"core/asm", "core/asm/cfg", "core/btf", "core/spec", "core/spec/opt", "internal/quote"},
	"internal/testnet":      {"internal/sys"},
	"core/spec/bind":        {"core/asm", "core/btf", "core/spec"},
	"core/vm":               {"core/asm", "core/btf", "core/spec", "core/spec/bind", "core/vm/wasm"},
	"core/vm/wasm":          {"core/asm", "core/asm/cfg"},
	"core/kernel":           {"core/asm", "core/btf", "core/spec", "internal/sys"},
	"core/loader":           {"core/asm", "core/asm/cfg", "core/btf", "core/spec", "core/spec/bind", "core/kernel", "internal/sys", "internal/nearest"},
	"core/link":             {"core/btf", "core/spec", "core/kernel", "core/loader", "internal/sys"},
	"core/ring":             {"core/btf", "core/spec", "core/loader", "internal/sys"},
	"host/policy":           {"core/asm", "core/btf", "core/spec", "host/signature", "internal/nearest", "internal/quote"},
	"host/signature":        {},
	"host/plan":             {"core/btf", "core/spec", "core/spec/lint", "host/policy", "internal/quote", "internal/report"},
	"host/backend":          {"core/spec"},
	"host/internal/sandbox": {"host/internal/budget", "host/internal/sandbox/internal/fuel", "host/internal/sandbox/internal/module", "internal/quote", "internal/oneline"},
	"host/sim":              {"core/btf", "core/spec", "core/vm", "core/vm/wasm", "host/backend", "host/internal/sandbox", "internal/nearest", "internal/pcap", "internal/record"},
	"host": {"abi", "core/btf", "core/spec", "core/elf", "core/kernel", "core/loader", "core/link", "core/ring", "host/backend", "host/plan", "host/policy", "host/signature",
		"host/internal/budget", "host/internal/events", "host/internal/guest", "host/internal/isolate", "host/internal/objectrun", "host/internal/sandbox", "host/internal/tx", "internal/quote", "internal/oneline"},
	"host/internal/objectrun": {"abi", "core/btf", "core/spec", "host/policy", "host/internal/guest",
		"internal/filter", "internal/nearest", "internal/quote", "internal/record", "internal/ringtype", "internal/setvar"},
	"internal/ringtype": {"core/asm", "core/asm/cfg", "core/btf", "core/spec", "core/spec/opt", "internal/nearest"},
	"internal/setvar":   {"core/asm", "core/btf", "core/spec", "internal/nearest", "internal/record"},
	"internal/cover":    {"core/spec"},
	"internal/testcase": {"core/btf", "core/elf", "core/spec", "core/vm", "internal/cover", "internal/nearest", "internal/pcap", "internal/quote", "internal/record", "internal/ringtype", "internal/setvar"},
	"internal/compare":  {"core/asm", "core/btf", "core/spec", "core/vm", "internal/nearest", "internal/record", "internal/ringtype"},
	"core/vm/vmtest":    {"core/elf", "core/vm", "internal/testcase"},
	"internal/record":   {"core/btf", "core/btf/render", "internal/nearest", "internal/quote"},
	"internal/filter":   {"internal/quote", "internal/record"},
	"cmd/bpfhost": {"abi", "core/asm", "core/asm/cfg", "core/btf", "core/btf/render", "core/spec", "core/spec/lint", "core/spec/opt", "core/elf", "core/elf/elflink", "core/kernel", "core/loader", "core/link", "core/ring",
		"internal/sys", "internal/testnet", "internal/quote", "internal/report", "host", "host/backend", "host/plan", "host/sim", "core/vm", "host/policy", "host/signature", "guests", "internal/oneline", "internal/nearest", "internal/testcase", "internal/compare", "internal/cover", "internal/setvar"},
	"guests":               {},
	"guests/sdk/go":        {"abi"},
	"internal/elftest":     {"core/asm", "core/btf", "core/spec", "internal/wire", "internal/testenv"},
	"internal/report":      {"core/btf", "core/spec", "core/spec/lint"},
	"internal/testenv":     {},
	"internal/pcap":        {},
	"internal/randprog":    {"core/asm", "core/btf", "core/spec"},
	"host/internal/agree":  {},
	"internal/kerneltest":  {"internal/sys", "internal/testenv"},
	"internal/lab":         {},
	"internal/lab/cmd/lab": {"internal/lab"},
	"internal/lab/labtest": {"core/btf", "internal/lab", "internal/testenv"},

	"host/internal/sandbox/internal/module": {"internal/quote"},
	"host/internal/sandbox/internal/fuel":   {"host/internal/sandbox/internal/module"},

	"host/internal/backendtest": {"core/asm", "core/btf", "core/spec", "host/backend"},
	"host/internal/guest": {"abi", "core/asm", "core/btf", "core/elf", "core/spec", "host/backend", "host/plan", "host/policy",
		"host/internal/budget", "host/internal/events", "host/internal/isolate", "host/internal/sandbox", "host/internal/tx", "internal/quote"},
	"host/internal/budget":  {"abi", "internal/quote"},
	"host/internal/tx":      {"abi", "core/asm", "core/btf", "core/spec", "host/internal/budget", "host/plan"},
	"host/internal/events":  {"abi", "host/backend", "internal/quote"},
	"host/internal/isolate": {"host/internal/budget", "host/internal/sandbox", "internal/sys", "internal/quote", "internal/oneline"},
}

// thirdParty says who may import what from other modules.
var thirdParty = map[string][]string{
	"github.com/tetratelabs/wazero": {"host/internal/sandbox"},
	"golang.org/x/sys":              {"internal/sys"},
	"github.com/spf13/cobra":        {"cmd/bpfhost"},
	"go.yaml.in/yaml/v3":            {"host/policy", "internal/testcase"},
	"github.com/expr-lang/expr":     {"internal/filter"},
}

// guestImports is what plugins under guests/ may use of ours: the SDK and the pure packages.
var guestImports = []string{"abi", "guests/sdk/go", "guests/sdk/go/", "core/asm", "core/btf", "core/spec"}

func TestImports(t *testing.T) {
	seen := map[string]bool{}
	for dir, imports := range packageImports(t) {
		seen[dir] = true
		for _, imp := range slices.Sorted(maps.Keys(imports)) {
			switch own, ours := strings.CutPrefix(imp, module); {
			case ours:
				checkOwn(t, dir, own, imports[imp])
			case strings.Contains(strings.SplitN(imp, "/", 2)[0], "."):
				checkThirdParty(t, dir, imp, imports[imp])
			}
		}
	}
	for dir := range allowed {
		if !seen[dir] {
			t.Errorf("the table lists %s, which does not exist", dir)
		}
	}
}

func checkOwn(t *testing.T, dir, own, file string) {
	t.Helper()
	if strings.HasPrefix(dir, "guests/") && !strings.HasPrefix(dir, "guests/sdk/") {
		if !slices.ContainsFunc(guestImports, func(g string) bool {
			return own == g || strings.HasSuffix(g, "/") && strings.HasPrefix(own, g)
		}) {
			t.Errorf("%s: a plugin imports %s; it may use the SDK and the pure packages only", file, own)
		}
		return
	}
	if strings.HasPrefix(dir, "guests/sdk/go/") { // parts of the SDK for guests that want more
		if !slices.Contains(guestImports, own) {
			t.Errorf("%s: the SDK imports %s", file, own)
		}
		return
	}
	want, known := allowed[dir]
	switch {
	case !known:
		t.Errorf("%s: package %s is not in the import table", file, dir)
	case !slices.Contains(want, own):
		t.Errorf("%s: %s must not import %s", file, dir, own)
	}
}

func checkThirdParty(t *testing.T, dir, imp, file string) {
	t.Helper()
	for prefix, users := range thirdParty {
		if imp == prefix || strings.HasPrefix(imp, prefix+"/") {
			if !slices.Contains(users, dir) {
				t.Errorf("%s: only %v may import %s", file, users, prefix)
			}
			return
		}
	}
	t.Errorf("%s: module of %s is not among the allowed dependencies", file, imp)
}

// packageImports maps each package folder to its imports and one file that has each. Tests and
// build constraints are left out of account: what any platform imports counts.
func packageImports(t *testing.T) map[string]map[string]string {
	t.Helper()
	out := map[string]map[string]string{}
	for _, file := range goFiles(t) {
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		dir := path.Dir(file)
		if out[dir] == nil {
			out[dir] = map[string]string{}
		}
		for _, imp := range f.Imports {
			name, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			out[dir][name] = file
		}
	}
	return out
}

// root is the top of the repository, seen from this package's folder.
const root = ".."

// goFiles lists the Go files of this module that are not tests, as slash paths from root.
func goFiles(t *testing.T) []string {
	return slices.DeleteFunc(allFiles(t), func(f string) bool { return strings.HasSuffix(f, "_test.go") })
}

// testFiles lists the tests of the module.
func testFiles(t *testing.T) []string {
	return slices.DeleteFunc(allFiles(t), func(f string) bool { return !strings.HasSuffix(f, "_test.go") })
}

func allFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		if d.IsDir() && rel != "." {
			if _, err := os.Stat(filepath.Join(p, "go.mod")); err == nil || d.Name() == "testdata" || d.Name()[0] == '.' {
				return fs.SkipDir // another module, or no code of ours
			}
		}
		if !d.IsDir() && strings.HasSuffix(rel, ".go") {
			files = append(files, filepath.ToSlash(rel))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
