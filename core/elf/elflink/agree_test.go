package elflink

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/elftest"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// verdicts are pairs of sources, and whether their objects go together: for us and for libbpf's linker.
var verdicts = []struct {
	name, a, b string
	fit        bool
}{
	{"weak functions", `__weak int f(int x) { return x; }`, `__weak int f(int x) { return x + 1; }`, true},
	{"a weak function and a strong one", `__weak int f(int x) { return x; }`, `int f(int x) { return x + 1; }`, true},
	{"strong functions", `int f(int x) { return x; }`, `int f(int x) { return x + 1; }`, false},
	{"functions of other types", `__weak int f(int x) { return x; }`, `int f(long x) { return x + 1; }`, false},
	{"a function that is declared", `int f(int x); int g(int x) { return f(x); }`, `int f(int x) { return x; }`, true},
	{"a function that is declared otherwise", `int f(int x); int g(int x) { return f(x); }`, `int f(long x) { return x; }`, false},
	{"a hidden function that is declared", `int f(int x); int g(int x) { return f(x); }`, `__hidden int f(int x) { return x; }`, true},
	{"static functions", `static __noinline int f(int x) { return x; } int g(int x) { return f(x); }`, `static __noinline int f(int x) { return x + 3; } int h(int x) { return f(x); }`, true},
	{"weak variables", `__weak int v = 1;`, `__weak int v = 2;`, true},
	{"a weak variable and a strong one", `__weak int v = 1;`, `int v = 2;`, true},
	{"strong variables", `int v = 1;`, `int v = 2;`, false},
	{"variables of other types", `__weak int v = 1;`, `long v = 2;`, false},
	{"a variable that is declared", `extern int v SEC2(".data"); int g(int x) { return v; }`, `int v = 2;`, true},
	{"a variable that is declared in another section", `extern int v SEC2(".bss"); int g(int x) { return v; }`, `int v = 2;`, false},
	{"structs of other members", `struct s { int a; }; __weak struct s v = {1};`, `struct s { int a; int b; }; struct s v = {1, 2};`, false},
	{"structs within structs", `struct s { int a; struct { int q; } in; }; __weak struct s v = {1};`, `struct s { int a; struct { int r; } in; }; struct s v = {1};`, false},
	{"structs of other names", `struct s { int a; }; __weak struct s v = {1};`, `struct t { int a; }; struct t v = {1};`, false},
	{"a struct with a sign", `struct s { int a; }; __weak struct s v = {1};`, `struct s { unsigned a; }; struct s v = {1};`, true},
	{"an anonymous struct", `struct s { int a; }; __weak struct s v = {1};`, `typedef struct { int a; } s; s v = {1};`, false},
	{"bit-fields", `struct s { int a : 3; int b : 5; }; __weak struct s v = {1};`, `struct s { int a : 4; int b : 4; }; struct s v = {1};`, false},
	{"pointers to structs of other members", `struct s { int a; }; __weak struct s *v;`, `struct s { int b; long c; }; struct s *v;`, true},
	{"pointers to structs of other names", `struct s { int a; }; __weak struct s *v;`, `struct t { int a; }; struct t *v;`, false},
	{"a pointer to what is only declared", `struct s { int a; }; __weak struct s *v;`, `struct s; struct s *v;`, true},
	{"a pointer to anything", `struct s { int a; }; __weak struct s *v;`, `void *v;`, false},
	{"arrays of other lengths", `__weak int v[3] = {1};`, `int v[4] = {2};`, true},
	{"arrays of other elements", `__weak int v[3] = {1};`, `long v[3] = {2};`, false},
	{"enums of other values", `enum e { A }; __weak enum e v;`, `enum e { B, C }; enum e v;`, true},
	{"a typedef", `typedef int number; __weak number v = 1;`, `volatile int v = 1;`, true},
	{"functions with other numbers of parameters", `__weak int f(int x) { return x; }`, `int f(int x, int y) { return x + y; }`, false},
	{"functions of other results", `__weak int f(int x) { return x; }`, `long f(int x) { return x; }`, false},
	{"functions of pointers", `struct s { int a; }; __weak int f(struct s *x) { return x ? x->a : 0; }`, `struct s { int b; }; int f(struct s *x) { return x ? x->b : 1; }`, true},
	{"structs of one kind", `struct s { int a; }; __weak struct s v = {1};`, `struct s { int a; }; struct s v = {2};`, true},
	{"maps that agree", hashOf(8) + ` m SEC(".maps") __weak;`, hashOf(8) + ` m SEC(".maps");`, true},
	{"maps of other sizes", hashOf(8) + ` m SEC(".maps") __weak;`, hashOf(16) + ` m SEC(".maps");`, false},
	{"a map that is declared", `extern ` + hashOf(8) + ` m SEC2(".maps"); int g(int x) { u32 k = x; return map_lookup(&m, &k) ? 1 : 0; }`, hashOf(8) + ` m SEC(".maps");`, true},
	{"a map that is declared with another size", `extern ` + hashOf(4) + ` m SEC2(".maps"); int g(int x) { u32 k = x; return map_lookup(&m, &k) ? 1 : 0; }`, hashOf(8) + ` m SEC(".maps");`, false},
	{"configuration values", `extern int CONFIG_HZ __kconfig; int g(int x) { return CONFIG_HZ; }`, `extern int CONFIG_HZ __kconfig; int h(int x) { return CONFIG_HZ; }`, true},
	{"configuration values of other types", `extern int CONFIG_HZ __kconfig; int g(int x) { return CONFIG_HZ; }`, `extern long CONFIG_HZ __kconfig; int h(int x) { return CONFIG_HZ; }`, false},
	{"licenses", `int g(int x) { return x; }`, `#define LICENSE "MIT"`, false},
}

// hashOf is a hash of so many entries.
func hashOf(entries int) string {
	return "struct { __uint(type, HASH); __uint(max_entries, " + strconv.Itoa(entries) + "); __type(key, u32); __type(value, u64); }"
}

// compileHalf makes an object of a source, with a program of its own.
func compileHalf(t *testing.T, clang, dir, name, source string) Object {
	t.Helper()
	text := "#include \"bpf.h\"\n#define SEC2(name) __attribute__((section(name)))\n" + source +
		"\n#ifndef LICENSE\n#define LICENSE \"GPL\"\n#endif\nSEC(\"xdp\") int prog_" + name + "(struct xdp_md *ctx) { return 2; }\nchar _license[] SEC(\"license\") = LICENSE;\n"
	file := filepath.Join(dir, name+".o")
	cmd := exec.Command(clang, "-O2", "-g", "-target", "bpf", "-mcpu=v3", "-I", "../testdata", "-x", "c", "-c", "-", "-o", file)
	cmd.Stdin = strings.NewReader(text)
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, msg)
	}
	return Object{file, elftest.ReadFile(t, file)}
}

// TestLinkVerdicts asks libbpf's linker for a second opinion: what goes together and what does not, and what
// comes out; the kernel takes that.
func TestLinkVerdicts(t *testing.T) {
	clang, err := exec.LookPath("clang-19")
	if err != nil {
		testenv.Skip(t, testenv.Clang, err.Error())
	}
	tool, err := exec.LookPath("bpftool")
	if err != nil {
		testenv.Skip(t, testenv.Clang, err.Error())
	}
	for _, tt := range verdicts {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			a, b := compileHalf(t, clang, dir, "a", tt.a), compileHalf(t, clang, dir, "b", tt.b)
			got, err := Link(a, b)
			if (err == nil) != tt.fit {
				t.Errorf("we say %v", err)
			}
			out := filepath.Join(dir, "out.o")
			msg, refErr := exec.Command(tool, "gen", "object", out, a.Name, b.Name).CombinedOutput()
			if (refErr == nil) != tt.fit {
				t.Errorf("libbpf says %v: %s", refErr, msg)
			}
			if err == nil && refErr == nil {
				sameLinked(t, elftest.ReadFile(t, out), got)
				if os.Geteuid() == 0 {
					elftest.LoadWithBpftool(t, got)
				}
			}
			os.Remove(out)
		})
	}
}

// sameLinked compares what two linkers made, but for the order of types.
func sameLinked(t *testing.T, want, got []byte) {
	t.Helper()
	o := elf.Options{Lenient: true}
	a, err := elf.LoadBytes(want, o)
	if err != nil {
		t.Fatalf("libbpf's: %v", err)
	}
	b, err := elf.LoadBytes(got, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range spec.Diff(a, b) {
		for _, p := range c.Props {
			if !strings.HasSuffix(p.Name, "type") && p.Name != "btf" {
				t.Errorf("%v %s: %+v", c.Kind, c.Name, p)
			}
		}
		if c.Hunks != nil || c.Op != spec.ChangeModify {
			t.Errorf("%s", spec.AppendChanges(nil, []spec.Change{c}))
		}
	}
}

// TestAgreeBound compares types that are made of more others than is looked at.
func TestAgreeBound(t *testing.T) {
	var b btf.Builder
	id := b.Add(&btf.Int{Name: "int", Size: 4})
	for range maxShapes {
		id = b.Add(&btf.Pointer{Type: id})
	}
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	if same, err := sameShape(types, id-2, types, id-2); !same || err != nil {
		t.Errorf("%d types: %v, %v", maxShapes, same, err)
	}
	if same, err := sameShape(types, id, types, id); same || err == nil || !strings.Contains(err.Error(), "cannot be compared") {
		t.Errorf("%d types: %v, %v", maxShapes+1, same, err)
	}
}
