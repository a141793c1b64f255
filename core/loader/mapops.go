package loader

import (
	"errors"
	"fmt"
	"iter"

	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// UpdateFlags say what Update does about existing entries (BPF_ANY … of include/uapi/linux/bpf.h).
type UpdateFlags uint64

// The flags of Update.
const (
	UpdateAny   UpdateFlags = 0 // set the value whether the key exists or not
	UpdateNew   UpdateFlags = 1 // only if the key does not exist yet
	UpdateExist UpdateFlags = 2 // only if the key exists
	UpdateLock  UpdateFlags = 4 // hold the spin lock in the value during the call
)

// Lookup reads the value of key into value, which must have ValueBufferSize bytes. The error is
// ErrNoKey itself if the key does not exist; nothing is allocated.
func (m *Map) Lookup(key, value []byte) error {
	if len(key) != int(m.keySize) || len(value) != m.buffer {
		return m.sizeError("look up in", key, value)
	}
	if err := sys.LookupElem(m.fd, key, value, 0, m.fast); err != nil {
		return m.opError("look up in", err)
	}
	return nil
}

// LookupDelete reads the value of key and removes the entry, or takes the next value of a queue or
// stack, whose key is empty.
func (m *Map) LookupDelete(key, value []byte) error {
	if len(key) != int(m.keySize) || len(value) != m.buffer {
		return m.sizeError("take from", key, value)
	}
	if err := sys.LookupDeleteElem(m.fd, key, value, 0); err != nil {
		return m.opError("take from", err)
	}
	return nil
}

// Update sets the value of key. value must have ValueBufferSize bytes; for maps that hold programs or
// maps see SetProgram and SetMap.
func (m *Map) Update(key, value []byte, flags UpdateFlags) error {
	if len(key) != int(m.keySize) || len(value) != m.buffer {
		return m.sizeError("update", key, value)
	}
	if err := sys.UpdateElem(m.fd, key, value, uint64(flags), m.fast); err != nil {
		return m.opError("update", err)
	}
	return nil
}

// Delete removes key. A missing key returns ErrNoKey.
func (m *Map) Delete(key []byte) error {
	if len(key) != int(m.keySize) {
		return m.sizeError("delete from", key, nil)
	}
	if err := sys.DeleteElem(m.fd, key, m.fast); err != nil {
		return m.opError("delete from", err)
	}
	return nil
}

// NextKey writes the key that follows key to next, or the first key when key is empty. After the
// last one it returns ErrNoKey. A key that no longer exists is followed by the first one.
func (m *Map) NextKey(key, next []byte) error {
	if (len(key) != 0 && len(key) != int(m.keySize)) || len(next) != int(m.keySize) {
		return m.sizeError("iterate over", next, nil)
	}
	if err := sys.NextKey(m.fd, key, next, m.fast); err != nil {
		return m.opError("iterate over", err)
	}
	return nil
}

// All returns every key and value. The slices are valid until the next round. Entries that come or go
// during the walk may be missed or seen twice. err is set when the walk ends early; it wraps
// ErrIterationAborted after twice as many rounds as the map holds entries, since a map that changes can
// make the walk begin again without end.
func (m *Map) All(err *error) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		key, next := make([]byte, m.keySize), make([]byte, m.keySize)
		value := make([]byte, m.buffer)
		var prev []byte
		for range 2*uint64(m.maxEntries) + 1 {
			switch e := m.NextKey(prev, next); {
			case e == ErrNoKey:
				return
			case e != nil:
				*err = e
				return
			}
			key, next = next, key
			prev = key
			switch e := m.Lookup(key, value); {
			case e == ErrNoKey: // removed during the walk
			case e != nil:
				*err = e
				return
			case !yield(key, value):
				return
			}
		}
		*err = fmt.Errorf("iterate over map %q: %w", m.name, ErrIterationAborted)
	}
}

// SetProgram puts a program into an array of programs.
func (m *Map) SetProgram(index uint32, p *Program) error {
	return p.WithFD(func(fd int) error { return m.setFD(native.AppendUint32(nil, index), fd) })
}

// SetMap puts a map into a map of maps.
func (m *Map) SetMap(key []byte, inner *Map) error {
	return inner.WithFD(func(fd int) error { return m.setFD(key, fd) })
}

func (m *Map) setFD(key []byte, fd int) error {
	return m.Update(key, native.AppendUint32(nil, uint32(fd)), UpdateAny)
}

// Freeze forbids user space to write the map from now on.
func (m *Map) Freeze() error {
	if err := sys.Freeze(m.fd); err != nil {
		return m.opError("freeze", err)
	}
	return nil
}

// opError makes the error of an access. ErrNoKey stays bare so that a miss costs nothing.
func (m *Map) opError(verb string, err error) error {
	if err == sys.ENOENT {
		return ErrNoKey
	}
	switch {
	case errors.Is(err, sys.E2BIG), errors.Is(err, sys.ENOSPC): // a new key, or an index
		err = fmt.Errorf("it holds %d entries at most: %w", m.maxEntries, err)
	case errors.Is(err, sys.EPERM) && sys.MissingCapabilities(sys.CapBPF) == "":
		err = fmt.Errorf("it is frozen, or its flags forbid that to user space: %w", err)
	default:
		err = kernel.Explain(err, sys.CapBPF.String())
	}
	return fmt.Errorf("%s map %q: %w", verb, m.name, err)
}

// sizeError is the error of a key or value that the map does not have.
func (m *Map) sizeError(verb string, key, value []byte) error {
	if err := m.Err(); err != nil {
		return fmt.Errorf("%s map %q: %w", verb, m.name, err)
	}
	if len(key) != int(m.keySize) {
		return fmt.Errorf("%s map %q: the key has %d bytes, not %d", verb, m.name, len(key), m.keySize)
	}
	return fmt.Errorf("%s map %q: the value has %d bytes, not %d", verb, m.name, len(value), m.buffer)
}
