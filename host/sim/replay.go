package sim

import (
	"io"
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

// Event is an event that was read, for those who run programs on it themselves.
type Event struct{ e *event }

// ReadAll reads the events that are left. Errors are *InputError.
func (s *Events) ReadAll() ([]Event, error) {
	var list []Event
	for {
		switch e, err := s.next(); err {
		case nil:
			list = append(list, Event{e})
		case io.EOF:
			return list, nil
		default:
			return nil, err
		}
	}
}

// String returns the file and the line that the event is in.
func (e Event) String() string { return e.e.where }

// At reports whether the event happens at a hook that a program's section names, or that it is
// attached to in a collection.
func (e Event) At(c *spec.Collection, p *spec.Program) bool {
	kind, rest, _ := strings.Cut(strings.TrimPrefix(p.Section, "?"), "/")
	names := []string{strings.TrimSuffix(kind, ".s") + "/" + rest, p.AttachType.String()}
	switch p.Type {
	case spec.ProgramTracepoint, spec.ProgramRawTracepoint, spec.ProgramRawTracepointWritable, spec.ProgramLSM, spec.ProgramKprobe, spec.ProgramTracing:
		names = []string{prefix(p) + p.AttachTo}
		for _, a := range c.Attach {
			if a.Program == p.Name {
				if t, err := spec.ResolveTarget(p, a); err == nil {
					names = append(names, prefix(p)+t.String())
				}
			}
		}
	case spec.ProgramSkLookup:
		names = []string{"sk_lookup"}
	}
	return slices.Contains(names, e.e.Hook)
}

// Input makes what a program of a collection gets of the event in a machine. core are the types that
// CO-RE is computed for; nil is those of the collection. Errors are *InputError. The objects that the
// input refers to stay until Machine.Clear.
func (e Event) Input(m *vm.Machine, c *spec.Collection, p *spec.Program, core *btf.Types) (vm.Input, error) {
	types := core
	if types == nil {
		types = c.BTF
	}
	l := &loaded{spec: c, machine: m, types: types}
	h := &hook{b: &Backend{options: Options{CoreTypes: core}}, prog: &program{l, p}}
	in, err := h.input(e.e)
	if err != nil {
		return in, e.e.bad(err)
	}
	in.CPU = 0
	return in, nil
}
