package host

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"

	"github.com/bpfhost/bpfhost/host/backend"
	"github.com/bpfhost/bpfhost/host/internal/sandbox"
	"github.com/bpfhost/bpfhost/host/plan"
)

// lookUpPins notes in a plan which of its pins exist, where this user may know.
func (h *Host) lookUpPins(pl *plan.Plan) {
	in, ok := h.backend.(backend.Pinner)
	if !ok {
		return
	}
	for i := range pl.Objects {
		pins := pl.Objects[i].Pins
		for name, pin := range pins {
			if there, err := in.Pinned(pin.Path); err == nil && pin.Path != "" {
				pin.Exists = &there
				pins[name] = pin
			}
		}
	}
}

// Pinned reports whether something is at a path. The error wraps fs.ErrPermission where this user may
// not know.
func (k *kernelBackend) Pinned(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// makePinDirs makes the directories that pins are in and returns those that were not there. What was
// evaluated is a path, so nobody else may change where it leads; the root of a bpf file system lets
// everybody make directories. Where one cannot be made, pinning says why.
func makePinDirs(pins map[string]string) (made []string, err error) {
	owners := map[string]bool{}
	for _, p := range pins {
		owners[path.Dir(p)] = true
		owners[path.Dir(path.Dir(p))] = false // the root of pins
	}
	for _, dir := range slices.Sorted(maps.Keys(owners)) { // the root comes first
		if os.Mkdir(dir, 0o700) == nil {
			made = append(made, dir)
		}
		info, err := os.Lstat(dir)
		if err != nil {
			continue
		}
		if reason := unsafePinDir(info, owners[dir]); reason != "" {
			removeEmpty(made)
			return nil, fmt.Errorf("pin maps in %s: it %s; remove it", dir, reason)
		}
	}
	return made, nil
}

// unsafePinDir says why a pin in the directory may not be what its path says; empty is nothing. In a
// sticky root others can make directories, each of which is looked at, and change none.
func unsafePinDir(info fs.FileInfo, owner bool) string {
	switch {
	case !info.IsDir(): // not that of a link
		return "is not a directory"
	case !sandbox.OwnedBy(info, os.Geteuid()) && !sandbox.OwnedBy(info, 0):
		return "belongs to another user"
	case info.Mode().Perm()&0o022 != 0 && (owner || info.Mode()&fs.ModeSticky == 0):
		return fmt.Sprintf("can be written by others (mode %04o)", info.Mode().Perm())
	}
	return ""
}

// removeEmpty removes directories that nothing was pinned in, last first.
func removeEmpty(dirs []string) {
	for _, dir := range slices.Backward(dirs) {
		os.Remove(dir)
	}
}
