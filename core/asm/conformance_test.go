package asm_test

import (
	"encoding/binary"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/spec/lint"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// testCase is a line of testdata/conformance.txt.
type testCase struct {
	name  string
	insns []asm.Insn
	want  uint64
}

func readCases(t *testing.T) []testCase {
	t.Helper()
	b, err := os.ReadFile("testdata/conformance.txt")
	if err != nil {
		t.Fatal(err)
	}
	var cases []testCase
	seen := map[string]bool{}
	for i, line := range strings.Split(string(b), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, " | ")
		if len(f) != 3 || seen[f[0]] {
			t.Fatalf("conformance.txt:%d: %q is not a case, or there twice", i+1, line)
		}
		seen[f[0]] = true
		l, err := asm.Parse(strings.ReplaceAll(f[1], ";", "\n"))
		if err != nil {
			t.Fatalf("conformance.txt:%d: %v", i+1, err)
		}
		want, err := strconv.ParseUint(f[2], 0, 64)
		if err != nil {
			t.Fatalf("conformance.txt:%d: %v", i+1, err)
		}
		cases = append(cases, testCase{f[0], l.Insns, want})
	}
	return cases
}

// newerCases are the cases that older kernels do not know, by the start of their name.
var newerCases = []struct{ prefix, since string }{
	{"movsx", "6.6"}, {"sdiv", "6.6"}, {"smod", "6.6"}, {"bswap", "6.6"}, {"load s", "6.6"}, {"gotol", "6.6"}, {"gotox", "6.19"}, {"may_goto", "6.9"},
	{"load-acquire", "6.15"}, {"store-release", "6.15"}, {"function called back", "5.17"}, {"kernel function", "6.4"}, {"symbol of the kernel", "6.4"},
	{"address space cast", "6.9"}, {"", "5.14"}, // programs of type syscall
}

// TestConformance runs every case on the kernel.
func TestConformance(t *testing.T) {
	k := needKernel(t)
	for _, c := range readCases(t) {
		t.Run(c.name, func(t *testing.T) {
			for _, n := range newerCases {
				if strings.HasPrefix(c.name, n.prefix) {
					testenv.NeedKernel(t, n.since, c.name)
				}
			}
			if strings.HasPrefix(c.name, "skb") {
				runPacket(t, k, c)
				return
			}
			runCase(t, k, c)
		})
	}
}

// runCase calls the case from a program that stores what it returns in its context.
func runCase(t *testing.T, k *loader.Kernel, c testCase) {
	t.Helper()
	code := []asm.Insn{asm.Mov64Reg(asm.R6, asm.R1), asm.Mov64Reg(asm.R1, asm.R10), asm.ALU64Imm(asm.Add, asm.R1, -64)}
	for off := int16(-64); off < 0; off += 8 {
		code = append(code, asm.StoreImm(asm.R10, off, 0, asm.DWord))
	}
	code = append(code, asm.Mov64Imm(asm.R2, 7), asm.CallFunc("case"), asm.StoreMem(asm.R6, 0, asm.R0, asm.DWord), asm.Mov64Imm(asm.R0, 0), asm.Exit())
	start := len(code)
	p := program(spec.ProgramSyscall, append(code, c.insns...)...)
	p.Flags = spec.FlagSleepable
	called := map[asm.Label]bool{}
	for _, in := range c.insns {
		if in.Ref == asm.RefLabel && (in.Op == asm.OpCall || in.Op == asm.OpLoadImm64) {
			called[in.Target] = true
		}
	}
	p.Insns.Edit(func(insns []spec.Insn) {
		insns[0].Func = &btf.FuncInfo{Name: "main"}
		for i := start; i < len(insns); i++ {
			if l := insns[i].Label; l != 0 && called[l] {
				insns[i].Func = &btf.FuncInfo{Name: "f" + strconv.Itoa(int(l))}
			}
		}
		insns[start].Func = &btf.FuncInfo{Name: "case"}
	})
	o := loader.TestRunOptions{Ctx: make([]byte, 8)} // which the kernel writes back
	load(t, k, p, o)
	if got := binary.LittleEndian.Uint64(o.Ctx); got != c.want {
		t.Errorf("R0 is %#x, want %#x", got, c.want)
	}
}

// runPacket runs the case as a socket filter.
func runPacket(t *testing.T, k *loader.Kernel, c testCase) {
	t.Helper()
	var data []byte
	for i := range 64 {
		data = append(data, byte(i))
	}
	data[12], data[13] = 0x0c, 0x0d
	run := load(t, k, program(spec.ProgramSchedCls, c.insns...), loader.TestRunOptions{Data: data})
	if uint64(run.Ret) != c.want {
		t.Errorf("R0 is %#x, want %#x", run.Ret, c.want)
	}
}

// addTypes adds types to the functions, without which the kernel takes no address of one, and to
// functions of the kernel.
func addTypes(t *testing.T, c *spec.Collection, p *spec.Program) {
	t.Helper()
	b := btf.Builder{}
	integer := b.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned})
	proto := b.Add(&btf.FuncProto{Return: integer})
	for i := range c.Externs {
		iter := btf.Param{Name: "it", Type: b.Add(&btf.Pointer{Type: b.Add(&btf.Struct{Name: "bpf_iter_num", Size: 8})})}
		declared := &btf.FuncProto{Return: integer, Params: []btf.Param{iter, {Name: "start", Type: integer}, {Name: "end", Type: integer}}}
		if c.Externs[i].Name == "bpf_iter_num_next" {
			declared = &btf.FuncProto{Return: b.Add(&btf.Pointer{Type: integer}), Params: []btf.Param{iter}}
		}
		c.Externs[i].Type = b.Add(&btf.Func{Name: c.Externs[i].Name, Type: b.Add(declared), Linkage: btf.LinkExtern})
	}
	for _, in := range p.Insns.All() {
		if f := in.Func; f != nil {
			f.Type = b.Add(&btf.Func{Name: f.Name, Type: proto})
		}
	}
	var err error
	if c.BTF, err = b.Types(); err != nil {
		t.Fatal(err)
	}
}

// addObjects adds what the program refers to.
func addObjects(c *spec.Collection, p *spec.Program) {
	have := map[string]bool{}
	for _, in := range p.Insns.All() {
		kind, name := in.Ref, in.Symbol
		if have[name] {
			continue
		}
		have[name] = true
		switch {
		case kind == asm.RefKsym: // found by its type, which addTypes adds
			c.Externs = append(c.Externs, spec.Extern{Name: name, Kind: spec.ExternKfunc})
		case kind == asm.RefMap && name == "arena":
			c.Maps = append(c.Maps, &spec.Map{Name: "arena", Type: spec.MapArena, Flags: spec.FlagMmapable, MaxEntries: 1, Extra: 1<<44 | 1<<20})
		case kind == asm.RefTable: // its name is that of its labels
			table := spec.JumpTable{Name: name}
			for l := range strings.SplitSeq(name, ",") {
				n, _ := strconv.Atoi(l[1:])
				table.Labels = append(table.Labels, asm.Label(n))
			}
			p.Tables = append(p.Tables, table)
		case kind == asm.RefMap || kind == asm.RefMapValue:
			c.Maps = append(c.Maps, &spec.Map{Name: name, Type: spec.MapArray, KeySize: 4, ValueSize: 16, MaxEntries: 1})
		}
	}
}

// load loads a program, demands that it was compiled, and runs it.
func load(t *testing.T, k *loader.Kernel, p *spec.Program, o loader.TestRunOptions) loader.TestRun {
	t.Helper()
	spc := &spec.Collection{License: "GPL", Programs: []*spec.Program{p}}
	addObjects(spc, p)
	addTypes(t, spc, p)
	for _, d := range lint.Collection(spc) {
		t.Error(d)
	}
	c, err := loader.Load(spc, loader.Options{Kernel: k})
	if err != nil {
		t.Fatalf("%+v", err)
	}
	defer c.Close()
	info, err := c.Program(p.Name).Info()
	if err != nil {
		t.Fatal(err)
	}
	if info.Jited == 0 {
		t.Error("the kernel did not compile the program")
	}
	run, err := c.Program(p.Name).TestRun(o)
	if err != nil {
		t.Fatal(err)
	}
	return run
}
