package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
	"github.com/bpfhost/bpfhost/host/sim"
	"github.com/bpfhost/bpfhost/internal/compare"
	"github.com/bpfhost/bpfhost/internal/setvar"
)

func newCompare(a app) *cobra.Command {
	r := request{output: newChoice("table", "json")}
	o := comparison{request: &r}
	c := &cobra.Command{
		Use:   "compare A.o B.o | PLUGIN.wasm|FILE.o [flags] [-- plugin arguments]",
		Short: "Run two versions of programs on the same inputs, and show what differs",
		Long: `compare runs the programs of the same name in two objects on the same inputs, in user space: without root, on any
system, the same each time. It compares what they return, the packet, the context, redirections, entries of maps,
variables, records of ring buffers and what is printed. A difference is shown with its input and the first
instruction that does something else. With a plugin, or a single object, it compares the objects of its plan
before and after, so that a patch can be shown to change only what it should; --allow names what that is.

Inputs are the packets of --pcap and the events of --events, then random ones, made of what the programs compare with.
Programs whose instructions, maps and variables are the same are identical; for others, that nothing differs is
not a proof. docs/compare.md is the manual.`,
		Example: `  bpfhost compare drops-1.o drops-2.o --pcap drops.pcap
  bpfhost compare guard.wasm --object drops.o --set iface=eth0 --allow map:counts
  bpfhost compare old.o new.o --program drops=drops_v2 --random 100000 --seed 7 -o json`,
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.check(c, args); err != nil {
				return err
			}
			return o.run(c.Context())
		},
	}
	r.inputFlags(c)
	r.policyFlag(c)
	r.guestFlags(c)
	a.dataFlag(c)
	o.app = a
	f := c.Flags()
	f.VarP(&r.output, "output", "o", "how to print the outcome")
	f.StringArrayVar(&o.programs, "program", nil, "compare this `PROGRAM[=NAME-IN-B]` only (repeatable)")
	f.StringVar(&o.pcap, "pcap", "", "`FILE` with packets, pcap or pcapng")
	f.StringVar(&o.events, "events", "", "`FILE` with events, a JSON object on each line")
	f.IntVar(&o.options.Random, "random", 10000, "how many random inputs each program gets")
	f.Uint64Var(&o.options.Seed, "seed", 1, "`NUMBER` that everything random comes from")
	f.StringArrayVar(&o.options.Allow, "allow", nil, "`DIFFERENCE` that may be: "+strings.Join(compare.Kinds, ", ")+", or one map, variable or ring buffer, map:NAME (repeatable)")
	f.IntVar(&o.options.Show, "show", 3, "how many differences of a program are shown")
	return c
}

// comparison is a comparison that was asked for.
type comparison struct {
	app
	request  *request
	second   string // file; empty is a plan
	programs []string
	pcap     string
	events   string
	options  compare.Options

	happen []sim.Event
}

// check reads the command line.
func (o *comparison) check(c *cobra.Command, args []string) error {
	own := args
	if n := c.ArgsLenAtDash(); n >= 0 {
		own = args[:n]
	}
	if len(own) == 2 && len(own) == len(args) {
		o.second, args = own[1], own[:1]
	}
	if err := o.request.take(c, args); err != nil {
		return err
	}
	switch {
	case o.pcap == "-" && o.events == "-":
		return badUsage(c, "compare: --pcap and --events cannot both be standard input")
	case o.options.Random < 0 || o.options.Show < 1:
		return badUsage(c, "compare: --random is 0 or more, --show 1 or more")
	}
	for _, what := range o.options.Allow {
		kind, name, has := strings.Cut(what, ":")
		if !slices.Contains(compare.Kinds, kind) || has && (name == "" || !slices.Contains([]string{"map", "var", "record"}, kind)) {
			return badUsage(c, "compare: --allow %q is not one of %s, nor map:NAME, var:NAME, record:NAME", what, strings.Join(compare.Kinds, ", "))
		}
	}
	return nil
}

// errDiffer says that programs do not do the same. How they differ was printed.
var errDiffer = errors.New("programs differ")

// versions are two versions of an object.
type versions struct {
	nameA, nameB string
	a, b         *spec.Collection
}

// run compares all objects.
func (o *comparison) run(ctx context.Context) error {
	if err := o.readInputs(); err != nil {
		return err
	}
	list, err := o.versions(ctx)
	if err != nil {
		return err
	}
	var bad failures
	doc := newCompareDoc(o.options.Seed)
	for _, v := range list {
		d, errs := o.object(v)
		doc.Objects = append(doc.Objects, d)
		bad = bad.with(errs...)
	}
	if o.request.output.value == "json" {
		err = writeJSON(o.out, doc)
	} else {
		err = doc.write(o.out)
	}
	if err != nil {
		return err
	}
	if n, all := doc.differing(); n > 0 {
		bad = append(failures{fmt.Errorf("%w: %d of %d", errDiffer, n, all)}, bad...)
	}
	return bad.err()
}

// versions returns what is compared: two objects, or those of a plan before and after.
func (o *comparison) versions(ctx context.Context) ([]versions, error) {
	if o.second == "" {
		return o.planned(ctx)
	}
	switch given := o.request.object.given(); {
	case given != "":
		return nil, badUsage(o.request.usage, "compare: %s is for a plan, not for two objects", given)
	case o.request.objects != nil, o.request.signature != "", o.request.policy != "":
		return nil, badUsage(o.request.usage, "compare: --object, --signature and --policy are for a plugin, not for two objects")
	}
	v := versions{nameA: o.request.plugin, nameB: o.second}
	var err error
	if v.a, err = o.readObject(v.nameA); err == nil {
		v.b, err = o.readObject(v.nameB)
	}
	if err == nil && o.request.kernel != "" {
		types := o.sources()
		defer types.close()
		o.options.CoreTypes, err = types.open(o.request.kernel, "")
	}
	return []versions{v}, err
}

// readObject reads an object and sets its variables.
func (o *comparison) readObject(name string) (*spec.Collection, error) {
	b, err := o.readFile(name)
	if err != nil {
		return nil, err
	}
	c, err := elf.LoadBytes(b, o.app.objectOptions(false))
	if err != nil {
		return nil, &inputError{fmt.Errorf("object %s: %w", name, o.raised(err))}
	}
	for _, kv := range o.request.set {
		path, text, _ := strings.Cut(kv, "=")
		w, err := setvar.Parse(c, path, text)
		if err == nil {
			err = w.Apply(c)
		}
		if err != nil {
			return nil, badUsage(o.request.usage, "compare: object %s: --set %s: %v", name, kv, err)
		}
	}
	return c, nil
}

// planned returns the objects of a plan that there are before and after.
func (o *comparison) planned(ctx context.Context) ([]versions, error) {
	quiet := o.app
	quiet.out = io.Discard
	m, err := o.request.read(quiet)
	if err != nil {
		return nil, err
	}
	o.options.CoreTypes = m.core
	s, err := o.request.start(ctx, quiet, m)
	if err != nil {
		return nil, err
	}
	defer s.close()
	p, err := s.plugin.Plan(ctx)
	if err != nil {
		return nil, err
	}
	var list []versions
	for i := range p.Objects {
		if c := &p.Objects[i]; c.Before != nil && c.After != nil {
			list = append(list, versions{c.Source, fmt.Sprintf("%s as %s plans it", c.Source, p.Plugin.Name), c.Before, c.After})
		}
	}
	if len(list) == 0 {
		return nil, badUsage(o.request.usage, "compare: the plan has no object to compare; --object names one")
	}
	return list, nil
}

// object compares two versions of an object.
func (o *comparison) object(v versions) (comparedObject, []error) {
	d := comparedObject{A: v.nameA, B: v.nameB, OnlyA: []string{}, OnlyB: []string{}, Programs: []comparedProgram{}}
	var choice []compare.Pair
	for _, name := range o.programs {
		x, y, both := strings.Cut(name, "=")
		if !both {
			y = x
		}
		choice = append(choice, compare.Pair{A: x, B: y})
	}
	pairs, onlyA, onlyB, err := compare.Pairs(v.a, v.b, choice)
	if err == nil && len(pairs)+len(onlyA)+len(onlyB) == 0 {
		err = errors.New("there are no programs")
	}
	if err != nil {
		return d, []error{&inputError{fmt.Errorf("compare %s with %s: %w", v.nameA, v.nameB, err)}}
	}
	d.OnlyA, d.OnlyB = append(d.OnlyA, onlyA...), append(d.OnlyB, onlyB...)
	var bad []error
	for _, p := range pairs {
		options := o.options
		options.Given = append(slices.Clip(o.options.Given), o.eventsOf(v, p)...)
		if !vm.HasPacket(v.a.Program(p.A).Type) {
			options.Given = options.Given[len(o.options.Given):]
		}
		report, err := compare.Run(v.a, v.b, p, options)
		if err == nil && !report.Identical && report.Given+report.Random == 0 {
			err = fmt.Errorf("compare %s: %w", p, sim.ErrNothing)
		}
		if err != nil {
			bad = append(bad, err)
		}
		d.Programs = append(d.Programs, newComparedProgram(p, report, err))
	}
	return d, bad
}

// eventsOf returns the events that a program sees.
func (o *comparison) eventsOf(v versions, pair compare.Pair) []compare.Input {
	var list []compare.Input
	for _, e := range o.happen {
		if !e.At(v.a, v.a.Program(pair.A)) && !e.At(v.b, v.b.Program(pair.B)) {
			continue
		}
		list = append(list, compare.Input{Name: e.String(), Make: func(m *vm.Machine, c *spec.Collection, p *spec.Program) (vm.Input, error) {
			return e.Input(m, c, p, o.options.CoreTypes)
		}})
	}
	return list
}

// readInputs reads packets and events.
func (o *comparison) readInputs() error {
	if o.pcap != "" {
		b, err := o.readFile(o.pcap)
		if err != nil {
			return err
		}
		packets, err := sim.Capture(bytes.NewReader(b), o.pcap)
		for n := 1; err == nil; n++ {
			var p sim.Packet
			if p, err = packets.Next(); err == nil {
				in := compare.Input{Name: fmt.Sprintf("packet %d of %s", n, o.pcap)}
				in.Packet = bytes.Clone(p.Data)
				o.options.Given = append(o.options.Given, in)
			}
		}
		if err != io.EOF {
			return err
		}
	}
	if o.events == "" {
		return nil
	}
	b, err := o.readFile(o.events)
	if err == nil {
		o.happen, err = sim.NewEvents(bytes.NewReader(b), o.events).ReadAll()
	}
	return err
}
