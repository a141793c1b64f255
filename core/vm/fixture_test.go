package vm_test

import (
	"encoding/binary"
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
	"github.com/bpfhost/bpfhost/host/sim"
)

// collection returns one with a program of the text, and the maps.
func collection(t testing.TB, typ spec.ProgramType, text string, maps ...*spec.Map) *spec.Collection {
	t.Helper()
	l, err := asm.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	p := &spec.Program{Name: "main", Type: typ, Insns: spec.NewInsns(l.Insns...)}
	p.Insns.Edit(func(insns []spec.Insn) {
		insns[0].Func = &btf.FuncInfo{Name: "main"}
		called := map[asm.Label]bool{}
		for _, in := range insns {
			if in.Ref == asm.RefLabel && (in.Op == asm.OpCall || in.Op == asm.OpLoadImm64) {
				called[in.Target] = true
			}
		}
		for i := range insns {
			insns[i].Line = btf.NewLineInfo("main.bpf.c", "", uint32(100+i), 1)
			if called[insns[i].Label] {
				insns[i].Func = &btf.FuncInfo{Name: "f" + strconv.Itoa(int(insns[i].Label))}
			}
		}
	})
	return &spec.Collection{License: "GPL", Programs: []*spec.Program{p}, Maps: maps}
}

// machine makes a machine of a program of the text.
func machine(t testing.TB, typ spec.ProgramType, text string, maps ...*spec.Map) *vm.Machine {
	t.Helper()
	m, err := newMachine(collection(t, typ, text, maps...), vm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// run runs the program and demands that nothing stops it.
func run(t testing.TB, m *vm.Machine, in vm.Input) vm.Result {
	t.Helper()
	r, err := m.Run("main", in)
	if err != nil {
		t.Fatal(err)
	}
	byDefault.translated(t, m, "main")
	return r
}

// frame returns an Ethernet frame with an IPv4 packet of 46 bytes.
func frame(proto byte, source uint32) []byte {
	f := make([]byte, 60)
	f[12], f[13] = 8, 0
	f[14] = 0x45
	binary.BigEndian.PutUint16(f[16:], 46)
	f[22], f[23] = 64, proto
	binary.BigEndian.PutUint32(f[26:], source)
	binary.BigEndian.PutUint32(f[30:], 0x0a000001)
	return f
}

// quickstart returns what the plugin of that name builds, sampling one in so many packets.
func quickstart(t testing.TB, sample int64) *spec.Collection {
	t.Helper()
	text, err := os.ReadFile("../../guests/quickstart/go/count.bpf.txt")
	if err != nil {
		t.Fatal(err)
	}
	l, err := asm.Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	for i := range l.Insns {
		if in := &l.Insns[i]; in.Op == asm.Op(asm.ClassALU64)|asm.Op(asm.Mod) {
			in.Imm = sample
		}
	}
	perCPU := func(name string, n uint32) *spec.Map {
		return &spec.Map{Name: name, Type: spec.MapPerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: n}
	}
	return &spec.Collection{
		License:  "Dual MIT/GPL",
		Programs: []*spec.Program{{Name: "count", Type: spec.ProgramXDP, Insns: spec.NewInsns(l.Insns...)}},
		Maps:     []*spec.Map{perCPU("packets", 256), perCPU("account", 2), {Name: "samples", Type: spec.MapRingbuf, MaxEntries: 64 << 10}},
	}
}

// pktguard reads the object of the plugin of that name.
func pktguard(t testing.TB) *spec.Collection {
	t.Helper()
	b, err := os.ReadFile("../../guests/pktguard/pktguard.bpf.o")
	if err != nil {
		t.Fatal(err)
	}
	c, err := elf.LoadBytes(b, elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// engine is what runs programs in tests.
type engine struct {
	name    string
	options vm.Options
}

// engines are the interpreter and, on processors that it makes code for, what translates programs to
// WebAssembly.
var engines = func() []engine {
	list := []engine{{"interpreted", vm.Options{}}}
	if runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64" {
		list = append(list, engine{"translated", vm.Options{Engine: sim.NewEngine(), Eager: true}})
	}
	return list
}()

// translated fails the test if a program was not run by the engine that it was to be run by.
func (e engine) translated(t testing.TB, m *vm.Machine, program string) {
	t.Helper()
	if ok, err := m.Translated(program); e.options.Engine != nil && !ok {
		t.Errorf("program %q was interpreted: %v", program, err)
	}
}

// byDefault is the engine of machines that newMachine makes.
var byDefault engine

// newMachine makes a machine, whose programs the engine of the test runs.
func newMachine(c *spec.Collection, o vm.Options) (*vm.Machine, error) {
	o.Engine, o.Eager = byDefault.options.Engine, byDefault.options.Eager
	return vm.New(c, o)
}
