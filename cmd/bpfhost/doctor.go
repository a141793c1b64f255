package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/spec/lint"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// doctorDoc is what doctor -o json prints. Fields are only ever added.
type doctorDoc struct {
	Schema string     `json:"schema"`
	File   string     `json:"for,omitempty"`
	Checks []checkDoc `json:"checks"`
	Probes []probeDoc `json:"probes"` // programs that the kernel was asked to load
	Causes []causeDoc `json:"causes"` // what keeps programs from being loaded or attached, the most likely first

	first error // what the file was refused with
}

type checkDoc struct {
	Name   string `json:"name"`
	Result string `json:"result"` // ok, info, warn or fail
	Detail string `json:"detail"`
}

// probeDoc is a type of program, or a program of the file.
type probeDoc struct {
	Name   string `json:"name"`
	Result string `json:"result"` // ok, missing or denied; of a program of the file ok or refused
	Detail string `json:"detail,omitempty"`
}

type causeDoc struct {
	Code string `json:"code"`
	Text string `json:"text"`
	Fix  string `json:"fix,omitempty"`
}

func newDoctor(a app) *cobra.Command {
	f := features{app: a, request: request{output: newChoice("table", "json"), isolate: newIsolate()}}
	var hints bool
	c := &cobra.Command{
		Use:   "doctor [FILE]",
		Short: "Find what keeps eBPF programs from being loaded",
		Long: `doctor looks for what keeps this process from loading and attaching programs: bpf(2), user namespaces, capabilities, filters of
system calls, limits, lockdown, security modules, types of the kernel, the JIT, file systems, build options. Each is tried or read,
none is guessed. With FILE, an eBPF object or a plugin, its programs are loaded, too, and unloaded. The causes are told last, the most
likely first; --fix-hints adds what to do. Nothing is attached, changed or left.

The exit code is 0 where nothing keeps programs from being loaded, 21 for want of a right, 22 for what the kernel lacks.`,
		Example: `  bpfhost doctor
  sudo bpfhost doctor --fix-hints drops.o`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return badUsage(c, "doctor: %q is one argument too many", args[1])
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				f.plugin = args[0]
			} else if f.objects != nil || f.set != nil {
				return badUsage(c, "doctor: --object and --set are for a plugin")
			}
			return f.diagnose(c.Context(), hints)
		},
	}
	c.Flags().VarP(&f.output, "output", "o", "how to print it")
	c.Flags().BoolVar(&hints, "fix-hints", false, "say what to do about each cause")
	c.Flags().StringArrayVar(&f.objects, "object", nil, "eBPF object `FILE.o` that the plugin may patch (repeatable)")
	c.Flags().StringArrayVar(&f.set, "set", nil, "parameter of the plugin, `key=value` (repeatable)")
	a.dataFlag(c)
	return c
}

// diagnose checks, and prints what it found.
func (f *features) diagnose(ctx context.Context, hints bool) error {
	k := kernel.New(kernel.Options{})
	defer k.Close()
	d := doctorDoc{Schema: "bpfhost.doctor/v1", File: f.plugin, Checks: []checkDoc{}, Probes: []probeDoc{}, Causes: []causeDoc{}}
	var all []*spec.Collection
	if f.plugin != "" {
		var err error
		if all, err = f.collections(ctx); err != nil {
			return err
		}
	}
	checks := k.Checks()
	for _, c := range checks {
		d.Checks = append(d.Checks, checkDoc{c.Name, string(c.Result), c.Detail})
	}
	failed := slices.ContainsFunc(checks, func(c kernel.Check) bool { return c.Result == kernel.CheckFail })
	if f.plugin == "" {
		d.probeTypes(k)
		d.conclude(kernel.Conclude(checks))
	} else {
		d.tryFile(k, all)
		if failed {
			d.conclude(kernel.Conclude(slices.DeleteFunc(slices.Clone(checks), func(c kernel.Check) bool { return c.Result != kernel.CheckFail })))
		}
	}
	if err := d.print(f.app, f.output.value, hints); err != nil {
		return err
	}
	switch {
	case d.first != nil:
		return d.first
	case failed:
		return d.failure()
	}
	return nil
}

// failure is the error of a machine that loads nothing.
func (d *doctorDoc) failure() error {
	c := d.Causes[0]
	kind := kernel.ErrPermission
	switch c.Code {
	case kernel.CauseSyscall, kernel.CauseVersion, kernel.CauseOption, kernel.CauseBuild, kernel.CauseFiles, kernel.CauseMemory:
		kind = kernel.ErrNotSupported
	}
	return fmt.Errorf("no program can be loaded: %s%w", c.Text, silent{kind})
}

// conclude adds causes that are not there yet.
func (d *doctorDoc) conclude(causes []kernel.Cause) {
	for _, c := range causes {
		doc := causeDoc{c.Code, c.Text, c.Fix}
		if !slices.Contains(d.Causes, doc) {
			d.Causes = append(d.Causes, doc)
		}
	}
}

// probeTypes asks for all types of programs, and for hooks of tracing, which some kernels refuse.
func (d *doctorDoc) probeTypes(k *kernel.Kernel) {
	list := spec.Features(spec.FeatureProgramType)
	for _, t := range []spec.AttachType{spec.AttachTypeTraceFentry, spec.AttachTypeTraceFexit, spec.AttachTypeModifyReturn, spec.AttachTypeTraceIter} {
		list = append(list, t.Feature())
	}
	for i, err := range k.HasAll(list) {
		p := probeDoc{Name: list[i].String(), Result: "ok"}
		switch {
		case errors.Is(err, kernel.ErrNotSupported):
			p.Result, p.Detail = "missing", err.Error()
		case err != nil:
			p.Result, p.Detail = "denied", newFeatureDoc(list[i], err).Detail
		}
		d.Probes = append(d.Probes, p)
	}
}

// tryFile loads what the file has, and looks for what its programs are attached to.
func (d *doctorDoc) tryFile(k *kernel.Kernel, all []*spec.Collection) {
	needs := lint.Requirements(all...)
	if needs.BPFFS && !sys.BPFfs.Holds(sys.BPFfs.Roots[0]) {
		d.refuse(k, &sys.MountError{Type: sys.BPFfs.Type, Root: sys.BPFfs.Roots[0]}, nil)
	}
	for _, c := range all {
		for _, p := range c.Programs {
			probe := probeDoc{Name: p.Name, Result: "ok"}
			loaded, err := loader.Load(alone(c, p), loader.Options{Kernel: k, Programs: []string{p.Name}})
			if err == nil {
				loaded.Close()
			} else {
				probe.Result, probe.Detail = "refused", err.Error()
				if !p.Optional {
					d.refuse(k, err, p.Capabilities())
				}
			}
			d.Probes = append(d.Probes, probe)
		}
		for _, a := range c.Attach {
			if err := target(a); err != nil && !a.Optional {
				d.refuse(k, err, needs.Capabilities)
			}
		}
	}
}

// target looks for the tracepoint that a program is attached to.
func target(a spec.Attach) error {
	category, name, ok := strings.Cut(a.Target, "/")
	if a.Kind != spec.HookTracepoint || !ok {
		return nil
	}
	_, err := sys.Tracefs.ReadFile("events/" + category + "/" + name + "/id")
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("program %q: there is no tracepoint %s; the module that has it may not be loaded: %w", a.Program, a.Target, kernel.ErrNotSupported)
	}
	if err != nil {
		return fmt.Errorf("program %q: find tracepoint %s: %w", a.Program, a.Target, err)
	}
	return nil
}

// refuse notes that something of the file cannot be, and why.
func (d *doctorDoc) refuse(k *kernel.Kernel, err error, capabilities []string) {
	if d.first == nil {
		d.first = err
	}
	causes := k.Causes(err, capabilities...)
	if causes == nil { // the error says it
		causes = []kernel.Cause{{Code: "program", Text: err.Error()}}
	}
	d.conclude(causes)
}

// print prints the document.
func (d *doctorDoc) print(a app, how string, hints bool) error {
	if how == "json" {
		return writeJSON(a.out, d)
	}
	var t table
	var rows [][]string
	for _, c := range d.Checks {
		rows = append(rows, []string{c.Name, c.Result, c.Detail})
	}
	t.block([]string{"CHECK", "RESULT", "DETAIL"}, rows)
	rows = nil
	for _, p := range d.Probes {
		if d.File != "" || p.Result != "ok" {
			rows = append(rows, []string{p.Name, p.Result, p.Detail})
		}
	}
	t.block([]string{"PROGRAM", "RESULT", "DETAIL"}, rows)
	t.text("")
	if len(d.Causes) == 0 {
		t.text("nothing keeps programs from being loaded")
		return t.write(a.out)
	}
	for i, c := range d.Causes {
		t.text("%d. %s: %s", i+1, c.Code, c.Text)
		if hints && c.Fix != "" {
			t.text("   fix: %s", c.Fix)
		}
	}
	return t.write(a.out)
}
