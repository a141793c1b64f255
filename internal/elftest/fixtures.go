package elftest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// Objects returns the names of the object files in a folder.
func Objects(t testing.TB, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.o"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no objects: %v", err)
	}
	return names
}

// ReadFile returns what is in a file.
func ReadFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Section returns the section of that name.
func (f *File) Section(name string) *Section {
	for i := range f.Sections {
		if f.Sections[i].Name == name {
			return &f.Sections[i]
		}
	}
	panic("no section " + name)
}

// Symbol returns the symbol of that name.
func (f *File) Symbol(name string) *Symbol {
	for i := range f.Symbols {
		if f.Symbols[i].Name == name {
			return &f.Symbols[i]
		}
	}
	panic("no symbol " + name)
}

// Declaring assembles an object and makes a declaration of the only thing in a section, which stays
// as an empty one of that name.
func Declaring(t testing.TB, text, name, section, empty string) []byte {
	t.Helper()
	f, err := Assemble(text)
	if err != nil {
		t.Fatal(err)
	}
	*f.Symbol(name) = Symbol{Name: name, Bind: Global}
	types, err := btf.Parse(f.Section(".BTF").Data, btf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var b btf.Builder
	for _, typ := range types.All() {
		switch typ := typ.(type) {
		case *btf.Var:
			typ.Linkage = btf.LinkExtern
		case *btf.Datasec:
			typ.Size = 0
		}
		b.Add(typ)
	}
	if f.Section(".BTF").Data, err = b.Bytes(); err != nil {
		t.Fatal(err)
	}
	*f.Section(section) = Section{Name: empty, Align: 8}
	return f.Bytes()
}

// LoadWithBpftool loads all programs of an object, and unloads them again.
func LoadWithBpftool(t testing.TB, object []byte) {
	t.Helper()
	tool, err := exec.LookPath("bpftool")
	if err != nil {
		testenv.Skip(t, testenv.Clang, err.Error())
	}
	dir := t.TempDir()
	fs := filepath.Join(dir, "bpf")
	file := filepath.Join(dir, "o.o")
	if err := errors.Join(os.Mkdir(fs, 0o700), os.WriteFile(file, object, 0o600)); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", "bpf", "bpf", fs).CombinedOutput(); err != nil {
		testenv.Skip(t, testenv.Kernel, "mount bpffs: "+string(out))
	}
	defer exec.Command("umount", fs).Run()
	if out, err := exec.Command(tool, "-d", "prog", "loadall", file, filepath.Join(fs, "all")).CombinedOutput(); err != nil {
		t.Errorf("bpftool: %v\n%s", err, out)
	}
}
