package main

import (
	"bytes"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/host"
	"github.com/bpfhost/bpfhost/host/plan"
)

// objectFlags are the flags for an object that runs without a plugin.
type objectFlags struct {
	attach, skip, mapSizes, types, fields []string
	filter                                string
}

// declare declares them.
func (o *objectFlags) declare(c *cobra.Command) {
	f := c.Flags()
	f.StringArrayVar(&o.attach, "attach", nil, "attach a program of FILE.o, `PROGRAM[=TARGET]` (repeatable); the default target is what its section says")
	f.StringArrayVar(&o.skip, "skip", nil, "neither load nor attach a `PROGRAM` of FILE.o (repeatable)")
	f.StringArrayVar(&o.mapSizes, "map-size", nil, "entries of a map of FILE.o, or bytes of a ring buffer, `MAP=N` (repeatable)")
	f.StringArrayVar(&o.types, "type", nil, "type of the records of a ring buffer of FILE.o, `'MAP=struct NAME'`, where its BTF does not say (repeatable)")
	f.StringSliceVar(&o.fields, "fields", nil, "`FIELDS` of the records of FILE.o to print, separated by commas (default: all)")
	f.StringVar(&o.filter, "filter", "", "print the records of FILE.o for which a `CONDITION` holds, e.g. 'pid == 12 && comm != \"bash\"'")
}

// given reports which of the flags is there; empty is none.
func (o *objectFlags) given() string {
	switch {
	case o.attach != nil:
		return "--attach"
	case o.skip != nil:
		return "--skip"
	case o.mapSizes != nil:
		return "--map-size"
	case o.types != nil:
		return "--type"
	case o.fields != nil:
		return "--fields"
	case o.filter != "":
		return "--filter"
	}
	return ""
}

// parse reads the flags.
func (o *objectFlags) parse(c *cobra.Command) (*plan.ObjectParameters, error) {
	p := &plan.ObjectParameters{Skip: o.skip, Fields: o.fields, Filter: o.filter}
	for _, kv := range o.attach {
		k, v, has := strings.Cut(kv, "=")
		if k == "" || has && v == "" {
			return nil, badUsage(c, "%s: --attach %q is not PROGRAM or PROGRAM=TARGET", c.Name(), kv)
		}
		if p.Attach == nil {
			p.Attach = map[string][]string{}
		}
		p.Attach[k] = append(p.Attach[k], v)
	}
	var err error
	if p.MapSizes, err = pairs(c, "--map-size", o.mapSizes); err == nil {
		p.Types, err = pairs(c, "--type", o.types)
	}
	return p, err
}

// pairs reads the values of a flag that takes key=value. Each key is there once.
func pairs(c *cobra.Command, flag string, values []string) (map[string]string, error) {
	var m map[string]string
	for _, kv := range values {
		k, v, ok := strings.Cut(kv, "=")
		if !ok || k == "" {
			return nil, badUsage(c, "%s: %s %q is not key=value", c.Name(), flag, kv)
		}
		if _, twice := m[k]; twice {
			return nil, badUsage(c, "%s: %s %s is given twice", c.Name(), flag, k)
		}
		if m == nil {
			m = map[string]string{}
		}
		m[k] = v
	}
	return m, nil
}

// isObject reports whether what shall run is an eBPF object, or at least an ELF file.
func isObject(b []byte) bool { return bytes.HasPrefix(b, []byte("\x7fELF")) }

// objectOptions are the options of an object in the host's form.
func (m *material) objectOptions() host.ObjectOptions {
	p := m.object
	return host.ObjectOptions{
		PluginOptions: m.options, Attach: p.Attach, Skip: p.Skip, Set: m.set, MapSizes: p.MapSizes,
		Types: p.Types, Fields: p.Fields, Filter: p.Filter,
	}
}

// objectBase is the name of an object that comes from a file.
func objectBase(name string) string {
	if name == "-" {
		return "stdin"
	}
	return filepath.Base(name)
}
