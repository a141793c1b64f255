package lab

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

func TestRunHere(t *testing.T) {
	dir := t.TempDir()
	job := func(name, text string) Job {
		j := script(t, name, text)
		j.Name = "."
		return j
	}
	j := job("good", "echo '--- PASS: TestA (0s)'; cat $GIVEN")
	j.Env, j.Files = []string{"GIVEN=/lab/given", "OTHER=/lab"}, map[string]string{"/lab/given": filepath.Join(dir, "given")}
	if err := os.WriteFile(filepath.Join(dir, "given"), []byte("--- PASS: TestB (0s)\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var ended []int
	c := Suite{Root: dir}.RunHere(t.Context(), []Job{j}, func(r Result) { ended = append(ended, r.Exit) })
	if !c.OK() || c.Kernel != Here || c.Release == "" || c.Cells["."].Passed != 2 {
		t.Errorf("good: %+v", c)
	}
	c = Suite{Root: dir}.RunHere(t.Context(), []Job{job("bad", "exit 3")}, func(r Result) { ended = append(ended, r.Exit) })
	if c.OK() || c.Err != nil || c.Cells["."].Exit != 3 {
		t.Errorf("bad: %+v", c)
	}
	if !slices.Equal(ended, []int{0, 3}) {
		t.Errorf("ended with %v", ended)
	}
	if c := (Suite{Root: dir}).RunHere(t.Context(), []Job{{Name: ".", Binary: filepath.Join(dir, "missing")}}, nil); c.Err == nil || c.OK() {
		t.Errorf("missing: %+v", c)
	}
}

func TestParallel(t *testing.T) {
	var now, most atomic.Int32
	var fs []func() Column
	for _, k := range Kernels {
		fs = append(fs, func() Column {
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			defer now.Add(-1)
			return Column{Kernel: k.Name}
		})
	}
	cols := Parallel(2, fs)
	for i, c := range cols {
		if c.Kernel != Kernels[i].Name {
			t.Errorf("column %d is that of %s", i, c.Kernel)
		}
	}
	if most.Load() > 2 {
		t.Errorf("%d at a time", most.Load())
	}
	if got := len(Parallel(0, fs)); got != len(fs) {
		t.Errorf("%d columns", got)
	}
}

// TestBuild builds the tests of a package, and not those of another module.
func TestBuild(t *testing.T) {
	t.Setenv("CGO_ENABLED", "1") // which makes package net need libraries, of which the machine has none
	s := Suite{Root: "../..", Packages: []string{"internal/testenv", "internal/tools"}, Args: []string{"-test.run=X"}, Env: []string{"A=1"}}
	if _, err := s.Build(t.Context(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "internal/tools") {
		t.Errorf("a folder of another module: %v", err)
	}
	s.Packages = []string{"internal/testnet"}
	if jobs, err := s.Build(t.Context(), t.TempDir()); err != nil || len(jobs) != 1 || !isStatic(jobs[0].Binary) {
		t.Errorf("a package that uses net: %+v, %v", jobs, err)
	}
	s.Packages, s.Only = []string{"internal/testenv"}, map[string]string{"internal/testenv": "Y"}
	jobs, err := s.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if len(jobs) != 1 || jobs[0].Dir != "/src/internal/testenv" || !isStatic(jobs[0].Binary) || !slices.Equal(jobs[0].Args[2:], []string{"-test.run=Y", "-test.run=X"}) {
		t.Errorf("got %+v", jobs)
	}
}

// TestPackages finds the packages whose tests ask for a kernel: each must be in the matrix, or say
// why not.
func TestPackages(t *testing.T) {
	elsewhere := []string{
		"core/btf/render", "core/elf", "core/elf/elflink", "core/elf/elfwrite", // they read the kernel's types, and need bpftool
		"host/internal/sandbox", // it needs root, not a kernel
		"host/internal/agree",   // its random programs have the instructions of the newest kernels
		"bench",                 // another module, which needs compilers and the peers
	}
	for _, pattern := range []string{"../../*/*_test.go", "../../*/*/*_test.go", "../../*/*/*/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			p := filepath.ToSlash(strings.TrimPrefix(filepath.Dir(f), "../../"))
			if asks := regexp.MustCompile(`testenv\.(NeedKernel|NeedConfig|Refused|Kernel\b)`); asks.Match(b) &&
				!slices.Contains(Packages, p) && !slices.Contains(elsewhere, p) && !strings.HasPrefix(p, "internal/") {
				t.Errorf("%s asks for a kernel: add %s to Packages", f, p)
			}
		}
	}
	for p := range Only {
		if !slices.Contains(Packages, p) {
			t.Errorf("Only names %s, which is not in Packages", p)
		}
	}
}
