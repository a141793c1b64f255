package sys

import (
	"errors"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// retry repeats a call that a signal broke off, and turns its error into an Errno.
func retry(call func() error) error {
	if e := injected(); e != 0 && e != EINTR {
		return e
	}
	for {
		err := wrapErrno(call())
		if !errors.Is(err, EINTR) {
			return err
		}
	}
}

// openAt is openat(2).
func openAt(dir int, name string, flags int) (*FD, error) {
	var raw int
	err := retry(func() (err error) {
		raw, err = unix.Openat(dir, name, flags|unix.O_RDONLY|unix.O_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return nil, err
	}
	return NewFD(raw)
}

// OpenDir opens a directory. Symbolic links are followed.
func OpenDir(path string) (*FD, error) { return openAt(unix.AT_FDCWD, path, unix.O_DIRECTORY) }

// OpenDirAt opens a directory in another one. A symbolic link is ENOTDIR.
func OpenDirAt(dir *FD, name string) (f *FD, err error) {
	err = with(dir, func(raw int) error {
		f, err = openAt(raw, name, unix.O_DIRECTORY|unix.O_NOFOLLOW)
		return err
	})
	return f, err
}

// with calls fn with a descriptor.
func with(f *FD, fn func(raw int) error) error {
	raw, err := f.Acquire()
	if err != nil {
		return err
	}
	defer f.Release()
	return fn(raw)
}

// MkdirAt makes a directory in another one.
func MkdirAt(dir *FD, name string, mode uint32) error {
	return with(dir, func(raw int) error {
		return retry(func() error { return unix.Mkdirat(raw, name, mode) })
	})
}

// UnlinkAt removes a name, RmdirAt an empty directory.
func UnlinkAt(dir *FD, name string) error { return unlinkAt(dir, name, 0) }

// RmdirAt is described at UnlinkAt.
func RmdirAt(dir *FD, name string) error { return unlinkAt(dir, name, unix.AT_REMOVEDIR) }

func unlinkAt(dir *FD, name string, flags int) error {
	return with(dir, func(raw int) error {
		return retry(func() error { return unix.Unlinkat(raw, name, flags) })
	})
}

// LinkAt makes another name of a file: EEXIST if it is taken, EPERM for a directory.
func LinkAt(from *FD, name string, to *FD, newName string) error {
	return with(from, func(a int) error {
		return with(to, func(b int) error {
			return retry(func() error { return unix.Linkat(a, name, b, newName, 0) })
		})
	})
}

// RenameAt moves a file or directory. flags are one of Rename…
func RenameAt(from *FD, name string, to *FD, newName string, flags uint) error {
	return with(from, func(a int) error {
		return with(to, func(b int) error {
			return retry(func() error { return unix.Renameat2(a, name, b, newName, flags) })
		})
	})
}

// StatAt says what a name in a directory leads to, without following symbolic links. An empty name
// is the directory itself.
func StatAt(dir *FD, name string) (id FileID, err error) {
	err = with(dir, func(raw int) error {
		var st unix.Statx_t
		err := retry(func() error {
			return unix.Statx(raw, name, unix.AT_EMPTY_PATH|unix.AT_SYMLINK_NOFOLLOW|unix.AT_NO_AUTOMOUNT,
				unix.STATX_BASIC_STATS|unix.STATX_MNT_ID, &st)
		})
		id = FileID{Device: unix.Mkdev(st.Dev_major, st.Dev_minor), Inode: st.Ino, Mode: uint32(st.Mode), UID: st.Uid, GID: st.Gid}
		if st.Mask&unix.STATX_MNT_ID != 0 {
			id.Mount = st.Mnt_id
		}
		return err
	})
	return id, err
}

// ListDir returns the names in a directory, sorted.
func ListDir(dir *FD) ([]string, error) {
	again, err := OpenDirAt(dir, ".") // which is read from its start
	if err != nil {
		return nil, err
	}
	defer again.Close()
	return ReadDir(again)
}

// ReadDir returns the names in a directory that was not read from since it was opened, sorted.
func ReadDir(dir *FD) ([]string, error) {
	var names []string
	err := with(dir, func(raw int) error {
		buf := make([]byte, 8192)
		for {
			var n int
			err := retry(func() (err error) {
				n, err = unix.Getdents(raw, buf)
				return err
			})
			if n <= 0 || err != nil {
				return err
			}
			_, _, names = unix.ParseDirent(buf[:n], -1, names)
		}
	})
	slices.Sort(names)
	return names, err
}

// SetOwnerAt gives a directory the permissions and the owner of another one.
func SetOwnerAt(dir *FD, name string, like FileID) error {
	return with(dir, func(raw int) error {
		if err := retry(func() error { return unix.Fchmodat(raw, name, like.Mode&0o7777, 0) }); err != nil {
			return err
		}
		if int(like.UID) == os.Geteuid() && int(like.GID) == os.Getegid() {
			return nil
		}
		return retry(func() error { return unix.Fchownat(raw, name, int(like.UID), int(like.GID), unix.AT_SYMLINK_NOFOLLOW) })
	})
}

// TryLock locks an open directory until its descriptor is closed, at the latest when the process
// ends (flock(2)). EAGAIN says that somebody else has it locked.
func TryLock(dir *FD) error {
	return with(dir, func(raw int) error {
		return retry(func() error { return unix.Flock(raw, unix.LOCK_EX|unix.LOCK_NB) })
	})
}

// HoldsFile reports whether an open file or directory is in a mount of the file system.
func (s FileSystem) HoldsFile(f *FD) bool {
	raw, err := f.Acquire()
	if err != nil {
		return false
	}
	defer f.Release()
	var st unix.Statfs_t
	return unix.Fstatfs(raw, &st) == nil && uint32(st.Type) == uint32(s.magic)
}
