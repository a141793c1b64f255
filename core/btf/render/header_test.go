package render

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/internal/lab"
	"github.com/bpfhost/bpfhost/internal/lab/labtest"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

var update = flag.Bool("update", false, "write golden files")

// golden compares with a file of testdata, or writes it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs:\n%s", file, firstDifference(got, want))
	}
}

func firstDifference(got, want []byte) string {
	g, w := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d\n got %s\nwant %s", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}

// fixture opens the types of core/btf/testdata/kinds.c.
func fixture(t testing.TB) *btf.Types { return labtest.Open(t, "../testdata/kinds.btf", nil) }

const vmlinuxPath = "/sys/kernel/btf/vmlinux"

func vmlinux(t testing.TB) *btf.Types {
	t.Helper()
	if _, err := os.Stat(vmlinuxPath); err != nil {
		testenv.Skip(t, testenv.Kernel, err.Error())
	}
	return labtest.Open(t, vmlinuxPath, nil)
}

// kernels returns the types of this machine's kernel and of those of the lab, as far as they are
// there.
func kernels(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	if _, err := os.Stat(vmlinuxPath); err == nil {
		files["here"] = vmlinuxPath
	}
	for _, k := range lab.Kernels {
		f, err := lab.Facts(k.Name)
		if err != nil && testenv.Required(testenv.Lab) {
			t.Fatal(err)
		}
		if err == nil {
			files[k.Name] = f.VmlinuxBTF
		}
	}
	if len(files) == 0 {
		testenv.Skip(t, testenv.Kernel, "no kernel's BTF is here")
	}
	return files
}

// compile runs clang on C for BPF and fails the test with its diagnostics.
func compile(t *testing.T, dir, src string, flags ...string) {
	t.Helper()
	clang, err := exec.LookPath("clang-19")
	if err != nil {
		testenv.Skip(t, testenv.Clang, err.Error())
	}
	args := append([]string{"-target", "bpf", "-Wall", "-Werror", "-c", "-o", filepath.Join(dir, "out.o"), "-x", "c"}, flags...)
	out, err := exec.Command(clang, append(args, src)...).CombinedOutput()
	if err != nil {
		t.Fatalf("clang: %v\n%.2000s", err, out)
	}
}

// write makes a file and returns its path.
func write(t *testing.T, dir, name string, b []byte) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestHeaderKernels compiles the header of every kernel, with the size of every struct and the
// offset of every member asserted.
func TestHeaderKernels(t *testing.T) {
	for name, file := range kernels(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			types := labtest.Open(t, file, nil)
			got, err := Header(nil, types, HeaderOptions{Asserts: true})
			if err != nil {
				t.Fatal(err)
			}
			if n := bytes.Count(got, []byte("_Static_assert(sizeof")); n < 2000 {
				t.Errorf("only %d structs", n)
			}
			if bytes.Contains(got, []byte("C has no such layout")) {
				t.Error("C laid out this kernel, so it can")
			}
			dir := t.TempDir()
			compile(t, dir, write(t, dir, "vmlinux.h", got), "-g", "-fsyntax-only")
		})
	}
}

// TestHeaderBpftool compares sizes and offsets with those of bpftool's header: both headers are
// compiled into tables of numbers. The bpftool of 2022 has some wrong, because it does not know
// enums of one byte; ours must all be right.
func TestHeaderBpftool(t *testing.T) {
	bpftool, err := exec.LookPath("bpftool")
	if err != nil {
		testenv.Skip(t, testenv.Clang, "bpftool: "+err.Error())
	}
	for name, file := range kernels(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			types := labtest.Open(t, file, nil)
			ours, err := Header(nil, types, HeaderOptions{})
			if err != nil {
				t.Fatal(err)
			}
			theirs, err := exec.Command(bpftool, "btf", "dump", "file", file, "format", "c").Output()
			if err != nil {
				t.Fatal(err)
			}
			table, want := layoutTable(types)
			a, b := dataOf(t, append(ours, table...)), dataOf(t, append(theirs, table...))
			if len(want) < 1000 || len(a) != 8*len(want) || len(b) != len(a) {
				t.Fatalf("%d numbers to compare, %d and %d bytes", len(want), len(a), len(b))
			}
			differ := 0
			for i, w := range want {
				if got := binary.LittleEndian.Uint64(a[8*i:]); got != w.n {
					t.Errorf("%s is %d, want %d", w.expr, got, w.n)
				}
				if binary.LittleEndian.Uint64(b[8*i:]) != w.n {
					differ++
				}
			}
			if differ > len(want)/10 {
				t.Errorf("bpftool has %d of %d numbers different", differ, len(want))
			}
		})
	}
}

// layoutTable is C that holds the sizes and offsets of 1,000 structs whose names are unique, and
// the numbers as BTF has them.
func layoutTable(types *btf.Types) (string, []layoutNumber) {
	var b strings.Builder
	b.WriteString("unsigned long long layout[] = {\n")
	var want []layoutNumber
	add := func(expr string, n uint32) {
		want = append(want, layoutNumber{expr, uint64(n)})
		b.WriteString(expr + ",\n")
	}
	n := 0
	for _, typ := range types.All() {
		s, ok := typ.(*btf.Struct)
		if !ok || s.Union || s.Name == "" || len(types.FindAll(s.Name)) != 1 || n == 1000 || microsoft(types, s, 0) {
			continue
		}
		n++
		add("sizeof(struct "+s.Name+")", s.Size)
		for _, m := range s.Members {
			if m.Name != "" && m.BitSize == 0 {
				add("__builtin_offsetof(struct "+s.Name+", "+m.Name+")", m.Offset/8)
			}
		}
	}
	b.WriteString("};\n")
	return b.String(), want
}

// layoutNumber is a size or offset as a C expression and as a number.
type layoutNumber struct {
	expr string
	n    uint64
}

// microsoft says whether a struct embeds another by -fms-extensions, which bpftool of 2022 writes
// as nothing.
func microsoft(types *btf.Types, s *btf.Struct, level int) bool {
	for _, m := range s.Members {
		typ, _ := types.Type(types.Strip(m.Type))
		if inner, ok := typ.(*btf.Struct); ok && level < 8 &&
			(m.Name == "" && inner.Name != "" || microsoft(types, inner, level+1)) {
			return true
		}
	}
	return false
}

// dataOf compiles C and returns its data section.
func dataOf(t *testing.T, src []byte) []byte {
	t.Helper()
	dir := t.TempDir()
	compile(t, dir, write(t, dir, "x.c", src), "-w", "-DBPF_NO_PRESERVE_ACCESS_INDEX")
	f, err := elf.Open(filepath.Join(dir, "out.o"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := f.Section(".data").Data()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestHeaderModule writes the types of a module and what they need of the kernel.
func TestHeaderModule(t *testing.T) {
	for _, kernel := range []string{"6.1", "6.12", "7.x"} {
		t.Run(kernel, func(t *testing.T) {
			got, err := Header(nil, labtest.ModuleTypes(t, kernel), HeaderOptions{Asserts: true})
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			compile(t, dir, write(t, dir, "module.h", got), "-g", "-fsyntax-only")
		})
	}
}

func header2(t *testing.T, types *btf.Types, o HeaderOptions) []byte {
	t.Helper()
	got, err := Header(nil, types, o)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Header([]byte("x"), types, o)
	if err != nil || string(again) != "x"+string(got) {
		t.Errorf("the second time it is different: %v", err)
	}
	return got
}

func TestHeaderGolden(t *testing.T) {
	got := header2(t, fixture(t), HeaderOptions{Asserts: true})
	golden(t, "kinds.h", got)
	golden(t, "odd.h", header2(t, odd(t), HeaderOptions{Asserts: true}))
	dir := t.TempDir()
	for _, std := range []string{"gnu11", "gnu17", "gnu23"} {
		compile(t, dir, "testdata/kinds.h", "-std="+std, "-g")
		compile(t, dir, "testdata/odd.h", "-std="+std, "-g")
	}
}

// odd are types that C does not lay out by itself.
func odd(t testing.TB) *btf.Types {
	t.Helper()
	var b btf.Builder
	i32 := b.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned})
	u64 := b.Add(&btf.Int{Name: "unsigned long", Size: 8})
	i8 := b.Add(&btf.Int{Name: "char", Size: 1, Encoding: btf.IntSigned})
	long32 := b.Add(&btf.Int{Name: "long", Size: 4, Encoding: btf.IntSigned})
	rust := b.Add(&btf.Int{Name: "u128", Size: 16})
	bit3 := b.Add(&btf.Int{Name: "unsigned int", Size: 4, Bits: 3, Offset: 5})
	x87 := b.Add(&btf.Float{Name: "long double", Size: 16})
	half := b.Add(&btf.Float{Name: "_Float16", Size: 2})
	m := func(name string, typ btf.ID, offset uint32) btf.Member {
		return btf.Member{Name: name, Type: typ, Offset: offset}
	}
	bits := func(name string, typ btf.ID, offset, n uint32) btf.Member {
		return btf.Member{Name: name, Type: typ, Offset: offset, BitSize: n}
	}
	s := func(name string, size uint32, members ...btf.Member) btf.ID {
		return b.Add(&btf.Struct{Name: name, Size: size, Members: members})
	}
	s("gap", 64, m("a", i8, 0), m("b", i32, 96), m("c", u64, 384))
	s("wide_gap", 4096, m("a", i8, 0), m("b", i8, 8*4000))
	s("nothing", 24)
	s("empty", 0)
	s("bits", 8, bits("a", i32, 0, 3), bits("b", i32, 7, 2), bits("c", i32, 30, 2), bits("d", i32, 33, 31))
	s("crossing", 8, bits("a", i32, 0, 30), bits("b", i32, 30, 10), m("c", i8, 56))
	s("old_bits", 8, m("a", bit3, 0), m("b", i32, 32))
	packed := s("packed", 13, m("a", u64, 0), m("b", i32, 64), m("c", i8, 96))
	s("holds_packed", 16, m("c", i8, 0), m("p", packed, 8))
	s("overlap", 8, m("tag", i32, 0), m("view", u64, 0))
	s("numbers", 64, m("a", x87, 0), m("b", half, 128), m("c", rust, 256), m("d", long32, 384))
	s("foo", 4, m("x", i32, 0))
	s("foo", 8, m("y", u64, 0))
	fwd := b.Add(&btf.Fwd{Name: "foo"})
	fwdPtr := b.Add(&btf.Pointer{Type: fwd})
	b.Add(&btf.Struct{Name: "foo", Union: true, Size: 8, Members: []btf.Member{m("p", fwdPtr, 0)}})
	b.Add(&btf.Struct{Name: "large_union", Union: true, Size: 24, Members: []btf.Member{m("a", i32, 0), m("b", i8, 0)}})
	b.Add(&btf.Struct{Name: "packed_union", Union: true, Size: 9, Members: []btf.Member{m("a", u64, 0)}})
	s("core::option::Option<u32>", 4, m("__0", i32, 0))
	s("words", 8, m("register", i32, 0), m("0", i32, 32))
	list := b.Add(&btf.Struct{Name: "inner", Size: 8, Members: []btf.Member{m("next", u64, 0)}})
	s("ms_extension", 16, m("", list, 0), m("after", u64, 64))
	self := b.Add(&btf.Struct{Name: "self", Size: 8})
	selfArray := b.Add(&btf.Array{Type: self, Index: i32, Count: 4})
	selfPtr := b.Add(&btf.Pointer{Type: selfArray})
	b.Add(&btf.Struct{Name: "cycle_by_array", Size: 8, Members: []btf.Member{m("p", selfPtr, 0)}})
	b.Add(&btf.Enum{Name: "small", Size: 1, Values: []btf.Enumerator{{Name: "ONE", Value: 1}}})
	b.Add(&btf.Enum{Name: "mid", Size: 2, Signed: true, Values: []btf.Enumerator{{Name: "MINUS", Value: 1<<64 - 1}}})
	b.Add(&btf.Enum{Name: "wide", Size: 8, Wide: true, Values: []btf.Enumerator{{Name: "ONE", Value: 1}}})
	b.Add(&btf.Enum{Name: "widest", Size: 8, Wide: true, Signed: true, Values: []btf.Enumerator{{Name: "LOW", Value: 1 << 63}}})
	b.Add(&btf.Enum{Size: 4, Values: []btf.Enumerator{{Name: "false"}, {Name: "true", Value: 1}}})
	b.Add(&btf.Enum{Name: "later", Size: 4})
	user := b.Add(&btf.TypeTag{Tag: "user", Type: i32})
	userPtr := b.Add(&btf.Pointer{Type: user})
	b.Add(&btf.Typedef{Name: "user_int", Type: userPtr})
	b.Add(&btf.Typedef{Name: "bool", Type: b.Add(&btf.Int{Name: "_Bool", Size: 1, Encoding: btf.IntBool})})
	proto := b.Add(&btf.FuncProto{Return: userPtr, Params: []btf.Param{{Name: "a", Type: fwdPtr}, {}}})
	b.Add(&btf.Typedef{Name: "ONE", Type: b.Add(&btf.Pointer{Type: proto})})
	unnamed := b.Add(&btf.Struct{Size: 4, Members: []btf.Member{m("q", i32, 0)}})
	args := b.Add(&btf.FuncProto{Params: []btf.Param{{Type: b.Add(&btf.Pointer{Type: unnamed})}, {Type: unnamed}}})
	b.Add(&btf.Typedef{Name: "unnamed_args", Type: args})
	enumPtr := b.Add(&btf.Pointer{Type: b.Add(&btf.Enum{Name: "declared_enum"})})
	s("declares", 8, m("p", enumPtr, 0))
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	return types
}

// framed puts around definitions what a header has around them.
func framed(body string) string {
	if strings.Contains(body, "struct ") {
		body = recordsTop + body + recordsEnd
	}
	return headerTop + body + headerEnd
}

func TestHeaderRoots(t *testing.T) {
	types := fixture(t)
	for root, want := range map[string]string{
		"inner":      "struct inner {\n\tchar a;\n\tshort b;\n};\n\n",
		"point":      "typedef struct {\n\tint x;\n} point;\n\n",
		"u32":        "typedef unsigned int u32;\n\n",
		"color":      "enum color {\n\tRED = 0,\n\tGREEN = 5,\n\tBLUE = -1,\n};\n\n",
		"some_kfunc": "struct inner;\n\nextern int some_kfunc(struct inner *, int);\n\n",
	} {
		id, err := types.Find(root, btf.KindVoid)
		if err != nil {
			t.Fatal(err)
		}
		got := string(header2(t, types, HeaderOptions{Roots: []btf.ID{id}}))
		if got != framed(want) {
			t.Errorf("%s: got\n%s", root, got)
		}
	}
	if got := string(header2(t, types, HeaderOptions{Roots: []btf.ID{}})); got != framed("") {
		t.Errorf("without roots: %s", got)
	}
}

// TestHeaderRootsCompile compiles headers of single types, with structs in them and without.
func TestHeaderRootsCompile(t *testing.T) {
	types := fixture(t)
	for _, root := range []string{"inner", "point", "u32", "color", "some_kfunc"} {
		id, err := types.Find(root, btf.KindVoid)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		compile(t, dir, write(t, dir, "root.h", header2(t, types, HeaderOptions{Roots: []btf.ID{id}})))
	}
}

func TestHeaderHostile(t *testing.T) {
	self := func(b *btf.Builder) {
		b.Add(&btf.Struct{Name: "a", Size: 4, Members: []btf.Member{{Name: "a", Type: 1}}})
	}
	nested := func(b *btf.Builder) {
		i := b.Add(&btf.Int{Name: "int", Size: 4})
		for range 100 {
			i = b.Add(&btf.Struct{Size: 4, Members: []btf.Member{{Type: i}}})
		}
		b.Add(&btf.Typedef{Name: "deep", Type: i})
	}
	bomb := func(b *btf.Builder) {
		i := b.Add(&btf.Int{Name: "int", Size: 4})
		for range 40 {
			i = b.Add(&btf.Struct{Size: 4, Union: true, Members: []btf.Member{{Type: i}, {Type: i}}})
		}
		b.Add(&btf.Typedef{Name: "bomb", Type: i})
	}
	protos := func(b *btf.Builder) {
		i := b.Add(&btf.Int{Name: "int", Size: 4})
		for range 20 {
			p := btf.Param{Type: i}
			i = b.Add(&btf.Pointer{Type: b.Add(&btf.FuncProto{Params: []btf.Param{p, p, p, p, p, p, p, p}})})
		}
		b.Add(&btf.Typedef{Name: "protos", Type: i})
	}
	arrays := func(b *btf.Builder) {
		i := b.Add(&btf.Int{Name: "int", Size: 4})
		for range 70 {
			i = b.Add(&btf.Array{Type: i, Index: 1, Count: 1})
		}
		b.Add(&btf.Typedef{Name: "arrays", Type: i})
	}
	tree := func(b *btf.Builder) { // returns and takes what returns and takes the one before
		i := b.Add(&btf.Int{Name: "int", Size: 4})
		for range 40 {
			p := btf.Param{Type: i}
			i = b.Add(&btf.Pointer{Type: b.Add(&btf.FuncProto{Return: i, Params: []btf.Param{p, p}})})
		}
		b.Add(&btf.Typedef{Name: "tree", Type: i})
	}
	for name, c := range map[string]struct {
		build func(*btf.Builder)
		want  error
	}{
		"self": {self, btf.ErrCycle}, "nested": {nested, ErrLimit}, "bomb": {bomb, ErrLimit},
		"protos": {protos, ErrLimit}, "arrays": {arrays, ErrLimit}, "tree": {tree, ErrLimit},
	} {
		var b btf.Builder
		c.build(&b)
		raw, err := b.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		types, err := btf.Parse(raw, btf.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Header(nil, types, HeaderOptions{MaxBytes: 1 << 20}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// TestHeaderBounded: without a limit of the caller's, what is read bounds what is written.
func TestHeaderBounded(t *testing.T) {
	var b btf.Builder
	i := b.Add(&btf.Int{Name: "int", Size: 4})
	for range 18 {
		i = b.Add(&btf.Struct{Size: 4, Union: true, Members: []btf.Member{{Name: "a", Type: i}, {Name: "b", Type: i}}})
	}
	b.Add(&btf.Typedef{Name: "bomb", Type: i})
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	most := freeHeader + headerRatio*len(types.Bytes()) + 4096
	for name, write := range map[string]func(w io.Writer) error{
		"header": func(w io.Writer) error { return WriteHeader(w, types, HeaderOptions{}) },
		"go":     func(w io.Writer) error { return WriteGo(w, types, GoOptions{}) },
	} {
		var got bytes.Buffer
		if err := write(&got); got.Len() > most || name == "header" && !errors.Is(err, ErrLimit) {
			t.Errorf("%s: %d bytes of %d, %v", name, got.Len(), len(types.Bytes()), err)
		}
	}
}

// TestHeaderChain is case B09 for headers.
func TestHeaderChain(t *testing.T) {
	var b btf.Builder
	i := b.Add(&btf.Int{Name: "int", Size: 4})
	for range 1_000_000 {
		i = b.Add(&btf.Pointer{Type: i})
	}
	b.Add(&btf.Typedef{Name: "chain", Type: i})
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	got := header2(t, types, HeaderOptions{})
	if want := "typedef void *" + strings.Repeat("*", 64) + "chain;"; !bytes.Contains(got, []byte(want)) {
		t.Errorf("%s", got)
	}
}
