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
	"sync"
	"time"
)

// Packages are those whose tests use a kernel.
var Packages = []string{"internal/sys", "internal/testnet", "core/asm", "core/btf", "core/spec/bind", "core/spec/lint", "core/spec/opt", "core/kernel",
	"core/loader", "core/vm", "core/link", "core/ring", "host/internal/isolate", "host", "cmd/bpfhost"}

// Only names the tests, as -run does, of packages of which few use a kernel. Emulated, the others
// take minutes.
var Only = map[string]string{
	"core/asm":       "^TestConformance$|OnKernel$",
	"core/btf":       "^TestKernel",
	"core/spec/bind": "^TestCoreSameAsLibbpf$",
	"core/spec/lint": "OnKernel$",
	"core/spec/opt":  "OnKernel$",
	"core/vm":        "^TestKernel",
}

// Not names the tests, as -skip does, whose outcome no kernel changes and that take long in an
// emulated machine: the scripts once more, in the other mode of running plugins, and plugins that
// attack what runs them. What reads the tests of all packages has none to read there.
var Not = map[string]string{
	"host":        "^TestAttack|^TestFailures$|^TestSecurityManual$",
	"cmd/bpfhost": "^TestScriptInProcess$",
}

// Suite is a set of packages whose tests run on kernels.
type Suite struct {
	Root     string            // top of the repository
	Packages []string          // as folders from there, e.g. "core/link"
	Only     map[string]string // by package, which tests to run; all where it names none
	Args     []string          // arguments of every test binary, e.g. -test.run=X; they win over Only
	Env      []string          // NAME=value for every test binary
	Cover    bool              // instrument the binaries
}

// Scenarios is the package whose tests run plugins in Go. They find them in the folder that the
// variable GuestsEnv names, as NAME.wasm, and compiled in its folder cache, which is one for
// XDG_CACHE_HOME. Without it they build them, for which the machine has no Go; compiling them there
// takes half a minute each.
const (
	Scenarios = "cmd/bpfhost"
	GuestsEnv = "BPFHOST_GUESTS"
	guestsDir = "/lab/guests" // in the machine
)

// Build compiles the test binaries, static, into dir, and returns a job for each package that has
// tests. A job's modules are those that the package's tests name by testenv.NeedModule, and its
// objects by sections.
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
		if err := s.command(ctx, []string{"GOOS=linux", "GOARCH=amd64"}, "go", append(args, "./"+p)...); err != nil {
			return nil, err
		}
		if _, err := os.Stat(bin); err != nil {
			continue // a package without tests
		}
		j := s.job(p, bin)
		var err error
		if j.Modules, err = namedModules(filepath.Join(s.Root, p)); err != nil {
			return nil, fmt.Errorf("find modules that %s names: %w", p, err)
		}
		if p == Scenarios {
			j.Files = map[string]string{guestsDir: guests}
			j.Env = append(slices.Clone(j.Env), GuestsEnv+"="+guestsDir)
		}
		jobs = append(jobs, j)
	}
	return jobs, nil
}

// buildGuests compiles the plugins in Go, guests/NAME/go, to dir/NAME.wasm, and fills dir/cache.
func (s Suite) buildGuests(ctx context.Context, dir string) error {
	sources, err := filepath.Glob(filepath.Join(s.Root, "guests", "*", "go", "main.go"))
	if err != nil {
		return err
	}
	bpfhost := filepath.Join(filepath.Dir(dir), "bpfhost")
	if err := s.command(ctx, nil, "go", "build", "-o", bpfhost, "./"+Scenarios); err != nil {
		return err
	}
	cache := []string{"XDG_CACHE_HOME=" + filepath.Join(dir, "cache")}
	for _, src := range sources {
		name := filepath.Base(filepath.Dir(filepath.Dir(src)))
		wasm := filepath.Join(dir, name+".wasm")
		err := s.command(ctx, []string{"GOOS=wasip1", "GOARCH=wasm", "GOFLAGS="}, "go", "build", "-buildmode=c-shared", "-trimpath",
			"-ldflags=-s -w", "-o", wasm, "./guests/"+name+"/go")
		if err == nil {
			err = s.command(ctx, cache, bpfhost, "inspect", wasm)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// command runs a program at the top of the repository.
func (s Suite) command(ctx context.Context, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = s.Root
	cmd.Env = slices.Concat(os.Environ(), []string{"CGO_ENABLED=0"}, env)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("run %s %s: %w\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
	return nil
}

func (s Suite) job(p, bin string) Job {
	// That a test hangs the machine sees by its silence, so this time is for one that writes
	// without end.
	j := Job{Name: p, Binary: bin, Dir: path.Join("/src", p), Env: s.Env,
		Args: []string{"-test.v", "-test.timeout=1h"}}
	if only := s.Only[p]; only != "" {
		j.Args = append(j.Args, "-test.run="+only)
	}
	if not := Not[p]; not != "" {
		j.Args = append(j.Args, "-test.skip="+not)
	}
	j.Args = append(j.Args, s.Args...)
	if s.Cover {
		j.Args = append(j.Args, "-test.gocoverdir="+CollectDir)
		j.Env = append([]string{"GOCOVERDIR=" + CollectDir}, j.Env...)
	}
	return j
}

// envHere is the job's environment with the machine's names of its files replaced by those they
// have here.
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
func (s Suite) RunOn(ctx context.Context, m Machine) Column {
	begun := time.Now()
	res, err := m.Run(ctx)
	return newColumn(m.Name(), m.Image.Release, res, time.Since(begun), err)
}

// RunHere runs the jobs on this machine's own kernel. ended may be nil.
func (s Suite) RunHere(ctx context.Context, jobs []Job, ended func(Result)) Column {
	begun := time.Now()
	var results []Result
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	for _, j := range jobs {
		if err != nil {
			break
		}
		// Nothing counts silence here: the tests end themselves.
		cmd := exec.CommandContext(ctx, j.Binary, append(slices.Clone(j.Args), "-test.timeout=10m")...)
		cmd.Dir = filepath.Join(s.Root, j.Name)
		cmd.Env = append(os.Environ(), j.envHere()...)
		t := time.Now()
		var out []byte
		out, err = cmd.CombinedOutput()
		r := Result{Job: j, Output: string(out), Time: time.Since(t)}
		if cmd.ProcessState != nil { // it ran; its exit code says the rest
			r.Exit, err = cmd.ProcessState.ExitCode(), ctx.Err()
			results = append(results, r)
			if ended != nil {
				ended(r)
			}
		}
	}
	return newColumn(Here, strings.TrimSpace(string(release)), results, time.Since(begun), err)
}

// Here is the name of the column of this machine's own kernel.
const Here = "host"

// Parallel calls each function, at most n at a time, and returns what they return in their order.
func Parallel(n int, fs []func() Column) []Column {
	cols := make([]Column, len(fs))
	slots := make(chan struct{}, max(n, 1))
	var g sync.WaitGroup
	for i, f := range fs {
		slots <- struct{}{}
		g.Go(func() {
			cols[i] = f()
			<-slots
		})
	}
	g.Wait()
	return cols
}
