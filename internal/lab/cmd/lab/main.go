// Command lab runs the tests of packages on other kernels, in the manner of go test:
//
//	go run ./internal/lab/cmd/lab -kernel 6.12 ./core/link -run XDP
//
// -kernel all runs on every kernel and prints a table; -shell gives a shell in the machine.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/bpfhost/bpfhost/internal/lab"
)

type options struct {
	kernel, vmlinuz, run, cover, require string
	deadline                             time.Duration
	shell                                bool
	packages                             []string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code, err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// parse takes flags before and after the packages, as go test does.
func parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("lab", flag.ContinueOnError)
	f.StringVar(&o.kernel, "kernel", "6.12", "kernel to boot, or all")
	f.StringVar(&o.vmlinuz, "vmlinuz", "", "boot this kernel image instead; modules come from -kernel")
	f.StringVar(&o.run, "run", "", "run only tests that match this expression")
	f.StringVar(&o.cover, "coverprofile", "", "write a coverage profile of the run to this file")
	f.StringVar(&o.require, "require", "kernel", "BPFHOST_REQUIRE in the machine")
	f.DurationVar(&o.deadline, "deadline", 5*time.Minute, "end the machine after this time")
	f.BoolVar(&o.shell, "shell", false, "give a shell in the machine; poweroff -f ends it")
	for {
		if err := f.Parse(args); err != nil {
			return o, err
		}
		if f.NArg() == 0 {
			return o, nil
		}
		p := strings.TrimPrefix(filepath.ToSlash(filepath.Clean(f.Arg(0))), "./")
		o.packages = append(o.packages, p)
		args = f.Args()[1:]
	}
}

func run(ctx context.Context, args []string) (int, error) {
	o, err := parse(args)
	if err != nil {
		return 2, nil // the flag package has said why
	}
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return 1, fmt.Errorf("find the repository: %w", err)
	}
	root := strings.TrimSpace(string(out))
	kernels := lab.Kernels
	if o.kernel != "all" {
		k, err := lab.Find(o.kernel)
		if err != nil {
			return 2, err
		}
		kernels = []lab.Kernel{k}
	}
	if o.shell {
		return 0, shell(ctx, kernels[0], o, root)
	}
	if len(o.packages) == 0 {
		o.packages = lab.Packages
	}
	return test(ctx, kernels, o, root)
}

func shell(ctx context.Context, k lab.Kernel, o options, root string) error {
	img, err := lab.Store{Log: os.Stderr}.Image(ctx, k)
	if err != nil {
		return err
	}
	_, err = lab.Machine{Image: img, Vmlinuz: o.vmlinuz, Tree: root, Shell: true, Deadline: 8 * time.Hour}.Run(ctx)
	return err
}

func test(ctx context.Context, kernels []lab.Kernel, o options, root string) (int, error) {
	dir, err := os.MkdirTemp("", "lab-tests-*")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	s := lab.Suite{Root: root, Packages: o.packages, Env: []string{"BPFHOST_REQUIRE=" + o.require}, Cover: o.cover != ""}
	if o.run != "" {
		s.Args = []string{"-test.run=" + o.run}
	}
	jobs, err := s.Build(ctx, dir)
	if err != nil {
		return 1, err
	}
	code := 0
	var cols []lab.Column
	for _, k := range kernels {
		img, err := lab.Store{Log: os.Stderr}.Image(ctx, k)
		if err != nil {
			return 1, err
		}
		m := lab.Machine{Image: img, Vmlinuz: o.vmlinuz, Jobs: jobs, Tree: root, Output: os.Stdout, Deadline: o.deadline}
		if o.cover != "" {
			m.Coverage = filepath.Join(dir, k.Name+".tar")
		}
		col, err := s.RunOn(ctx, m)
		if err != nil {
			return 1, err
		}
		if !col.OK() {
			code = 1
		}
		cols = append(cols, col)
	}
	if err := lab.WriteTable(os.Stdout, o.packages, cols); err != nil {
		return 1, err
	}
	if o.cover != "" {
		return code, profile(ctx, dir, kernels, o.cover)
	}
	return code, nil
}

// profile merges the coverage of every machine into one text profile.
func profile(ctx context.Context, dir string, kernels []lab.Kernel, to string) error {
	var dirs []string
	for _, k := range kernels {
		d := filepath.Join(dir, "cover-"+k.Name)
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
		if out, err := exec.CommandContext(ctx, "tar", "-xf", filepath.Join(dir, k.Name+".tar"), "-C", d).CombinedOutput(); err != nil {
			return fmt.Errorf("unpack coverage of %s: %w: %s", k.Name, err, out)
		}
		dirs = append(dirs, d)
	}
	out, err := exec.CommandContext(ctx, "go", "tool", "covdata", "textfmt", "-i="+strings.Join(dirs, ","), "-o="+to).CombinedOutput()
	if err != nil {
		return fmt.Errorf("write coverage profile: %w: %s", err, out)
	}
	return nil
}
