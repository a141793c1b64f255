package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/spec/lint"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// features is one call of the command.
type features struct {
	app
	request          // the plugin or object of --for
	compare, profile string
	try              bool
	save             string
}

func newFeatures(a app) *cobra.Command {
	f := features{app: a, request: request{output: newChoice("table", "json"), isolate: newIsolate()}}
	c := &cobra.Command{
		Use:   "features",
		Short: "Ask the kernel what it has of eBPF, or what it lacks for a file",
		Long: `features asks the running kernel for types of programs, maps, links and hooks, helpers, kinds of BTF, instruction
sets and flags, each by the smallest object that takes it; nothing is attached and nothing stays. What is not there is told
with since when, or by which build option, kernels have it. What the kernel does not let this process ask is unknown.

With --for it asks for what an eBPF object uses, or what a plugin builds, alone, and the exit code is 22 if something is
missing that it cannot do without. With --try each of its programs is loaded alone, and unloaded.

--save writes what was found to a file, --compare shows where the kernel of such a file differs, and --profile takes the
answers from such a file in place of the running kernel.`,
		Example: `  sudo bpfhost features
  sudo bpfhost features --for drops.o --try
  sudo bpfhost features --save $(uname -r).json
  sudo bpfhost features --compare 5.10.json
  bpfhost features --profile 5.10.json --for drops.o`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return f.run(c) },
	}
	c.Flags().VarP(&f.output, "output", "o", "how to print it")
	c.Flags().StringVar(&f.plugin, "for", "", "eBPF object or plugin `FILE`: ask for what it uses")
	c.Flags().StringArrayVar(&f.objects, "object", nil, "eBPF object `FILE.o` that the plugin of --for may patch (repeatable)")
	c.Flags().StringArrayVar(&f.set, "set", nil, "parameter of the plugin of --for, `key=value` (repeatable)")
	c.Flags().BoolVar(&f.try, "try", false, "load each program of --for alone, too")
	c.Flags().StringVar(&f.save, "save", "", "`FILE` to write what was found to, for --compare and --profile")
	c.Flags().StringVar(&f.compare, "compare", "", "`FILE` that --save wrote: show what differs")
	c.Flags().StringVar(&f.profile, "profile", "", "`FILE` that --save wrote: take the answers from there")
	a.dataFlag(c)
	return c
}

// run answers.
func (f *features) run(c *cobra.Command) error {
	switch {
	case f.plugin == "" && (f.try || f.objects != nil || f.set != nil):
		return badUsage(c, "features: --try, --object and --set are for what --for names")
	case f.plugin != "" && (f.save != "" || f.compare != ""):
		return badUsage(c, "features: --save and --compare are for all features, not for those of a file")
	case f.try && f.profile != "":
		return badUsage(c, "features: --try takes the running kernel, not a profile")
	}
	if _, err := pairs(c, "--set", f.set); err != nil {
		return err
	}
	k := kernel.New(kernel.Options{})
	defer k.Close()
	d, err := f.answers()
	if err != nil {
		return err
	}
	if f.plugin != "" {
		return f.forFile(c.Context(), k, d)
	}
	if f.profile == "" {
		d.askAll(k)
	}
	if err := d.unknown(); err != nil {
		return err
	}
	if f.save != "" {
		b, err := d.bytes()
		if err == nil {
			err = f.writeFile(f.save, b)
		}
		if err != nil {
			return err
		}
	}
	switch {
	case f.compare != "":
		there, err := f.readProfile(f.compare)
		if err != nil {
			return err
		}
		return newFeaturesDiff(d, there).print(f.app, f.output.value)
	case f.save != "" && f.output.value == "table":
		return nil
	}
	return d.print(f.app, f.output.value)
}

// answers returns the profile that is named, or an empty one of the running kernel.
func (f *features) answers() (*featuresDoc, error) {
	if f.profile != "" {
		return f.readProfile(f.profile)
	}
	return newFeaturesDoc()
}

// forFile asks for what a file uses.
func (f *features) forFile(ctx context.Context, k *kernel.Kernel, d *featuresDoc) error {
	all, err := f.collections(ctx)
	if err != nil {
		return err
	}
	needs := lint.Features(all...)
	if f.profile != "" {
		d = d.lookUp(needs)
	} else {
		d.ask(k, needs)
	}
	d.File = f.plugin
	var bad failures
	if f.try {
		for _, c := range all {
			bad = bad.with(d.tryPrograms(k, c))
		}
	}
	if err := d.print(f.app, f.output.value); err != nil {
		return err
	}
	return failures(nil).with(d.missing()).with(bad...).err()
}

// collections reads what --for names: the object, or what a plugin plans.
func (f *features) collections(ctx context.Context) ([]*spec.Collection, error) {
	b, err := f.readFile(f.plugin)
	if err != nil {
		return nil, err
	}
	if isObject(b) {
		if f.objects != nil || f.set != nil {
			return nil, &usageError{text: fmt.Sprintf("features: --object and --set are for a plugin, and %s is an eBPF object", f.plugin), cmd: "bpfhost features"}
		}
		c, err := elf.LoadBytes(b, f.objectOptions(true))
		if err != nil {
			return nil, &inputError{fmt.Errorf("read %s: %w", f.plugin, f.raised(err))}
		}
		for _, p := range c.Programs {
			if a, ok := spec.DefaultAttach(p); ok && !p.Optional {
				c.Attach = append(c.Attach, a)
			}
		}
		return []*spec.Collection{c}, nil
	}
	s, err := f.open(ctx, f.app)
	if err != nil {
		return nil, err
	}
	defer s.close()
	p, err := s.plugin.Plan(ctx)
	if p == nil {
		return nil, err
	}
	var all []*spec.Collection
	for i := range p.Objects {
		if c := p.Objects[i].After; c != nil {
			all = append(all, c)
		}
	}
	return all, nil
}

// ask asks for what collections use.
func (d *featuresDoc) ask(k *kernel.Kernel, needs []spec.FeatureNeed) {
	list := make([]spec.Feature, len(needs))
	for i, n := range needs {
		list[i] = n.Feature
	}
	for i, err := range k.HasAll(list) {
		doc := newFeatureDoc(list[i], err)
		doc.Users, doc.Optional = needs[i].Users, needs[i].Optional
		d.Features = append(d.Features, doc)
	}
}

// askAll asks for all features, and for the helpers of all types of programs that there are.
func (d *featuresDoc) askAll(k *kernel.Kernel) {
	list := spec.Features()
	for i, err := range k.HasAll(list) {
		d.Features = append(d.Features, newFeatureDoc(list[i], err))
	}
	d.Helpers = make(map[string][]string)
	for _, t := range spec.ProgramTypes()[1:] {
		if k.Has(t.Feature()) != nil {
			continue
		}
		calls := t.CallsAll()
		known, can := false, []string{}
		for i, err := range k.HasAll(calls) {
			if err == nil {
				can = append(can, calls[i].Callee())
			}
			known = known || err == nil || errors.Is(err, kernel.ErrNotSupported)
		}
		if known {
			d.Helpers[t.String()] = can
		}
	}
}

// newFeaturesDoc returns a document without answers.
func newFeaturesDoc() (*featuresDoc, error) {
	release, _, err := sys.Uname()
	if err != nil {
		return nil, fmt.Errorf("identify kernel: %w", err)
	}
	return &featuresDoc{Schema: featuresSchema, Kernel: kernelDoc{release, runtime.GOARCH}, Features: []featureDoc{}}, nil
}

// newFeatureDoc describes an answer.
func newFeatureDoc(f spec.Feature, err error) featureDoc {
	d := featureDoc{Kind: f.Kind.String(), Name: f.String(), Result: resultYes, what: f.What()}
	if v := f.Since(); v != (spec.Version{}) {
		d.Since = v.String()
	}
	switch {
	case errors.Is(err, kernel.ErrNotSupported):
		d.Result, d.Detail = resultNo, err.Error()
	case err != nil:
		d.Result, d.err = resultUnknown, err
		d.Detail = strings.TrimPrefix(err.Error(), "ask kernel for "+d.what+": ")
	}
	return d
}
