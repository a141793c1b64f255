package vm_test

import (
	"encoding/binary"
	"errors"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

// refusedCases are those that need what the machine does not simulate, with what it says.
var refusedCases = map[string]string{
	"kernel function":      `kernel function "bpf_iter_num_new" is not simulated`,
	"symbol of the kernel": `kernel symbol "bpf_iter_num_new" is not simulated`,
	"address space cast":   "maps of type arena are not simulated",
}

// TestConformance runs the cases that core/asm runs on the kernel.
func TestConformance(t *testing.T) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) { testConformance(t, e) })
	}
}

func testConformance(t *testing.T, e engine) {
	b, err := os.ReadFile("../asm/testdata/conformance.txt")
	if err != nil {
		t.Fatal(err)
	}
	refused := map[string]bool{}
	n := 0
	for line := range strings.Lines(string(b)) {
		f := strings.Split(strings.TrimSpace(line), " | ")
		if len(f) != 3 || line[0] == '#' {
			continue
		}
		n++
		want, err := strconv.ParseUint(f[2], 0, 64)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(f[0], func(t *testing.T) {
			got, err := runCase(t, e, f[0], strings.ReplaceAll(f[1], ";", "\n"))
			if text := refusedCases[f[0]]; text != "" {
				refused[f[0]] = true
				if !errors.Is(err, vm.ErrNotSupported) || !strings.Contains(err.Error(), text) {
					t.Errorf("got %v, want it refused with %q", err, text)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Errorf("R0 is %#x, want %#x", got, want)
			}
		})
	}
	if n != 279 {
		t.Errorf("%d cases, want 279", n)
	}
	if len(refused) != len(refusedCases) {
		t.Errorf("%v are not all refused", slices.Sorted(maps.Keys(refusedCases)))
	}
}

// runCase runs a case as a function that a program calls with 64 zero bytes and 7, or, on a packet,
// as a program.
func runCase(t *testing.T, e engine, name, text string) (uint64, error) {
	l, err := asm.Parse(text)
	if err != nil {
		return 0, err
	}
	p := &spec.Program{Name: "main", Type: spec.ProgramSchedCls, Insns: spec.NewInsns(l.Insns...)}
	in := vm.Input{}
	if strings.HasPrefix(name, "skb") {
		in.Packet = make([]byte, 64)
		for i := range in.Packet {
			in.Packet[i] = byte(i)
		}
	} else {
		p = callCase(l.Insns)
		in.Context = make([]byte, 8)
	}
	c := &spec.Collection{License: "GPL", Programs: []*spec.Program{p}}
	addObjects(c, p)
	m, err := vm.New(c, e.options)
	if err != nil {
		return 0, err
	}
	defer m.Close()
	r, err := m.Run("main", in)
	e.translated(t, m, "main")
	if err != nil || in.Packet != nil {
		return uint64(uint32(r.Return)), err
	}
	return binary.LittleEndian.Uint64(r.Context), nil
}

// callCase returns a program that stores what the case returns in its context.
func callCase(insns []asm.Insn) *spec.Program {
	code := []asm.Insn{asm.Mov64Reg(asm.R6, asm.R1), asm.Mov64Reg(asm.R1, asm.R10), asm.ALU64Imm(asm.Add, asm.R1, -64)}
	for off := int16(-64); off < 0; off += 8 {
		code = append(code, asm.StoreImm(asm.R10, off, 0, asm.DWord))
	}
	code = append(code, asm.Mov64Imm(asm.R2, 7), asm.CallFunc("case"), asm.StoreMem(asm.R6, 0, asm.R0, asm.DWord), asm.Mov64Imm(asm.R0, 0), asm.Exit())
	start := len(code)
	p := &spec.Program{Name: "main", Type: spec.ProgramSyscall, Insns: spec.NewInsns(append(code, insns...)...)}
	called := map[asm.Label]bool{}
	for _, in := range insns {
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
	return p
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
