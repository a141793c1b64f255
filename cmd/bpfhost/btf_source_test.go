package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/internal/elftest"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// TestOpenDistilled opens a module that was built apart from its kernel: its types go on from a
// small base of their own, and with --base from a kernel's.
func TestOpenDistilled(t *testing.T) {
	dir := t.TempDir()
	put := func(name string, b []byte) string {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	kernel := btf.Builder{}
	kernel.Add(&btf.Int{Name: "unused", Size: 8})
	number := kernel.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned})
	device := kernel.Add(&btf.Struct{Name: "device", Size: 8, Members: []btf.Member{{Name: "id", Type: number}}})
	base, err := kernel.Types()
	if err != nil {
		t.Fatal(err)
	}
	module := btf.Builder{Base: base}
	module.Add(&btf.Struct{Name: "private", Size: 16, Members: []btf.Member{{Name: "dev", Type: device}, {Name: "n", Type: number, Offset: 64}}})
	whole, err := module.Types()
	if err != nil {
		t.Fatal(err)
	}
	small, split, err := whole.Distill()
	if err != nil {
		t.Fatal(err)
	}
	file := put("private.ko", (&elftest.File{Machine: 62, Sections: []elftest.Section{
		{Name: ".BTF", Data: split.Bytes()}, {Name: ".BTF.base", Data: small.Bytes()},
	}}).Bytes())
	s := app{}.sources()
	defer s.close()
	for base, path := range map[string]string{"": "", put("kernel.btf", base.Bytes()): "dev.id"} {
		got, err := s.open(file, base)
		if err != nil {
			t.Fatal(err)
		}
		id, err := got.FindOwn("private", btf.KindStruct)
		if err != nil {
			t.Fatal(err)
		}
		if path == "" {
			path = "dev" // the small base has no members
		}
		if f, err := got.Path(id, path); err != nil || f.Offset != 0 {
			t.Errorf("base %q: %s is %+v, %v", base, path, f, err)
		}
	}
	other := btf.Builder{}
	other.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned})
	none, err := other.Types()
	if err != nil {
		t.Fatal(err)
	}
	name := put("other.btf", none.Bytes())
	if _, err := s.open(file, name); err == nil || !strings.Contains(err.Error(), "base does not match") || !strings.Contains(err.Error(), name) {
		t.Errorf("a kernel without the types: %v", err)
	}
}

// TestModuleSources names modules of the running kernel, which the lab has.
func TestModuleSources(t *testing.T) {
	testenv.NeedKernel(t, "5.11", "types of modules")
	k := kernel.New(kernel.Options{})
	defer k.Close()
	if _, err := k.ModuleTypes("veth"); err != nil {
		testenv.Refused(t, "a module", err)
	}
	for _, c := range []struct {
		args     string
		exit     int
		out, err string // expressions
	}{
		{"list", 0, `(?m)^NAME +TYPES +BYTES\n(.*\n)*veth +[1-9][0-9,]* +[1-9][0-9,]+$`, "^$"},
		{"list --all", 0, `(?m)^[0-9]+ +veth +[1-9]`, "^$"},
		{"dump veth --root veth_priv", 0, `(?m)^struct veth_priv \{$`, "^$"},
		{"dump vmlinux veth --root task_struct --root veth_priv", 0, `(?m)^struct task_struct \{\n(.*\n)*struct veth_priv \{$`, "^$"},
		{"find veth_priv veth --type struct", 0, `(?m)^\d+ +struct +\d+ +veth_priv$`, "^$"},
		{"find task_struct veth --type struct", 1, "^$", `not found, did you mean "struct task_struct"`}, // only its own types are searched
		{"diff veth veth", 0, "^$", "^$"},
		{"dump vethh", 10, "^$", `^bpfhost: read vethh: no such file or directory, did you mean "veth"\?\n$`},
	} {
		var out, errs bytes.Buffer
		exit := execute(t.Context(), append([]string{"btf"}, strings.Fields(c.args)...), app{in: strings.NewReader(""), out: &out, err: &errs})
		if exit != c.exit || !regexp.MustCompile(c.out).Match(out.Bytes()) || !regexp.MustCompile(c.err).Match(errs.Bytes()) {
			t.Errorf("btf %s: exit code %d\n%.2000s\n%s", c.args, exit, out.String(), errs.String())
		}
	}
}

func TestMergeSources(t *testing.T) {
	table := func(base *btf.Types, name string) *btf.Types {
		t.Helper()
		b := btf.Builder{Base: base}
		b.Add(&btf.Struct{Name: name, Size: 4})
		types, err := b.Types()
		if err != nil {
			t.Fatal(err)
		}
		return types
	}
	base, other := table(nil, "base"), table(nil, "other")
	a, b := table(base, "a"), table(base, "b")
	for _, c := range []struct {
		name         string
		whole, split []*btf.Types
		first        btf.ID // 0 is an error
		names        string
	}{
		{"a kernel and modules", []*btf.Types{base}, []*btf.Types{a, b, a}, 1, "base a b"},
		{"modules", nil, []*btf.Types{a, b}, 2, "a b"},
		{"objects", []*btf.Types{other, base}, nil, 1, "other base"},
		{"another kernel", []*btf.Types{other}, []*btf.Types{a}, 0, ""},
		{"two kernels", []*btf.Types{base, other}, []*btf.Types{a}, 0, ""},
		{"modules of two kernels", nil, []*btf.Types{a, table(other, "c")}, 0, ""},
	} {
		got, err := merge(c.whole, c.split)
		if c.first == 0 {
			if !errors.Is(err, btf.ErrBase) {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if err != nil || got.First() != c.first {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var names []string
		for id := range got.Kinds() {
			names = append(names, got.Name(id))
		}
		if s := strings.Join(names, " "); s != c.names {
			t.Errorf("%s: %s, want %s", c.name, s, c.names)
		}
	}
}
