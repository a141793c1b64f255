package testcase

import (
	"errors"
	"fmt"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/setvar"
)

// Outcome is what became of a case.
type Outcome struct {
	Differences []string // what did not come out as it has to; none is a pass
	Skipped     string   // why the case cannot run in this place; empty is that it ran
	Err         error    // why it could not be run at all
}

// Passed reports whether everything came out as it has to.
func (o Outcome) Passed() bool { return len(o.Differences) == 0 && o.Skipped == "" && o.Err == nil }

// Run runs a case in a place. A case that says nothing of what has to come of it fails.
func (f *File) Run(c *Case, p Place) Outcome {
	if c.want == nil {
		return Outcome{Differences: []string{"it does not say what has to come of it: the key want is missing; --update writes it"}}
	}
	w, err := f.readWant(c, c.want)
	if err != nil {
		return Outcome{Err: err}
	}
	if w.fault != nil && !p.Faults() {
		return Outcome{Skipped: "a kernel stops no program; its verifier refuses most that could have a fault"}
	}
	s, r, stopped, err := f.start(c, p)
	if s != nil {
		defer s.Close()
	}
	var diff []string
	if err == nil {
		diff, err = f.differences(c, w, s, r, stopped)
	}
	if errors.Is(err, ErrNotHere) {
		return Outcome{Skipped: err.Error()}
	}
	return Outcome{Differences: diff, Err: err}
}

// start loads the object for a case, fills its maps and runs the program.
func (f *File) start(c *Case, p Place) (s Session, r Result, stopped *Stopped, err error) {
	object, err := f.prepared(c)
	if err != nil {
		return nil, r, nil, err
	}
	if s, err = p.Open(object, c.Program); err != nil {
		return nil, r, nil, err
	}
	for _, m := range c.maps {
		for _, e := range m.entries {
			value, err := f.values().encode(e.value, m.of.Value, m.of.ValueSize)
			if err == nil {
				err = s.Update(m.of.Name, e.key, value)
			}
			if err != nil {
				return s, r, nil, fmt.Errorf("fill map %s: %w", m.of.Name, err)
			}
		}
	}
	r, err = s.Run(c.input)
	if errors.As(err, &stopped) {
		err = nil
	}
	return s, r, stopped, err
}

// prepared is the object with the variables of a case. Of its programs, that of the case alone is
// loaded, and those that maps hold: what else is in an object is nothing to the case.
func (f *File) prepared(c *Case) (*spec.Collection, error) {
	object := f.Object.Clone()
	held := map[string]bool{c.Program: true}
	for _, m := range object.Maps {
		for _, v := range m.Values {
			held[v.Name] = true
		}
	}
	for _, p := range object.Programs {
		p.Optional = !held[p.Name]
	}
	for path, text := range c.set {
		v, err := setvar.Parse(object, path, text)
		if err == nil {
			err = v.Apply(object)
		}
		if err != nil {
			return nil, err
		}
	}
	return object, nil
}

// record is the place of a record of a ring buffer. Without a type it is bytes.
func (f *File) record(m *spec.Map, rec []byte) value {
	id := f.types[m.Name]
	if id != 0 {
		if size, err := f.Object.BTF.Size(id); err != nil || uint64(size) > uint64(len(rec)) {
			id = 0
		}
	}
	return value{f.values(), btf.Field{Type: id, Size: uint32(len(rec))}, ""}
}
