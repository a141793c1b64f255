package objectrun

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/filter"
	"github.com/bpfhost/bpfhost/internal/nearest"
	"github.com/bpfhost/bpfhost/internal/record"
	"github.com/bpfhost/bpfhost/internal/ringtype"
)

// ring is a ring buffer that is read.
type ring struct {
	name   string
	bytes  uint32       // its size
	types  *record.Type // nil if the type of its records is not known
	fields []record.Field
	filter *filter.Filter // nil is every record

	buffer uint32 // where records come to, in the plugin's memory
	size   uint32 // bytes of that
	print  printer
}

// records finds the ring buffers and the types of what is in them.
func (p *Plugin) records() error {
	for _, name := range slices.Sorted(maps.Keys(p.options.Types)) {
		option := "--type " + name + "=" + p.options.Types[name]
		switch m := p.object.Map(name); {
		case m == nil:
			return p.bad(option, "there is no map %q%s", name, nearest.Hint(name, p.mapNames()))
		case m.Type != spec.MapRingbuf:
			return p.bad(option, "map %q is a %v; only the records of ring buffers are read", name, m.Type)
		}
	}
	found := ringtype.NewFinder(p.object)
	for _, m := range p.object.Maps {
		switch m.Type {
		case spec.MapPerfEventArray:
			p.notes = append(p.notes, note{m.Name, true, "perf event arrays are not read yet; what programs send through it is not shown"})
		case spec.MapRingbuf:
			if err := p.ring(m, found); err != nil {
				return err
			}
		}
	}
	return p.choose()
}

// ring adds a ring buffer.
func (p *Plugin) ring(m *spec.Map, found *ringtype.Finder) error {
	r := &ring{name: m.Name, bytes: m.MaxEntries}
	for _, s := range p.sizes {
		if s.mapName == m.Name {
			r.bytes = s.entries
		}
	}
	id, how, err := btf.ID(0), "as --type says", error(nil)
	option := "--type " + m.Name + "=" + p.options.Types[m.Name]
	if name := p.options.Types[m.Name]; name != "" {
		if id, err = ringtype.Named(p.object.BTF, name); err != nil {
			return p.bad(option, "%w", err)
		}
	} else {
		id, how = found.Of(m)
	}
	if id != 0 {
		if r.types, err = record.NewType(p.object.BTF, id); err != nil {
			if p.options.Types[m.Name] != "" {
				return p.bad(option, "%w", err)
			}
			how = err.Error()
		}
	}
	if r.types != nil {
		p.notes = append(p.notes, note{m.Name, false, fmt.Sprintf("records are %s of %d bytes, %s", r.types.Name(), r.types.Size(), how)})
	} else {
		p.notes = append(p.notes, note{m.Name, true, fmt.Sprintf("records are shown in hexadecimal: %s; --type %s=TYPE names their type", how, m.Name)})
	}
	p.rings = append(p.rings, r)
	return nil
}

// choose compiles the filter and finds the fields for every ring buffer. Those whose records do not
// have what is named are not read.
func (p *Plugin) choose() error {
	if p.options.Filter == "" && len(p.options.Fields) == 0 {
		for _, r := range p.rings {
			if r.types != nil {
				r.fields = r.types.Fields()
			}
		}
		return nil
	}
	var rest []*ring
	var first error
	for _, r := range p.rings {
		err := p.chooseOf(r)
		var e *filter.Error
		switch {
		case err == nil:
			rest = append(rest, r)
			continue
		case errors.As(err, &e) && e.Field == "":
			return err
		case first == nil:
			first = err
		}
		p.notes = append(p.notes, note{r.name, true, "it is not read: its records do not have the fields that --filter and --fields name"})
	}
	if len(rest) == 0 {
		if first == nil {
			first = p.bad("", "--filter and --fields choose among records, and the object has no ring buffer")
		}
		return first
	}
	p.rings = rest
	return nil
}

func (p *Plugin) chooseOf(r *ring) error {
	option := "--filter"
	if p.options.Filter == "" {
		option = "--fields"
	}
	if r.types == nil {
		return p.bad(option, "the type of the records of map %q is not known; name it with --type %s=TYPE", r.name, r.name)
	}
	var err error
	if p.options.Filter != "" {
		if r.filter, err = filter.Compile(p.options.Filter, r.types); err != nil {
			return p.bad("--filter '"+p.options.Filter+"'", "%w", err)
		}
	}
	if r.fields, err = r.types.Select(p.options.Fields); err != nil {
		return p.bad("--fields "+strings.Join(p.options.Fields, ","), "%w", err)
	}
	return nil
}
