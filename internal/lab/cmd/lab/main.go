// Command lab runs the tests of packages on other kernels, in the manner of go test:
//
//	go run ./internal/lab/cmd/lab -kernel 6.12 ./core/link -run XDP
//
// -kernel all runs on every kernel and prints a table; -shell runs a shell in the machine; -facts
// takes from the kernels what tests without a kernel need of them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/bpfhost/bpfhost/internal/lab"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code, err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if ctx.Err() != nil {
		code, err = 130, errors.New("interrupted; the machine is gone")
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (int, error) {
	o, err := parse(args, stderr)
	if err != nil {
		return 2, nil // the flag package has said why
	}
	if err := lab.CheckTools(); err != nil {
		return 1, err
	}
	s := lab.Store{Log: stderr}
	if o.facts {
		return 0, facts(ctx, s, o.kernels, stdout)
	}
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return 1, fmt.Errorf("find the repository: %w", err)
	}
	root := strings.TrimSpace(string(out))
	if o.shell {
		return 0, shell(ctx, s, o, root)
	}
	return test(ctx, s, o, root, stdout)
}

func facts(ctx context.Context, s lab.Store, kernels []lab.Kernel, stdout io.Writer) error {
	for _, k := range kernels {
		f, err := s.CollectFacts(ctx, k)
		if err != nil {
			return err
		}
		fmt.Fprintf(stdout, "%s  %s\n", k.Name, f.Release)
		for _, name := range []string{f.VmlinuxBTF, f.ModuleBTF, f.Config, f.Kallsyms} {
			if name != "" {
				fmt.Fprintf(stdout, "    %s\n", name)
			}
		}
	}
	return nil
}

func shell(ctx context.Context, s lab.Store, o options, root string) error {
	dir, err := os.MkdirTemp("", "lab-image-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	imgs, err := images(ctx, s, o, dir)
	if err != nil {
		return err
	}
	_, err = lab.Machine{Image: imgs[0], Vmlinuz: o.vmlinuz, Modules: o.modules, Without: o.without, Tree: root, Shell: true}.Run(ctx)
	return err
}

// images returns the kernels that the command line names, fetched, or unpacked below dir.
func images(ctx context.Context, store lab.Store, o options, dir string) ([]*lab.Image, error) {
	if o.image != "" {
		img, err := lab.OpenImage(ctx, o.image, dir)
		return []*lab.Image{img}, err
	}
	var imgs []*lab.Image
	for _, k := range o.kernels {
		img, err := store.Image(ctx, k)
		if err != nil {
			return nil, err
		}
		imgs = append(imgs, img)
	}
	return imgs, nil
}

func test(ctx context.Context, store lab.Store, o options, root string, stdout io.Writer) (int, error) {
	dir, err := os.MkdirTemp("", "lab-tests-*")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	s := lab.Suite{Root: root, Packages: o.packages, Only: o.only, Env: []string{"BPFHOST_REQUIRE=" + o.require}, Cover: o.cover != ""}
	if o.run != "" {
		s.Args = []string{"-test.run=" + o.run}
	}
	if o.short {
		s.Args = append(s.Args, "-test.short")
	}
	jobs, err := s.Build(ctx, dir)
	if err != nil {
		return 1, err
	}
	imgs, err := images(ctx, store, o, dir)
	if err != nil {
		return 1, err
	}
	p := printer{w: stdout, verbose: o.verbose}
	var runs []func() lab.Column
	for _, img := range imgs {
		m := lab.Machine{Image: img, Vmlinuz: o.vmlinuz, Jobs: jobs, Modules: o.modules, Without: o.without, Tree: root, Silence: o.silence}
		m.Output, m.Ended = p.output(m.Name()), p.ended(m.Name())
		if o.cover != "" {
			m.Collect = filepath.Join(dir, "cover-"+m.Name())
		}
		runs = append(runs, func() lab.Column { return s.RunOn(ctx, m) })
	}
	cols := lab.Parallel(o.parallel, runs)
	if ctx.Err() != nil {
		return 1, ctx.Err()
	}
	code := 0
	for _, c := range cols {
		if c.Err != nil {
			fmt.Fprintln(stdout, "lab:", c.Err)
		}
		if !c.OK() {
			code = 1
		}
	}
	fmt.Fprintln(stdout)
	if err := lab.WriteTable(stdout, o.packages, cols); err != nil {
		return 1, err
	}
	if o.cover != "" {
		return code, profile(ctx, dir, cols, o.cover)
	}
	return code, nil
}

// profile merges the coverage of every machine into one text profile.
func profile(ctx context.Context, dir string, cols []lab.Column, to string) error {
	var dirs []string
	for _, c := range cols {
		dirs = append(dirs, filepath.Join(dir, "cover-"+c.Kernel))
	}
	out, err := exec.CommandContext(ctx, "go", "tool", "covdata", "textfmt", "-i="+strings.Join(dirs, ","), "-o="+to).CombinedOutput()
	if err != nil {
		return fmt.Errorf("write coverage profile: %w: %s", err, out)
	}
	return nil
}
