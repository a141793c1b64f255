package asm

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/internal/testenv"
	"github.com/google/go-cmp/cmp"
)

// llvmTool returns the path of a tool of LLVM 19, the version that the syntax was taken from.
func llvmTool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name + "-19")
	if err != nil {
		testenv.Skip(t, testenv.Clang, name+"-19 is not installed")
	}
	return path
}

// llvmLine matches an instruction in llvm-objdump's output: text, and the symbol of a jump's
// target.
var llvmLine = regexp.MustCompile(`(?m)^ +[0-9]+:\t(.*?)( <[^> ]*>)?$`)

// llvmText disassembles a program with llvm-objdump, one instruction per line.
func llvmText(t *testing.T, code []byte) string {
	t.Helper()
	clang, objdump := llvmTool(t, "clang"), llvmTool(t, "llvm-objdump")
	dir := t.TempDir()
	source, object := filepath.Join(dir, "x.s"), filepath.Join(dir, "x.o")
	var s strings.Builder
	for _, b := range code {
		fmt.Fprintf(&s, ".byte %d\n", b)
	}
	if err := os.WriteFile(source, []byte(s.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(clang, "-target", "bpfel", "-c", source, "-o", object).CombinedOutput(); err != nil {
		t.Fatalf("assemble: %v\n%s", err, out)
	}
	out, err := exec.Command(objdump, "-d", "--mcpu=v4", "--no-show-raw-insn", "--no-print-imm-hex", "-z", object).Output()
	if err != nil {
		t.Fatalf("disassemble: %v", err)
	}
	var lines strings.Builder
	for _, m := range llvmLine.FindAllSubmatch(out, -1) {
		lines.Write(append(m[1], '\n'))
	}
	return lines.String()
}

// asLLVM prints instructions as llvm-objdump does, where we differ from it on purpose: displacements
// instead of labels, no names of helpers, long immediates in decimal digits, and short loads and
// stores with the register's low half (the kernel and llvm-objdump for older machines say r).
func asLLVM(t *testing.T, code []byte) string {
	t.Helper()
	var lines strings.Builder
	for len(code) > 0 {
		n := SlotSize
		if Op(code[0]) == OpLoadImm64 {
			n = 2 * SlotSize
		}
		insns, err := Decode(code[:n], DecodeOptions{Lenient: true, RawCalls: true})
		if err != nil || len(insns) != 1 {
			t.Fatalf("decode %x: %v, %v", code[:n], insns, err)
		}
		in := insns[0]
		w := readWord(code, LittleEndian)
		in.ClearRef()
		in.Off, in.Imm, in.Flags = w.off(), w.imm(), 0
		line := strings.TrimSuffix(in.String(), " {fixed}")
		switch {
		case in.Op == OpLoadImm64:
			line = fmt.Sprintf("r%d = %d ll", in.Dst, insns[0].Imm)
		case in.Op == OpCall:
			line = fmt.Sprintf("call %d", in.Imm)
		case formats[in.Op] == FormatLoad && in.Op.Size() != DWord:
			line = "w" + line[1:]
		case formats[in.Op] == FormatStoreReg && in.Op.Size() != DWord:
			line = strings.Replace(line, " = r", " = w", 1)
		}
		lines.WriteString(line + "\n")
		code = code[n:]
	}
	return lines.String()
}

// randomKnown returns instructions that LLVM 19 knows too, with random operands.
func randomKnown(n int) []Insn {
	r := rand.New(rand.NewPCG(5, 6))
	reg := func() Reg { return Reg(r.IntN(11)) }
	imm := func() int32 { return int32(r.Uint32()) >> r.IntN(32) }
	off := func() int16 { return int16(r.Uint32()) >> r.IntN(16) }
	sizes := []Size{Byte, Half, Word, DWord}
	wide := []Size{Word, DWord}
	alus := []ALUOp{Add, Sub, Mul, Div, SDiv, Or, And, Lsh, Rsh, Mod, SMod, Xor, Mov, Arsh}
	jumps := []JumpOp{Equal, Greater, GreaterEq, Set, NotEqual, SGreater, SGreaterEq, Less, LessEq, SLess, SLessEq}
	atomics := []AtomicOp{AtomicAdd, AtomicOr, AtomicAnd, AtomicXor}
	fetches := []AtomicOp{AtomicAdd | Fetch, AtomicOr | Fetch, AtomicAnd | Fetch, AtomicXor | Fetch, Xchg, CmpXchg}
	kinds := []func() Insn{
		func() Insn { return ALU64Imm(pick(r, alus), reg(), imm()) },
		func() Insn { return ALU64Reg(pick(r, alus), reg(), reg()) },
		func() Insn { return ALU32Imm(pick(r, alus), reg(), imm()) },
		func() Insn { return ALU32Reg(pick(r, alus), reg(), reg()) },
		func() Insn { return Mov64SX(reg(), reg(), pick(r, sizes[:3])) },
		func() Insn { return Mov32SX(reg(), reg(), pick(r, sizes[:2])) },
		func() Insn { return AddrSpaceCast(reg(), reg(), uint16(r.IntN(9)), uint16(r.IntN(9))) },
		func() Insn { return Neg64(reg()) },
		func() Insn { return Neg32(reg()) },
		func() Insn { return ToLE(reg(), pick(r, sizes[1:])) },
		func() Insn { return ToBE(reg(), pick(r, sizes[1:])) },
		func() Insn { return ByteSwap(reg(), pick(r, sizes[1:])) },
		func() Insn { return LoadMem(reg(), reg(), off(), pick(r, sizes)) },
		func() Insn { return LoadMemSX(reg(), reg(), off(), pick(r, sizes[:3])) },
		func() Insn { return StoreMem(reg(), off(), reg(), pick(r, sizes)) },
		func() Insn { return StoreImm(reg(), off(), imm(), pick(r, sizes)) },
		func() Insn { return LoadAbs(int32(r.IntN(math.MaxInt32)), pick(r, sizes[:3])) },
		func() Insn { return LoadInd(reg(), 0, pick(r, sizes[:3])) },
		func() Insn { return Atomic(pick(r, atomics), reg(), off(), reg(), pick(r, wide)) },
		func() Insn { return Atomic(pick(r, fetches), reg(), off(), reg(), pick(r, wide)) },
		func() Insn { return LoadImm64(reg(), r.Int64()) },
		func() Insn { return JumpImm(pick(r, jumps), reg(), imm(), 0) },
		func() Insn { return JumpReg(pick(r, jumps), reg(), reg(), 0) },
		func() Insn { return JumpImm32(pick(r, jumps), reg(), imm(), 0) },
		func() Insn { return JumpReg32(pick(r, jumps), reg(), reg(), 0) },
		func() Insn { return Call(Helper(r.IntN(300))) },
		func() Insn { return CallReg(reg()) },
		func() Insn { return Jump(0) },
		func() Insn { return JumpLong(0) },
		func() Insn { return MayGoto(0) },
		Exit,
	}
	insns := make([]Insn, n)
	for i := range insns {
		in := kinds[i%len(kinds)]()
		if in.Ref == RefLabel { // jump to somewhere else in the program
			in.Target = Label(1 + r.IntN(n))
		}
		in.Label = Label(i + 1)
		insns[i] = in
	}
	return insns
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func TestAgainstLLVM(t *testing.T) {
	programs := readPrograms(t)
	for _, r := range readTable(t) {
		if r.llvm {
			programs["table"] = append(programs["table"], r.code...)
		}
	}
	random, err := AppendEncode(nil, randomKnown(3000), EncodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	programs["random"] = random
	for name, code := range programs {
		t.Run(name, func(t *testing.T) {
			text := llvmText(t, code)
			if d := cmp.Diff(text, asLLVM(t, code)); d != "" {
				t.Errorf("text (-llvm +ours):\n%s", d)
			}
			if strings.HasSuffix(name, "xdp") { // its calls lead to another section
				return
			}
			l, err := Parse(text)
			if err != nil {
				t.Fatalf("parse llvm-objdump's text: %v", err)
			}
			got, err := AppendEncode(nil, l.Insns, EncodeOptions{})
			if err != nil || !bytes.Equal(got, code) {
				t.Errorf("bytes differ after llvm-objdump and Parse (%v)", err)
			}
		})
	}
}

// TestLLVMReadsOurText has clang's assembler read our text, which must make the same bytes. Names
// of helpers are ours alone.
func TestLLVMReadsOurText(t *testing.T) {
	programs := map[string][]byte{"table": nil}
	for _, r := range readTable(t) {
		if r.llvm {
			programs["table"] = append(programs["table"], r.code...)
		}
	}
	random, err := AppendEncode(nil, randomKnown(3000), EncodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	programs["random"] = random
	helper := regexp.MustCompile(`call bpf_\w+#`)
	for name, code := range programs {
		insns, err := Decode(code, DecodeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		text := helper.ReplaceAllString(string(AppendText(nil, insns, TextOptions{})), "call ")
		if got := llvmCode(t, text); !bytes.Equal(got, code) {
			i := 0
			for i < min(len(got), len(code)) && got[i] == code[i] {
				i++
			}
			t.Errorf("%s: clang makes other bytes of our text, from slot %d on", name, i/SlotSize)
		}
	}
}

// llvmCode assembles a program with clang.
func llvmCode(t *testing.T, text string) []byte {
	t.Helper()
	clang, objcopy := llvmTool(t, "clang"), llvmTool(t, "llvm-objcopy")
	dir := t.TempDir()
	source, object, code := filepath.Join(dir, "x.s"), filepath.Join(dir, "x.o"), filepath.Join(dir, "x.bin")
	if err := os.WriteFile(source, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(clang, "-target", "bpfel", "-mcpu=v4", "-c", source, "-o", object).CombinedOutput(); err != nil {
		t.Fatalf("assemble: %v\n%s", err, out)
	}
	if out, err := exec.Command(objcopy, "-O", "binary", "--only-section=.text", object, code).CombinedOutput(); err != nil {
		t.Fatalf("copy code: %v\n%s", err, out)
	}
	b, err := os.ReadFile(code)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
