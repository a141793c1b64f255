package lab

import (
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

// TestKernels runs every test that uses a kernel on every kernel of the lab and on this machine's own, and
// prints package × kernel. A skip needs a reason that a kernel can give; anything else is a failure.
// Virtual machines take a few minutes, so it runs only where BPFHOST_REQUIRE names the lab.
func TestKernels(t *testing.T) {
	need(t, Kernels[0].Name)
	s := Suite{Root: "../..", Packages: Packages, Only: Only, Env: []string{"BPFHOST_REQUIRE=kernel"}}
	jobs, err := s.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var runs []func() Column
	if os.Geteuid() == 0 {
		runs = append(runs, func() Column { return s.RunHere(t.Context(), jobs, nil) })
	}
	for _, k := range Kernels {
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
