package loader

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// pinPath is where a map that is shared by name has its name.
func (l *session) pinPath(name string) (string, error) {
	path := l.options.Pins[name]
	switch {
	case path != "":
		return path, nil
	case l.options.PinDir == "":
		return "", fmt.Errorf("it is shared by name, but no directory for that was given")
	case name == "" || strings.ContainsAny(name, "./\x00"):
		return "", fmt.Errorf("%q cannot be the name of a pin", name)
	}
	return filepath.Join(l.options.PinDir, name), nil
}

// openPinned opens a map that is pinned already, and returns nil if it does not exist.
func (l *session) openPinned(s *spec.Map) (*Map, error) {
	path, err := l.pinPath(s.Name)
	if err != nil {
		return nil, err
	}
	fd, err := sys.OpenPin(path)
	if errors.Is(err, sys.ENOENT) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open pin %s: %w", path, l.kernel.ExplainPin(path, err))
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

// pin pins new maps in the file system. A failure unpins them.
func (l *session) pin(ms []*Map) error {
	for _, m := range ms {
		path, err := l.pinPath(m.name)
		if err != nil {
			return fmt.Errorf("pin map %q: %w", m.name, err)
		}
		if err := sys.Pin(m.fd, path); err != nil {
			return fmt.Errorf("pin map %q to %s: %w", m.name, path, l.kernel.ExplainPin(path, err))
		}
		l.undo = append(l.undo, func() { os.Remove(path) })
	}
	return nil
}
