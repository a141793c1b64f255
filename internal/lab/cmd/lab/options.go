package main

import (
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/bpfhost/bpfhost/internal/lab"
)

// options is what the command line says.
type options struct {
	kernels        []lab.Kernel
	image, vmlinuz string
	run, cover     string
	require        string
	named          bool // -kernel is given
	silence        time.Duration
	shell, facts   bool
	verbose, short bool
	parallel       int      // machines at a time
	modules        []string // further kernel modules to load
	without        []lab.Feature
	packages       []string // as folders from the top of the repository; never empty
	only           map[string]string
}

// parse takes flags before, between and after the packages, as go test does. What is wrong it also
// writes.
func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("lab", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() {
		fmt.Fprintln(stderr, "usage: lab [flags] [packages]\n\nIt runs the tests of the packages, or of all that use a kernel, on a kernel of the lab.")
		f.PrintDefaults()
	}
	kernel := f.String("kernel", "6.12", "kernels to boot, separated by commas, or all")
	f.StringVar(&o.image, "image", "", "boot the kernel of this folder or Debian package in place of -kernel")
	f.StringVar(&o.vmlinuz, "vmlinuz", "", "boot this kernel image instead; modules come from -kernel")
	f.StringVar(&o.run, "run", "", "run only tests that match this expression")
	f.BoolVar(&o.short, "short", false, "run the tests with -short")
	f.StringVar(&o.cover, "coverprofile", "", "write a coverage profile of the run to this file")
	f.StringVar(&o.require, "require", "kernel", "BPFHOST_REQUIRE in the machine")
	f.DurationVar(&o.silence, "silence", lab.DefaultSilence, "end a machine whose tests write nothing for so long")
	f.Func("modules", "load these modules too, separated by commas", func(s string) error {
		o.modules = append(o.modules, strings.Split(s, ",")...)
		return nil
	})
	f.Func("without", "boot machines that lack these: bpf-lsm, sys or btf, separated by commas", func(s string) error {
		fs, err := lab.ParseFeatures(s)
		o.without = append(o.without, fs...)
		return err
	})
	f.BoolVar(&o.verbose, "v", false, "show the output of every test, as it comes, not only of those that fail")
	f.IntVar(&o.parallel, "parallel", runtime.NumCPU(), "boot so many machines at a time")
	f.BoolVar(&o.shell, "shell", false, "give a shell in the machine; poweroff -f ends it")
	f.BoolVar(&o.facts, "facts", false, "take type information, symbols and configuration from the kernel into the cache")
	for {
		if err := f.Parse(args); err != nil {
			return o, err
		}
		if f.NArg() == 0 {
			break
		}
		o.packages = append(o.packages, folder(f.Arg(0)))
		args = f.Args()[1:]
	}
	if len(o.packages) == 0 {
		o.packages, o.only = lab.Packages, lab.Only
	}
	f.Visit(func(g *flag.Flag) { o.named = o.named || g.Name == "kernel" })
	err := o.pick(*kernel)
	if err != nil {
		fmt.Fprintln(stderr, "lab:", err)
	}
	return o, err
}

// folder makes "core/link" of the forms that go test takes.
func folder(arg string) string {
	return strings.TrimPrefix(filepath.ToSlash(filepath.Clean(arg)), "./")
}

// pick finds the kernels and refuses flags that do not go together.
func (o *options) pick(kernel string) error {
	var err error
	if o.kernels, err = lab.Select(kernel); err != nil {
		return err
	}
	switch {
	case o.image != "" && (o.named || o.vmlinuz != ""):
		return fmt.Errorf("-image is a kernel of its own: leave out -kernel and -vmlinuz")
	case o.without != nil && o.facts:
		return fmt.Errorf("-facts is for whole machines: leave out -without")
	case o.image != "" && o.facts:
		return fmt.Errorf("-facts is for kernels of the lab, not for -image")
	case len(o.kernels) > 1 && o.shell:
		return fmt.Errorf("-shell is for one kernel: name it with -kernel")
	case len(o.kernels) > 1 && o.vmlinuz != "":
		return fmt.Errorf("-vmlinuz replaces one kernel: name it with -kernel")
	case o.facts && o.vmlinuz != "":
		return fmt.Errorf("-facts is for kernels of the lab, not for -vmlinuz")
	}
	return nil
}
