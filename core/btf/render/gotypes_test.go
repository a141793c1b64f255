package render

import (
	"bytes"
	"fmt"
	"go/format"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/internal/lab/labtest"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// goVet compiles Go source, and with it the assertions.
func goVet(t *testing.T, src []byte) {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "go.mod", []byte("module types\n\ngo 1.26\n"))
	write(t, dir, "types.go", src)
	tool, err := exec.LookPath("go")
	if err != nil {
		testenv.Skip(t, testenv.Guests, err.Error())
	}
	cmd := exec.Command(tool, "build", "-o", filepath.Join(dir, "out"), ".")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%.3000s", err, out)
	}
}

func TestGoGolden(t *testing.T) {
	for name, types := range map[string]*btf.Types{"kinds.go.golden": fixture(t), "odd.go.golden": odd(t)} {
		got, err := Go(nil, types, GoOptions{})
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name, got)
		goVet(t, got)
	}
}

// gofmt sees that source is formatted.
func gofmt(t *testing.T, src []byte) {
	t.Helper()
	want, err := format.Source(src)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(src, want) {
		t.Errorf("not as gofmt has it: %s", firstDifference(src, want))
	}
}

// TestGoFormat holds what is written against gofmt, for the types of the fixtures and of kernels.
func TestGoFormat(t *testing.T) {
	tables := map[string]*btf.Types{"fixture": fixture(t), "odd": odd(t)}
	for name, file := range kernels(t) {
		tables[name] = labtest.Open(t, file, nil)
	}
	for name, types := range tables {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Go(nil, types, GoOptions{})
			if err != nil {
				t.Fatal(err)
			}
			gofmt(t, got)
		})
	}
}

func TestGoPackage(t *testing.T) {
	for name, want := range map[string]string{"": "types", "kernel": "kernel", "type": "type_", "_": "__", "9p-fs": "_9p_fs", "int": "int_"} {
		got, err := Go(nil, fixture(t), GoOptions{Package: name})
		if err != nil || !bytes.Contains(got, []byte("\npackage "+want+"\n")) {
			t.Errorf("%q: %v, %.200s", name, err, got)
		}
		gofmt(t, got)
	}
}

// TestGoKernel compiles large types of this kernel.
func TestGoKernel(t *testing.T) {
	types := vmlinux(t)
	var roots []btf.ID
	for _, name := range []string{"task_struct", "sk_buff", "tcp_sock", "inode", "net_device", "bpf_prog", "iphdr", "tcphdr"} {
		id, err := types.Find(name, btf.KindStruct)
		if err != nil {
			t.Fatal(err)
		}
		roots = append(roots, id)
	}
	got, err := Go(nil, types, GoOptions{Roots: roots, Package: "kernel"})
	if err != nil {
		t.Fatal(err)
	}
	goVet(t, got)
}

// TestGoBits runs the methods of bit-fields, unions and packed members.
func TestGoBits(t *testing.T) {
	src, err := Go(nil, fixture(t), GoOptions{Package: "main"})
	if err != nil {
		t.Fatal(err)
	}
	tool, err := exec.LookPath("go")
	if err != nil {
		testenv.Skip(t, testenv.Guests, err.Error())
	}
	dir := t.TempDir()
	write(t, dir, "go.mod", []byte("module types\n\ngo 1.26\n"))
	write(t, dir, "types.go", src)
	write(t, dir, "main.go", []byte(`package main

import "fmt"

func main() {
	var t TaskLocal
	t.SetFlags(5)
	t.SetMore(300)
	t.SetSign(-7)
	fmt.Println(t.Flags(), t.More(), t.Sign(), t.bits4)
	*t.Anon8.Anon0.Cookie() = 0x4142
	fmt.Println(string(t.Anon8.Anon0.Name()[:2]))
	var p Packed
	p.SetI(-2)
	fmt.Println(p.I(), p.rawI)
}
`))
	cmd := exec.Command(tool, "run", ".")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	// flags take bits 0 to 2, more 3 to 11, sign 12 to 16
	if want := "5 300 -7 [101 153 1]\nBA\n-2 [254 255 255 255]\n"; err != nil || string(out) != want {
		t.Errorf("got %s, %v; want %s", out, err, want)
	}
}

// layoutMain prints the layout of types as Go has it: name, offset and size of every field, and the
// size of the whole.
const layoutMain = `package main

import (
	"fmt"
	"reflect"
)

func main() {
	for _, v := range values {
		t := reflect.TypeOf(v)
		for i := range t.NumField() {
			f := t.Field(i)
			fmt.Println(t.Name(), f.Name, f.Offset, f.Type.Size())
		}
		fmt.Println(t.Name(), t.Size())
	}
}

var values = []any{
`

// TestGoLayout asks Go for sizes and offsets of the types of this kernel, and holds them against
// those of the C types.
func TestGoLayout(t *testing.T) {
	types := vmlinux(t)
	tool, err := exec.LookPath("go")
	if err != nil {
		testenv.Skip(t, testenv.Guests, err.Error())
	}
	var roots []btf.ID
	want := map[string]bool{}
	main := layoutMain
	for id, k := range types.Kinds() {
		name := types.Name(id)
		if k != btf.KindStruct || name == "" || id%40 != 0 || len(types.FindAll(name)) > 1 {
			continue
		}
		typ, err := types.Type(id)
		if err != nil {
			t.Fatal(err)
		}
		s := typ.(*btf.Struct)
		roots = append(roots, id)
		main += goName(name) + "{},\n"
		want[fmt.Sprintf("%s %d", goName(name), s.Size)] = true
		for _, m := range s.Members {
			if size, _ := types.Size(m.Type); m.Name != "" && m.BitSize == 0 && size > 0 {
				want[fmt.Sprintf("%s %s %d %d", goName(name), goName(m.Name), m.Offset/8, size)] = true
			}
		}
	}
	src, err := Go(nil, types, GoOptions{Package: "main", Roots: roots})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, dir, "go.mod", []byte("module types\n\ngo 1.26\n"))
	write(t, dir, "types.go", src)
	write(t, dir, "main.go", []byte(main+"}\n"))
	cmd := exec.Command(tool, "run", ".")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%.3000s", err, out)
	}
	got := map[string]bool{}
	for _, line := range strings.Split(string(out), "\n") {
		got[line] = true
	}
	for line := range want {
		raw := strings.Replace(line, " ", " raw", 1) // Go would align it
		if !got[line] && !got[raw] {
			t.Errorf("Go does not have %s", line)
		}
	}
	if len(roots) < 20 {
		t.Errorf("only %d structs", len(roots))
	}
	t.Logf("%d structs, %d lines", len(roots), len(want))
}
