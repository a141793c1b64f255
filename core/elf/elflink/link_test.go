package elflink

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/elf/internal/object"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/elftest"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// halves are two objects that need each other.
func halves(t testing.TB) []Object {
	t.Helper()
	return []Object{{"a.o", elftest.ReadFile(t, "../testdata/link/a-el.o")}, {"b.o", elftest.ReadFile(t, "../testdata/link/b-el.o")}}
}

func TestLink(t *testing.T) {
	objects := halves(t)
	for _, o := range objects {
		if _, err := elf.LoadBytes(o.Data, elf.Options{}); err == nil {
			t.Errorf("%s loads alone", o.Name)
		}
	}
	b, err := Link(objects...)
	if err != nil {
		t.Fatal(err)
	}
	c, err := elf.LoadBytes(b, elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
	if again, err := Link(objects...); err != nil || !bytes.Equal(again, b) {
		t.Errorf("linking again gives other bytes: %v", err)
	}
	if x, err := c.Var("limit").Uint(c); err != nil || x != 42 {
		t.Errorf("limit %d, %v", x, err)
	}
	first := c.Program("first")
	at := first.FindFunc("common")
	if at < 0 || first.Insns.At(at+1).Imm != 2 {
		t.Errorf("the weak function won:\n%s", first.AppendText(nil))
	}
	if first.FindFunc("local") < 0 || first.FindFunc("local.2") < 0 {
		t.Error("static functions of one name are not kept apart")
	}
	if len(c.Hidden) != 1 || c.Hidden[0] != "shared_fn" || len(c.Maps) != 5 {
		t.Errorf("hidden %q, %d maps", c.Hidden, len(c.Maps))
	}
	structs := 0
	for _, id := range c.BTF.FindAll("flow") {
		if c.BTF.Kind(id) == btf.KindStruct {
			structs++
		}
	}
	if structs != 1 {
		t.Errorf("%d types struct flow", structs)
	}
	if linked, err := Load(objects...); err != nil || len(spec.Diff(c, linked)) > 0 {
		t.Errorf("Load: %v", err)
	}
}

// TestLinkSameName links static variables of one name, once more what comes of it, and the same with
// bpftool: each keeps its place, its type and its value.
func TestLinkSameName(t *testing.T) {
	objects := []Object{
		{"a.o", elftest.ReadFile(t, "../testdata/link/same-a-el.o")}, {"b.o", elftest.ReadFile(t, "../testdata/link/same-b-el.o")},
	}
	linked, err := Link(objects...)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Link(Object{"linked.o", linked}, Object{"c.o", elftest.MustBytes("license GPL\nsection socket\n.func third\nr0 = 0\nexit")})
	if err != nil {
		t.Fatal(err)
	}
	results := map[string][]byte{"linked": linked, "linked again": again}
	if tool, err := exec.LookPath("bpftool"); err == nil {
		out := filepath.Join(t.TempDir(), "ref.o")
		if msg, err := exec.Command(tool, "gen", "object", out, "../testdata/link/same-a-el.o", "../testdata/link/same-b-el.o").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, msg)
		}
		results["bpftool"] = elftest.ReadFile(t, out)
	}
	for name, b := range results {
		c, err := elf.LoadBytes(b, elf.Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for _, v := range c.Vars {
			x, err := v.Uint(c)
			if err != nil {
				t.Error(err)
			}
			got = append(got, fmt.Sprintf("%s %s+%d %d %s = %d", v.Name, v.Section, v.Offset, v.Size, c.BTF.TypeName(v.Type), x))
		}
		slices.Sort(got)
		want := []string{"count .data+0 4 int = 3", "count.2 .data+16 8 u64 = 40", "state .data+8 8 u64 = 1", "state.2 .bss+0 4 int = 0"}
		if !slices.Equal(got, want) {
			t.Errorf("%s: variables %q, want %q", name, got, want)
		}
		if err := c.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLinkStatic links static programs that an array of programs holds, by their section and offset, after
// others of their section.
func TestLinkStatic(t *testing.T) {
	b, err := Link(
		Object{"before.o", elftest.MustBytes("license GPL\nsection tc/tail\n.func before\nr0 = 9\nexit")},
		Object{"static.o", elftest.ReadFile(t, "../testdata/lenient/static-el.o")},
	)
	if err != nil {
		t.Fatal(err)
	}
	c, err := elf.LoadBytes(b, elf.Options{Lenient: true})
	if err != nil {
		t.Fatal(err)
	}
	want := []spec.MapValue{{Key: 0, Name: "first"}, {Key: 1, Name: "second"}}
	if got := c.Map("calls").Values; !slices.Equal(got, want) {
		t.Errorf("values %v, want %v", got, want)
	}
}

// TestLinkTwice links what is open after a first link.
func TestLinkTwice(t *testing.T) {
	objects := halves(t)
	whole, err := Load(objects...)
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range objects {
		half, err := Link(o)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := elf.LoadBytes(half, elf.Options{Lenient: true}); err != nil || c.Check() == nil {
			t.Errorf("%s alone: %v", o.Name, err)
		}
		again := halves(t)
		again[i].Data = half
		c, err := Load(again...)
		if err != nil {
			t.Error(err)
			continue
		}
		if d := spec.Diff(whole, c); len(d) > 0 {
			t.Errorf("%s first changes\n%s", o.Name, spec.AppendChanges(nil, d))
		}
	}
}

// TestLinkLargeExtern links the declaration of a variable that is larger than its section in another object.
func TestLinkLargeExtern(t *testing.T) {
	text := func(name, bytes, user string) string {
		return "license GPL\nvar .data " + name + " " + bytes + "\nsection xdp\n.func " + user + "\nr1 = var[" + name + "] ll\nexit"
	}
	small := Object{"small.o", elftest.MustBytes(text("small", "01 02 03 04", "a"))}
	large := Object{"large.o", elftest.Declaring(t, text("large", "01 02 03 04 05 06 07 08", "b"), "large", ".data", ".data")}
	definition := Object{"definition.o", elftest.MustBytes(text("large", "08 07 06 05 04 03 02 01", "c"))}
	for _, order := range [][]Object{{small, large}, {large, small}} {
		b, err := Link(order...)
		if err != nil {
			t.Error(err)
			continue
		}
		c, err := Load(Object{"both.o", b}, definition)
		if err != nil {
			t.Error(err)
			continue
		}
		if b, err := c.Var("large").Bytes(c); err != nil || len(b) != 8 || b[0] != 8 {
			t.Errorf("large is % x, %v", b, err)
		}
	}
}

// TestLinkOrder links in the other order: all is there, in another place.
func TestLinkOrder(t *testing.T) {
	o := halves(t)
	c, err := Load(o[1], o[0])
	if err != nil {
		t.Fatal(err)
	}
	if p := c.Program("first"); p == nil || p.Insns.At(p.FindFunc("common")+1).Imm != 2 {
		t.Error("the weak function won")
	}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
}

// TestLinkOne links one object alone: nothing changes but the numbers of types.
func TestLinkOne(t *testing.T) {
	for _, name := range elftest.Objects(t, "../testdata") {
		b := elftest.ReadFile(t, name)
		want, err := elf.LoadBytes(b, elf.Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := Load(Object{name, b})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, c := range spec.Diff(want, got) {
			for _, p := range c.Props {
				if !strings.HasSuffix(p.Name, "type") && p.Name != "btf" {
					t.Errorf("%s: %v %s: %+v", name, c.Kind, c.Name, p)
				}
			}
			for _, h := range c.Hunks {
				if want.Program(c.Name).Insns.At(h.OldAt).Core == nil && !strings.HasPrefix(name, "../testdata/core") {
					t.Errorf("%s: %s: %s", name, c.Name, h.AppendText(nil))
				}
			}
		}
	}
}

// TestLinkReference compares with libbpf's linker.
func TestLinkReference(t *testing.T) {
	tool, err := exec.LookPath("bpftool")
	if err != nil {
		testenv.Skip(t, testenv.Clang, err.Error())
	}
	out := filepath.Join(t.TempDir(), "ref.o")
	if msg, err := exec.Command(tool, "gen", "object", out, "../testdata/link/a-el.o", "../testdata/link/b-el.o").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, msg)
	}
	want, err := elf.LoadBytes(elftest.ReadFile(t, out), elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Load(halves(t)...)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range spec.Diff(want, got) {
		for _, p := range c.Props {
			if !strings.HasSuffix(p.Name, "type") && p.Name != "btf" { // the order of types is another
				t.Errorf("%v %s: %+v", c.Kind, c.Name, p)
			}
		}
		if c.Hunks != nil || c.Op != spec.ChangeModify {
			t.Errorf("%s", spec.AppendChanges(nil, []spec.Change{c}))
		}
	}
}

// TestLinkKernel loads what was linked with bpftool.
func TestLinkKernel(t *testing.T) {
	testenv.NeedKernel(t, "5.10", "global functions")
	if os.Geteuid() != 0 {
		testenv.Skip(t, testenv.Kernel, "not root")
	}
	b, err := Link(halves(t)...)
	if err != nil {
		t.Fatal(err)
	}
	elftest.LoadWithBpftool(t, b)
}

func TestLinkConflicts(t *testing.T) {
	const prog = "license GPL\nsection xdp\n.func prog\nr0 = 2\nexit\n"
	code := func(name string) string { return "section .text\n.func " + name + "\nr0 = 2\nexit\n" }
	for _, test := range []struct {
		name, a, b, want string
	}{
		{"licenses", prog, "license MIT\n" + code("f"), `license is "MIT" here and "GPL" before`},
		{"orders", prog, "order big\n" + code("f"), "its byte order is not that of a"},
		{"two strong functions", prog + code("f"), code("f"), `"f" is defined here and in a`},
		{"two strong variables", "var .data x 01\n" + prog, "var .data x 02\n" + code("f"), `"x" is defined here and in a`},
		{"types of variables", "weak x\nvar .data x 01\n" + prog, "var .data x 01000000\n" + code("f"), `"x" is unsigned int here and unsigned char[1] in a`},
		{"maps that differ", "weak m\nmap m hash 4 8 16\n" + prog, "map m hash 4 8 32\n" + code("f"), `map "m" has max_entries "32" here and "16" in a`},
		{"map and variable", "weak m\nmap m hash 4 8 16\n" + prog, "var .data m 01000000\n" + code("f"), `map "m"`},
		{"bytes and none", "zero .data x 8\n" + prog, "var .data y 01\n" + code("f"), `section ".data" has bytes in one object and none in another`},
	} {
		_, err := Link(Object{"a", elftest.MustBytes(test.a)}, Object{"b", elftest.MustBytes(test.b)})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", test.name, err, test.want)
		}
	}
	if _, err := Link(); err == nil {
		t.Error("nothing can be linked")
	}
	if _, err := Link(Object{"a", []byte("\x1f\x8b")}); !errors.Is(err, object.ErrNotObject) {
		t.Errorf("%v", err)
	}
}

// TestLinkWeak checks who wins: a strong one over weak ones, otherwise the first.
func TestLinkWeak(t *testing.T) {
	object := func(weak bool, value string) []byte {
		text := "license GPL\nvar .data x " + value + "\nsection .text\n.func f" + value + "\nr1 = var[x] ll\nexit\n"
		if weak {
			text = "weak x\n" + text
		}
		return elftest.MustBytes(text)
	}
	main := elftest.MustBytes("license GPL\nvar .data x 09\nweak x\nsection xdp\n.func prog\nr1 = var[x] ll\nr0 = 2\nexit\n")
	for _, test := range []struct {
		second, third bool
		want          uint64
	}{{true, true, 9}, {false, true, 1}, {true, false, 2}} {
		c, err := Load(Object{"main", main}, Object{"a", object(test.second, "01")}, Object{"b", object(test.third, "02")})
		if err != nil {
			t.Fatal(err)
		}
		if x, err := c.Var("x").Uint(c); err != nil || x != test.want {
			t.Errorf("%+v: %d, %v", test, x, err)
		}
	}
}

// FuzzLink checks that hostile objects are refused or linked, without a panic.
func FuzzLink(f *testing.F) {
	for _, o := range halves(f) {
		f.Add(o.Data)
	}
	second := halves(f)[1]
	f.Fuzz(func(t *testing.T, b []byte) {
		out, err := Link(Object{"a", b}, second)
		if err != nil {
			return
		}
		_, _ = elf.LoadBytes(out, elf.Options{})
	})
}

// TestLinkDamaged links all objects with a byte changed.
func TestLinkDamaged(t *testing.T) {
	o := halves(t)
	for at := 0; at < len(o[0].Data); at += 7 {
		b := bytes.Clone(o[0].Data)
		b[at] ^= 1 << (at % 8)
		if out, err := Link(Object{"a", b}, o[1]); err == nil {
			_, _ = elf.LoadBytes(out, elf.Options{})
		}
	}
}
