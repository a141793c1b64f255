//go:build linux

package sys

import (
	"errors"
	"os"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

func errnoName(e Errno) string { return unix.ErrnoName(syscall.Errno(e)) }

// wrapErrno turns a bare error number into an Errno.
func wrapErrno(err error) error {
	var e syscall.Errno
	if errors.As(err, &e) {
		return Errno(e)
	}
	return err
}

func dup(raw int) (int, error) {
	if e := injected(); e != 0 {
		return -1, e
	}
	d, err := unix.FcntlInt(uintptr(raw), unix.F_DUPFD_CLOEXEC, minFD)
	if err != nil {
		return -1, wrapErrno(err)
	}
	return d, nil
}

func closeRaw(raw int) { unix.Close(raw) }

// Open opens a file or a directory for reading.
func Open(path string) (*FD, error) {
	if e := injected(); e != 0 {
		return nil, e
	}
	for {
		raw, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, wrapErrno(err)
		}
		return NewFD(raw)
	}
}

// FileSize is the size of an open file in bytes.
func FileSize(f *FD) (int64, error) {
	raw, err := f.Acquire()
	if err != nil {
		return 0, err
	}
	defer f.Release()
	if e := injected(); e != 0 {
		return 0, e
	}
	var st unix.Stat_t
	if err := unix.Fstat(raw, &st); err != nil {
		return 0, wrapErrno(err)
	}
	return st.Size, nil
}

// ReadAll reads an open file from where it is to its end.
func ReadAll(f *FD) ([]byte, error) {
	raw, err := f.Acquire()
	if err != nil {
		return nil, err
	}
	defer f.Release()
	if e := injected(); e != 0 {
		return nil, e
	}
	var b []byte
	for {
		b = slices.Grow(b, 4096)
		n, err := unix.Read(raw, b[len(b):cap(b)])
		switch {
		case err == unix.EINTR:
		case err != nil:
			return nil, wrapErrno(err)
		case n == 0:
			return b, nil
		default:
			b = b[:len(b)+n]
		}
	}
}

// Pollable makes a file of its own from a descriptor that can be polled. The Go runtime waits for
// it without holding a thread, and Close wakes who waits.
func Pollable(raw int) (*os.File, error) {
	d, err := dup(raw)
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(d, true); err != nil {
		closeRaw(d)
		return nil, wrapErrno(err)
	}
	return os.NewFile(uintptr(d), "poll"), nil
}

// IsTerminal reports whether a file is a terminal.
func IsTerminal(f *os.File) bool {
	raw, err := f.SyscallConn()
	if err != nil {
		return false
	}
	is := false
	err = raw.Control(func(fd uintptr) {
		_, err := unix.IoctlGetTermios(int(fd), unix.TCGETS)
		is = err == nil
	})
	return is && err == nil
}

// TerminalWidth returns how many columns a terminal has, 0 for what is none or does not say
// (TIOCGWINSZ).
func TerminalWidth(f *os.File) int {
	raw, err := f.SyscallConn()
	if err != nil {
		return 0
	}
	columns := 0
	err = raw.Control(func(fd uintptr) {
		if size, err := unix.IoctlGetWinsize(int(fd), unix.TIOCGWINSZ); err == nil {
			columns = int(size.Col)
		}
	})
	if err != nil {
		return 0
	}
	return columns
}

// Uname returns the release and the version text of the running kernel.
func Uname() (release, version string, err error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "", "", wrapErrno(err)
	}
	return unix.ByteSliceToString(u.Release[:]), unix.ByteSliceToString(u.Version[:]), nil
}

// RaiseMemlock lifts RLIMIT_MEMLOCK of this process, which kernels below 5.11 charge maps and
// programs to.
func RaiseMemlock() error {
	all := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	return wrapErrno(unix.Setrlimit(unix.RLIMIT_MEMLOCK, &all))
}
