package sandbox

import (
	"bytes"
	"context"

	"github.com/tetratelabs/wazero/experimental"
)

// Read returns a copy of n bytes of guest memory at ptr, and whether that range exists.
func (g *Guest) Read(ptr, n uint32) ([]byte, bool) {
	b, ok := g.View(ptr, n)
	if !ok {
		return nil, false
	}
	return bytes.Clone(b), true
}

// View returns n bytes of guest memory at ptr without copying, and whether that range exists. It is
// valid until the host function that asked for it returns, and never across a Call: memory may move
// when the guest makes it larger.
func (g *Guest) View(ptr, n uint32) ([]byte, bool) {
	if g.mem == nil {
		return nil, false
	}
	return g.mem.Read(ptr, n)
}

// Input is View for who only reads: the guest does not run while a host function does.
func (g *Guest) Input(ptr, n uint32) ([]byte, bool) { return g.View(ptr, n) }

// Write copies b into guest memory at ptr. It reports whether that range exists; if not, nothing is
// written.
func (g *Guest) Write(ptr uint32, b []byte) bool {
	if g.mem == nil {
		return false
	}
	return g.mem.Write(ptr, b)
}

// MemorySize returns the size of guest memory in bytes.
func (g *Guest) MemorySize() uint32 {
	if g.mem == nil {
		return 0
	}
	return g.mem.Size()
}

// provided is guest memory that Options.Memory provides.
type provided func(size uint64) []byte

// Reallocate implements experimental.LinearMemory.
func (p provided) Reallocate(size uint64) []byte { return p(size) }

// Free implements experimental.LinearMemory. The memory is its owner's.
func (p provided) Free() {}

// withMemory has an instance made in ctx use the memory that is provided, if any is.
func withMemory(ctx context.Context, memory func(uint64) []byte) context.Context {
	if memory == nil {
		return ctx
	}
	return experimental.WithMemoryAllocator(ctx, experimental.MemoryAllocatorFunc(func(_, _ uint64) experimental.LinearMemory {
		return provided(memory)
	}))
}
