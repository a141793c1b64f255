package core_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// maxFunc is how many lines a function may have: one screen.
const maxFunc = 60

// longFuncs are the functions that may be longer, each with its reason.
var longFuncs = map[string]string{
	"core/vm/exec.go:exec": "one switch over all operations: what is called costs more than what it does",
}

// maxMethods is how many methods a type may have: more than one thing is then done by it.
const maxMethods = 40

// manyMethods are the types that may have more, each with its reason.
var manyMethods = map[string]string{
	"core/btf:Types": "the table of types, of which every question about one is asked",
}

// TestMethods holds that no type does everything.
func TestMethods(t *testing.T) {
	count := map[string]int{}
	for _, file := range goFiles(t) {
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if ast.IsGenerated(f) {
			continue
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv != nil && len(fn.Recv.List) == 1 {
				count[path.Dir(file)+":"+receiver(fn)]++
			}
		}
	}
	for name, n := range count {
		if n > maxMethods && manyMethods[name] == "" {
			t.Errorf("%s has %d methods; a type with more than %d needs a reason", name, n, maxMethods)
		}
	}
	for name := range manyMethods {
		if count[name] <= maxMethods {
			t.Errorf("%s has %d methods and needs no reason", name, count[name])
		}
	}
}

// TestShape holds the habits that a reader relies on: unsafe and system calls behind one fence,
// functions that fit a screen, and a comment on every exported name.
func TestShape(t *testing.T) {
	for _, file := range goFiles(t) {
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, filepath.Join(root, file), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		checkUnsafe(t, file, f)
		if ast.IsGenerated(f) {
			continue
		}
		for _, d := range f.Decls {
			checkDecl(t, fset, file, d)
		}
	}
}

func checkUnsafe(t *testing.T, file string, f *ast.File) {
	t.Helper()
	for _, imp := range f.Imports {
		if imp.Path.Value != `"unsafe"` {
			continue
		}
		dir := path.Dir(file)
		switch {
		case dir == "guests/sdk/go":
		case dir != "internal/sys":
			t.Errorf("%s imports unsafe; only internal/sys and the guest SDK may", file)
		case !strings.HasSuffix(file, "_unsafe.go"):
			t.Errorf("%s imports unsafe, so its name must end in _unsafe.go", file)
		}
	}
}

func checkDecl(t *testing.T, fset *token.FileSet, file string, d ast.Decl) {
	t.Helper()
	switch d := d.(type) {
	case *ast.FuncDecl:
		name := file + ":" + d.Name.Name
		lines := fset.Position(d.End()).Line - fset.Position(d.Pos()).Line + 1
		if lines > maxFunc && longFuncs[name] == "" {
			t.Errorf("%s has %d lines; at most %d fit a screen", name, lines, maxFunc)
		}
		if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) {
			t.Errorf("%s has no comment", name)
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			checkSpec(t, file, d, s)
		}
	}
}

func checkSpec(t *testing.T, file string, d *ast.GenDecl, s ast.Spec) {
	t.Helper()
	switch s := s.(type) {
	case *ast.TypeSpec:
		if s.Name.IsExported() && s.Doc == nil && d.Doc == nil {
			t.Errorf("%s:%s has no comment", file, s.Name.Name)
		}
	case *ast.ValueSpec:
		for _, n := range s.Names {
			if n.IsExported() && s.Doc == nil && s.Comment == nil && d.Doc == nil {
				t.Errorf("%s:%s has no comment", file, n.Name)
			}
		}
	}
}

// exportedReceiver reports whether f is a function or a method of an exported type.
func exportedReceiver(f *ast.FuncDecl) bool {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return true
	}
	return ast.IsExported(receiver(f))
}

// receiver is the name of the type that f is a method of.
func receiver(f *ast.FuncDecl) string {
	typ := f.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if gen, ok := typ.(*ast.IndexExpr); ok {
		typ = gen.X
	}
	if id, ok := typ.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

// crossTests are the names of test files that test no single file, and of those that only help.
var crossTests = map[string]string{
	"bench":       "benchmarks of the package",
	"corpus":      "files of others, also those of BPFHOST_CORPUS",
	"conformance": "instructions held against the kernel",
	"export":      "unexported names for external tests",
	"fixture":     "helpers",
	"fuzz":        "fuzz targets of the package",
	"kernel":      "the package on the running kernel",
	"main":        "TestMain",
	"malformed":   "wrong input by the number of the case",
	"example":     "examples of the package",

	"cmd/bpfhost/script": "the scripts in testdata/script",
	"core/deps":          "the import table",
	"core/shape":         "this test",
	"guests/sdk/module":  "what the SDKs leave in a module",
	"guests/sdk/sdk":     "the SDKs of other languages",
	"host/fake":          "helpers: a run of a guest of Go functions",
	"host/guests":        "the plugins that come with bpfhost",
	"host/wasm":          "helpers: a guest of WebAssembly",

	"host/internal/guest/fake":   "helpers: an instance with a guest of Go functions",
	"host/internal/guest/misuse": "the ABI as a bad guest uses it",
}

// TestTestFiles holds that a test is found by the name of the file that it tests, alone or with an
// aspect after it: text.go has text_test.go and text_llvm_test.go.
func TestTestFiles(t *testing.T) {
	used := map[string]bool{}
	for _, file := range testFiles(t) {
		dir, name := path.Split(strings.TrimSuffix(file, "_test.go"))
		for tested := name; ; {
			cross := crossTests[tested] != "" || crossTests[dir+tested] != ""
			used[tested], used[dir+tested] = true, true
			if found, _ := filepath.Glob(filepath.Join(root, dir, tested+"*.go")); cross || testedBy(found, tested) {
				break
			}
			i := strings.LastIndexByte(tested, '_')
			if i < 0 {
				t.Errorf("%s: there is no file %s.go; name tests after what they test", file, name)
				break
			}
			tested = tested[:i]
		}
	}
	for name := range crossTests {
		if !used[name] {
			t.Errorf("no test file is called %s any more", name)
		}
	}
}

// testedBy reports whether one of the files is NAME.go, or NAME_SUFFIX.go for a platform or for unsafe.
func testedBy(files []string, name string) bool {
	for _, f := range files {
		f = filepath.Base(f)
		if f == name+".go" || strings.HasPrefix(f, name+"_") && !strings.HasSuffix(f, "_test.go") {
			return true
		}
	}
	return false
}
