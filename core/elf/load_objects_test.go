package elf_test

import (
	"bufio"
	"bytes"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/elftest"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// TestRebuild builds the committed objects again and compares.
func TestRebuild(t *testing.T) {
	for _, tool := range []string{"clang-19", "llvm-strip-19"} {
		if _, err := exec.LookPath(tool); err != nil {
			testenv.Skip(t, testenv.Clang, err.Error())
		}
	}
	dir := t.TempDir()
	if out, err := exec.Command("testdata/build.sh", dir).CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	_, err := exec.LookPath("clang-22")
	if err != nil && testenv.Required(testenv.Packages) {
		t.Fatal(err)
	}
	for _, name := range slices.Concat(elftest.Objects(t, "testdata"), elftest.Objects(t, "testdata/link"), elftest.Objects(t, "testdata/lenient")) {
		if strings.HasPrefix(name, "testdata/jump-") && err != nil {
			continue // older compilers make no jump tables
		}
		if !bytes.Equal(elftest.ReadFile(t, name), elftest.ReadFile(t, filepath.Join(dir, strings.TrimPrefix(name, "testdata/")))) {
			t.Errorf("%s is not what its source gives; run testdata/build.sh", name)
		}
	}
}

// TestObjdump compares functions and their sizes with what llvm-objdump finds: a second opinion.
func TestObjdump(t *testing.T) {
	tool, err := exec.LookPath("llvm-objdump-19")
	if err != nil {
		testenv.Skip(t, testenv.Clang, err.Error())
	}
	for _, name := range elftest.Objects(t, "testdata") {
		out, err := exec.Command(tool, "-d", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		want := disassembled(out)
		c, err := elf.LoadBytes(elftest.ReadFile(t, name), elf.Options{})
		if err != nil {
			t.Fatal(err)
		}
		seen := make(map[string]bool)
		for _, p := range c.Programs {
			for i, in := range p.Insns.All() {
				f := in.Func
				if f == nil {
					continue
				}
				n := 1
				for i+n < p.Insns.Len() && p.Insns.At(i+n).Func == nil {
					n++
				}
				if n != want[f.Name] {
					t.Errorf("%s: function %s has %d instructions, llvm-objdump finds %d", name, f.Name, n, want[f.Name])
				}
				seen[f.Name] = true
			}
		}
		if len(seen) != len(want) {
			t.Errorf("%s: %d functions, llvm-objdump finds %d", name, len(seen), len(want))
		}
	}
}

// disassembled counts the instructions of each function in the output of llvm-objdump -d. Lines
// are "0000 <name>:" and "  5: 18 01 … r1 = 0 ll"; basic blocks have names in angle brackets too,
// but those begin with "LBB".
func disassembled(out []byte) map[string]int {
	counts := make(map[string]int)
	name := ""
	for s := bufio.NewScanner(bytes.NewReader(out)); s.Scan(); {
		line := s.Text()
		if _, rest, ok := strings.Cut(line, " <"); ok && strings.HasSuffix(rest, ">:") {
			if next := strings.TrimSuffix(rest, ">:"); !strings.HasPrefix(next, "LBB") {
				name = next
			}
			continue
		}
		if strings.Contains(line, "\t") && strings.Contains(line, ":") && name != "" {
			counts[name]++
		}
	}
	return counts
}

// TestTextAgain checks that the code of every program can be printed and parsed again.
func TestTextAgain(t *testing.T) {
	for _, name := range elftest.Objects(t, "testdata") {
		c, err := elf.LoadBytes(elftest.ReadFile(t, name), elf.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range c.Programs {
			var code []asm.Insn
			for i := range p.Insns.Len() {
				code = append(code, p.Insns.At(i).Insn)
			}
			text := asm.AppendText(nil, code, asm.TextOptions{})
			l, err := asm.Parse(string(text))
			if err != nil {
				t.Fatalf("%s, program %s: %v", name, p.Name, err)
			}
			if again := asm.AppendText(nil, l.Insns, asm.TextOptions{}); !bytes.Equal(again, text) {
				t.Errorf("%s, program %s: text changes when it is parsed", name, p.Name)
			}
		}
	}
}

// TestCollectionText reads every collection again from its text.
func TestCollectionText(t *testing.T) {
	for _, name := range elftest.Objects(t, "testdata") {
		c, err := elf.LoadBytes(elftest.ReadFile(t, name), elf.Options{})
		if err != nil {
			t.Fatal(err)
		}
		text := c.String()
		again, err := spec.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d := spec.Diff(c, again); len(d) > 0 {
			t.Errorf("%s changes: %s", name, spec.AppendChanges(nil, d))
		}
		if again.String() != text {
			t.Errorf("%s: text changes", name)
		}
	}
}
