package kernel

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"

	"github.com/bpfhost/bpfhost/internal/sys"
)

// Identity says which kernel runs, as far as it decides what programs do: a plan that was made for
// one is not good for another.
type Identity struct {
	Release         string   // as uname -r says it
	BTF             string   // SHA-256 of the bytes of its types, in hex; empty for a kernel without them
	SecurityModules []string // active ones, in the order in which they are asked
}

// Identity reads which kernel runs. It needs no privileges where sysfs and securityfs are mounted.
// Security modules are none for a kernel without securityfs.
func (k *Kernel) Identity() (Identity, error) {
	release, _, err := sys.Uname()
	if err != nil {
		return Identity{}, fmt.Errorf("identify kernel: %w", err)
	}
	id := Identity{Release: release}
	b, unmap, err := k.readTypes(vmlinux)
	switch {
	case err == nil:
		sum := sha256.Sum256(b)
		unmap()
		id.BTF = hex.EncodeToString(sum[:])
	case !errors.Is(err, fs.ErrNotExist):
		return Identity{}, fmt.Errorf("identify kernel: read its types: %w", err)
	}
	id.SecurityModules, err = k.SecurityModules()
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, ErrNotSupported) {
		return Identity{}, fmt.Errorf("identify kernel: %w", err)
	}
	return id, nil
}
