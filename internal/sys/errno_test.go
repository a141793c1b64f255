package sys

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"
)

func TestErrno(t *testing.T) {
	if got := ENOTSUPP.Error(); got != "not supported by the kernel (ENOTSUPP)" {
		t.Errorf("ENOTSUPP: %q", got)
	}
	if !errors.Is(EPERM, fs.ErrPermission) || !errors.Is(ENOENT, fs.ErrNotExist) {
		t.Error("errno does not match the io/fs sentinels")
	}
	var e syscall.Errno
	if !errors.As(EINVAL, &e) || e != syscall.EINVAL {
		t.Errorf("errno not reachable: %v", e)
	}
	if errors.Is(EINVAL, fs.ErrPermission) {
		t.Error("EINVAL is a permission error")
	}
}

func TestErrnoIsNotSupported(t *testing.T) {
	for e, want := range map[Errno]bool{ENOTSUPP: true, EOPNOTSUPP: true, ENOSYS: true, EINVAL: false, EPERM: false} {
		if got := errors.Is(e, ErrNotSupported); got != want {
			t.Errorf("%v is not supported: %v, want %v", e, got, want)
		}
	}
}

func TestErrnoText(t *testing.T) {
	for e, want := range map[Errno]string{
		E2BIG:      "too large (E2BIG)",
		EPERM:      "operation not permitted (EPERM)",
		EOPNOTSUPP: "operation not supported (EOPNOTSUPP)",
		EMFILE:     "too many open files (EMFILE); raise the limit of this process (ulimit -n)",
		ENFILE:     "too many open files (ENFILE); raise the limit of the system (sysctl fs.file-max)",
	} {
		if got := e.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestNotPermission(t *testing.T) {
	err := fmt.Errorf("attach it: %w", NotPermission(fmt.Errorf("make link: %w", EPERM)))
	var own Errno
	var number syscall.Errno
	if errors.Is(err, fs.ErrPermission) || !errors.Is(err, EPERM) || !errors.Is(err, syscall.EPERM) ||
		!errors.As(err, &own) || own != EPERM || !errors.As(err, &number) || number != syscall.EPERM {
		t.Errorf("%v: errors.Is and errors.As find something else", err)
	}
	if got := err.Error(); got != "attach it: make link: "+EPERM.Error() {
		t.Errorf("text %q", got)
	}
	if err := NotPermission(EINVAL); err != EINVAL {
		t.Errorf("another number became %#v", err)
	}
}
