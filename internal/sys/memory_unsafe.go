//go:build linux

package sys

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// MapMemory maps size bytes of the map with descriptor raw for reading and writing: at that
// address, where nothing else may be, or with 0 where the kernel likes.
func MapMemory(raw, size int, addr uint64) (*Memory, error) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		return nil, fmt.Errorf("map memory on 32-bit machines: %w", ErrNotSupported)
	}
	flags := unix.MAP_SHARED
	if addr != 0 {
		flags |= unix.MAP_FIXED_NOREPLACE
	}
	if e := injected(); e != 0 {
		return nil, e
	}
	at := uintptr(addr)
	p, err := unix.MmapPtr(raw, 0, *(*unsafe.Pointer)(unsafe.Pointer(&at)), uintptr(size), unix.PROT_READ|unix.PROT_WRITE, flags)
	if err != nil {
		return nil, wrapErrno(err)
	}
	return &Memory{b: unsafe.Slice((*byte)(p), size)}, nil
}

// Address is where the memory is, in this process.
func (m *Memory) Address() uint64 { return uint64(uintptr(unsafe.Pointer(&m.b[0]))) }

// Unmap unmaps the memory. Nothing of it may be touched afterwards.
func (m *Memory) Unmap() error {
	return wrapErrno(unix.MunmapPtr(unsafe.Pointer(&m.b[0]), uintptr(len(m.b))))
}
