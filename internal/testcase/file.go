package testcase

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
	"github.com/bpfhost/bpfhost/internal/nearest"
	"github.com/bpfhost/bpfhost/internal/ringtype"
	"github.com/bpfhost/bpfhost/internal/setvar"
)

// maxFile bounds a file of cases, in bytes.
const maxFile = 16 << 20

// File is a file of cases for the programs of one object.
type File struct {
	Name   string
	Object *spec.Collection
	Cases  []*Case

	doc   *yaml.Node
	types map[string]btf.ID // of records, by ring buffer
}

// Case is a program, its input and what has to come of it.
type Case struct {
	Name    string
	Program string
	Line    int // in the file, from 1

	set   map[string]string // variables before it is loaded
	maps  []mapEntries      // entries before it runs
	input Input
	node  *yaml.Node // the mapping
	want  *yaml.Node // what has to come of it; nil is nothing yet
}

// mapEntries are entries of one map.
type mapEntries struct {
	of      *spec.Map
	entries []entry
}

// entry is an entry of a map as a file has it; a nil value is none.
type entry struct {
	key   []byte
	node  *yaml.Node // of the key
	value *yaml.Node
}

// Load reads a file of cases, and with read the object and the captures that it names, whose names are
// relative to the file's directory. The error is an *Error.
func Load(name string, read func(string) ([]byte, error)) (*File, error) {
	f := &File{Name: name}
	b, err := read(name)
	if err == nil {
		err = f.load(b, read)
	}
	if err == nil {
		return f, nil
	}
	e := &Error{File: name, Err: err}
	var at *nodeError
	if errors.As(err, &at) {
		e.Line, e.Column, e.Err = at.node.Line, at.node.Column, at.err
	}
	return nil, e
}

// yamlLine matches where an error of the YAML reader begins.
var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)

func (f *File) load(b []byte, read func(string) ([]byte, error)) error {
	if len(b) > maxFile {
		return fmt.Errorf("it has %d bytes, at most %d are read", len(b), maxFile)
	}
	f.doc = &yaml.Node{}
	d := yaml.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(f.doc); err != nil {
		if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
			line, _ := strconv.Atoi(m[1])
			return failf(&yaml.Node{Line: line, Column: 1}, "%s", m[2])
		}
		return fmt.Errorf("it has no cases: %w", err)
	}
	if f.doc.Kind != yaml.DocumentNode {
		return errors.New("it has no cases")
	}
	var list, types *yaml.Node
	in := func(name string) ([]byte, error) {
		return read(filepath.Join(filepath.Dir(f.Name), filepath.FromSlash(name)))
	}
	err := mapping(f.doc.Content[0], keys{
		"object": func(n *yaml.Node) error { return f.object(n, in) },
		"types":  func(n *yaml.Node) error { types = n; return nil },
		"cases":  func(n *yaml.Node) error { list = n; return nil },
	})
	switch {
	case err != nil:
		return err
	case f.Object == nil:
		return failf(f.doc.Content[0], "the key object is missing: the file name of an eBPF object")
	case list == nil || list.Kind != yaml.SequenceNode || len(list.Content) == 0:
		return failf(f.doc.Content[0], "the key cases is missing: a list of cases")
	}
	if err := f.recordTypes(types); err != nil {
		return err
	}
	for _, n := range list.Content {
		if err := f.readCase(n, in); err != nil {
			return err
		}
	}
	return nil
}

// recordTypes finds the types of the records of all ring buffers; n has those that the file names.
func (f *File) recordTypes(n *yaml.Node) error {
	f.types = map[string]btf.ID{}
	found := ringtype.NewFinder(f.Object)
	for _, m := range f.Object.Maps {
		if m.Type == spec.MapRingbuf {
			f.types[m.Name], _ = found.Of(m)
		}
	}
	if n == nil {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return failf(n, "it is a mapping of ring buffers to types, as in events: struct event")
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		m, err := f.mapNamed(n.Content[i])
		if err != nil {
			return err
		}
		if f.types[m.Name], err = ringtype.Named(f.Object.BTF, n.Content[i+1].Value); err != nil {
			return failf(n.Content[i+1], "%w", err)
		}
	}
	return nil
}

// object reads the object.
func (f *File) object(n *yaml.Node, read func(string) ([]byte, error)) error {
	name, err := text(n)
	if err != nil {
		return err
	}
	b, err := read(name)
	if err != nil {
		return failf(n, "%w", err)
	}
	if f.Object, err = elf.LoadBytes(b, elf.Options{}); err != nil {
		return failf(n, "object %s: %w", name, err)
	}
	return nil
}

// readCase reads one case.
func (f *File) readCase(n *yaml.Node, read func(string) ([]byte, error)) error {
	c := &Case{Line: n.Line, node: n, set: map[string]string{}}
	err := mapping(n, keys{
		"name":    func(n *yaml.Node) (err error) { c.Name, err = text(n); return err },
		"program": func(n *yaml.Node) error { return f.program(c, n) },
		"set":     func(n *yaml.Node) error { return f.variables(c, n) },
		"maps":    func(n *yaml.Node) (err error) { c.maps, err = f.entries(n, false); return err },
		"packet":  func(n *yaml.Node) (err error) { c.input.Packet, err = packet(n, read); return err },
		"context": func(n *yaml.Node) (err error) { c.input.Context, err = parseHex(n); return err },
		"process": func(n *yaml.Node) error { return process(n, &c.input) },
		"want":    func(n *yaml.Node) error { c.want = n; return f.checkWant(c, n) },
	})
	if err != nil {
		return err
	}
	if c.Program == "" {
		if len(f.Object.Programs) != 1 {
			return failf(n, "the key program is missing%s", nearest.Hint("", f.programs()))
		}
		c.Program = f.Object.Programs[0].Name
	}
	if c.Name == "" {
		c.Name = c.Program + " " + strconv.Itoa(len(f.Cases)+1)
	}
	if slices.ContainsFunc(f.Cases, func(o *Case) bool { return o.Name == c.Name }) {
		return failf(n, "another case is called %q too", c.Name)
	}
	f.Cases = append(f.Cases, c)
	return nil
}

func (f *File) programs() []string {
	var names []string
	for _, p := range f.Object.Programs {
		names = append(names, p.Name)
	}
	return names
}

func (f *File) program(c *Case, n *yaml.Node) (err error) {
	c.Program, err = text(n)
	if err == nil && f.Object.Program(c.Program) == nil {
		return failf(n, "the object has no program %q%s", c.Program, nearest.Hint(c.Program, f.programs()))
	}
	return err
}

// variables reads what variables are set to, and checks it.
func (f *File) variables(c *Case, n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return failf(n, "it is a mapping of variables, as in cfg.limit: 10")
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if v.Kind != yaml.ScalarNode {
			return failf(v, "a variable is set to one value; name its parts, as in cfg.limit: 10")
		}
		if _, err := setvar.Parse(f.Object, k.Value, v.Value); err != nil {
			return failf(k, "%w", err)
		}
		c.set[k.Value] = v.Value
	}
	return nil
}

// mapNamed finds a map.
func (f *File) mapNamed(n *yaml.Node) (*spec.Map, error) {
	if m := f.Object.Map(n.Value); m != nil {
		return m, nil
	}
	var names []string
	for _, m := range f.Object.Maps {
		names = append(names, m.Name)
	}
	return nil, failf(n, "the object has no map %q%s", n.Value, nearest.Hint(n.Value, names))
}

// entries reads entries of maps. A value may be null if none is one of them.
func (f *File) entries(n *yaml.Node, none bool) ([]mapEntries, error) {
	if n.Kind != yaml.MappingNode {
		return nil, failf(n, "it is a mapping of maps to lists of entries")
	}
	var out []mapEntries
	for i := 0; i+1 < len(n.Content); i += 2 {
		m, err := f.mapNamed(n.Content[i])
		if err != nil {
			return nil, err
		}
		if !m.Type.PlainData() {
			return nil, failf(n.Content[i], "the entries of a %v are no data", m.Type)
		}
		list := n.Content[i+1]
		if list.Kind != yaml.SequenceNode {
			return nil, failf(list, "it is a list of entries, each with a key and a value")
		}
		of := mapEntries{of: m}
		for _, e := range list.Content {
			one, err := f.entry(m, e, none)
			if err != nil {
				return nil, err
			}
			of.entries = append(of.entries, one)
		}
		out = append(out, of)
	}
	return out, nil
}

// entry reads one entry.
func (f *File) entry(m *spec.Map, n *yaml.Node, none bool) (entry, error) {
	var e entry
	err := mapping(n, keys{
		"key": func(n *yaml.Node) (err error) {
			e.node = n
			e.key, err = f.values().encode(n, m.Key, m.KeySize)
			return err
		},
		"value": func(n *yaml.Node) error { e.value = n; return nil },
	})
	switch {
	case err != nil:
		return e, err
	case e.key == nil:
		return e, failf(n, "the key of the entry is missing")
	case e.value == nil:
		return e, failf(n, "the value of the entry is missing")
	case e.value.Tag == "!!null" && none:
		e.value = nil
		return e, nil
	}
	_, err = f.values().encode(e.value, m.Value, m.ValueSize)
	return e, err
}

func (f *File) values() values { return values{f.Object.BTF} }

// process reads which process runs the program.
func process(n *yaml.Node, in *Input) error {
	p := &vm.Process{}
	in.Process = p
	number := func(to *uint32) func(*yaml.Node) error {
		return func(n *yaml.Node) error {
			x, err := strconv.ParseUint(n.Value, 0, 32)
			if err != nil || n.Kind != yaml.ScalarNode {
				return failf(n, "%q is not a number of 32 bits", n.Value)
			}
			*to = uint32(x)
			return nil
		}
	}
	return mapping(n, keys{
		"pid": number(&p.PID), "tgid": number(&p.TGID), "uid": number(&p.UID), "gid": number(&p.GID),
		"comm": func(n *yaml.Node) (err error) { p.Comm, err = text(n); return err },
		"cgroup": func(n *yaml.Node) (err error) {
			if p.Cgroup, err = strconv.ParseUint(n.Value, 0, 64); err != nil {
				return failf(n, "%q is not a number", n.Value)
			}
			return nil
		},
	})
}

// keys are what a mapping may have, and what reads each.
type keys map[string]func(*yaml.Node) error

// mapping reads a mapping. Each key is known and there once.
func mapping(n *yaml.Node, known keys) error {
	if n.Kind != yaml.MappingNode {
		return failf(n, "a mapping is wanted here")
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		read, ok := known[k.Value]
		switch {
		case !ok:
			var names []string
			for name := range known {
				names = append(names, name)
			}
			slices.Sort(names)
			return failf(k, "there is no key %q%s", k.Value, nearest.Hint(k.Value, names))
		case seen[k.Value]:
			return failf(k, "the key %q is there twice", k.Value)
		}
		seen[k.Value] = true
		if err := read(n.Content[i+1]); err != nil {
			return err
		}
	}
	return nil
}

func text(n *yaml.Node) (string, error) {
	if n.Kind != yaml.ScalarNode || strings.TrimSpace(n.Value) == "" {
		return "", failf(n, "a text is wanted here")
	}
	return n.Value, nil
}
