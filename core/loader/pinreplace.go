package loader

import (
	"errors"

	"github.com/bpfhost/bpfhost/internal/sys"
)

// replace puts what is staged in the place of the folder, and returns where the old one is in the
// staging directory; empty if there was none.
func (f *pinFolder) replace() (old string, err error) {
	for range 100 {
		err := sys.RenameAt(f.stage, stageNew, f.base, f.name, sys.RenameNew)
		if err == nil {
			f.made = true
			return "", nil
		}
		if !errors.Is(err, sys.EEXIST) {
			return "", err
		}
		err = sys.RenameAt(f.stage, stageNew, f.base, f.name, sys.RenameExchange)
		if noExchange(err) {
			err = f.exchange(f.name, stageNew)
			if err == nil {
				return stageOld, nil
			}
		} else if err == nil {
			return stageNew, nil
		}
		if !errors.Is(err, sys.ENOENT) {
			return "", err
		}
	}
	return "", errMoved
}

// exchange does in two steps what the kernel cannot do in one: the folder goes to the staging
// directory, and what is staged takes its place.
func (f *pinFolder) exchange(folder, staged string) error {
	if err := sys.RenameAt(f.base, folder, f.stage, stageOld, sys.RenameNew); err != nil {
		return err
	}
	err := sys.RenameAt(f.stage, staged, f.base, folder, sys.RenameNew)
	if err != nil {
		again(func() error { return sys.RenameAt(f.stage, stageOld, f.base, folder, sys.RenameNew) })
	}
	return err
}

// rollback undoes replace.
func (f *pinFolder) rollback(old string) error {
	switch old {
	case stageNew:
		err := sys.RenameAt(f.stage, stageNew, f.base, f.name, sys.RenameExchange)
		if errors.Is(err, sys.ENOENT) { // somebody has removed the new one
			err = sys.RenameAt(f.stage, stageNew, f.base, f.name, sys.RenameNew)
		}
		return err
	case stageOld:
		if err := sys.RenameAt(f.base, f.name, f.stage, stageNew, sys.RenameNew); err != nil {
			return err
		}
		return again(func() error { return sys.RenameAt(f.stage, stageOld, f.base, f.name, sys.RenameNew) })
	}
	return sys.RenameAt(f.base, f.name, f.stage, stageNew, sys.RenameNew)
}
