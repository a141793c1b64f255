package sys

import (
	"errors"
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// Open opens a file or directory of the file system. What it does not have is ENOENT. Something else
// that is mounted over it counts only where it cannot be mounted for the call alone.
func (s FileSystem) Open(name string) (*FD, error) {
	var other *FD
	defer func() { other.Close() }()
	for _, root := range s.Roots {
		full := path.Join(root, name)
		f, err := Open(full)
		switch {
		case err == nil && !s.holds(f):
			other.Close()
			other = f
		case !errors.Is(err, ENOENT) || s.Holds(full):
			return f, err
		}
	}
	root, err := Mount(s.Type)
	if err != nil && other != nil {
		return other.Dup()
	}
	if err != nil {
		return nil, &MountError{Type: s.Type, Root: s.Roots[0], Err: err}
	}
	defer root.Close()
	raw, err := unix.Openat(root.raw, name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, wrapErrno(err)
	}
	return NewFD(raw)
}

func (s FileSystem) holds(f *FD) bool {
	var st unix.Statfs_t
	return unix.Fstatfs(f.raw, &st) == nil && uint32(st.Type) == uint32(s.magic)
}

// Holds reports whether a path, or the nearest directory above it that exists, is in a mount of the
// file system.
func (s FileSystem) Holds(name string) bool {
	for {
		var st unix.Statfs_t
		if err := unix.Statfs(name, &st); err == nil {
			return uint32(st.Type) == uint32(s.magic)
		}
		above := path.Dir(name)
		if above == name {
			return false
		}
		name = above
	}
}

// ReadFile reads a file of the file system.
func (s FileSystem) ReadFile(name string) ([]byte, error) {
	f, err := s.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadAll(f)
}

// ReadDir lists the names in a directory of the file system, in no order.
func (s FileSystem) ReadDir(name string) ([]string, error) {
	f, err := s.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := dup(f.raw)
	if err != nil {
		return nil, err
	}
	dir := os.NewFile(uintptr(raw), name)
	defer dir.Close()
	return dir.Readdirnames(-1)
}

// Mount makes a mount of a file system that is in no one's tree and goes away with its descriptor.
func Mount(fstype string) (*FD, error) {
	fs, err := unix.Fsopen(fstype, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return nil, wrapErrno(err)
	}
	defer unix.Close(fs)
	if err := unix.FsconfigCreate(fs); err != nil {
		return nil, wrapErrno(err)
	}
	root, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		return nil, wrapErrno(err)
	}
	return NewFD(root)
}
