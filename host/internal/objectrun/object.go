package objectrun

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/policy"
	"github.com/bpfhost/bpfhost/internal/quote"
	"github.com/bpfhost/bpfhost/internal/setvar"
)

// Options say how an object runs. The zero value attaches by section and prints every ring buffer.
type Options struct {
	Attach   map[string][]string // targets by program, "eth0" or "eth0@/run/netns/a"; "" is that of its section
	Skip     []string            // programs that are neither loaded nor attached
	Set      map[string]string   // values by the path of a variable, "cfg.ports[2]"
	MapSizes map[string]string   // entries, or bytes of a ring buffer, by map: "65536", "64KiB"
	Types    map[string]string   // types of records by map, "struct event"
	Fields   []string            // paths that are printed, in order; none is all
	Filter   string              // of records, see package filter; empty is all
	JSON     bool                // print lines of JSON
	PinDir   string              // where maps are pinned by name
}

// OptionError says what is wrong with an option for an object.
type OptionError struct {
	Object string // file name
	Option string // as it was given, "--set cfg.limit=10"
	Err    error  // the reason, and what to do
}

// Error is one line that is safe to print.
func (e *OptionError) Error() string {
	text := "object " + e.Object + ": "
	if e.Option != "" {
		text += e.Option + ": "
	}
	return quote.Text(text + e.Err.Error())
}

// Unwrap returns the reason.
func (e *OptionError) Unwrap() error { return e.Err }

// Plugin is an object with what is to be done with it.
type Plugin struct {
	name     string // of the object, as it is opened
	file     string
	options  Options
	object   *spec.Collection // as it is in the file
	attach   []spec.Attach
	skip     []string
	writes   []setvar.Write
	sizes    []size
	rings    []*ring
	notes    []note
	requests []string
}

// note is a remark on a map.
type note struct {
	mapName string
	warn    bool
	text    string
}

// New makes the plugin of an object, which was read from a file. The error is an *OptionError.
func New(name, file string, c *spec.Collection, o Options) (*Plugin, error) {
	p := &Plugin{name: name, file: file, options: o, object: c}
	for _, step := range []func() error{p.variables, p.mapSizes, p.targets, p.records, p.request} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// bad makes the error about an option.
func (p *Plugin) bad(option string, format string, args ...any) error {
	return &OptionError{Object: p.file, Option: option, Err: fmt.Errorf(format, args...)}
}

// request finds out what the plugin has to ask for: all that the object does.
func (p *Plugin) request() error {
	c := p.object.Clone()
	c.Attach = p.attach
	for _, name := range p.skip {
		c.Program(name).Optional = true
	}
	edited := len(p.writes)+len(p.sizes)+len(p.skip) > 0
	list := policy.Accesses(policy.Final{PinDir: p.options.PinDir, Collections: []policy.Input{{Object: p.file, Edited: edited, Collection: c}}})
	for _, a := range list {
		switch a.Kind {
		case policy.KindProgram, policy.KindHelper, policy.KindKfunc, policy.KindKsym, policy.KindMap, policy.KindAttach, policy.KindPinRead, policy.KindPinWrite:
			p.requests = append(p.requests, a.Kind.String()+" "+a.Name)
		case policy.KindObjectEdit:
			p.requests = append(p.requests, a.Kind.String())
		case policy.KindRight:
			if a.Name == policy.RightSleepable || a.Name == policy.RightModifyReturn {
				p.requests = append(p.requests, a.Name)
			}
		}
	}
	return nil
}

// names lists the names of what is in an object.
func names[T any](list []T, name func(T) string) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = name(v)
	}
	return out
}

func (p *Plugin) programNames() []string {
	return names(p.object.Programs, func(q *spec.Program) string { return q.Name })
}

func (p *Plugin) mapNames() []string {
	return names(p.object.Maps, func(m *spec.Map) string { return m.Name })
}
