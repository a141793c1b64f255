package testcase

import (
	"bytes"
	"encoding/hex"
	"errors"

	"go.yaml.in/yaml/v3"

	"github.com/bpfhost/bpfhost/core/spec"
)

// Update runs every case in a place and returns the file with what comes of each as what has to come
// of it. Comments stay. Of maps, variables and ring buffers, what a case names is written; of a case
// that names nothing, everything that changed.
func (f *File) Update(p Place) ([]byte, error) {
	for _, c := range f.Cases {
		n, err := f.outcome(c, p)
		if err != nil {
			return nil, &Error{File: f.Name, Line: c.Line, Column: 1, Err: err}
		}
		c.setWant(n)
	}
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(f.doc); err != nil {
		return nil, err
	}
	return b.Bytes(), e.Close()
}

// setWant replaces what has to come of a case.
func (c *Case) setWant(n *yaml.Node) {
	for i := 0; i+1 < len(c.node.Content); i += 2 {
		if c.node.Content[i].Value == "want" {
			n.HeadComment, n.LineComment, n.FootComment = c.want.HeadComment, c.want.LineComment, c.want.FootComment
			c.node.Content[i+1] = n
			c.want = n
			return
		}
	}
	c.node.Content = append(c.node.Content, scalar("want"), n)
	c.want = n
}

func scalar(text string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: text} }

func pairs() *yaml.Node { return &yaml.Node{Kind: yaml.MappingNode} }

func addPair(n *yaml.Node, key string, v *yaml.Node) { n.Content = append(n.Content, scalar(key), v) }

// outcome returns what comes of a case as what has to come of it.
func (f *File) outcome(c *Case, p Place) (*yaml.Node, error) {
	var was want
	if c.want != nil {
		var err error
		if was, err = f.readWant(c, c.want); err != nil {
			return nil, err
		}
	}
	before, err := f.contents(c, p)
	if err != nil {
		return nil, err
	}
	s, r, stopped, err := f.start(c, p)
	if s != nil {
		defer s.Close()
	}
	if err != nil {
		return nil, err
	}
	n := pairs()
	if stopped != nil {
		addPair(n, "fault", scalar(stopped.Kind))
		return n, nil
	}
	addPair(n, "return", scalar(f.Object.Program(c.Program).Type.ActionText(int32(r.Return))))
	if c.input.Packet != nil && (c.want == nil || was.packet != nil) && r.Packet != nil {
		text := samePacket
		if !bytes.Equal(r.Packet, c.input.Packet) {
			text = hex.EncodeToString(r.Packet)
		}
		addPair(n, "packet", scalar(text))
	}
	for _, part := range []struct {
		key  string
		node func() (*yaml.Node, error)
	}{
		{"maps", func() (*yaml.Node, error) { return f.mapNodes(s, was, c.want == nil, before) }},
		{"vars", func() (*yaml.Node, error) { return f.varNodes(s, was, c.want == nil) }},
		{"events", func() (*yaml.Node, error) { return f.eventNodes(s, was, c.want == nil) }},
	} {
		v, err := part.node()
		if err != nil {
			return nil, err
		}
		if len(v.Content) > 0 {
			addPair(n, part.key, v)
		}
	}
	return n, nil
}

// contents returns what is in maps before a case runs.
func (f *File) contents(c *Case, p Place) (map[string]string, error) {
	object, err := f.prepared(c)
	if err != nil {
		return nil, err
	}
	s, err := p.Open(object, c.Program)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	out := map[string]string{}
	for _, m := range f.dataMaps() {
		err = errors.Join(err, f.eachEntry(s, m, func(key, value []byte) { out[m.Name+"\x00"+string(key)] = string(value) }))
	}
	return out, err
}

// dataMaps are the maps whose entries are data of the object's programs, without its variables.
func (f *File) dataMaps() []*spec.Map {
	var list []*spec.Map
	for _, m := range f.Object.Maps {
		if m.Type.PlainData() && m.Data == nil && !f.holdsVars(m) {
			list = append(list, m)
		}
	}
	return list
}

func (f *File) holdsVars(m *spec.Map) bool {
	for _, v := range f.Object.Vars {
		if v.Map == m.Name {
			return true
		}
	}
	return false
}

func (f *File) eachEntry(s Session, m *spec.Map, visit func(key, value []byte)) error {
	keys, err := s.Keys(m.Name)
	if err != nil {
		return err
	}
	for _, k := range keys {
		v, ok, err := s.Lookup(m.Name, k)
		if err != nil {
			return err
		}
		if ok {
			visit(k, v)
		}
	}
	return nil
}

// mapNodes returns the entries of the maps that a case names, or all that changed.
func (f *File) mapNodes(s Session, was want, all bool, before map[string]string) (*yaml.Node, error) {
	n := pairs()
	if !all {
		for _, m := range was.maps {
			list := &yaml.Node{Kind: yaml.SequenceNode}
			for _, e := range m.entries {
				v, ok, err := s.Lookup(m.of.Name, e.key)
				if err != nil {
					return nil, err
				}
				list.Content = append(list.Content, f.entryNode(m.of, e.key, v, ok))
			}
			addPair(n, m.of.Name, list)
		}
		return n, nil
	}
	for _, m := range f.dataMaps() {
		list := &yaml.Node{Kind: yaml.SequenceNode}
		err := f.eachEntry(s, m, func(k, v []byte) {
			if old, ok := before[m.Name+"\x00"+string(k)]; !ok || old != string(v) {
				list.Content = append(list.Content, f.entryNode(m, k, v, true))
			}
		})
		if err != nil {
			return nil, err
		}
		if len(list.Content) > 0 {
			addPair(n, m.Name, list)
		}
	}
	return n, nil
}

func (f *File) entryNode(m *spec.Map, key, v []byte, ok bool) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
	addPair(n, "key", f.values().of(m.Key, m.KeySize).node(key))
	if !ok {
		addPair(n, "value", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"})
		return n
	}
	addPair(n, "value", f.values().of(m.Value, m.ValueSize).node(v))
	return n
}

// varNodes returns the variables that a case names, or those that changed.
func (f *File) varNodes(s Session, was want, all bool) (*yaml.Node, error) {
	n := pairs()
	for _, v := range f.Object.Vars {
		named := false
		if was.vars != nil {
			for i := 0; i+1 < len(was.vars.Content); i += 2 {
				named = named || was.vars.Content[i].Value == v.Name
			}
		}
		m := f.Object.Map(v.Map)
		if !named && (!all || m == nil || m.Freeze) {
			continue
		}
		got, err := f.variable(s, v)
		if err != nil {
			if named {
				return nil, err
			}
			continue
		}
		old, err := v.Bytes(f.Object)
		if err != nil || !named && bytes.Equal(old, got) {
			continue
		}
		addPair(n, v.Name, f.values().of(v.Type, v.Size).node(got))
	}
	return n, nil
}

// eventNodes returns the records of the ring buffers that a case names, or of all that have some.
func (f *File) eventNodes(s Session, was want, all bool) (*yaml.Node, error) {
	n := pairs()
	for _, m := range f.Object.Maps {
		named := all
		for _, r := range was.events {
			named = named || r.of.Name == m.Name
		}
		if m.Type != spec.MapRingbuf || !named {
			continue
		}
		got, err := s.Records(m.Name)
		if err != nil {
			return nil, err
		}
		if all && len(got) == 0 {
			continue
		}
		list := &yaml.Node{Kind: yaml.SequenceNode}
		for _, rec := range got {
			list.Content = append(list.Content, f.record(m, rec).node(rec))
		}
		addPair(n, m.Name, list)
	}
	return n, nil
}
