package testcase

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/nearest"
)

// samePacket is what a file has for a packet that a program left as it was.
const samePacket = "same"

// want is what has to come of a case, read.
type want struct {
	returns *yaml.Node
	packet  *yaml.Node
	fault   *yaml.Node
	maps    []mapEntries
	vars    *yaml.Node
	events  []records
}

// records are what a ring buffer has to hold, in order.
type records struct {
	of   *spec.Map
	node *yaml.Node
	list []*yaml.Node
}

// readWant reads what has to come of a case.
func (f *File) readWant(c *Case, n *yaml.Node) (want, error) {
	var w want
	err := mapping(n, keys{
		"return": func(n *yaml.Node) error {
			w.returns = n
			_, err := returned(f.Object.Program(c.Program), n)
			return err
		},
		"packet": func(n *yaml.Node) (err error) {
			if w.packet = n; n.Value != samePacket {
				_, err = parseHex(n)
			}
			return err
		},
		"fault":  func(n *yaml.Node) (err error) { w.fault = n; _, err = text(n); return err },
		"maps":   func(n *yaml.Node) (err error) { w.maps, err = f.entries(n, true); return err },
		"vars":   func(n *yaml.Node) error { w.vars = n; return f.checkVars(n) },
		"events": func(n *yaml.Node) (err error) { w.events, err = f.records(n); return err },
	})
	return w, err
}

// checkWant reads it to see whether it can be read.
func (f *File) checkWant(c *Case, n *yaml.Node) error {
	if c.Program == "" && len(f.Object.Programs) == 1 {
		c.Program = f.Object.Programs[0].Name
	}
	if c.Program == "" {
		return failf(n, "the key program comes before want")
	}
	_, err := f.readWant(c, n)
	return err
}

// records reads what ring buffers have to hold.
func (f *File) records(n *yaml.Node) ([]records, error) {
	if n.Kind != yaml.MappingNode {
		return nil, failf(n, "it is a mapping of ring buffers to lists of records")
	}
	var out []records
	for i := 0; i+1 < len(n.Content); i += 2 {
		m, err := f.mapNamed(n.Content[i])
		if err != nil {
			return nil, err
		}
		list := n.Content[i+1]
		switch {
		case m.Type != spec.MapRingbuf:
			return nil, failf(n.Content[i], "map %q is a %v, not a ring buffer", m.Name, m.Type)
		case list.Kind != yaml.SequenceNode:
			return nil, failf(list, "it is a list of records")
		}
		out = append(out, records{m, list, list.Content})
	}
	return out, nil
}

// checkVars checks the names and values of variables.
func (f *File) checkVars(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return failf(n, "it is a mapping of variables to values")
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		v := f.Object.Var(k.Value)
		if v == nil {
			var names []string
			for _, v := range f.Object.Vars {
				names = append(names, v.Name)
			}
			return failf(k, "the object has no variable %q%s", k.Value, nearest.Hint(k.Value, names))
		}
		if _, err := f.values().encode(n.Content[i+1], v.Type, v.Size); err != nil {
			return err
		}
	}
	return nil
}

// returned reads what a program returns: a name or a number of 32 bits.
func returned(p *spec.Program, n *yaml.Node) (uint32, error) {
	names, first := p.Type.Actions()
	for i, name := range names {
		if n.Value == name {
			return uint32(first + int32(i)), nil
		}
	}
	x, err := strconv.ParseInt(n.Value, 0, 64)
	if err != nil || n.Kind != yaml.ScalarNode || x < -1<<31 || x >= 1<<32 {
		if len(names) > 0 && strings.Contains(n.Value, "_") {
			return 0, failf(n, "programs of type %v return no %q%s", p.Type, n.Value, nearest.Hint(n.Value, names))
		}
		return 0, failf(n, "%q is not a number of 32 bits", n.Value)
	}
	return uint32(x), nil
}

// differences returns what did not come out as it has to.
func (f *File) differences(c *Case, w want, s Session, r Result, stopped *Stopped) ([]string, error) {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	switch {
	case stopped != nil && w.fault == nil:
		add("stopped: %v", stopped)
	case stopped != nil && !strings.Contains(stopped.Kind, w.fault.Value):
		add("stopped: %v, want a fault %q", stopped, w.fault.Value)
	case stopped == nil && w.fault != nil:
		add("returned %s, want a fault %q", f.Object.Program(c.Program).Type.ActionText(int32(r.Return)), w.fault.Value)
	}
	if stopped != nil {
		return out, nil
	}
	if w.returns != nil {
		p := f.Object.Program(c.Program)
		x, err := returned(p, w.returns)
		if err != nil {
			return nil, err
		}
		if x != r.Return {
			add("returned %s, want %s", p.Type.ActionText(int32(r.Return)), p.Type.ActionText(int32(x)))
		}
	}
	if w.packet != nil {
		more, err := comparePacket(c, w.packet, r)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	for _, step := range []func(want, Session) ([]string, error){f.compareMaps, f.compareVars, f.compareEvents} {
		more, err := step(w, s)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

func comparePacket(c *Case, n *yaml.Node, r Result) ([]string, error) {
	wanted := c.input.Packet
	if n.Value != samePacket {
		var err error
		if wanted, err = parseHex(n); err != nil {
			return nil, err
		}
	}
	if bytes.Equal(wanted, r.Packet) {
		return nil, nil
	}
	at := 0
	for at < min(len(wanted), len(r.Packet)) && wanted[at] == r.Packet[at] {
		at++
	}
	return []string{fmt.Sprintf("packet differs at byte %d: is %s, want %s", at, hex.EncodeToString(r.Packet), hex.EncodeToString(wanted))}, nil
}

func (f *File) compareMaps(w want, s Session) ([]string, error) {
	var out []string
	for _, m := range w.maps {
		for _, e := range m.entries {
			got, ok, err := s.Lookup(m.of.Name, e.key)
			if err != nil {
				return nil, fmt.Errorf("read map %s: %w", m.of.Name, err)
			}
			at := fmt.Sprintf("map %s[%s]", m.of.Name, f.values().of(m.of.Key, m.of.KeySize).text(e.key))
			switch {
			case !ok && e.value != nil:
				out = append(out, at+": there is no such entry")
			case ok && e.value == nil:
				out = append(out, at+": there is an entry, want none")
			case ok:
				more, err := f.values().of(m.of.Value, m.of.ValueSize).compare(e.value, got)
				if err != nil {
					return nil, err
				}
				for _, d := range more {
					out = append(out, at+" "+d)
				}
			}
		}
	}
	return out, nil
}

// variable returns the bytes of a variable as they are now.
func (f *File) variable(s Session, v *spec.Var) ([]byte, error) {
	data, ok, err := s.Lookup(v.Map, make([]byte, 4))
	if err != nil || !ok || uint64(len(data)) < uint64(v.Offset)+uint64(v.Size) {
		return nil, fmt.Errorf("read variable %s: %w", v.Name, errors.Join(err, errNoMap))
	}
	return data[v.Offset:][:v.Size], nil
}

func (f *File) compareVars(w want, s Session) ([]string, error) {
	var out []string
	if w.vars == nil {
		return nil, nil
	}
	for i := 0; i+1 < len(w.vars.Content); i += 2 {
		v := f.Object.Var(w.vars.Content[i].Value)
		got, err := f.variable(s, v)
		if err != nil {
			return nil, err
		}
		more, err := f.values().of(v.Type, v.Size).compare(w.vars.Content[i+1], got)
		if err != nil {
			return nil, err
		}
		for _, d := range more {
			out = append(out, "variable "+v.Name+" "+d)
		}
	}
	return out, nil
}

func (f *File) compareEvents(w want, s Session) ([]string, error) {
	var out []string
	for _, ring := range w.events {
		got, err := s.Records(ring.of.Name)
		if err != nil {
			return nil, fmt.Errorf("read ring buffer %s: %w", ring.of.Name, err)
		}
		if len(got) != len(ring.list) {
			out = append(out, fmt.Sprintf("ring buffer %s has %d records, want %d", ring.of.Name, len(got), len(ring.list)))
		}
		for i := range min(len(got), len(ring.list)) {
			more, err := f.record(ring.of, got[i]).compare(ring.list[i], got[i])
			if err != nil {
				return nil, err
			}
			for _, d := range more {
				out = append(out, fmt.Sprintf("record %d of %s %s", i+1, ring.of.Name, d))
			}
		}
	}
	return out, nil
}
