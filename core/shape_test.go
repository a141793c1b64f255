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
