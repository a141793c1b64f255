package kernel

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/bpfhost/bpfhost/internal/sys"
)

// pinError says what is wrong with the name of a pin. It wraps the kernel's answer, which is not
// about rights.
type pinError struct {
	reason error
	err    error
}

func (e *pinError) Error() string { return e.reason.Error() }

func (e *pinError) Unwrap() []error { return []error{e.reason, sys.NotPermission(e.err)} }

// ExplainPin makes an answer of the kernel about a pin say what is wrong with its path: where there
// is no bpf file system the error wraps ErrNotMounted and has the command that mounts one. Any other
// answer is explained as Explain does.
func (k *Kernel) ExplainPin(path string, err error) error {
	if !errors.Is(err, sys.ENOENT) && !errors.Is(err, sys.EPERM) && !errors.Is(err, sys.EACCES) {
		return err
	}
	dir, root := filepath.Dir(path), sys.BPFfs.Roots[0]
	switch {
	case !sys.BPFfs.Holds(dir) && (dir == root || strings.HasPrefix(dir, root+"/")):
		return &pinError{&sys.MountError{Type: sys.BPFfs.Type, Root: root}, err}
	case !sys.BPFfs.Holds(dir):
		return &pinError{fmt.Errorf("%s is not in a bpf file system, which is usually mounted at %s: %w", dir, root,
			&sys.MountError{Type: sys.BPFfs.Type, Root: dir}), err}
	case errors.Is(err, sys.ENOENT):
		return &pinError{fmt.Errorf("there is no %s: make the directory first", path), err}
	case errors.Is(err, sys.EPERM) && strings.Contains(filepath.Base(path), "."):
		return &pinError{errors.New("names in a bpf file system have no dots"), err}
	}
	return Explain(err, sys.CapBPF.String())
}
