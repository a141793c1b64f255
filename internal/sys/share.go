//go:build linux

package sys

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Shared is memory that two processes share. Its size is sealed, so that neither can take a page
// away from the other.
type Shared struct {
	File  *os.File // for the other process; nil once closed
	Bytes []byte   // nil once unmapped
}

// NewShared makes size bytes of shared memory, all zero, which take memory only where they are
// touched.
func NewShared(name string, size int) (*Shared, error) {
	f, err := memoryFile(name, size)
	if err != nil {
		return nil, err
	}
	if _, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL); err != nil {
		f.Close()
		return nil, fmt.Errorf("seal shared memory: %w", wrapErrno(err))
	}
	s, err := MapShared(f, size)
	if err != nil {
		f.Close()
		return nil, err
	}
	return s, nil
}

// MapShared maps size bytes of shared memory that another process made.
func MapShared(f *os.File, size int) (*Shared, error) {
	b, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map shared memory: %w", wrapErrno(err))
	}
	return &Shared{f, b}, nil
}

// CloseFile closes the file. The memory stays.
func (s *Shared) CloseFile() error {
	f := s.File
	if f == nil {
		return nil
	}
	s.File = nil
	return f.Close()
}

// Unmap returns the memory to the system. Nobody may touch it any more.
func (s *Shared) Unmap() error {
	b := s.Bytes
	if b == nil {
		return nil
	}
	s.Bytes = nil
	return wrapErrno(unix.Munmap(b))
}

// MemoryFile makes a file in memory with a content.
func MemoryFile(name string, content []byte) (*os.File, error) {
	f, err := memoryFile(name, 0)
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(content); err != nil {
		f.Close()
		return nil, fmt.Errorf("write memory file: %w", err)
	}
	return f, nil
}

// memoryFile makes an empty file in memory.
func memoryFile(name string, size int) (*os.File, error) {
	raw, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, fmt.Errorf("make memory file: %w", wrapErrno(err))
	}
	if err := unix.Ftruncate(raw, int64(size)); err != nil {
		unix.Close(raw)
		return nil, fmt.Errorf("size memory file: %w", wrapErrno(err))
	}
	return os.NewFile(uintptr(raw), name), nil
}

// Messages is an end of a pair of sockets that keeps messages apart. Reading and writing block a
// thread, because what they wait for comes within microseconds.
type Messages struct{ fd *FD }

// NewMessages makes a pair. The file is for another process.
func NewMessages() (*Messages, *os.File, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make sockets: %w", wrapErrno(err))
	}
	other := os.NewFile(uintptr(pair[1]), "socket")
	fd, err := NewFD(pair[0])
	if err != nil {
		other.Close()
		return nil, nil, err
	}
	return &Messages{fd}, other, nil
}

// OpenMessages takes the end of a pair that this process inherited.
func OpenMessages(raw int) (*Messages, error) {
	fd, err := NewFD(raw)
	if err != nil {
		return nil, err
	}
	return MessagesOf(fd), nil
}

// MessagesOf takes ownership of a descriptor of an end.
func MessagesOf(fd *FD) *Messages { return &Messages{fd} }

// Receive waits for a message. At the end of the other process it returns 0.
func (m *Messages) Receive(b []byte) (int, error) {
	raw, err := m.fd.Acquire()
	if err != nil {
		return 0, err
	}
	defer m.fd.Release()
	for {
		n, err := unix.Read(raw, b)
		switch err {
		case nil:
			return n, nil
		case unix.EINTR:
		case unix.ECONNRESET:
			return 0, nil
		default:
			return 0, wrapErrno(err)
		}
	}
}

// Send sends a message.
func (m *Messages) Send(b []byte) error {
	raw, err := m.fd.Acquire()
	if err != nil {
		return err
	}
	defer m.fd.Release()
	for {
		if _, err := unix.Write(raw, b); err != unix.EINTR {
			return wrapErrno(err)
		}
	}
}

// Close closes the end. What is under way ends first.
func (m *Messages) Close() error { return m.fd.Close() }
