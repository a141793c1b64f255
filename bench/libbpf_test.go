package bench

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// compileLibbpf compiles a program that uses libbpf and returns its file; it is "" where that cannot
// be.
func compileLibbpf(tb testing.TB, name string) string {
	tb.Helper()
	program := filepath.Join(tb.TempDir(), "libbpf")
	source, err := os.ReadFile(name) // here, so that results of older sources are not taken for those of this one
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command("clang-19", "-O2", "-fuse-ld=lld", "-x", "c", "-", "-x", "none", "-lbpf", "-o", program)
	cmd.Stdin = bytes.NewReader(source)
	if msg, err := cmd.CombinedOutput(); err != nil {
		if testenv.Required(testenv.Clang) {
			tb.Fatalf("libbpf's side: %v\n%s", err, msg)
		}
		tb.Logf("libbpf's side is left out: %v %s", err, bytes.ReplaceAll(msg, []byte("\n"), []byte(" ")))
		return ""
	}
	return program
}

// useLibbpf compiles libbpf's side and starts it, for as long as the test runs. It is nil where
// that cannot be.
func useLibbpf(tb testing.TB) *libbpf {
	tb.Helper()
	program := compileLibbpf(tb, "testdata/libbpf/libbpf.c")
	if program == "" {
		return nil
	}
	l, err := startLibbpf(program)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := l.stop(); err != nil {
			tb.Error(err)
		}
	})
	version, err := l.version()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Logf("libbpf %s", version)
	return l
}

// needLibbpf is useLibbpf for a test of libbpf's side alone.
func needLibbpf(t *testing.T) *libbpf {
	t.Helper()
	l := useLibbpf(t)
	if l == nil {
		testenv.Skip(t, testenv.Clang, "libbpf for programs of this machine")
	}
	return l
}

// peer is libbpf doing a task of libbpf.c; without libbpf it is none.
func (l *libbpf) peer(goal float64, task, input string) Peer {
	if l == nil {
		return Peer{}
	}
	return Peer{"libbpf", goal, libbpfWork{l, task, input}}
}

// file writes an input for the process.
func file(tb testing.TB, b []byte) string {
	tb.Helper()
	name := filepath.Join(tb.TempDir(), "input.o")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		tb.Fatal(err)
	}
	return name
}

// TestLibbpfSame holds that libbpf's side does the same work: what comes out of its tasks is what
// comes out of ours.
func TestLibbpfSame(t *testing.T) {
	l := needLibbpf(t)
	raw, err := os.ReadFile(vmlinuxBTF)
	if err != nil {
		testenv.Skip(t, testenv.Kernel, err.Error())
	}
	kernel, err := btf.Parse(raw, btf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var twice btf.Builder
	for range 2 {
		twice.AddAll(readTypes(t, smallObject))
	}
	copies, err := twice.Types()
	if err != nil {
		t.Fatal(err)
	}
	smaller, _, err := copies.Dedup()
	if err != nil || smaller.Len() >= copies.Len() {
		t.Fatalf("%d types of %d, %v", smaller.Len(), copies.Len(), err)
	}
	ids, kinds := uint64(0), uint64(0)
	for _, name := range twenty {
		id, err := kernel.Find(name, btf.KindStruct)
		if err != nil {
			t.Fatal(err)
		}
		ids += uint64(id)
	}
	for _, k := range kernel.Kinds() {
		kinds += uint64(k)
	}
	warm, err := kernel.Find("sk_buff", btf.KindStruct)
	if err != nil {
		t.Fatal(err)
	}
	small := readRelocations(t, readObject(t, smallObject))
	for _, c := range []struct {
		task, input string
		want        uint64
	}{
		{"open-kernel", "", uint64(kernel.Len())},
		{"open-types", vmlinuxBTF, uint64(kernel.Len())},
		{"find-twenty", vmlinuxBTF, ids},
		{"find-warm", vmlinuxBTF, uint64(warm)},
		{"visit", vmlinuxBTF, kinds},
		{"copy", vmlinuxBTF, uint64(kernel.Len())},
		{"dedup", vmlinuxBTF, uint64(kernel.Len())},
		{"dedup", file(t, copies.Bytes()), uint64(smaller.Len())},
		{"core-cold", smallObject, uint64(len(small.ours))},
		{"core-warm", smallObject, uint64(len(small.ours))},
		{"open", smallObject, parts(t, readObject(t, smallObject))},
	} {
		if a, err := (libbpfWork{l, c.task, c.input}).ask(0); err != nil || a.result != c.want {
			t.Errorf("%s: %d, want %d, %v", c.task, a.result, c.want, err)
		}
	}
}

// readTypes reads the types of an object.
func readTypes(t *testing.T, name string) *btf.Types {
	t.Helper()
	b, _, err := elf.ReadBTF(bytes.NewReader(readObject(t, name)))
	if err != nil {
		t.Fatal(err)
	}
	types, err := btf.Parse(b, btf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return types
}

// TestLibbpfCounts holds what is counted: that of opening types, which copies them, and in a
// relocation that begins with opening them.
func TestLibbpfCounts(t *testing.T) {
	l := needLibbpf(t)
	raw, err := os.ReadFile(vmlinuxBTF)
	if err != nil {
		testenv.Skip(t, testenv.Kernel, err.Error())
	}
	bytes := map[string]float64{}
	for _, w := range []libbpfWork{{l, "open-types", vmlinuxBTF}, {l, "core-cold", smallObject}, {l, "core-warm", smallObject}} {
		a, err := w.ask(0)
		if err != nil {
			t.Fatal(err)
		}
		bytes[w.task] = a.bytes
	}
	if n := float64(len(raw)); bytes["open-types"] < n || bytes["core-cold"] < n || bytes["core-warm"] > n/10 {
		t.Errorf("%v of %d bytes", bytes, len(raw))
	}
}

// parts counts the programs and maps of an object.
func parts(t *testing.T, object []byte) uint64 {
	t.Helper()
	c, err := elf.LoadBytes(object, elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return uint64(len(c.Programs) + len(c.Maps))
}

// TestLibbpfMeasures holds how the process measures: more turns in more time, and what a turn
// allocates does not depend on how many there were.
func TestLibbpfMeasures(t *testing.T) {
	l := needLibbpf(t)
	w := libbpfWork{l, "open", smallObject}
	once, err := w.ask(0)
	if err != nil || once.turns != 1 || once.passed <= 0 || once.worked <= 0 || once.allocs <= 0 || once.bytes <= 0 {
		t.Fatalf("%+v, %v", once, err)
	}
	many, err := w.ask(20 * time.Millisecond)
	if err != nil || many.turns < 2 || many.allocs != once.allocs*float64(many.turns) || many.bytes != once.bytes*float64(many.turns) {
		t.Errorf("%+v, %v", many, err)
	}
}

// TestLibbpfAnswers holds what is made of an answer, with a process that always answers the same.
func TestLibbpfAnswers(t *testing.T) {
	program := filepath.Join(t.TempDir(), "fixed")
	if err := os.WriteFile(program, []byte("#!/bin/sh\nwhile read line; do echo 2 4000 1000 6 80 65537; done\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := startLibbpf(program)
	if err != nil {
		t.Fatal(err)
	}
	w := libbpfWork{l, "open", smallObject}
	for cpu, want := range map[bool]Cost{false: {2e-6, 3, 40}, true: {5e-7, 3, 40}} {
		if c, err := w.Measure(Options{CPU: cpu}); err != nil || c != want {
			t.Errorf("time of processors %v: %+v, %v", cpu, c, err)
		}
	}
	if v, err := l.version(); err != nil || v != "1.1" {
		t.Errorf("version %s, %v", v, err)
	}
	if err := l.stop(); err != nil {
		t.Error(err)
	}
}

// TestLibbpfErrors holds that what libbpf cannot do is an error, after which it does other tasks.
func TestLibbpfErrors(t *testing.T) {
	l := needLibbpf(t)
	dir := filepath.Join(peerDir(t), "testdata")
	for _, c := range []struct{ task, input, want string }{
		{"fly", "", "libbpf fly: no such task"},
		{"open", "testdata/missing.o", "libbpf open: No such file or directory"},
		{"open-types", smallObject, "libbpf open-types: Invalid argument"},
		{"link", smallObject, "libbpf link: Invalid argument"},
		{"core-warm", filepath.Join(dir, "variables-el.elf"), "libbpf core-warm: No message of desired type"},
		// Why these objects have no row of libbpf: old definitions of maps.
		{"open", filepath.Join(dir, "manyprogs-el.elf"), "libbpf open: Operation not supported"},
		{"open", filepath.Join(dir, "loader-clang-22-el.elf"), "libbpf open: Operation not supported"},
	} {
		w := libbpfWork{l, c.task, c.input}
		if err := w.Once(); err == nil || err.Error() != c.want {
			t.Errorf("%s %s: %v", c.task, c.input, err)
		}
		if _, err := w.Measure(Options{}); err == nil {
			t.Errorf("%s %s: measured", c.task, c.input)
		}
	}
	if err := (libbpfWork{l, "open", smallObject}).Once(); err != nil {
		t.Error(err)
	}
}

// TestLibbpfEnds holds that a process which ended, or is none of ours, is an error.
func TestLibbpfEnds(t *testing.T) {
	if _, err := startLibbpf(filepath.Join(t.TempDir(), "none")); err == nil || !strings.HasPrefix(err.Error(), "start libbpf: ") {
		t.Error(err)
	}
	for _, c := range []struct{ program, want string }{
		{"true", ""}, // its end is seen while writing or while reading
		{"cat", `libbpf open: answer "open\tx\t0\n": `},
	} {
		l, err := startLibbpf(c.program)
		if err != nil {
			t.Fatal(err)
		}
		if err := (libbpfWork{l, "open", "x"}).Once(); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v", c.program, err)
		}
		if err := l.stop(); err != nil {
			t.Error(err)
		}
	}
	l, err := startLibbpf("false")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.stop(); err == nil || !strings.HasPrefix(err.Error(), "stop libbpf: exit status 1") {
		t.Error(err)
	}
}
