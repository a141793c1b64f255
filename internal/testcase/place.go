package testcase

import (
	"errors"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
	"github.com/bpfhost/bpfhost/internal/cover"
)

// Place is where cases run.
type Place interface {
	// Open loads a collection, of which one program is going to run, one that is not optional. The
	// collection is not changed.
	Open(c *spec.Collection, program string) (Session, error)

	// Faults reports whether it stops a program that does what it may not.
	Faults() bool
}

// Session is a collection that is loaded.
type Session interface {
	// Update sets an entry of a map, for every CPU if it has a value for each.
	Update(mapName string, key, value []byte) error

	// Lookup returns the value of a key, of the CPU that the program runs on. ok is false if there is
	// none.
	Lookup(mapName string, key []byte) (value []byte, ok bool, err error)

	// Keys returns the keys of a map.
	Keys(mapName string) ([][]byte, error)

	// Records takes the records out of a ring buffer.
	Records(mapName string) ([][]byte, error)

	// Run runs the program. The error is a *Stopped if the place stopped it.
	Run(in Input) (Result, error)

	// Close frees everything.
	Close() error
}

// Input is what a program runs on.
type Input struct {
	Packet  []byte      // nil is none
	Context []byte      // nil is none
	Process *vm.Process // nil is any
}

// Result is what came of a run.
type Result struct {
	Return uint32
	Packet []byte // afterwards; nil is unknown
}

// Stopped says that a program was stopped, as no kernel's is.
type Stopped struct {
	Kind string // in a few words, "outside the packet"
	Err  error
}

// Error returns what happened and where.
func (e *Stopped) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Stopped) Unwrap() error { return e.Err }

// ErrNotHere is wrapped by the error of a place that has no way to do what a case asks for.
var ErrNotHere = errors.New("not possible here")

// Machine runs cases in user space.
type Machine struct {
	Options vm.Options
	Cover   *cover.Profile // gets what was run of each program; nil is nobody, and costs nothing
}

// Faults is true.
func (Machine) Faults() bool { return true }

// Open makes a machine.
func (p Machine) Open(c *spec.Collection, program string) (Session, error) {
	m, err := vm.New(c, p.Options)
	if err != nil {
		return nil, err
	}
	s := &machine{m: m, c: c, program: program, cover: p.Cover}
	if p.Cover != nil {
		s.tracer = vm.NewTracer(m, nil)
	}
	return s, nil
}

type machine struct {
	m       *vm.Machine
	c       *spec.Collection
	program string
	cover   *cover.Profile // nil is none
	tracer  *vm.Tracer
}

// Update sets an entry.
func (s *machine) Update(name string, key, value []byte) error {
	m, err := s.mapOf(name)
	if err != nil {
		return err
	}
	if m.Spec().Type.PerCPU() { // one CPU, whose value fills up whole words
		value = append(value, make([]byte, -len(value)&7)...)
	}
	return m.Update(key, value, vm.Any)
}

var errNoMap = errors.New("there is no such map")

func (s *machine) mapOf(name string) (*vm.Map, error) {
	if m := s.m.Map(name); m != nil {
		return m, nil
	}
	return nil, errNoMap
}

// Lookup returns the value of a key.
func (s *machine) Lookup(name string, key []byte) (value []byte, ok bool, err error) {
	m, err := s.mapOf(name)
	if err != nil {
		return nil, false, err
	}
	value, ok, err = m.Lookup(key)
	if n := int(m.Spec().ValueSize); ok && len(value) > n {
		value = value[:n]
	}
	return value, ok, err
}

// Keys returns the keys of a map.
func (s *machine) Keys(name string) ([][]byte, error) {
	m, err := s.mapOf(name)
	if err != nil {
		return nil, err
	}
	var keys [][]byte
	for k := range m.All() {
		keys = append(keys, append([]byte(nil), k...))
	}
	return keys, nil
}

// Records takes the records out of a ring buffer.
func (s *machine) Records(name string) ([][]byte, error) {
	r := s.m.Ring(name)
	if r == nil {
		return nil, errNoMap
	}
	var list [][]byte
	for rec, ok := r.Read(); ok; rec, ok = r.Read() {
		list = append(list, append([]byte(nil), rec...))
	}
	return list, nil
}

// Run runs the program.
func (s *machine) Run(in Input) (Result, error) {
	run := vm.Input{Packet: in.Packet, Context: in.Context}
	if in.Process != nil {
		run.Process = *in.Process
	}
	r, err := s.m.Run(s.program, run)
	var f *vm.Fault
	if errors.As(err, &f) {
		err = &Stopped{Kind: f.Kind.String(), Err: err}
	}
	return Result{Return: uint32(r.Return), Packet: append([]byte(nil), r.Packet...)}, err
}

// Close drops the machine.
func (s *machine) Close() error {
	if s.cover == nil {
		return nil
	}
	for _, p := range s.c.Programs {
		if n := s.tracer.Counts(p.Name); n != nil {
			s.cover.Add(p, n)
		}
	}
	return nil
}
