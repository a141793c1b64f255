package cover

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// program has an instruction for each line number that is given; 0 is an instruction without one.
func program(file string, lines ...uint32) *spec.Program {
	p := &spec.Program{Name: "p"}
	for _, n := range lines {
		in := spec.Insn{Insn: asm.Mov64Imm(asm.R0, 0)}
		if n > 0 {
			in.Line = btf.NewLineInfo(file, "\tline <"+string(rune('a'+n))+">;", n, 1)
		}
		p.Insns = spec.NewInsns(append(p.Insns.Slice(), in)...)
	}
	return p
}

// sample is a profile of two programs in two files.
func sample() *Profile {
	p := new(Profile)
	a := program("a.c", 1, 0, 2, 3, 1)
	p.Add(a, []uint64{1, 5, 0, 2, 1})
	p.Add(a, []uint64{1, 1, 0, 0, 0})
	p.Add(program("/src/b.c", 7), nil)
	return p
}

func TestProfile(t *testing.T) {
	var b bytes.Buffer
	p := sample()
	n, err := p.WriteTo(&b)
	const want = "mode: count\n/src/b.c:7.2,7.11 1 0\n./a.c:1.2,1.11 1 6\n./a.c:2.2,2.11 1 0\n./a.c:3.2,3.11 1 2\n"
	if b.String() != want || err != nil || n != int64(len(want)) {
		t.Errorf("%d, %v\n%s", n, err, b.String())
	}
	files := p.Files()
	if len(files) != 2 || files[1] != (File{"a.c", 3, 2}) || files[0] != (File{"/src/b.c", 1, 0}) {
		t.Errorf("%+v", files)
	}
	if got := files[1].Percent(); got < 66.6 || got > 66.7 {
		t.Error(got)
	}
	if got := (File{}).Percent(); got != 0 {
		t.Error(got)
	}
}

func TestHTML(t *testing.T) {
	var b bytes.Buffer
	if err := sample().WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`<h2>a.c: 66.7% of 3 lines</h2>`,
		"<tr class=\"run\"><td class=\"n\">1</td><td class=\"n\">6</td><td>\tline &lt;b&gt;;</td></tr>",
		`<tr class="not"><td class="n">2</td><td class="n">0</td>`,
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s is not in\n%s", want, b.String())
		}
	}
}

// The name of a file stays on its line.
func TestFileName(t *testing.T) {
	for in, want := range map[string]string{"a\nmode: set": "./a_mode: set", "./a.c": "./a.c", "../a.c": "../a.c", "/a.c": "/a.c"} {
		if got := fileName(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

// Go's tool makes a page of the profile.
func TestGoTool(t *testing.T) {
	dir := t.TempDir()
	var b bytes.Buffer
	p := new(Profile)
	p.Add(program("a.c", 2, 3), []uint64{3, 0})
	if _, err := p.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"profile": b.String(), "a.c": "\n\tline <c>;\n\tline <d>;\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.Command("go", "tool", "cover", "-html=profile", "-o", "page.html")
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got, err := os.ReadFile(filepath.Join(dir, "page.html"))
	if err != nil || !strings.Contains(string(got), `<span class="cov10" title="3">line &lt;c&gt;;</span>`) {
		t.Errorf("%v\n%s", err, got)
	}
}
