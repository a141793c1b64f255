package sim

import (
	"errors"
	"fmt"
	"os"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
	"github.com/bpfhost/bpfhost/host/backend"
)

// kernelVersion is what programs are told that ask for LINUX_KERNEL_VERSION: 6.18.
const kernelVersion = 6<<16 | 18<<8

// kernelConfig is what programs are told of the build: jiffies are 4 ms.
var kernelConfig = map[string]string{"CONFIG_HZ": "250"}

// Load makes a machine of the collection. The error wraps backend.ErrNotSupported when something is
// not simulated, and names it with program and instruction, or the map. Maps that are pinned by name
// are new; a second collection with one of the same name is refused, because they would be one.
func (b *Backend) Load(c *spec.Collection, o backend.LoadOptions) (backend.Loaded, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := &loaded{b: b, spec: c, types: b.options.CoreTypes}
	if l.types == nil {
		l.types = c.BTF
	}
	choice := spec.Choice{Programs: o.Programs}
	for _, m := range c.Select(choice).Maps {
		if m.Pinning == spec.PinNone {
			continue
		}
		if b.pinned[m.Name] {
			return nil, unsupportedError{fmt.Errorf("make map %q: maps that objects share by pinning are not simulated", m.Name)}
		}
		l.pins = append(l.pins, m.Name)
	}
	var err error
	l.machine, err = vm.New(c, b.options.Engine.Options(vm.Options{
		CPUs: b.options.CPUs, Seed: b.options.Seed, Clock: b.ask, Print: b.options.Print, Choice: choice,
		CoreTypes: b.options.CoreTypes, KernelVersion: kernelVersion, Config: kernelConfig, Routes: b.routes(),
	}))
	if err != nil {
		if errors.Is(err, vm.ErrNotSupported) {
			err = unsupportedError{err}
		}
		return nil, err
	}
	b.machines = append(b.machines, l.machine)
	b.machines = append(b.machines, l.machine)
	for _, name := range l.pins {
		b.pinned[name] = true
	}
	for _, m := range c.Select(choice).Maps {
		l.maps = append(l.maps, &simMap{b, l.machine.Map(m.Name), l})
	}
	l.programs = map[string]*program{}
	for _, p := range c.Select(choice).Programs {
		l.programs[p.Name] = &program{l, p}
	}
	return l, nil
}

// loaded is a collection in a machine.
type loaded struct {
	b        *Backend
	spec     *spec.Collection
	machine  *vm.Machine
	types    *btf.Types // that contexts are laid out by; nil is none
	maps     []backend.Map
	programs map[string]*program
	pins     []string
}

// Program returns a program that was loaded.
func (l *loaded) Program(name string) (backend.Program, bool) {
	p, ok := l.programs[name]
	return p, ok
}

// Maps returns the maps.
func (l *loaded) Maps() []backend.Map { return l.maps }

// Close drops nothing but names: what is attached stays.
func (l *loaded) Close() error {
	l.b.mu.Lock()
	defer l.b.mu.Unlock()
	for _, name := range l.pins {
		delete(l.b.pinned, name)
	}
	l.pins = nil
	return nil
}

// program is a program of a machine.
type program struct {
	in   *loaded
	spec *spec.Program
}

// Name returns the name in the spec.
func (p *program) Name() string { return p.spec.Name }

// simMap is a map of a machine.
type simMap struct {
	b  *Backend
	m  *vm.Map
	in *loaded
}

// Name returns the name in the spec.
func (m *simMap) Name() string { return m.m.Spec().Name }

// Type returns the type.
func (m *simMap) Type() spec.MapType { return m.m.Spec().Type }

// KeySize returns bytes of a key.
func (m *simMap) KeySize() int { return int(m.m.Spec().KeySize) }

// ValueSize returns bytes of a value.
func (m *simMap) ValueSize() int { return int(m.m.Spec().ValueSize) }

// MaxEntries returns how many entries there can be.
func (m *simMap) MaxEntries() int { return int(m.m.Spec().MaxEntries) }

// ValueBufferSize returns bytes of the values of all CPUs.
func (m *simMap) ValueBufferSize() int {
	if m.Type().PerCPU() {
		return m.b.options.CPUs * ((m.ValueSize() + 7) &^ 7)
	}
	return m.ValueSize()
}

// Lookup copies the value of a key.
func (m *simMap) Lookup(key, value []byte) error {
	m.b.mu.Lock()
	defer m.b.mu.Unlock()
	v, ok, err := m.m.Lookup(key)
	switch {
	case err != nil:
		return err
	case !ok:
		return backend.ErrNoKey
	case len(value) != len(v):
		return fmt.Errorf("look up in map %q: the buffer has %d bytes, not %d", m.Name(), len(value), len(v))
	}
	copy(value, v)
	return nil
}

// Update sets the value of a key.
func (m *simMap) Update(key, value []byte, flags backend.UpdateFlags) error {
	m.b.mu.Lock()
	defer m.b.mu.Unlock()
	return mapError(m.m.Update(key, value, uint64(flags)))
}

// Delete removes a key.
func (m *simMap) Delete(key []byte) error {
	m.b.mu.Lock()
	defer m.b.mu.Unlock()
	return mapError(m.m.Delete(key))
}

// NextKey copies the key after another one.
func (m *simMap) NextKey(key, next []byte) error {
	m.b.mu.Lock()
	defer m.b.mu.Unlock()
	k, ok, err := m.m.NextKey(key)
	switch {
	case err != nil:
		return err
	case !ok:
		return backend.ErrNoKey
	case len(next) != len(k):
		return fmt.Errorf("read map %q: the buffer has %d bytes, not %d", m.Name(), len(next), len(k))
	}
	copy(next, k)
	return nil
}

// mapError returns backend.ErrNoKey as it is.
func mapError(err error) error {
	switch {
	case errors.Is(err, vm.ErrNoEntry):
		return backend.ErrNoKey
	case errors.Is(err, vm.ErrExists):
		return fmt.Errorf("%w: %w", os.ErrExist, err)
	}
	return err
}
