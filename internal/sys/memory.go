package sys

import "runtime/debug"

// Memory is memory that is shared with the kernel and whose pages the kernel may refuse to provide:
// touching it goes through the methods, which then return an error.
type Memory struct{ b []byte }

// Size is the number of bytes.
func (m *Memory) Size() int { return len(m.b) }

// Read copies from off on into b. The bytes must be within the memory.
func (m *Memory) Read(off int, b []byte) error {
	from := m.b[off : off+len(b)]
	return touch(func() { copy(b, from) })
}

// Write copies b to off. The bytes must be within the memory.
func (m *Memory) Write(off int, b []byte) error {
	to := m.b[off : off+len(b)]
	return touch(func() { copy(to, b) })
}

// touch runs f, whose access to memory may fault: EFAULT.
func touch(f func()) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		if _, fault := r.(interface{ Addr() uintptr }); !fault {
			panic(r) // a mistake of this program, not of the memory
		}
		err = EFAULT
	}()
	f()
	return nil
}
