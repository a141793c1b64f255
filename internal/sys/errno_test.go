package sys

import (
	"errors"
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
