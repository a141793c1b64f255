package loader

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// sharedMaps are the maps of a load that are shared by name.
type sharedMaps struct {
	options     *Options
	kernel      *Kernel
	publication *Publication      // of the options, or the load's own
	paths       map[string]string // of their pins, by name
	found       map[string]*sys.FD
}

// path is where a map that is shared by name has its name.
func (p *sharedMaps) path(name string) (string, error) {
	if path := p.options.Pins[name]; path != "" {
		return path, nil
	}
	if p.options.PinDir == "" {
		return "", fmt.Errorf("it is shared by name, but no directory for that was given")
	}
	path, ok := spec.PinPath(p.options.PinDir, name)
	if !ok {
		return "", fmt.Errorf("%q cannot be the name of a pin", name)
	}
	return path, nil
}

// find opens the maps of the list that are pinned already. If one is not, it locks the directories,
// so that no other load pins the same.
func (p *sharedMaps) find(list []*spec.Map) error {
	p.paths = make(map[string]string)
	for _, s := range list {
		if s.Pinning != spec.PinByName || p.options.Maps[s.Name] != nil {
			continue
		}
		path, err := p.path(s.Name)
		if err != nil {
			return fmt.Errorf("create map %q: %w", s.Name, err)
		}
		p.paths[s.Name] = path
	}
	if len(p.paths) == 0 {
		return nil
	}
	missing, err := p.open()
	if err != nil {
		return err
	}
	if len(missing) == 0 {
		p.sweep()
		return nil
	}
	err = p.publication.lock(missing, func() (bool, error) {
		missing, err := p.open()
		return len(missing) == 0, err
	})
	if err != nil {
		return fmt.Errorf("pin maps in %s: %w", filepath.Dir(missing[0]), p.kernel.ExplainPin(missing[0], err))
	}
	_, err = p.open()
	return err
}

// open opens the pins that there are, and returns the paths of the others, sorted.
func (p *sharedMaps) open() (missing []string, err error) {
	p.close()
	p.found = make(map[string]*sys.FD)
	for _, name := range slices.Sorted(maps.Keys(p.paths)) {
		path := p.paths[name]
		fd, err := p.publication.find(path)
		if fd == nil && err == nil {
			fd, err = sys.OpenPin(path)
		}
		switch {
		case err == nil:
			p.found[name] = fd
		case errors.Is(err, sys.ENOENT):
			missing = append(missing, path)
		default:
			return nil, fmt.Errorf("create map %q: open pin %s: %w", name, path, p.kernel.ExplainPin(path, err))
		}
	}
	slices.Sort(missing)
	return missing, nil
}

// close closes pins that were opened and not taken.
func (p *sharedMaps) close() {
	for _, fd := range p.found {
		fd.Close()
	}
	p.found = nil
}

// take returns the descriptor of a map that was found, which is the caller's then; nil for others.
func (p *sharedMaps) take(name string) *sys.FD {
	fd := p.found[name]
	delete(p.found, name)
	return fd
}

// sweep removes what a process left in the directories of pins that was killed. That it cannot be
// removed is nothing to stop a load for.
func (p *sharedMaps) sweep() {
	var done []string
	for _, path := range p.paths {
		dir := filepath.Dir(path)
		if slices.Contains(done, dir) {
			continue
		}
		done = append(done, dir)
		f, err := openFolder(dir)
		if err != nil {
			continue
		}
		if _, err := sys.StatAt(f.base, f.stageName()); err == nil {
			_, _ = sweepStage(f.base, f.dir, f.name, true)
		}
		f.base.Close()
	}
}

// openPinned returns a map that is pinned already, or nil if it is not.
func (l *session) openPinned(s *spec.Map) (*Map, error) {
	path, fd := l.shared.paths[s.Name], l.shared.take(s.Name)
	if fd == nil {
		return nil, nil
	}
	i, err := sys.InfoOfMap(fd)
	if err != nil {
		fd.Close()
		return nil, fmt.Errorf("open pin %s: %w", path, err)
	}
	err = l.checkPinned(s, i)
	if err != nil {
		fd.Close()
		return nil, fmt.Errorf("pin %s: %w", path, err)
	}
	found := *s
	found.Flags = spec.MapFlags(i.Flags)
	m, err := l.newMap(&found, i.MaxEntries, fd)
	if err != nil {
		return nil, err
	}
	l.own(m)
	return m, nil
}

// changedFlags are the flags that the kernel adds to or takes from those that a map is created with, by
// type: programs cannot write a device map (dev_map_alloc of kernel/bpf/devmap.c).
var changedFlags = map[spec.MapType]spec.MapFlags{
	spec.MapDevmap: spec.FlagReadOnlyProg, spec.MapDevmapHash: spec.FlagReadOnlyProg,
}

// accessFlags say what the descriptor of a new map may be used for. The kernel does not keep them
// (bpf_map_flags_retain_permanent of kernel/bpf/syscall.c).
const accessFlags spec.MapFlags = 1<<3 | 1<<4 // BPF_F_RDONLY, BPF_F_WRONLY

// checkPinned reports all that differs between a map that exists and what its spec would make. What the
// kernel does not tell (NUMA node, template of the inner maps) is not compared.
func (l *session) checkPinned(s *spec.Map, i sys.MapInfo) error {
	entries, err := entries(s, l.kernel)
	if err != nil {
		return err
	}
	var differ []string
	compare := func(what string, format string, has, want uint64) {
		if has != want {
			differ = append(differ, fmt.Sprintf("%s "+format+", not "+format, what, has, want))
		}
	}
	if t := spec.MapType(i.Type); t != s.Type {
		differ = append(differ, fmt.Sprintf("type %v, not %v", t, s.Type))
	}
	compare("key_size", "%d", uint64(i.KeySize), uint64(s.KeySize))
	compare("value_size", "%d", uint64(i.ValueSize), uint64(s.ValueSize))
	compare("max_entries", "%d", uint64(i.MaxEntries), uint64(entries))
	ignored := accessFlags | changedFlags[s.Type]
	compare("flags", "%#x", uint64(spec.MapFlags(i.Flags)&^ignored), uint64(s.Flags&^ignored))
	compare("map_extra", "%#x", i.Extra, s.Extra)
	if len(differ) > 0 {
		return fmt.Errorf("the map in its place has %s", strings.Join(differ, "; "))
	}
	return nil
}

// pin makes new maps wait to be pinned, and publishes them if no other load has a part in that.
func (l *session) pin(ms []*Map) error {
	p := l.shared.publication
	l.undo = append(l.undo, func() { p.drop(ms) })
	for _, m := range ms {
		if err := p.add(m, l.shared.paths[m.name]); err != nil {
			return err
		}
	}
	if l.options.Publication != nil || len(ms) == 0 {
		return nil
	}
	return p.Publish()
}
