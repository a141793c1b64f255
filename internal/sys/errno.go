package sys

import (
	"fmt"
	"syscall"
)

// Errno is an error number of the kernel. errors.Is finds syscall.Errno and the io/fs sentinels in
// it.
type Errno syscall.Errno

// The error numbers that callers decide by.
const (
	EPERM      = Errno(syscall.EPERM)
	ENOENT     = Errno(syscall.ENOENT)
	ESRCH      = Errno(syscall.ESRCH)
	EINTR      = Errno(syscall.EINTR)
	E2BIG      = Errno(syscall.E2BIG)
	EBADF      = Errno(syscall.EBADF)
	EAGAIN     = Errno(syscall.EAGAIN)
	ENOMEM     = Errno(syscall.ENOMEM)
	EACCES     = Errno(syscall.EACCES)
	EFAULT     = Errno(syscall.EFAULT)
	EBUSY      = Errno(syscall.EBUSY)
	EEXIST     = Errno(syscall.EEXIST)
	ENODEV     = Errno(syscall.ENODEV)
	EINVAL     = Errno(syscall.EINVAL)
	ENOSPC     = Errno(syscall.ENOSPC)
	EOPNOTSUPP = Errno(syscall.EOPNOTSUPP)
	ENOTSUPP   = Errno(524) // internal to the kernel, but bpf(2) lets it out
)

// Error returns the text and the symbolic name, "invalid argument (EINVAL)".
func (e Errno) Error() string {
	if e == ENOTSUPP {
		return "not supported by the kernel (ENOTSUPP)"
	}
	text := syscall.Errno(e).Error()
	if name := errnoName(e); name != "" {
		return fmt.Sprintf("%s (%s)", text, name)
	}
	return text
}

// Unwrap returns the same number as a syscall.Errno.
func (e Errno) Unwrap() error { return syscall.Errno(e) }
