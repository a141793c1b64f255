package host

import (
	"errors"
	"fmt"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/link"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/ring"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/backend"
)

// Backend is what a run needs of the place that it happens in.
type Backend = backend.Backend

// kernelBackend is the running kernel.
type kernelBackend struct {
	facts *kernel.Kernel
	own   bool // facts are ours to close
	types *btf.Types
}

var _ Backend = (*kernelBackend)(nil)

// newKernelBackend makes the backend that a configuration asks for. The kernel is not touched yet.
func newKernelBackend(c Config) *kernelBackend {
	k := &kernelBackend{facts: c.Kernel, types: c.CoreTypes}
	if k.facts == nil {
		k.facts, k.own = kernel.New(kernel.Options{}), true
	}
	return k
}

// Load brings a collection into the kernel.
func (k *kernelBackend) Load(c *spec.Collection, o backend.LoadOptions) (backend.Loaded, error) {
	how := loader.Options{Kernel: k.facts, CoreTypes: k.types, Programs: o.Programs, Digest: o.Digest, Pins: o.Pins}
	pins, _ := o.Publication.(*kernelPublication)
	if pins != nil {
		how.Publication = pins.Publication
	}
	loaded, err := loadPinned(c, how, pins)
	if err != nil {
		return nil, kernelError(err)
	}
	out := &kernelLoaded{c: loaded}
	for _, m := range loaded.Maps() {
		out.maps = append(out.maps, kernelMap{m})
	}
	return out, nil
}

// errForeign says that a value of another backend was given.
var errForeign = errors.New("it is not in the kernel")

// Attach attaches a program.
func (k *kernelBackend) Attach(p backend.Program, a spec.Attach) (backend.Hook, error) {
	prog, ok := p.(*loader.Program)
	if !ok {
		return nil, fmt.Errorf("attach program %q: %w", p.Name(), errForeign)
	}
	l, err := link.Attach(prog, a)
	if err != nil {
		return nil, kernelError(err)
	}
	return kernelHook{l}, nil
}

// OpenRing opens a ring buffer.
func (k *kernelBackend) OpenRing(m backend.Map) (backend.Ring, error) {
	loaded, ok := m.(kernelMap)
	if !ok {
		return nil, fmt.Errorf("open ring %q: %w", m.Name(), errForeign)
	}
	r, err := ring.Open(loaded.Map)
	if err != nil {
		return nil, kernelError(err)
	}
	return r, nil
}

// CPUs returns the number of possible CPUs.
func (k *kernelBackend) CPUs() (int, error) { return k.facts.CPUs() }

// Now reads CLOCK_MONOTONIC, which is bpf_ktime_get_ns.
func (k *kernelBackend) Now() (uint64, error) { return kernel.Monotonic() }

// Close drops what is known of the kernel.
func (k *kernelBackend) Close() error {
	if !k.own {
		return nil
	}
	return k.facts.Close()
}

// kernelLoaded is a collection in the kernel.
type kernelLoaded struct {
	c    *loader.Collection
	maps []backend.Map
}

// Program returns a program that was loaded.
func (l *kernelLoaded) Program(name string) (backend.Program, bool) {
	p := l.c.Program(name)
	return p, p.Err() == nil
}

// Maps returns the maps.
func (l *kernelLoaded) Maps() []backend.Map { return l.maps }

// Close closes programs and maps.
func (l *kernelLoaded) Close() error { return l.c.Close() }

// kernelHook is a link of the kernel, or an older way to attach.
type kernelHook struct{ link.Link }

// Switch updates the link.
func (h kernelHook) Switch(p backend.Program) error {
	prog, ok := p.(*loader.Program)
	if !ok {
		return fmt.Errorf("switch to program %q: %w", p.Name(), errForeign)
	}
	return kernelError(h.Update(prog))
}

// kernelMap is a map in the kernel. Its errors are those of a backend.
type kernelMap struct{ *loader.Map }

// Lookup copies the value of a key.
func (m kernelMap) Lookup(key, value []byte) error { return kernelError(m.Map.Lookup(key, value)) }

// Update sets the value of a key.
func (m kernelMap) Update(key, value []byte, flags backend.UpdateFlags) error {
	return kernelError(m.Map.Update(key, value, loader.UpdateFlags(flags)))
}

// Delete removes a key.
func (m kernelMap) Delete(key []byte) error { return kernelError(m.Map.Delete(key)) }

// NextKey copies the key after another one.
func (m kernelMap) NextKey(key, next []byte) error { return kernelError(m.Map.NextKey(key, next)) }

// kernelError adds the condition of package backend to an error of the kernel's packages, whose own
// conditions stay in it.
func kernelError(err error) error {
	var refused *loader.VerifierError
	switch {
	case err == nil:
		return nil
	case err == loader.ErrNoKey: // which maps return as it is
		return backend.ErrNoKey
	case errors.As(err, &refused):
		return &backend.VerifierError{Program: refused.Program, Insn: refused.Insn, Err: err}
	case errors.Is(err, kernel.ErrNotSupported):
		return &unsupportedError{err}
	}
	return err
}

// unsupportedError is an error of the kernel's packages that is backend.ErrNotSupported too.
type unsupportedError struct{ error }

// Unwrap returns the condition and the error.
func (e *unsupportedError) Unwrap() []error { return []error{backend.ErrNotSupported, e.error} }
