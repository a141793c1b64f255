package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"

	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
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

// kernelPublication is the pins of a run.
type kernelPublication struct {
	*loader.Publication
	made []string // directories, to be removed if nothing is pinned in them
}

// NewPublication begins the pins of a run.
func (k *kernelBackend) NewPublication(ctx context.Context) backend.Publication {
	return &kernelPublication{Publication: loader.NewPublication(ctx)}
}

// Close drops what was not published.
func (p *kernelPublication) Close() error {
	err := p.Publication.Close()
	removeEmpty(p.made)
	return err
}

// loadPinned loads a collection after it made the root of its pins, which goes if nothing is pinned
// in it. Another run may do that just when this one wants to pin something.
func loadPinned(c *spec.Collection, o loader.Options, p *kernelPublication) (*loader.Collection, error) {
	for try := 1; ; try++ {
		made, err := makePinRoots(o.Pins)
		if err != nil {
			return nil, err
		}
		loaded, err := loader.Load(c, o)
		if p != nil { // what is to be pinned may be in it until the end
			p.made = append(p.made, made...)
		} else {
			removeEmpty(made)
		}
		if err == nil || try == 10 || !errors.Is(err, fs.ErrNotExist) || !vanished(o.Pins) {
			return loaded, err
		}
	}
}

// vanished reports whether the root of one of the pins does not exist, in a directory that does.
func vanished(pins map[string]string) bool {
	for _, root := range pinRoots(pins) {
		_, err := os.Lstat(root)
		_, above := os.Lstat(path.Dir(root))
		if errors.Is(err, fs.ErrNotExist) && above == nil {
			return true
		}
	}
	return false
}

// pinRoots lists the directories that the directories of pins are in.
func pinRoots(pins map[string]string) []string {
	roots := map[string]bool{}
	for _, p := range pins {
		roots[path.Dir(path.Dir(p))] = true
	}
	return slices.Sorted(maps.Keys(roots))
}

// makePinRoots makes the directories that the directories of pins are in, and returns those that were
// not there. What was evaluated is a path, so nobody else may change where it leads; the root of a bpf
// file system lets everybody make directories. Where one cannot be made, pinning says why. What runs
// left there that were killed is removed.
func makePinRoots(pins map[string]string) (made []string, err error) {
	owners := map[string]bool{}
	for _, p := range pins {
		owners[path.Dir(p)] = true
	}
	for _, root := range pinRoots(pins) {
		owners[root] = false
		if os.Mkdir(root, 0o700) == nil {
			made = append(made, root)
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(owners)) { // a root before what is in it
		info, err := os.Lstat(dir)
		if err != nil {
			continue
		}
		if reason := unsafePinDir(info, owners[dir]); reason != "" {
			removeEmpty(made)
			return nil, fmt.Errorf("pin maps in %s: it %s; remove it", dir, reason)
		}
		if !owners[dir] {
			_, _ = loader.RemoveLeftovers(dir)
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
