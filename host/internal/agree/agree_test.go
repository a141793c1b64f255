package agree

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/randprog"
)

var (
	programs    = flag.Int("programs", 200, "how many random programs to run")
	compiled    = flag.Int("compiled", 5, "run one random program in so many on compiled WebAssembly too")
	seed        = flag.Uint64("seed", 0, "first of the programs and packets")
	without     = flag.String("without", "", "forms of instructions that no program shall have, separated by commas")
	differences = flag.String("differences", "", "folder for programs that the kernel runs otherwise; default is one of the system's for temporary files")
)

// count is what came of random programs.
type count struct {
	programs, rejected, differ int
	kinds                      map[string]int // of differences with the kernel
	forms                      map[string]int
	machines                   []engine
}

// TestPrograms runs random programs on all engines. Each form must have been made.
func TestPrograms(t *testing.T) {
	k := newKernel(t)
	stay(t)
	o := randprog.Options{}
	if *without != "" {
		o.Without = strings.Split(*without, ",")
	}
	n := count{machines: machines(t), kinds: map[string]int{}, forms: map[string]int{}}
	for s := *seed; s < *seed+uint64(*programs); s++ {
		tryProgram(t, &n, k, randprog.New(s, o))
	}
	n.report(t, o.Without)
}

// tryProgram runs a case on all engines.
func tryProgram(t *testing.T, n *count, k engine, c *randprog.Case) {
	t.Helper()
	var want account
	n.programs++
	if k != nil {
		var err error
		want, err = runCase(k, c)
		switch {
		case rejected(err):
			n.rejected++
			t.Logf("seed %d: %v", c.Seed, err)
			return
		case err != nil:
			t.Fatalf("seed %d: %v", c.Seed, err)
		}
	}
	for f, made := range c.Forms {
		n.forms[f] += made
	}
	var first account
	engines := n.machines
	if c.Seed%uint64(*compiled) != 0 {
		engines = engines[:1]
	}
	for i, e := range engines {
		got, err := runCase(e, c)
		if err != nil {
			t.Fatalf("seed %d: %s: %v", c.Seed, e.name(), err)
		}
		if i == 0 {
			first = got
		} else if d := got.differs(first); d != "" {
			t.Errorf("seed %d: %s does not agree with the interpreter: %s", c.Seed, e.name(), d)
			return
		}
	}
	if k == nil {
		return
	}
	if d := first.differs(want); d != "" {
		n.differ++
		n.kinds[kind(d)]++
		for i, in := range c.Inputs {
			d += fmt.Sprintf("\ninput %d: packet %x context %x", i, in.Packet, in.Context)
		}
		t.Logf("seed %d: the kernel does not agree: %s", c.Seed, keep(t, fmt.Sprintf("seed%d", c.Seed), c.Collection, d))
	}
}

// kind returns what a difference is of, without the values.
func kind(difference string) string {
	_, d, ok := strings.Cut(difference, ": ")
	if !ok {
		d = difference
	}
	words := strings.Fields(d)
	return strings.Join(words[:min(2, len(words))], " ")
}

// keep writes what the kernel does otherwise to a file outside of the repository and returns its path.
func keep(t *testing.T, name string, c *spec.Collection, difference string) string {
	t.Helper()
	dir := *differences
	if dir == "" {
		dir = filepath.Join(os.TempDir(), "bpfhost-agree")
	}
	name = filepath.Join(dir, name+".txt")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, fmt.Appendf(nil, "%s, as the kernel has\n\n%s", difference, c), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// report says what came of the programs, and fails if a form was never made or too much was rejected.
func (n *count) report(t *testing.T, without []string) {
	t.Helper()
	t.Logf("%d programs, %d rejected by the verifier, %d differ from the kernel", n.programs, n.rejected, n.differ)
	for k, times := range n.kinds {
		t.Logf("%6d %s", times, k)
	}
	if n.rejected*20 > n.programs {
		t.Errorf("the verifier rejected %d of %d programs", n.rejected, n.programs)
	}
	for _, f := range randprog.Forms() {
		t.Logf("%8d %s", n.forms[f], f)
		if n.forms[f] == 0 && !slices.Contains(without, f) {
			t.Errorf("form %q was never made", f)
		}
	}
}
