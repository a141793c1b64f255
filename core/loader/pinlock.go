package loader

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/bpfhost/bpfhost/internal/sys"
)

// lock waits until the folder is locked for this process. over says that it is not and need not be:
// ready, which is called when another process has unlocked it, says so.
func (f *pinFolder) lock(ctx context.Context, ready func() (bool, error)) (over bool, err error) {
	for pause := time.Millisecond; ; pause = min(2*pause, 20*time.Millisecond) {
		locked, err := f.tryLock()
		if locked || err != nil {
			return false, err
		}
		for errors.Is(sys.TryLock(f.busy), sys.EAGAIN) {
			select {
			case <-ctx.Done():
				return false, fmt.Errorf("wait for another process that makes pins in it and has locked %s: %w", f.stagePath(), context.Cause(ctx))
			case <-time.After(pause):
			}
			pause = min(2*pause, 20*time.Millisecond)
		}
		f.busy.Close()
		if over, err := ready(); over || err != nil {
			return over, err
		}
	}
}

// tryLock locks the folder for this process, and removes what one left that was killed. It returns
// false while another one has it locked, which is busy then.
func (f *pinFolder) tryLock() (bool, error) {
	for range 1000 {
		err := sys.MkdirAt(f.base, f.stageName(), 0o700)
		mine := err == nil
		if f.name != "" && errors.Is(err, fs.ErrPermission) && f.standAlone() == nil {
			continue
		}
		if err != nil && !errors.Is(err, sys.EEXIST) {
			return false, err
		}
		locked, err := f.lockStage()
		if locked {
			err = f.begin()
		}
		switch {
		case errors.Is(err, sys.EAGAIN):
			return false, nil
		case errors.Is(err, sys.ENOENT):
			f.unlock()
		case err != nil:
			f.unlock()
			if mine {
				again(func() error { return sys.RmdirAt(f.base, f.stageName()) })
			}
			return false, err
		case locked:
			return true, nil
		}
	}
	return false, errMoved
}

// begin makes the staging directory ready. From then on nobody removes it who has not locked it: it
// is not empty.
func (f *pinFolder) begin() error {
	err := f.recover()
	if err == nil {
		err = sys.MkdirAt(f.stage, stageNew, 0o700)
	}
	if err == nil {
		var here bool
		if here, err = f.inPlace(f.stage); err == nil && !here {
			err = sys.ENOENT
		}
	}
	if err != nil {
		removeTree(f.stage, stageNew)
	}
	return err
}

// lockStage locks the staging directory that there is; false if it is gone, or another one now.
func (f *pinFolder) lockStage() (bool, error) {
	stage, err := sys.OpenDirAt(f.base, f.stageName())
	if errors.Is(err, sys.ENOENT) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	here, err := false, sys.TryLock(stage)
	if errors.Is(err, sys.EAGAIN) {
		f.busy.Close()
		f.busy = stage
		return false, err
	}
	if err == nil {
		here, err = f.inPlace(stage)
	}
	if err != nil || !here {
		stage.Close()
		return false, err
	}
	f.stage = stage
	return true, nil
}

// inPlace reports whether the staging directory is the one that is open, and this user's.
func (f *pinFolder) inPlace(stage *sys.FD) (bool, error) {
	id, err := sys.StatAt(stage, "")
	if err != nil {
		return false, err
	}
	now, err := sys.StatAt(f.base, f.stageName())
	switch {
	case errors.Is(err, sys.ENOENT):
		return false, nil
	case err == nil && int(id.UID) != os.Geteuid():
		return false, fmt.Errorf("%s %w: remove it", f.stagePath(), errForeign)
	}
	return err == nil && id.Same(now), err
}

// unlock lets others lock the staging directory.
func (f *pinFolder) unlock() {
	f.stage.Close()
	f.stage = nil
}
