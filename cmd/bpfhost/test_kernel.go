package main

import (
	"errors"
	"fmt"
	"math"

	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/ring"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/testcase"
)

// kernelPlace runs cases on the running kernel, without attaching anything.
type kernelPlace struct{}

// Faults is false: the verifier refuses such programs.
func (kernelPlace) Faults() bool { return false }

// Open loads a collection.
func (kernelPlace) Open(c *spec.Collection, program string) (testcase.Session, error) {
	loaded, err := loader.Load(c, loader.Options{})
	if err != nil {
		return nil, err
	}
	return &kernelSession{c: loaded, program: loaded.Program(program)}, nil
}

type kernelSession struct {
	c       *loader.Collection
	program *loader.Program
}

func (s *kernelSession) mapOf(name string) (*loader.Map, error) {
	if m := s.c.Map(name); m != nil {
		return m, nil
	}
	return nil, fmt.Errorf("map %q was not loaded", name)
}

// Update sets an entry, for all CPUs.
func (s *kernelSession) Update(name string, key, value []byte) error {
	m, err := s.mapOf(name)
	if err != nil {
		return err
	}
	if stride := m.PerCPUStride(); stride > 0 {
		all := make([]byte, m.ValueBufferSize())
		for at := 0; at < len(all); at += stride {
			copy(all[at:], value)
		}
		value = all
	}
	return m.Update(key, value, 0)
}

// Lookup returns the value of a key: of a map with a value for each CPU the first that a program
// wrote.
func (s *kernelSession) Lookup(name string, key []byte) (value []byte, ok bool, err error) {
	m, err := s.mapOf(name)
	if err != nil {
		return nil, false, err
	}
	all := make([]byte, m.ValueBufferSize())
	switch err := m.Lookup(key, all); {
	case errors.Is(err, loader.ErrNoKey):
		return nil, false, nil
	case err != nil:
		return nil, false, err
	}
	value = all[:m.ValueSize()]
	stride := m.PerCPUStride()
	for at := 0; stride > 0 && at < len(all); at += stride {
		if v := all[at:][:m.ValueSize()]; !zero(v) {
			return v, true, nil
		}
	}
	return value, true, nil
}

func zero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// Keys returns the keys of a map.
func (s *kernelSession) Keys(name string) ([][]byte, error) {
	m, err := s.mapOf(name)
	if err != nil {
		return nil, err
	}
	var keys [][]byte
	for k := range m.All(&err) {
		keys = append(keys, append([]byte(nil), k...))
	}
	return keys, err
}

// Records takes the records out of a ring buffer.
func (s *kernelSession) Records(name string) ([][]byte, error) {
	m, err := s.mapOf(name)
	if err != nil {
		return nil, err
	}
	r, err := ring.Open(m)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var list [][]byte
	_, err = r.Drain(func(rec []byte) bool {
		list = append(list, append([]byte(nil), rec...))
		return true
	})
	return list, err
}

// maxFrame is how long a packet can get in a test run, in bytes.
const maxFrame = math.MaxUint16

// Run runs the program by BPF_PROG_TEST_RUN.
func (s *kernelSession) Run(in testcase.Input) (testcase.Result, error) {
	if in.Process != nil {
		return testcase.Result{}, fmt.Errorf("a kernel runs the program in the process of this command: %w", testcase.ErrNotHere)
	}
	o := loader.TestRunOptions{Data: in.Packet, Ctx: in.Context}
	if in.Packet != nil {
		o.DataOut = make([]byte, maxFrame)
	}
	r, err := s.program.TestRun(o)
	if errors.Is(err, loader.ErrNotSupported) {
		err = fmt.Errorf("%w: %w", testcase.ErrNotHere, err)
	}
	return testcase.Result{Return: r.Ret, Packet: r.Data}, err
}

// Close unloads everything.
func (s *kernelSession) Close() error { return s.c.Close() }
