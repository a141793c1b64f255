package loader

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// Leftover is what a process left that was killed while it made pins.
type Leftover struct {
	Path   string   // the staging directory
	Folder string   // the directory that the pins were to appear in
	Pins   []string // paths of pins that are removed: in the staging directory, or in part of the folder
	Old    bool     // the folder itself, which was being replaced, is put back
}

// Leftovers lists what processes left in a directory of a bpf file system that were killed while they
// made pins there, or in a directory of it. What a process that runs is making is not among it, nor
// what is another user's.
func Leftovers(dir string) ([]Leftover, error) { return sweep(dir, false) }

// RemoveLeftovers removes what Leftovers lists, and returns it.
func RemoveLeftovers(dir string) ([]Leftover, error) { return sweep(dir, true) }

// sweep goes through the staging directories that nobody has locked.
func sweep(path string, remove bool) ([]Leftover, error) {
	dir, err := sys.OpenDir(path)
	if err != nil {
		return nil, fmt.Errorf("look for leftovers in %s: %w", path, err)
	}
	defer dir.Close()
	if !sys.BPFfs.HoldsFile(dir) {
		return nil, fmt.Errorf("look for leftovers in %s: it is not in a bpf file system: %w", path, kernel.ErrNotMounted)
	}
	names, err := sys.ListDir(dir)
	if err != nil {
		return nil, fmt.Errorf("look for leftovers in %s: %w", path, err)
	}
	var found []Leftover
	for _, name := range names {
		folder, ok := strings.CutPrefix(name, spec.PinStaging)
		if folder != "" && folder[0] != '-' || !ok {
			continue
		}
		l, err := sweepStage(dir, path, strings.TrimPrefix(folder, "-"), remove)
		if l != nil {
			found = append(found, *l)
		}
		if err != nil {
			return found, fmt.Errorf("remove %s/%s: %w", path, name, err)
		}
	}
	return found, nil
}

// sweepStage looks at one staging directory; nil is none that was left.
func sweepStage(dir *sys.FD, path, name string, remove bool) (*Leftover, error) {
	base, err := dir.Dup()
	if err != nil {
		return nil, err
	}
	f := &pinFolder{path: path, base: base, dir: path, name: name}
	if name != "" {
		f.path = path + "/" + name
	}
	defer func() { f.busy.Close(); f.base.Close() }()
	locked, err := f.lockStage()
	if !locked || err != nil {
		if errors.Is(err, sys.EAGAIN) || errors.Is(err, errForeign) {
			err = nil // it is in use, or another user's
		}
		return nil, err
	}
	defer f.stage.Close()
	l := &Leftover{Path: f.stagePath(), Folder: f.path}
	if err := f.describe(l); err != nil || !remove {
		return l, err
	}
	if err := f.recover(); err != nil {
		return l, err
	}
	return l, again(func() error { return sys.RmdirAt(f.base, f.stageName()) })
}

// describe says what recover would do.
func (f *pinFolder) describe(l *Leftover) error {
	for _, sub := range []string{stageNew, stageAdd, stageOld} {
		dir, err := sys.OpenDirAt(f.stage, sub)
		if errors.Is(err, sys.ENOENT) {
			continue
		}
		if err != nil {
			return err
		}
		names, err := sys.ListDir(dir)
		dir.Close()
		if err != nil {
			return err
		}
		if sub == stageOld {
			_, err := sys.StatAt(f.base, f.name)
			if l.Old = errors.Is(err, sys.ENOENT); l.Old {
				continue
			}
		}
		for _, n := range names {
			l.Pins = append(l.Pins, f.stagePath()+"/"+sub+"/"+n)
		}
	}
	part, err := f.part()
	for _, n := range part {
		l.Pins = append(l.Pins, f.path+"/"+n)
	}
	return err
}

// recover undoes what a process left half done: a folder is put back that was taken away to be
// replaced, and pins are removed that are not all in the folder.
func (f *pinFolder) recover() error {
	names, err := sys.ListDir(f.stage)
	if err != nil || len(names) == 0 {
		return err
	}
	if slices.Contains(names, stageOld) {
		err := sys.RenameAt(f.stage, stageOld, f.base, f.name, sys.RenameNew)
		if err != nil && !errors.Is(err, sys.EEXIST) {
			return err
		}
	}
	part, err := f.part()
	if err != nil {
		return err
	}
	if err := f.removeLinked(part); err != nil {
		return err
	}
	for _, name := range []string{stageAdd, stageNew, stageOld} {
		if err := removeTree(f.stage, name); err != nil {
			return err
		}
	}
	return nil
}

// part lists the pins that were linked into the folder before a process was killed that had more to
// link; none if it had linked all.
func (f *pinFolder) part() (part []string, err error) {
	staged, err := sys.OpenDirAt(f.stage, stageAdd)
	if errors.Is(err, sys.ENOENT) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer staged.Close()
	names, err := sys.ListDir(staged)
	if err != nil {
		return nil, err
	}
	folder, err := f.open()
	if errors.Is(err, sys.ENOENT) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	for _, n := range names {
		a, err := sys.StatAt(staged, n)
		if err != nil {
			return nil, err
		}
		b, err := sys.StatAt(folder, n)
		if err != nil && !errors.Is(err, sys.ENOENT) {
			return nil, err
		}
		if err == nil && a.Same(b) {
			part = append(part, n)
		}
	}
	if len(part) == len(names) {
		return nil, nil
	}
	return part, nil
}

// removeLinked removes pins from the folder.
func (f *pinFolder) removeLinked(names []string) error {
	if len(names) == 0 {
		return nil
	}
	folder, err := f.open()
	if err != nil {
		return err
	}
	defer folder.Close()
	for _, n := range names {
		if err := again(func() error { return sys.UnlinkAt(folder, n) }); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
