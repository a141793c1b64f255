package loader

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bpfhost/bpfhost/internal/sys"
)

// Publication is the pins that several loads make together: Publish makes all appear, or none. Until
// then nobody sees them, and no other load makes pins in the same directories: it waits, and then
// uses those that are there. It ends with Close, at the latest when the process ends.
type Publication struct {
	ctx  context.Context
	wait time.Duration // for another one

	locking sync.Mutex   // held by who waits for other processes
	mu      sync.Mutex   // guards what follows
	folders []*pinFolder // locked, in the order in which they were
	waiting map[string]*Map
}

// NewPublication returns a Publication. ctx ends the wait for other processes that make pins.
func NewPublication(ctx context.Context) *Publication {
	return &Publication{ctx: ctx, wait: lockWait, waiting: make(map[string]*Map)}
}

// lockWait is how long a load waits for another one that makes pins in the same directory.
const lockWait = 30 * time.Second

// Publish makes the pins of all loads appear. Those of one directory appear at the same moment; a
// process that is killed leaves either all of them or none, and what it leaves otherwise is removed
// by the next load, see RemoveLeftovers. Two cases need that next load to be so: a directory that
// has pins already, before Linux 5.16, and the root of a mount.
//
// The error wraps fs.ErrExist where another process pinned something to the same path without
// waiting, as tools do that do not know of publications.
func (p *Publication) Publish() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, f := range p.folders {
		if len(f.pins) == 0 {
			continue
		}
		if err := f.publish(); err != nil {
			for _, done := range slices.Backward(p.folders[:i]) {
				done.revert()
			}
			return explainPinning(f, err)
		}
	}
	clear(p.waiting)
	return nil
}

// explainPinning says what was done, and makes the kernel's answer about a directory of pins say what
// is wrong with it.
func explainPinning(f *pinFolder, err error) error {
	var one *pinningError
	if !errors.As(err, &one) {
		path := f.path
		if len(f.pins) > 0 {
			path = f.pinPath(f.pins[0])
		}
		err = explainPin(path, err)
	}
	return fmt.Errorf("publish pins in %s: %w", f.path, err)
}

// Revert takes back what Publish made, and nothing else: a pin that somebody removed and made anew
// stays. It has an effect before Close only.
func (p *Publication) Revert() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range slices.Backward(p.folders) {
		f.revert()
	}
}

// Close lets others make pins in the directories. What was not published is dropped. It may be called
// again.
func (p *Publication) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range slices.Backward(p.folders) {
		f.close()
	}
	p.folders = nil
	clear(p.waiting)
	return nil
}

// find returns another descriptor of a map that waits to be pinned to a path, or nil.
func (p *Publication) find(path string) (*sys.FD, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if m := p.waiting[filepath.Clean(path)]; m != nil {
		return m.fd.Dup()
	}
	return nil, nil
}

// add makes a map wait for Publish. Its folder is locked.
func (p *Publication) add(m *Map, path string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	path = filepath.Clean(path)
	if other := p.waiting[path]; other != nil {
		return fmt.Errorf("pin map %q to %s: map %q is to be there", m.name, path, other.name)
	}
	f := p.folder(filepath.Dir(path))
	if f == nil {
		return fmt.Errorf("pin map %q to %s: the publication is closed", m.name, path)
	}
	p.waiting[path] = m
	f.add(&newPin{name: filepath.Base(path), what: fmt.Sprintf("map %q", m.name), object: m})
	return nil
}

// drop makes maps wait no more.
func (p *Publication) drop(maps []*Map) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for path, m := range p.waiting {
		if !slices.Contains(maps, m) {
			continue
		}
		delete(p.waiting, path)
		if f := p.folder(filepath.Dir(path)); f != nil {
			f.pins = slices.DeleteFunc(f.pins, func(n *newPin) bool { return n.object == pinnable(m) })
		}
	}
}

// folder returns the folder of a path, if it is locked.
func (p *Publication) folder(path string) *pinFolder {
	i := slices.IndexFunc(p.folders, func(f *pinFolder) bool { return f.path == path })
	if i < 0 {
		return nil
	}
	return p.folders[i]
}

// lock locks the directories of paths, which are sorted. While it waits it calls ready whenever another
// process has ended what it did there, and gives up when that is true.
func (p *Publication) lock(paths []string, ready func() (bool, error)) error {
	p.locking.Lock()
	defer p.locking.Unlock()
	ctx, cancel := context.WithTimeoutCause(p.ctx, p.wait, fmt.Errorf("%v have passed", p.wait))
	defer cancel()
	for _, path := range paths {
		if p.locked(filepath.Dir(path)) {
			continue
		}
		f, err := openFolder(filepath.Dir(path))
		if err != nil {
			return err
		}
		over, err := f.lock(ctx, ready)
		if err != nil || over {
			f.close()
			return err
		}
		p.mu.Lock()
		p.folders = append(p.folders, f)
		p.mu.Unlock()
	}
	return nil
}

// locked reports whether a directory is locked for this publication.
func (p *Publication) locked(dir string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.folder(dir) != nil
}

// Publish pins all maps and programs in a directory of a bpf file system that does not exist yet,
// each under its name, with underscores for dots. They appear at the same moment: a process that is
// killed leaves the whole directory or none. The error wraps fs.ErrExist where there is one; see
// Replace.
func (c *Collection) Publish(dir string) error {
	f, err := c.stage(dir)
	if err != nil {
		return err
	}
	defer f.close()
	err = f.fill()
	if err == nil {
		err = sys.RenameAt(f.stage, stageNew, f.base, f.name, sys.RenameNew)
	}
	if errors.Is(err, sys.EEXIST) {
		return fmt.Errorf("publish pins in %s: it exists, and Publish makes no pins in it; use Replace: %w", dir, err)
	}
	if err != nil {
		return explainPinning(f, err)
	}
	return nil
}

// Replace puts what Publish would make in the place of a directory that Publish made, for example by
// an older version: who opens pins there finds either all of the old ones or all of the new ones.
// Everything that is in the directory goes with it. Without one, Replace is Publish.
//
// Before Linux 5.16 there is a moment without the directory; of a process that is killed then, the
// next one that makes pins there puts the old one back.
func (c *Collection) Replace(dir string) (*Replacement, error) {
	f, err := c.stage(dir)
	if err != nil {
		return nil, err
	}
	r := &Replacement{folder: f}
	err = f.fill()
	if err == nil {
		r.old, err = f.replace()
	}
	if err != nil {
		f.close()
		return nil, explainPinning(f, err)
	}
	return r, nil
}

// Replacement is a directory of pins that took the place of another one, which is kept until Close.
// Others cannot replace it before.
type Replacement struct {
	folder *pinFolder
	old    string // what it is called in the staging directory; empty for none
	closed bool
}

// Rollback puts the old directory back, or removes the new one where there was none, and ends the
// Replacement.
func (r *Replacement) Rollback() error {
	if r.closed {
		return fmt.Errorf("roll back pins in %s: the replacement is closed", r.folder.path)
	}
	if err := r.folder.rollback(r.old); err != nil {
		return fmt.Errorf("roll back pins in %s: %w", r.folder.path, err)
	}
	return r.Close()
}

// Close removes the old directory. It may be called again.
func (r *Replacement) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	err := errors.Join(removeTree(r.folder.stage, stageOld), removeTree(r.folder.stage, stageNew))
	r.folder.close()
	if err != nil {
		return fmt.Errorf("remove old pins of %s: %w", r.folder.path, err)
	}
	return nil
}

// stage locks a folder for all maps and programs.
func (c *Collection) stage(dir string) (*pinFolder, error) {
	pins, err := c.newPins()
	if err != nil {
		return nil, fmt.Errorf("publish pins in %s: %w", dir, err)
	}
	p := NewPublication(context.Background())
	err = p.lock([]string{filepath.Join(dir, pins[0].name)}, func() (bool, error) { return false, nil })
	if err != nil {
		p.Close()
		return nil, explainPinning(&pinFolder{path: dir, pins: pins}, err)
	}
	f := p.folders[0]
	if f.pins = pins; f.name == "" {
		p.Close()
		return nil, fmt.Errorf("publish pins in %s: it is the root of a mount, or cannot be renamed; name a directory in it", dir)
	}
	return f, nil
}

// newPins are the pins of all maps and programs.
func (c *Collection) newPins() ([]*newPin, error) {
	var pins []*newPin
	for _, m := range c.maps {
		pins = append(pins, &newPin{name: m.name, what: fmt.Sprintf("map %q", m.name), object: m})
	}
	for _, p := range c.programs {
		pins = append(pins, &newPin{name: p.name, what: fmt.Sprintf("program %q", p.name), object: p})
	}
	if len(pins) == 0 {
		return nil, errors.New("it has no maps and no programs")
	}
	by := make(map[string]string)
	for _, p := range pins {
		p.name = strings.ReplaceAll(p.name, ".", "_")
		if by[p.name] != "" {
			return nil, fmt.Errorf("%s and %s would both be %s", by[p.name], p.what, p.name)
		}
		by[p.name] = p.what
	}
	return pins, nil
}
