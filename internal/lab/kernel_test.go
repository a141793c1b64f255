package lab

import (
	"cmp"
	"os"
	"runtime"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	if _, err := Find("6.12"); err != nil {
		t.Error(err)
	}
	if _, err := Find("2.6"); err == nil || !strings.Contains(err.Error(), "there are 5.10, 6.1") {
		t.Errorf("got %v", err)
	}
}

func TestSelect(t *testing.T) {
	for list, want := range map[string]int{"all": len(Kernels), "6.1": 1, "5.10,7.x": 2} {
		if ks, err := Select(list); err != nil || len(ks) != want {
			t.Errorf("%s: %v, %v", list, ks, err)
		}
	}
	for _, list := range []string{"", "5.10,", "5.10,all"} {
		if _, err := Select(list); err == nil {
			t.Errorf("%q is not an error", list)
		}
	}
}

// kernelsEnv names the kernels that TestKernels and TestVerifierLogs boot, as Select reads them.
// Without it they boot all.
const kernelsEnv = "BPFHOST_LAB_KERNELS"

// chosen returns those kernels.
func chosen(t *testing.T) []Kernel {
	t.Helper()
	ks, err := Select(cmp.Or(os.Getenv(kernelsEnv), "all"))
	if err != nil {
		t.Fatalf("%s: %v", kernelsEnv, err)
	}
	return ks
}

// TestKernels runs every test that uses a kernel on the chosen kernels of the lab and on this
// machine's own, and prints package × kernel. A skip needs a reason that a kernel can have;
// anything else is a failure. Virtual machines take a few minutes, so it runs only where
// BPFHOST_REQUIRE names the lab.
func TestKernels(t *testing.T) {
	kernels := chosen(t)
	need(t, kernels[0].Name)
	s := Suite{Root: "../..", Packages: Packages, Only: Only, Env: []string{"BPFHOST_REQUIRE=kernel"}}
	if testing.Short() {
		s.Args = []string{"-test.short"}
	}
	jobs, err := s.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var runs []func() Column
	if os.Geteuid() == 0 {
		runs = append(runs, func() Column { return s.RunHere(t.Context(), jobs, nil) })
	}
	for _, k := range kernels {
		m := Machine{Image: need(t, k.Name), Jobs: jobs, Tree: s.Root}
		runs = append(runs, func() Column { return s.RunOn(t.Context(), m) })
	}
	cols := Parallel(runtime.NumCPU(), runs)
	var b strings.Builder
	if err := WriteTable(&b, Packages, cols); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + b.String())
	for _, c := range cols {
		for name, cell := range c.Cells {
			for _, f := range cell.Failures {
				t.Errorf("kernel %s (%s): %s %s:\n%s", c.Kernel, c.Release, name, f.Test, f.Output)
			}
		}
		if c.Err != nil {
			t.Error(c.Err)
		}
		if !c.OK() {
			t.Errorf("kernel %s: see the table", c.Kernel)
		}
	}
}
