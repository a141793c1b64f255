//go:build linux

package sys

import (
	"fmt"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Ring is the shared memory of a BPF ring buffer: two position counters and the data, mapped twice
// in a row so that a record never wraps (kernel/bpf/ringbuf.c).
type Ring struct {
	Consumer *atomic.Uint64 // bytes that user space has given back
	Producer *atomic.Uint64 // bytes that the kernel has reserved
	Data     []byte         // twice the size of the ring, read-only
	consumer []byte
	producer []byte
}

// MapRing maps the ring buffer with descriptor raw, of size bytes, a power of two.
func MapRing(raw, size int) (*Ring, error) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		return nil, fmt.Errorf("ring buffers on 32-bit machines: %w", ErrNotSupported)
	}
	if size <= 0 || size&(size-1) != 0 {
		return nil, fmt.Errorf("map ring: size %d is not a power of two", size)
	}
	page := PageSize()
	cons, err := unix.Mmap(raw, 0, page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map consumer page: %w", wrapErrno(err))
	}
	prod, err := unix.Mmap(raw, int64(page), page+2*size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		unix.Munmap(cons)
		return nil, fmt.Errorf("map ring: %w", wrapErrno(err))
	}
	return &Ring{
		Consumer: (*atomic.Uint64)(unsafe.Pointer(&cons[0])),
		Producer: (*atomic.Uint64)(unsafe.Pointer(&prod[0])),
		Data:     prod[page : page+2*size : page+2*size],
		consumer: cons, producer: prod,
	}, nil
}

// Header loads the first word of the record at offset off of Data, which must be a multiple of 8
// below its length.
func (r *Ring) Header(off int) uint32 {
	return atomic.LoadUint32((*uint32)(unsafe.Pointer(&r.Data[off : off+8 : off+8][0])))
}

// Unmap unmaps the memory. Nothing of the ring may be touched afterwards.
func (r *Ring) Unmap() error {
	err := unix.Munmap(r.consumer)
	if e := unix.Munmap(r.producer); err == nil {
		err = e
	}
	return err
}

// MapFile maps a whole file for reading. The returned function unmaps it.
func MapFile(f *FD, size int) ([]byte, func(), error) {
	raw, err := f.Acquire()
	if err != nil {
		return nil, nil, err
	}
	defer f.Release()
	if e := injected(); e != 0 {
		return nil, nil, e
	}
	b, err := unix.Mmap(raw, 0, size, unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		return nil, nil, wrapErrno(err)
	}
	return b, func() { unix.Munmap(b) }, nil
}

// Scratch returns size bytes of memory that is not Go's: only what is written takes memory, and the
// returned function gives it back at once.
func Scratch(size int) ([]byte, func(), error) {
	if e := injected(); e != 0 {
		return nil, nil, e
	}
	b, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		return nil, nil, wrapErrno(err)
	}
	return b, func() { unix.Munmap(b) }, nil
}
