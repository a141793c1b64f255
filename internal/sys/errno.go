package sys

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
)

// Errno is an error number of the kernel. errors.Is finds syscall.Errno, the io/fs sentinels and
// ErrNotSupported in it.
type Errno syscall.Errno

// The error numbers that callers decide by.
const (
	EPERM         = Errno(syscall.EPERM)
	ENOENT        = Errno(syscall.ENOENT)
	ESRCH         = Errno(syscall.ESRCH)
	EINTR         = Errno(syscall.EINTR)
	E2BIG         = Errno(syscall.E2BIG)
	EBADF         = Errno(syscall.EBADF)
	EAGAIN        = Errno(syscall.EAGAIN)
	ENOMEM        = Errno(syscall.ENOMEM)
	EACCES        = Errno(syscall.EACCES)
	EFAULT        = Errno(syscall.EFAULT)
	EBUSY         = Errno(syscall.EBUSY)
	EEXIST        = Errno(syscall.EEXIST)
	ENOTDIR       = Errno(syscall.ENOTDIR)
	EISDIR        = Errno(syscall.EISDIR)
	ENOTEMPTY     = Errno(syscall.ENOTEMPTY)
	EMFILE        = Errno(syscall.EMFILE)
	ENFILE        = Errno(syscall.ENFILE)
	ENOSYS        = Errno(syscall.ENOSYS)
	ENODEV        = Errno(syscall.ENODEV)
	EINVAL        = Errno(syscall.EINVAL)
	ESTALE        = Errno(syscall.ESTALE)
	ENOSPC        = Errno(syscall.ENOSPC)
	ENOLINK       = Errno(syscall.ENOLINK)
	EADDRNOTAVAIL = Errno(syscall.EADDRNOTAVAIL)
	EOPNOTSUPP    = Errno(syscall.EOPNOTSUPP)
	EILSEQ        = Errno(syscall.EILSEQ)
	ENOTSUPP      = Errno(524) // internal to the kernel, but bpf(2) lets it out
)

// Error returns the text and the symbolic name, "invalid argument (EINVAL)".
func (e Errno) Error() string {
	switch e {
	case ENOTSUPP:
		return "not supported by the kernel (ENOTSUPP)"
	case E2BIG:
		return "too large (E2BIG)"
	case EMFILE:
		return "too many open files (EMFILE); raise the limit of this process (ulimit -n)"
	case ENFILE:
		return "too many open files (ENFILE); raise the limit of the system (sysctl fs.file-max)"
	}
	text := syscall.Errno(e).Error()
	if e == EOPNOTSUPP { // libc has two names for it, and the kernel this one
		return text + " (EOPNOTSUPP)"
	}
	if name := errnoName(e); name != "" {
		return fmt.Sprintf("%s (%s)", text, name)
	}
	return text
}

// Is reports whether the number says that the kernel does not have what was asked for.
func (e Errno) Is(target error) bool {
	return target == ErrNotSupported && (e == ENOTSUPP || e == EOPNOTSUPP || e == ENOSYS)
}

// Unwrap returns the same number as a syscall.Errno.
func (e Errno) Unwrap() error { return syscall.Errno(e) }

// NotPermission returns err for a refusal that no privilege helps against, although its number says
// so: errors.Is finds everything in it but fs.ErrPermission.
func NotPermission(err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return notPermission{err}
}

type notPermission struct{ err error }

func (e notPermission) Error() string { return e.err.Error() }

// Is does not unwrap err, since that would show fs.ErrPermission.
func (e notPermission) Is(target error) bool {
	return target != fs.ErrPermission && errors.Is(e.err, target)
}

func (e notPermission) As(target any) bool { return errors.As(e.err, target) }
