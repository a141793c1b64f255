package agree

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
	"github.com/bpfhost/bpfhost/host/sim"
	"github.com/bpfhost/bpfhost/internal/randprog"
)

// etherLen is the size of an Ethernet header.
const etherLen = 14

// userSpace is core/vm, which interprets programs or compiles them.
type userSpace struct {
	title   string
	options vm.Options
}

// interpreter is that of core/vm.
var interpreter = userSpace{title: "interpreter"}

// machines returns the engines that must do the same, the interpreter first: where there is a compiler
// for it, what core/vm/wasm translates programs to.
func machines(t *testing.T) []engine {
	t.Helper()
	list := []engine{interpreter}
	wasm := userSpace{"wasm", vm.Options{Engine: sim.NewEngine(), Eager: true}}
	c := &spec.Collection{License: "GPL", Programs: []*spec.Program{{
		Name: randprog.Main, Type: spec.ProgramSyscall, Flags: spec.FlagSleepable, Insns: spec.NewInsns(asm.Mov64Imm(asm.R0, 0), asm.Exit()),
	}}}
	m, err := vm.New(c, wasm.options)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if _, err := m.Run(randprog.Main, vm.Input{}); err != nil {
		t.Fatal(err)
	}
	switch ok, err := m.Translated(randprog.Main); {
	case ok:
		return append(list, wasm)
	case runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64":
		t.Fatalf("nothing is compiled: %v", err)
	}
	return list
}

func (u userSpace) name() string { return u.title }

func (u userSpace) load(c *spec.Collection) (instance, error) {
	m, err := vm.New(c, u.options)
	return &machine{m, c, u.options.Engine != nil}, err
}

// machine is a collection on a machine of core/vm.
type machine struct {
	*vm.Machine
	spec     *spec.Collection
	compiles bool
}

func (m *machine) run(program string, in randprog.Input) outcome {
	input := vm.Input{Packet: in.Packet, Context: in.Context}
	if m.spec.Program(program).Type == spec.ProgramSocketFilter {
		input.Packet = in.Packet[etherLen:] // a test run of the kernel takes the header off
	}
	if p := m.Map(randprog.Planted); p != nil {
		if err := p.Update(make([]byte, 4), make([]byte, 8), vm.Any); err != nil {
			return outcome{fault: err.Error()}
		}
	}
	r, err := m.Run(program, input)
	o := outcome{ret: uint32(r.Return), packet: bytes.Clone(r.Packet)}
	if in.Context != nil {
		o.context = bytes.Clone(r.Context)
	}
	if err != nil {
		o.fault = err.Error()
	}
	if m.compiles {
		if ok, err := m.Translated(program); !ok {
			o.fault = fmt.Sprintf("it was not compiled: %v", err)
		}
	}
	for _, s := range m.spec.Maps {
		if ring := m.Ring(s.Name); ring != nil {
			for record, ok := ring.Read(); ok; record, ok = ring.Read() {
				o.records = append(o.records, bytes.Clone(record))
			}
		}
	}
	return o
}

func (m *machine) put(name string, key, value []byte) error {
	return m.Map(name).Update(key, value, vm.Any)
}

func (m *machine) entries() (contents, error) {
	c := contents{}
	for _, s := range m.spec.Maps {
		switch mp := m.Map(s.Name); s.Type {
		case spec.MapQueue, spec.MapStack:
			value, ok, err := mp.Pop()
			for ; ok; value, ok, err = mp.Pop() {
				c[s.Name] = append(c[s.Name], entry(s, nil, value))
			}
			if err != nil {
				return nil, err
			}
		case spec.MapArray, spec.MapPerCPUArray, spec.MapHash, spec.MapPerCPUHash, spec.MapLRUHash, spec.MapLRUPerCPUHash, spec.MapLPMTrie:
			for key, value := range mp.All() {
				c[s.Name] = append(c[s.Name], entry(s, key, value[:s.ValueSize]))
			}
			slices.Sort(c[s.Name])
		}
	}
	return c, nil
}

func (m *machine) close() { m.Close() }
