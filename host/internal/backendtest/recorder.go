package backendtest

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/backend"
)

// Recorder is a backend in Go memory that takes everything and notes what reached it.
type Recorder struct {
	Backend
	Loads    []Load
	Attached []Attachment
}

// Load is a collection that was loaded.
type Load struct {
	Spec     *spec.Collection  // a copy
	Selected spec.Selection    // what of it
	Pins     map[string]string // paths of maps
}

// Attachment is a program that was attached, and where.
type Attachment struct {
	Program *spec.Program
	Attach  spec.Attach
}

// CPUs returns 4.
func (r *Recorder) CPUs() (int, error) { return 4, nil }

// Load notes a collection.
func (r *Recorder) Load(c *spec.Collection, o backend.LoadOptions) (backend.Loaded, error) {
	c = c.Clone()
	l := Load{c, c.Select(spec.Choice{Programs: o.Programs}), o.Pins}
	r.Loads = append(r.Loads, l)
	out := &recorded{programs: map[string]*recordedProgram{}}
	for _, p := range l.Selected.Programs {
		out.programs[p.Name] = &recordedProgram{p}
	}
	for _, m := range l.Selected.Maps {
		out.maps = append(out.maps, NewMap(m.Name, m.Type, int(m.KeySize), int(m.ValueSize), int(m.MaxEntries)))
	}
	return out, nil
}

// Attach notes an attachment.
func (r *Recorder) Attach(p backend.Program, a spec.Attach) (backend.Hook, error) {
	r.Attached = append(r.Attached, Attachment{p.(*recordedProgram).spec, a})
	return recordedHook{}, nil
}

// recorded is a collection of a Recorder.
type recorded struct {
	programs map[string]*recordedProgram
	maps     []backend.Map
}

// Program returns a program that was selected.
func (l *recorded) Program(name string) (backend.Program, bool) {
	p, ok := l.programs[name]
	return p, ok
}

// Maps returns the maps.
func (l *recorded) Maps() []backend.Map { return l.maps }

// Close does nothing.
func (l *recorded) Close() error { return nil }

type recordedProgram struct{ spec *spec.Program }

// Name returns its name.
func (p *recordedProgram) Name() string { return p.spec.Name }

type recordedHook struct{}

// Switch returns an error.
func (recordedHook) Switch(p backend.Program) error {
	return fmt.Errorf("switch to program %q: %w", p.Name(), backend.ErrNotSupported)
}

// Close does nothing.
func (recordedHook) Close() error { return nil }
