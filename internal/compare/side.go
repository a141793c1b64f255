package compare

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

// side is one of the two programs, in a machine.
type side struct {
	c       *spec.Collection
	program *spec.Program
	types   *btf.Types // that CO-RE is computed for; nil is those of the collection
	seed    uint64
	vars    map[string][]*spec.Var // by map

	m     *vm.Machine
	now   uint64
	print bytes.Buffer
}

func newSide(c *spec.Collection, program string, o Options) (*side, error) {
	s := &side{c: c, program: c.Program(program), types: o.CoreTypes, seed: o.Seed, vars: map[string][]*spec.Var{}}
	for _, v := range c.Vars {
		s.vars[v.Map] = append(s.vars[v.Map], v)
	}
	return s, s.reset()
}

// reset makes a new machine.
func (s *side) reset() (err error) {
	s.now = uint64(time.Second)
	s.m, err = vm.New(s.c, vm.Options{Seed: s.seed, Again: true, Clock: s.clock, Print: &s.print, CoreTypes: s.types})
	return err
}

func (s *side) clock() uint64 {
	s.now += uint64(time.Microsecond)
	return s.now
}

// outcome is what came of a run, but for what is in maps.
type outcome struct {
	result  vm.Result
	fault   *vm.Fault // nil is none
	records map[string][][]byte
	printed string
}

// run runs the program on an input. Each input has its own time, whatever programs asked before.
func (s *side) run(in *Input) (outcome, error) {
	var out outcome
	s.now = (s.now/uint64(time.Millisecond) + 1) * uint64(time.Millisecond)
	s.print.Reset()
	input, err := in.of(s)
	if err != nil {
		return out, err
	}
	out.result, err = s.m.Run(s.program.Name, input)
	s.m.Clear()
	if errors.As(err, &out.fault) {
		err = nil
	}
	out.printed = s.print.String()
	for _, m := range s.c.Maps {
		if list := s.taken(m); list != nil {
			if out.records == nil {
				out.records = map[string][][]byte{}
			}
			out.records[m.Name] = list
		}
	}
	return out, err
}

// taken takes the records out of a ring buffer or a perf event array.
func (s *side) taken(m *spec.Map) (list [][]byte) {
	switch m.Type {
	case spec.MapRingbuf:
		r := s.m.Ring(m.Name)
		for r != nil {
			rec, ok := r.Read()
			if !ok {
				break
			}
			list = append(list, slices.Clone(rec))
		}
	case spec.MapPerfEventArray:
		p := s.m.Perf(m.Name)
		for p != nil {
			rec, _, ok := p.Read()
			if !ok {
				break
			}
			list = append(list, slices.Clone(rec))
		}
	}
	return list
}

// value returns the value of a key; nil is none.
func (s *side) value(name string, key []byte) []byte {
	m := s.m.Map(name)
	if m == nil {
		return nil
	}
	if t := m.Spec().Type; t == spec.MapQueue || t == spec.MapStack {
		v, _ := m.Queued(int(key[0]) | int(key[1])<<8 | int(key[2])<<16)
		return v
	}
	v, ok, err := m.Lookup(key)
	if err != nil || !ok {
		return nil
	}
	return v[:m.Spec().ValueSize]
}

// describe says how a fault ended a run.
func describe(f *vm.Fault) string {
	if f == nil {
		return "none"
	}
	s := f.Kind.String()
	if f.Detail != "" {
		s += ": " + f.Detail
	}
	if f.Line != nil {
		s += fmt.Sprintf(" (%s:%d)", f.Line.File(), f.Line.Line)
	}
	return s
}
