package bench

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	rounds = flag.Int("rounds", 0, "rounds of TestRatios; 0 skips it")
	each   = flag.Duration("each", 150*time.Millisecond, "how long each side of a pair runs in each round of TestRatios")
	only   = flag.String("only", "", "only the tasks whose name contains this")
	area   = flag.String("area", "", "only the areas that start with this")
	cpu    = flag.Bool("cpu-time", false, "let TestRatios count the time that processors worked, not the time that passed")
	gate   = flag.Bool("gate", false, "let TestRatios fail when a goal is missed")
)

// areas has the pairs of every area. Each area is a file.
var areas = []struct {
	name  string
	pairs func(testing.TB) []Pair
}{
	{"asm", asmPairs},
	{"btf", btfPairs},
	{"elf", elfPairs},
}

// TestRatios prints how long we take compared with the peer.
func TestRatios(t *testing.T) {
	if *rounds <= 0 {
		t.Skip("run with -rounds 6 to measure")
	}
	for _, a := range areas {
		if !strings.HasPrefix(a.name, *area) {
			continue
		}
		pairs := slices.DeleteFunc(a.pairs(t), func(p Pair) bool { return !strings.Contains(p.Name, *only) })
		results, err := Run(pairs, Options{Rounds: *rounds, Each: *each, CPU: *cpu})
		if err != nil {
			t.Fatal(err)
		}
		if err := Print(os.Stdout, results); err != nil {
			t.Fatal(err)
		}
		for _, r := range results {
			if *gate && r.Median() > r.Pair.Goal {
				t.Errorf("%s: ratio %.3f, goal %.2f", r.Pair.Name, r.Median(), r.Pair.Goal)
			}
		}
	}
}

// BenchmarkPairs runs all pairs as ordinary benchmarks: -bench 'Pairs/decode'.
func BenchmarkPairs(b *testing.B) {
	for _, a := range areas {
		for _, p := range a.pairs(b) {
			for _, side := range []struct {
				name string
				f    func() error
			}{{"ours", p.Ours}, {"peer", p.Peer}} {
				b.Run(a.name+"/"+p.Name+"/"+side.name, func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						if err := side.f(); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(p.Per), "ns/"+p.Unit)
				})
			}
		}
	}
}

// TestPairsWork runs each side once, so that the benchmarks do not rot.
func TestPairsWork(t *testing.T) {
	for _, a := range areas {
		for _, p := range a.pairs(t) {
			if p.Per <= 0 || p.Unit == "" || p.Goal <= 0 {
				t.Errorf("%s/%s is not complete: %+v", a.name, p.Name, p)
			}
			if err := errors.Join(p.Ours(), p.Peer()); err != nil {
				t.Errorf("%s/%s: %v", a.name, p.Name, err)
			}
		}
	}
}

func TestRun(t *testing.T) {
	calls := 0
	p := Pair{Name: "nothing", Per: 2, Unit: "x", Goal: 0.5, Ours: func() error { calls++; return nil }, Peer: func() error { return nil }}
	r, err := Run([]Pair{p}, Options{Rounds: 4, Each: time.Millisecond})
	if err != nil || len(r) != 1 || len(r[0].Ratios) != 4 || calls < 8 || r[0].Median() <= 0 {
		t.Errorf("%+v, %v, %d calls", r, err, calls)
	}
	r[0].Ratios = []float64{0.4, 0.5, 0.7, 0.9}
	var out strings.Builder
	if err := Print(&out, r); err != nil || !strings.Contains(out.String(), "0.600") || !strings.Contains(out.String(), "MISSED") {
		t.Errorf("%v:\n%s", err, &out)
	}
	failing := p
	failing.Peer = func() error { return fmt.Errorf("no") }
	if _, err := Run([]Pair{failing}, Options{Rounds: 1, Each: time.Millisecond}); err == nil || err.Error() != "run the peer of nothing: no" {
		t.Error(err)
	}
	failing.Ours = failing.Peer
	if _, err := Run([]Pair{failing}, Options{Rounds: 1, Each: time.Millisecond}); err == nil || err.Error() != "run ours of nothing: no" {
		t.Error(err)
	}
}
