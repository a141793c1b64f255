package bind

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// TestCoreSameAsLibbpf relocates programs of our own with libbpf and here: every instruction is the
// same afterwards. They have relocations of every kind against types of our own that differ in
// every way, and thousands against those of the running kernel.
func TestCoreSameAsLibbpf(t *testing.T) {
	clang, err := exec.LookPath("clang-19")
	if err != nil {
		testenv.Skip(t, testenv.Clang, err.Error())
	}
	dir := t.TempDir()
	compile := func(out string, args ...string) (string, string, error) {
		out = filepath.Join(dir, out)
		msg, err := exec.Command(clang, append(args, "-o", out)...).CombinedOutput()
		return out, string(msg), err
	}
	object := func(name, source string) string {
		out, msg, err := compile(name, "-target", "bpf", "-mcpu=v3", "-g", "-O2", "-I", "testdata/core", "-c", source)
		if err != nil {
			t.Fatalf("%s: %v\n%s", source, err, msg)
		}
		return out
	}
	libbpf, msg, err := compile("relocate", "-O1", "-fuse-ld=lld", "testdata/core/relocate.c", "-lbpf")
	if err != nil {
		testenv.Skip(t, testenv.Clang, "libbpf for programs of this machine: "+msg)
	}
	kinds, target := object("kinds.o", "testdata/core/kinds.c"), object("target.o", "testdata/core/target.c")
	all := sameAsLibbpf(t, libbpf, kinds, target)
	for k := range btf.CoreTypeMatches + 1 {
		if all[k] < 10 {
			t.Errorf("only %d relocations are of kind %v", all[k], k)
		}
	}
	refused := object("refused.o", "testdata/core/refused.c")
	if out, err := exec.Command(libbpf, refused, target).CombinedOutput(); err == nil || !strings.Contains(string(out), "ambigu") {
		t.Errorf("libbpf takes what is ambiguous: %v\n%s", err, out)
	}
	l := loadFor(t, refused, target)
	p := l.programs[0]
	if _, i, err := relocate(l, p); !errors.Is(err, btf.ErrAmbiguous) || i != 0 {
		t.Errorf("what is ambiguous gives %v at instruction %d", err, i)
	}
	running := "/sys/kernel/btf/vmlinux"
	if _, err := os.Stat(running); err != nil {
		testenv.Skip(t, testenv.Kernel, err.Error())
	}
	sameAsLibbpf(t, libbpf, kinds, running)
	source := filepath.Join(dir, "kernel.c")
	if err := os.WriteFile(source, []byte(kernelSource(openTypes(t, running))), 0o600); err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, n := range sameAsLibbpf(t, libbpf, object("kernel.o", source), running) {
		count += n
	}
	if count < 3000 {
		t.Errorf("only %d relocations against the kernel", count)
	}
}

// openTypes opens the types of an object or of a file that has nothing else.
func openTypes(t *testing.T, path string) *btf.Types {
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.HasPrefix(b, []byte("\x7fELF")) {
		c, err := elf.LoadBytes(b, elf.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return c.BTF
	}
	types, err := btf.Parse(b, btf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return types
}

// loadFor binds an object against the types of a file, without modules.
func loadFor(t *testing.T, object, target string) *Binder {
	file, err := os.ReadFile(object)
	if err != nil {
		t.Fatal(err)
	}
	c, err := elf.LoadBytes(file, elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	k := kernelWith(t, openTypes(t, target))
	types, err := k.Types()
	if err != nil {
		t.Fatal(err)
	}
	b, err := New(c, c.Programs, NewFinder(k, func(spec.Note) {}), nil)
	if err != nil {
		t.Fatal(err)
	}
	if b.outer, err = b.resolver(); err != nil {
		t.Fatal(err)
	}
	b.targets = []btf.Target{{Name: vmlinux, Types: types}}
	return b
}

// relocate returns the code of a program after relocation, or where that fails.
func relocate(l *Binder, p *spec.Program) (*Program, int, error) {
	code, err := p.Resolve()
	if err != nil {
		return nil, 0, err
	}
	out := &Program{Spec: p, Code: code}
	for i, in := range p.Insns.All() {
		if in.Core != nil {
			if err := l.applyCore(out, i, *in.Core); err != nil {
				return nil, i, err
			}
		}
	}
	return out, 0, nil
}

// sameAsLibbpf compares all programs of an object after relocation, and counts relocations by kind.
func sameAsLibbpf(t *testing.T, libbpf, object, target string) map[btf.CoreKind]int {
	cmd := exec.Command(libbpf, object, target)
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("libbpf: %v\n%s", err, &log)
	}
	l := loadFor(t, object, target)
	kinds, lines, poisoned := map[btf.CoreKind]int{}, strings.Split(strings.TrimSpace(string(out)), "\n"), 0
	if len(lines) != len(l.programs) {
		t.Fatalf("%d programs, libbpf has %d", len(l.programs), len(lines))
	}
	for _, line := range lines {
		name, text, _ := strings.Cut(line, " ")
		code, err := hex.DecodeString(text)
		p := l.spec.Program(name)
		if err != nil || p == nil {
			t.Fatalf("program %q: %v", name, err)
		}
		poisoned += sameCode(t, l, p, code)
		for _, in := range p.Insns.All() {
			if in.Core != nil {
				kinds[in.Core.Kind]++
			}
		}
	}
	t.Logf("%s against %s: relocations %v, %d poisoned", filepath.Base(object), filepath.Base(target), kinds, poisoned)
	return kinds
}

// sameCode compares one program with what libbpf made of it, and counts the instructions that must
// not be reached.
func sameCode(t *testing.T, l *Binder, p *spec.Program, theirs []byte) (poisoned int) {
	ours, at, err := relocate(l, p)
	if err != nil {
		t.Fatalf("%s: instruction %d: %v", p.Name, at, err)
	}
	for i, in := range p.Insns.All() {
		size := 8 * int(in.Slots())
		if len(theirs) < size {
			t.Fatalf("%s: libbpf has no instruction %d", p.Name, i)
		}
		one := ours.Code[i]
		one.Label = 0
		switch {
		case in.Core == nil:
		case ours.PoisonAt(i) != "":
			poisoned++
			if !libbpfPoison(theirs[:size]) {
				t.Errorf("%s: instruction %d must not be reached (%s), libbpf has %x", p.Name, i, ours.Poison[i], theirs[:size])
			}
		default:
			got, err := asm.AppendEncode(nil, []asm.Insn{one}, asm.EncodeOptions{})
			if err != nil || !bytes.Equal(got, theirs[:size]) {
				f, _ := l.cores.Resolve(*in.Core)
				t.Errorf("%s: instruction %d (%s): %x, %v; libbpf has %x", p.Name, i, f.Text(), got, err, theirs[:size])
			}
		}
		theirs = theirs[size:]
	}
	if len(theirs) > 0 {
		t.Errorf("%s: libbpf has %d bytes more", p.Name, len(theirs))
	}
	return poisoned
}

// libbpfPoison says whether all slots of an instruction are calls that no kernel accepts.
func libbpfPoison(code []byte) bool {
	for ; len(code) > 0; code = code[8:] {
		if code[0] != uint8(asm.OpCall) || binary.LittleEndian.Uint32(code[4:])-PoisonCall > 1<<20 {
			return false
		}
	}
	return true
}

// kernelSource writes programs that ask about structs and enums of a kernel, which they know with
// less members and numbers of other sizes.
func kernelSource(kernel *btf.Types) string {
	var b strings.Builder
	b.WriteString("#include \"kinds.h\"\nchar LICENSE[] SEC(\"license\") = \"GPL\";\n")
	structs, enums, taken := 0, 0, map[string]bool{}
	for id, typ := range kernel.All() {
		name := kernel.Name(id)
		if name == "" || len(kernel.FindAll(name)) != 1 || id%5 != 0 {
			continue
		}
		switch typ := typ.(type) {
		case *btf.Struct:
			if decl, asks := kernelStruct(kernel, typ); !typ.Union && asks != "" && structs < 150 {
				fmt.Fprintf(&b, "struct %s {\n%s} CORE;\nSEC(\"raw_tp/x\") u64 ask_%d(struct %[1]s *s)\n{\n\treturn TYPE(struct %[1]s)%[4]s;\n}\n",
					name, decl, structs, asks)
				structs++
			}
		case *btf.Enum:
			if enums < 60 && len(typ.Values) > 0 && !taken[typ.Values[0].Name] {
				first := typ.Values[0].Name
				fmt.Fprintf(&b, "enum %s { %s = 12345, NOT_%[2]s };\nSEC(\"raw_tp/x\") u64 value_%d(void *ctx)\n{\n\treturn TYPE(enum %[1]s) + VALUE(enum %[1]s, %[2]s) + VALUE(enum %[1]s, NOT_%[2]s);\n}\n",
					name, first, enums)
				taken[first] = true
				enums++
			}
		}
	}
	return b.String()
}

// kernelStruct declares some members of a struct, and asks for them.
func kernelStruct(kernel *btf.Types, s *btf.Struct) (decl, asks string) {
	sizes := []string{"u64", "u32", "s32", "u16", "u8"}
	count := 0
	for i, m := range s.Members {
		typ, err := kernel.Type(kernel.Strip(m.Type))
		if err != nil || m.Name == "" || count == 6 {
			continue
		}
		switch typ.(type) {
		case *btf.Int, *btf.Enum:
			if count++; m.BitSize > 0 {
				decl += fmt.Sprintf("\tu64 %s : %d;\n", m.Name, min(m.BitSize+uint32(i%2), 64))
			} else {
				decl += fmt.Sprintf("\t%s %s;\n", sizes[i%len(sizes)], m.Name)
			}
			asks += fmt.Sprintf(" +\n\t\tFIELD(s->%s) + s->%[1]s", m.Name)
		case *btf.Pointer:
			count++
			decl += fmt.Sprintf("\tvoid *%s;\n", m.Name)
			asks += fmt.Sprintf(" +\n\t\tPLACE(s->%s) + (u64)s->%[1]s", m.Name)
		}
	}
	return decl, asks
}
