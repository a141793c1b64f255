package loader

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/nearest"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// Collection is a spec that was loaded into the kernel.
type Collection struct {
	programs []*Program
	maps     []*Map
	given    map[string]*Map // the caller's, not closed
	notes    []spec.Note
	logs     map[string]string
}

// Program returns the program of that name. Where none was loaded, it is one that cannot be used: Err
// and all that takes it return an error with names that are near.
func (c *Collection) Program(name string) *Program {
	if p := c.program(name); p != nil {
		return p
	}
	return &Program{name: name, fd: sys.NoFD(&missingError{"program", name, func() []string {
		return names(c.programs, (*Program).Name)
	}})}
}

// program returns the program of that name, or nil.
func (c *Collection) program(name string) *Program {
	i := slices.IndexFunc(c.programs, func(p *Program) bool { return p.name == name })
	if i < 0 {
		return nil
	}
	return c.programs[i]
}

// Map returns the map of that name. A map that was put in place of one of the collection's is found
// under the collection's name. Where there is none, it is one that cannot be used: Err and all that
// takes it return an error with names that are near.
func (c *Collection) Map(name string) *Map {
	if i := slices.IndexFunc(c.maps, func(m *Map) bool { return m.name == name }); i >= 0 {
		return c.maps[i]
	}
	if m := c.given[name]; m != nil {
		return m
	}
	return &Map{name: name, fd: sys.NoFD(&missingError{"map", name, func() []string {
		return append(names(c.maps, (*Map).Name), slices.Sorted(maps.Keys(c.given))...)
	}})}
}

// names lists the names of maps or programs.
func names[T any](list []T, name func(T) string) []string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = name(x)
	}
	return out
}

// missingError says that a collection has nothing of a name.
type missingError struct {
	kind, name string
	names      func() []string // those that it has
}

// Error returns the name and those that are near, or else all.
func (e *missingError) Error() string {
	return fmt.Sprintf("no %s %q was loaded%s", e.kind, e.name, nearest.Hint(e.name, e.names()))
}

// missing returns the missingError of a map or program that there never was, otherwise nil.
func missing(fd *sys.FD) error {
	var e *missingError
	if err := fd.Err(); errors.As(err, &e) {
		return err
	}
	return nil
}

// Programs returns all programs in the order of the spec.
func (c *Collection) Programs() []*Program { return slices.Clone(c.programs) }

// Maps returns all maps in the order of the spec, but for those of the caller.
func (c *Collection) Maps() []*Map { return slices.Clone(c.maps) }

// Notes returns what is unusual but did not prevent the load.
func (c *Collection) Notes() []spec.Note { return slices.Clone(c.notes) }

// Log returns the verifier's log of a program, when Options.LogLevel asked for it.
func (c *Collection) Log(program string) string { return c.logs[program] }

// Close closes all programs and maps, in the opposite order of loading. Links keep their program
// and its maps in the kernel. It may be called again.
func (c *Collection) Close() error {
	for _, p := range slices.Backward(c.programs) {
		p.Close()
	}
	for _, m := range slices.Backward(c.maps) {
		m.Close()
	}
	return nil
}
