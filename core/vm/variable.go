package vm

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/spec"
)

// Var is a global variable of the collection as it is now.
type Var struct {
	collection *spec.Collection
	spec       *spec.Var
	bytes      func() []byte
	frozen     bool
}

// Var returns the variable of that name, or nil.
func (m *Machine) Var(name string) *Var {
	v := m.spec.Var(name)
	if v == nil || m.maps[v.Map] == nil {
		return nil
	}
	mp := m.maps[v.Map]
	a, ok := mp.table.(*array)
	if !ok || uint64(v.Offset)+uint64(v.Size) > a.valueSize {
		return nil
	}
	at := a.values + uint64(v.Offset)
	return &Var{m.spec, v, func() []byte { return m.mem.at(at, uint64(v.Size)) }, mp.spec.Freeze}
}

// Bytes returns a copy of what the variable holds.
func (v *Var) Bytes() []byte { return append([]byte(nil), v.bytes()...) }

// Set replaces what the variable holds: b must have its size. Variables of sections that are frozen
// after loading, as .rodata is, are set in the collection, before the machine is made.
func (v *Var) Set(b []byte) error {
	if err := v.check(len(b)); err != nil {
		return err
	}
	copy(v.bytes(), b)
	return nil
}

// Uint returns the value of a variable of 1, 2, 4 or 8 bytes.
func (v *Var) Uint() (uint64, error) {
	if !scalar(v.spec.Size) {
		return 0, fmt.Errorf("read variable %q: its %d bytes are not a number", v.spec.Name, v.spec.Size)
	}
	return getUint(v.bytes()), nil
}

// SetUint sets the value of a variable of 1, 2, 4 or 8 bytes. It refuses a value that its type does
// not hold.
func (v *Var) SetUint(x uint64) error {
	if err := v.spec.CheckUint(v.collection, x); err != nil {
		return fmt.Errorf("write variable %q: %w", v.spec.Name, err)
	}
	if err := v.check(int(v.spec.Size)); err != nil {
		return err
	}
	putUint(v.bytes(), x)
	return nil
}

func (v *Var) check(n int) error {
	switch {
	case v.frozen:
		return fmt.Errorf("write variable %q: its section %s cannot be written after loading; set it in the collection",
			v.spec.Name, v.spec.Section)
	case n != int(v.spec.Size):
		return fmt.Errorf("write variable %q: %d bytes given, it has %d", v.spec.Name, n, v.spec.Size)
	}
	return nil
}

func scalar(size uint32) bool { return size == 1 || size == 2 || size == 4 || size == 8 }
