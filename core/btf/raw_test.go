package btf

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/bpfhost/bpfhost/internal/testenv"
)

// rawDump writes types in the layout of "bpftool btf dump file".
func rawDump(t testing.TB, types *Types) []byte {
	t.Helper()
	var b []byte
	n := types.First()
	for id := range types.All() {
		if id != n {
			t.Errorf("All gives type %d after %d", id, n-1)
		}
		n++
		var err error
		if b, err = types.AppendRaw(b, id); err != nil {
			t.Error(err)
		}
	}
	if int(n) != types.Len() {
		t.Errorf("All ends before type %d of %d", n, types.Len())
	}
	return b
}

func TestRawFixture(t *testing.T) {
	compareLines(t, rawDump(t, fixture(t)), fixtureBytes(t, "kinds.txt"))
}

// TestRawBpftool asks bpftool for a second opinion on what is too large or too new to be committed.
func TestRawBpftool(t *testing.T) {
	bpftool, err := exec.LookPath("bpftool")
	if err != nil {
		testenv.Skip(t, testenv.Clang, "bpftool: "+err.Error())
	}
	blob, _, err := fixture(t).ForKernel(KernelOptions{})
	if err != nil {
		t.Fatal(err)
	}
	fixed := filepath.Join(t.TempDir(), "fixed.btf")
	if err := os.WriteFile(fixed, blob, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{fixed, vmlinuxPath} {
		raw, err := os.ReadFile(file)
		if err != nil {
			testenv.Skip(t, testenv.Kernel, err.Error())
		}
		want, err := exec.Command(bpftool, "btf", "dump", "file", file).Output()
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		types, err := Parse(raw, Options{})
		if err != nil {
			t.Fatal(err)
		}
		compareLines(t, rawDump(t, types), want)
	}
}

// compareLines names the first line that differs.
func compareLines(t *testing.T, got, want []byte) {
	t.Helper()
	if bytes.Equal(got, want) {
		return
	}
	g, w := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range min(len(g), len(w)) {
		if !bytes.Equal(g[i], w[i]) {
			t.Errorf("line %d:\n got %s\nwant %s", i+1, g[i], w[i])
			return
		}
	}
	t.Errorf("%d lines, want %d", len(g), len(w))
}

func TestRawOdd(t *testing.T) {
	b := Builder{}
	b.Add(&Int{Name: "a\nb\x1b'", Size: 4, Encoding: IntSigned | IntChar})
	raw, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	types, err := Parse(raw, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := "[1] INT 'a\\nb\\x1b'' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED CHAR\n"
	if got, err := types.AppendRaw(nil, 1); string(got) != want {
		t.Errorf("got %s, %v", got, err)
	}
	if _, err := types.AppendRaw(nil, 2); !errors.Is(err, ErrID) {
		t.Error(err)
	}
	if got := LinkExtern.String() + Linkage(7).String(); got != "externlinkage 7" {
		t.Error(got)
	}
}
