package loader

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// arena is the memory of an arena in this process.
type arena struct {
	mu     sync.RWMutex
	memory *sys.Memory // nil once closed
}

// mapArena maps a new arena into this process, which has to happen before programs that use it are
// loaded, and writes its variables. What is there is the address that pointers in the arena have:
// map_extra of the spec, or one that the kernel chooses.
func (m *Map) mapArena(s *spec.Map) error {
	size := uint64(m.maxEntries) * uint64(sys.PageSize())
	if uint64(len(s.Data)) > size {
		return fmt.Errorf("its variables have %d bytes, it has %d", len(s.Data), size)
	}
	raw, err := m.fd.Acquire()
	if err != nil {
		return err
	}
	defer m.fd.Release()
	memory, err := sys.MapMemory(raw, int(size), s.Extra)
	if errors.Is(err, sys.EEXIST) {
		return fmt.Errorf("address %#x of the spec (map_extra) is taken in this process: %w", s.Extra, err)
	}
	if err != nil {
		return fmt.Errorf("map %d bytes into this process: %w", size, err)
	}
	m.arena = &arena{memory: memory}
	if len(s.Data) > 0 {
		if err := memory.Write(0, s.Data); err != nil {
			return fmt.Errorf("write variables: %w", arenaFault(err))
		}
	}
	return nil
}

// arenaFault says what a fault means.
func arenaFault(err error) error {
	return fmt.Errorf("the kernel gives no page there: %w: no memory is left, or the arena gives only pages that a program has asked for (flag SEGV_ON_FAULT)", err)
}

// Address returns where an arena is in this process; pointers of its programs count from there. It
// is 0 for other maps, and for an arena that was not created here.
func (m *Map) Address() uint64 {
	if m.arena == nil {
		return 0
	}
	m.arena.mu.RLock()
	defer m.arena.mu.RUnlock()
	if m.arena.memory == nil {
		return 0
	}
	return m.arena.memory.Address()
}

// ReadAt copies from an arena: bytes from offset off on, all of b or an error. A variable is at its
// Offset. Programs may write at the same time.
func (m *Map) ReadAt(b []byte, off int64) (int, error) {
	return m.touch("read from", b, off, func(mem *sys.Memory) error { return mem.Read(int(off), b) })
}

// WriteAt copies b into an arena at offset off. A variable is at its Offset. Programs may read at
// the same time.
func (m *Map) WriteAt(b []byte, off int64) (int, error) {
	return m.touch("write to", b, off, func(mem *sys.Memory) error { return mem.Write(int(off), b) })
}

func (m *Map) touch(verb string, b []byte, off int64, f func(*sys.Memory) error) (int, error) {
	fail := func(err error) (int, error) { return 0, fmt.Errorf("%s map %q: %w", verb, m.name, err) }
	if err := m.Err(); err != nil {
		return fail(err)
	}
	if m.arena == nil {
		return fail(fmt.Errorf("it is not an arena that was created here: %w", ErrNotSupported))
	}
	m.arena.mu.RLock()
	defer m.arena.mu.RUnlock()
	mem := m.arena.memory
	switch {
	case mem == nil:
		return fail(os.ErrClosed)
	case off < 0 || off > int64(mem.Size()) || int64(len(b)) > int64(mem.Size())-off:
		return fail(fmt.Errorf("%d bytes at offset %d are outside its %d", len(b), off, mem.Size()))
	}
	if err := f(mem); err != nil {
		return fail(arenaFault(err))
	}
	return len(b), nil
}

// close takes the memory out of this process.
func (a *arena) close() {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.memory != nil {
		_ = a.memory.Unmap() // it cannot fail for memory that was mapped
		a.memory = nil
	}
}
