package sandbox

import "bytes"

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
