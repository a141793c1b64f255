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
var longFuncs = map[string]string{}

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
	typ := f.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if gen, ok := typ.(*ast.IndexExpr); ok {
		typ = gen.X
	}
	id, ok := typ.(*ast.Ident)
	return ok && id.IsExported()
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
	"host/fake":          "helpers: a guest of Go functions",
	"host/guests":        "the plugins that come with bpfhost",
	"host/misuse":        "the ABI as a bad guest uses it",
	"host/wasm":          "helpers: a guest of WebAssembly",
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
