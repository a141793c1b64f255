package agree

import (
	"bytes"
	"slices"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
	"github.com/bpfhost/bpfhost/internal/randprog"
)

// etherLen is the size of an Ethernet header.
const etherLen = 14

// interpreter is that of core/vm.
type interpreter struct{}

func (interpreter) name() string { return "interpreter" }

func (interpreter) load(c *spec.Collection) (instance, error) {
	m, err := vm.New(c, vm.Options{})
	return &machine{m, c}, err
}

// machine is a collection on a machine of core/vm.
type machine struct {
	*vm.Machine
	spec *spec.Collection
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

func (m *machine) close() {}
