package lab

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Packages are those whose tests use a kernel.
var Packages = []string{"core/internal/sys", "core/netlab", "core/loader", "core/link", "core/ring", "host", "cmd/bpfhost"}

// Suite is a set of packages whose tests run on kernels.
type Suite struct {
	Root     string   // top of the repository
	Packages []string // as folders from there, e.g. "core/link"
	Args     []string // arguments of every test binary, e.g. -test.run=X
	Env      []string // NAME=value for every test binary
	Cover    bool     // instrument the binaries
}

// Scenarios is the package whose tests run plugins in Go. They find them in the folder that the variable
// GuestsEnv names, as NAME.wasm; without it they build them, for which the machine has no Go.
const (
	Scenarios = "cmd/bpfhost"
	GuestsEnv = "BPFHOST_GUESTS"
	guestsDir = "/lab/guests" // in the machine
)

// Build compiles the test binaries, static, into dir, and returns a job for each package that has tests.
func (s Suite) Build(ctx context.Context, dir string) ([]Job, error) {
	var jobs []Job
	guests := filepath.Join(dir, "guests")
	if slices.Contains(s.Packages, Scenarios) {
		if err := s.buildGuests(ctx, guests); err != nil {
			return nil, err
		}
	}
	for _, p := range s.Packages {
		bin := filepath.Join(dir, strings.ReplaceAll(p, "/", "_")+".test")
		args := []string{"test", "-c", "-o", bin}
		if s.Cover {
			args = append(args, "-cover", "-coverpkg=./core/...,./host/...")
		}
		cmd := exec.CommandContext(ctx, "go", append(args, "./"+p)...)
		cmd.Dir = s.Root
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build tests of %s: %w\n%s", p, err, out)
		}
		if _, err := os.Stat(bin); err != nil {
			continue // a package without tests
		}
		j := s.job(p, bin)
		if p == Scenarios {
			j.Files = map[string]string{guestsDir: guests}
			j.Env = append(slices.Clone(j.Env), GuestsEnv+"="+guestsDir)
		}
		jobs = append(jobs, j)
	}
	return jobs, nil
}

// buildGuests compiles the plugins in Go, guests/NAME/go, to dir/NAME.wasm.
func (s Suite) buildGuests(ctx context.Context, dir string) error {
	sources, err := filepath.Glob(filepath.Join(s.Root, "guests", "*", "go", "main.go"))
	if err != nil {
		return err
	}
	for _, src := range sources {
		name := filepath.Base(filepath.Dir(filepath.Dir(src)))
		cmd := exec.CommandContext(ctx, "go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w",
			"-o", filepath.Join(dir, name+".wasm"), "./guests/"+name+"/go")
		cmd.Dir = s.Root
		cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS=")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build plugin %s: %w\n%s", name, err, out)
		}
	}
	return nil
}

func (s Suite) job(p, bin string) Job {
	j := Job{Name: p, Binary: bin, Dir: path.Join("/src", p), Env: s.Env,
		Args: append([]string{"-test.v", "-test.timeout=5m"}, s.Args...)}
	if s.Cover {
		j.Args = append(j.Args, "-test.gocoverdir="+CollectDir)
		j.Env = append([]string{"GOCOVERDIR=" + CollectDir}, j.Env...)
	}
	return j
}

// envHere is the job's environment with the machine's names of its files replaced by those they have here.
func (j Job) envHere() []string {
	env := slices.Clone(j.Env)
	for i, e := range env {
		name, value, _ := strings.Cut(e, "=")
		if here, ok := j.Files[value]; ok {
			env[i] = name + "=" + here
		}
	}
	return env
}

// RunOn boots a machine, whose jobs are those of Build, and counts.
func (s Suite) RunOn(ctx context.Context, m Machine) (Column, error) {
	begun := time.Now()
	res, err := m.Run(ctx)
	return newColumn(m.Image.Kernel.Name, m.Image.Release, res, time.Since(begun)), err
}

// RunHere runs the jobs on this machine's own kernel.
func (s Suite) RunHere(ctx context.Context, jobs []Job) (Column, error) {
	begun := time.Now()
	var results []Result
	for _, j := range jobs {
		cmd := exec.CommandContext(ctx, j.Binary, j.Args...)
		cmd.Dir = filepath.Join(s.Root, j.Name)
		cmd.Env = append(os.Environ(), j.envHere()...)
		t := time.Now()
		out, err := cmd.CombinedOutput()
		r := Result{Job: j, Output: string(out), Time: time.Since(t)}
		if err != nil {
			if r.Exit = cmd.ProcessState.ExitCode(); cmd.ProcessState == nil {
				return Column{}, fmt.Errorf("run %s: %w", j.Name, err)
			}
		}
		results = append(results, r)
	}
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return Column{}, err
	}
	return newColumn("host", strings.TrimSpace(string(release)), results, time.Since(begun)), nil
}
