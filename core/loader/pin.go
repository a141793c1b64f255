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
	switch {
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
		return nil, fmt.Errorf("open pin %s: %w", path, err)
	}
	i, err := sys.InfoOfMap(fd)
	if err != nil {
		fd.Close()
		return nil, fmt.Errorf("open pin %s: %w", path, err)
	}
	found := *s
	found.Type, found.KeySize, found.ValueSize = spec.MapType(i.Type), i.KeySize, i.ValueSize
	found.Flags = spec.MapFlags(i.Flags)
	m, err := l.newMap(&found, i.MaxEntries, fd)
	if err != nil {
		return nil, err
	}
	want, err := entries(s, l.kernel)
	if err == nil {
		err = m.fits(s)
	}
	if err == nil && (want != i.MaxEntries || s.Flags != found.Flags) {
		err = fmt.Errorf("the map in its place has %d entries and flags %#x, not %d and %#x", i.MaxEntries, i.Flags, want, uint32(s.Flags))
	}
	if err != nil {
		m.Close()
		return nil, fmt.Errorf("pin %s: %w", path, err)
	}
	l.own(m)
	return m, nil
}

// pin pins new maps in the file system. A failure unpins them.
func (l *session) pin(ms []*Map) error {
	for _, m := range ms {
		path, err := l.pinPath(m.name)
		if err != nil {
			return fmt.Errorf("pin map %q: %w", m.name, err)
		}
		if err := sys.Pin(m.fd, path); err != nil {
			return fmt.Errorf("pin map %q to %s: %w", m.name, path, err)
		}
		l.undo = append(l.undo, func() { os.Remove(path) })
	}
	return nil
}
