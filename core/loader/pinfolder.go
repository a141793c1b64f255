package loader

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// pinFolder is a directory of a bpf file system in which pins are to appear, all at once. Until then
// they are in a staging directory next to it, or in it where it is the root of a mount. Who has that
// one locked makes the pins of the folder; one that nobody has locked is what a process left that was
// killed:
//
//	staging/new  pins that nobody has seen yet, or a folder that was replaced
//	staging/add  pins of which each is being linked into the folder, one after the other
//	staging/old  the folder that was replaced, where the kernel cannot exchange two
type pinFolder struct {
	path  string  // of the folder
	base  *sys.FD // the directory that has the staging directory
	dir   string  // its path
	name  string  // of the folder in base; empty where base is the folder
	stage *sys.FD // the staging directory, locked; nil before
	busy  *sys.FD // that of another process, while this one waits for it
	pins  []*newPin
	made  bool // the folder itself, too
}

// newPin is a pin that is to appear.
type newPin struct {
	name   string
	what   string // "map \"counts\""
	object pinnable
	file   sys.FileID // once it is staged
}

// pinnable is what can be pinned.
type pinnable interface {
	WithFD(fn func(fd int) error) error
}

// The directories of a staging directory.
const (
	stageNew = "new"
	stageAdd = "add"
	stageOld = "old"
)

// takenError says that somebody made a pin in the meantime.
type takenError struct{ path string }

func (e *takenError) Error() string {
	return "another process has pinned something to " + e.path + " in the meantime: load again"
}

// pinningError says which pin could not be made.
type pinningError struct {
	what, path string
	err        error // explained
}

func (e *pinningError) Error() string { return fmt.Sprintf("pin %s to %s: %v", e.what, e.path, e.err) }

func (e *pinningError) Unwrap() error { return e.err }

// explainPin makes the kernel's answer about a pin say what is wrong with its path.
func explainPin(path string, err error) error {
	k := NewKernel()
	defer k.Close()
	return k.ExplainPin(path, err)
}

// Is reports that the error is fs.ErrExist.
func (e *takenError) Is(target error) bool { return target == fs.ErrExist }

// errForeign says that a staging directory is not to be trusted.
var errForeign = errors.New("belongs to another user")

// errMoved says that the folder is not what it was a moment ago.
var errMoved = errors.New("the directory changes all the time")

// openFolder finds the folder of a path. It need not exist, but what it is in.
func openFolder(path string) (*pinFolder, error) {
	path = filepath.Clean(path)
	f := &pinFolder{path: path, dir: filepath.Dir(path), name: filepath.Base(path)}
	base, err := sys.OpenDir(f.dir)
	switch {
	case err == nil && sys.BPFfs.HoldsFile(base):
		within, err := holds(base, f.name)
		if within {
			f.base = base
			return f, nil
		}
		base.Close()
		if err != nil {
			return nil, err
		}
	case err == nil:
		base.Close()
	case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission):
		return nil, err
	}
	if alone := f.standAlone(); alone != nil {
		if err != nil && errors.Is(alone, fs.ErrNotExist) {
			alone = err
		}
		return nil, alone
	}
	return f, nil
}

// holds reports whether a name is of a directory in the same mount, or free.
func holds(dir *sys.FD, name string) (bool, error) {
	if name == "." || name == ".." || name == "/" {
		return false, nil
	}
	above, err := sys.StatAt(dir, "")
	if err != nil {
		return false, err
	}
	here, err := sys.StatAt(dir, name)
	if errors.Is(err, sys.ENOENT) {
		return true, nil
	}
	return here.IsDir() && here.Mount == above.Mount && here.Device == above.Device, err
}

// standAlone makes the folder have its staging directory in itself.
func (f *pinFolder) standAlone() error {
	self, err := sys.OpenDir(f.path)
	if err != nil {
		return err
	}
	if !sys.BPFfs.HoldsFile(self) {
		self.Close()
		return sys.EPERM // as the kernel says to a pin elsewhere
	}
	f.base.Close()
	f.base, f.dir, f.name = self, f.path, ""
	return nil
}

// stageName is the name of the staging directory in base.
func (f *pinFolder) stageName() string {
	if f.name == "" {
		return spec.PinStaging
	}
	return spec.PinStaging + "-" + f.name
}

// stagePath is the path of the staging directory.
func (f *pinFolder) stagePath() string { return f.dir + "/" + f.stageName() }

// close unlocks the folder. What was staged and did not appear goes.
func (f *pinFolder) close() {
	if f.stage != nil {
		removeTree(f.stage, stageNew)
		removeTree(f.stage, stageAdd)
		again(func() error { return sys.RmdirAt(f.base, f.stageName()) })
		f.unlock()
	}
	f.busy.Close()
	f.base.Close()
}

// add adds a pin that is to appear.
func (f *pinFolder) add(p *newPin) { f.pins = append(f.pins, p) }

// path returns where a pin will be.
func (f *pinFolder) pinPath(p *newPin) string { return f.path + "/" + p.name }

// fill pins everything in the staging directory.
func (f *pinFolder) fill() error {
	if err := sys.MkdirAt(f.stage, stageNew, 0o700); err != nil && !errors.Is(err, sys.EEXIST) {
		return err
	}
	made, err := sys.OpenDirAt(f.stage, stageNew)
	if err != nil {
		return err
	}
	defer made.Close()
	for _, p := range f.pins {
		err := p.object.WithFD(func(fd int) error { return sys.PinRaw(fd, f.stagePath()+"/"+stageNew+"/"+p.name) })
		if err == nil {
			p.file, err = sys.StatAt(made, p.name)
		}
		if err != nil {
			return &pinningError{p.what, f.pinPath(p), explainPin(f.pinPath(p), err)}
		}
	}
	return nil
}

// publish makes all pins appear. On an error none has.
func (f *pinFolder) publish() error {
	err := f.fill()
	for range 100 {
		if err == nil {
			if err = f.appear(); err == nil {
				return nil
			}
		}
		if err != errMoved {
			break
		}
		err = nil
	}
	f.revert()
	removeTree(f.stage, stageNew)
	removeTree(f.stage, stageAdd)
	return err
}

// appear makes what is staged visible, in a folder that is new or with what it has already. errMoved
// says that the folder was made, or filled, at this moment.
func (f *pinFolder) appear() error {
	if f.name == "" {
		return f.link(f.base)
	}
	folder, err := sys.OpenDirAt(f.base, f.name)
	if errors.Is(err, sys.ENOENT) {
		return f.appearNew()
	}
	if err != nil {
		return err
	}
	defer folder.Close()
	names, err := sys.ListDir(folder)
	if err != nil {
		return err
	}
	for _, p := range f.pins {
		if slices.Contains(names, p.name) {
			return &takenError{f.pinPath(p)}
		}
	}
	switch {
	case len(f.pins) == 1:
		return f.link(folder)
	case len(names) > 0:
		return f.merge(folder, names)
	}
	if err := f.likeFolder(folder); err != nil {
		return err
	}
	err = sys.RenameAt(f.stage, stageNew, f.base, f.name, sys.RenameReplace)
	if errors.Is(err, sys.ENOTEMPTY) {
		return errMoved
	}
	return err
}

// appearNew makes what is staged the folder, which there is none of.
func (f *pinFolder) appearNew() error {
	err := sys.RenameAt(f.stage, stageNew, f.base, f.name, sys.RenameNew)
	if errors.Is(err, sys.EEXIST) {
		return errMoved
	}
	f.made = err == nil
	return err
}

// likeFolder gives what is staged the owner and permissions of the folder.
func (f *pinFolder) likeFolder(folder *sys.FD) error {
	id, err := sys.StatAt(folder, "")
	if err != nil {
		return err
	}
	return sys.SetOwnerAt(f.stage, stageNew, id)
}

// merge links what the folder has into the staged one, and lets the two change places. Where that
// cannot be, each pin is linked into the folder.
func (f *pinFolder) merge(folder *sys.FD, names []string) error {
	made, err := sys.OpenDirAt(f.stage, stageNew)
	if err != nil {
		return err
	}
	defer made.Close()
	var linked []string
	apart := func() error {
		for _, name := range linked {
			if err := sys.UnlinkAt(made, name); err != nil {
				return err
			}
		}
		return f.link(folder)
	}
	for _, name := range names {
		switch err := sys.LinkAt(folder, name, made, name); {
		case errors.Is(err, sys.EPERM): // a directory
			return apart()
		case err == nil:
			linked = append(linked, name)
		case !errors.Is(err, sys.ENOENT):
			return err
		}
	}
	if err := f.likeFolder(folder); err != nil {
		return err
	}
	err = sys.RenameAt(f.stage, stageNew, f.base, f.name, sys.RenameExchange)
	if noExchange(err) {
		return apart()
	}
	if err != nil {
		return err
	}
	return settle(folder, made, linked)
}

// noExchange reports whether two directories cannot change places: in a bpf file system before Linux
// 5.16, or where something is mounted.
func noExchange(err error) bool {
	return errors.Is(err, sys.EINVAL) || errors.Is(err, sys.ENOSYS) || errors.Is(err, sys.EBUSY)
}

// settle brings what others did to the old folder, while it was linked into the new one, to the new
// one.
func settle(old, made *sys.FD, linked []string) error {
	names, err := sys.ListDir(old)
	if err != nil {
		return err
	}
	for _, name := range names {
		if slices.Contains(linked, name) {
			continue
		}
		if err := sys.RenameAt(old, name, made, name, sys.RenameNew); err != nil && !errors.Is(err, sys.EEXIST) {
			return err
		}
	}
	for _, name := range linked {
		if !slices.Contains(names, name) {
			if err := sys.UnlinkAt(made, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// link links each pin into the folder. What a kill leaves of that, the next process takes back.
func (f *pinFolder) link(folder *sys.FD) error {
	from := stageNew
	if len(f.pins) > 1 {
		from = stageAdd
		if err := sys.RenameAt(f.stage, stageNew, f.stage, stageAdd, sys.RenameNew); err != nil {
			return err
		}
	}
	staged, err := sys.OpenDirAt(f.stage, from)
	if err != nil {
		return err
	}
	defer staged.Close()
	for _, p := range f.pins {
		err := sys.LinkAt(staged, p.name, folder, p.name)
		if errors.Is(err, sys.EEXIST) {
			return &takenError{f.pinPath(p)}
		}
		if err != nil {
			return &pinningError{p.what, f.pinPath(p), explainPin(f.pinPath(p), err)}
		}
	}
	return nil
}

// open opens the folder.
func (f *pinFolder) open() (*sys.FD, error) {
	if f.name == "" {
		return f.base.Dup()
	}
	return sys.OpenDirAt(f.base, f.name)
}

// revert removes the pins again that appeared, and the folder if it was made for them. What has
// their names and is another file stays.
func (f *pinFolder) revert() {
	if !slices.ContainsFunc(f.pins, func(p *newPin) bool { return p.file.Inode != 0 }) {
		return
	}
	again(func() error {
		folder, err := f.open()
		if errors.Is(err, sys.ENOENT) {
			return nil
		}
		if err != nil {
			return err
		}
		defer folder.Close()
		for _, p := range f.pins {
			if err := removeSame(folder, p.name, p.file); err != nil {
				return err
			}
		}
		return nil
	})
	if f.made {
		again(func() error { return sys.RmdirAt(f.base, f.name) })
		f.made = false
	}
}

// removeSame removes a name if it leads to this file.
func removeSame(dir *sys.FD, name string, file sys.FileID) error {
	id, err := sys.StatAt(dir, name)
	if err == nil && id.Same(file) {
		err = sys.UnlinkAt(dir, name)
	}
	if errors.Is(err, sys.ENOENT) {
		return nil
	}
	return err
}

// again does what nobody else will do once more if it fails: the kernel may have been short of
// memory.
func again(f func() error) (err error) {
	for range 3 {
		if err = f(); err == nil || errors.Is(err, sys.ENOTEMPTY) || errors.Is(err, sys.ENOENT) {
			break
		}
	}
	return err
}

// removeTree removes a directory with all that is in it. That it does not exist is not an error. It
// takes one descriptor for each level, and none for an empty directory.
func removeTree(in *sys.FD, name string) error {
	return again(func() error {
		err := sys.RmdirAt(in, name)
		switch {
		case errors.Is(err, sys.ENOTDIR):
			return sys.UnlinkAt(in, name)
		case err == nil, errors.Is(err, sys.ENOENT):
			return nil
		}
		dir, err := sys.OpenDirAt(in, name)
		if err != nil {
			return err
		}
		defer dir.Close()
		names, err := sys.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, n := range names {
			err := sys.UnlinkAt(dir, n)
			if errors.Is(err, sys.EISDIR) {
				err = removeTree(dir, n)
			}
			if err != nil && !errors.Is(err, sys.ENOENT) {
				return err
			}
		}
		return sys.RmdirAt(in, name)
	})
}
